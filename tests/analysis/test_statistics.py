"""The formulas against known cases and against plain enumeration."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from statistics import fmean

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from buildhour_helpers.analysis.statistics import (
    agreement,
    best_of_n,
    bootstrap,
    mean_interval,
    paired_change,
    paired_difference,
    spearman,
)

REWARDS = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=7)


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    """For many values the bootstrap's interval is mean +- 1.96 standard errors."""
    values = np.random.default_rng(1).normal(0.5, 0.2, 2_000)
    interval = mean_interval(values)
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert interval.value == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=half * 0.05)
    assert interval.high == pytest.approx(values.mean() + half, abs=half * 0.05)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    covered = 0
    for trial in range(300):
        sample = random.random(50) < 0.3
        interval = bootstrap([sample], lambda mean: mean, seed=trial, resamples=1_000)
        covered += interval.low <= 0.3 <= interval.high
    assert 0.90 <= covered / 300 <= 0.98


def test_pairing_takes_out_what_the_questions_share() -> None:
    random = np.random.default_rng(3)
    difficulty = random.random(200)
    before = difficulty + random.normal(0, 0.01, 200)
    after = difficulty + 0.02 + random.normal(0, 0.01, 200)
    paired = paired_difference(before, after)
    assert paired.value == pytest.approx(0.02, abs=0.004)
    assert paired.is_clear_of_zero
    shuffled = paired_difference(before, random.permutation(after))
    assert not shuffled.is_clear_of_zero
    assert shuffled.high - shuffled.low > 10 * (paired.high - paired.low)


def coverage(spread_of_jobs: float, spread_of_questions: float, *, resample_jobs: bool) -> float:
    """How often the interval holds the truth, 0, over studies of five jobs on 60 questions."""
    random = np.random.default_rng(7)
    covered = 0
    for study in range(200):
        jobs = random.normal(0, spread_of_jobs, (5, 1))
        questions = random.normal(0, spread_of_questions, 60)
        gains = jobs + questions + random.normal(0, 0.1, (5, 60))
        column = gains if resample_jobs else gains.mean(axis=0)
        interval = bootstrap([column], lambda mean: mean, seed=study, resamples=1_000)
        covered += interval.low <= 0 <= interval.high
    return covered / 200


def test_without_the_jobs_an_interval_is_far_too_narrow() -> None:
    """Jobs that differ by more than questions do: averaging over them first hides that."""
    assert coverage(0.2, 0.1, resample_jobs=False) < 0.4
    assert coverage(0.2, 0.1, resample_jobs=True) > 0.8  # five are few: not yet 0.95


def test_jobs_and_questions_together_cover_as_often_as_they_say() -> None:
    assert 0.90 <= coverage(0.05, 0.4, resample_jobs=True) <= 0.99


def test_a_baseline_is_shared_by_all_jobs() -> None:
    """One row before, a row for each job after: every resample pairs the questions."""
    difficulty = np.random.default_rng(9).random(80)
    gains = np.array([[0.1], [0.2], [0.3]])
    found = paired_difference(difficulty, difficulty + gains)
    # Only which jobs were drawn is left to vary: the mean of three of 0.1, 0.2 and 0.3.
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.1, 0.3))
    alike = mean_interval(np.tile(difficulty, (5, 1)))
    assert alike == mean_interval(difficulty), "jobs that agree add nothing"
    change = paired_change([8.0, 4.0, 6.0], [6.0, 3.0, 4.5])
    assert (change.value, change.low) == pytest.approx((-0.25, -0.25))


def test_two_questions_can_be_enumerated() -> None:
    """Of two values 0 and 1 a resample's mean is 0, 0.5, 0.5 or 1, each as likely."""
    interval = bootstrap([[0, 1]], lambda mean: mean, level=0.4)
    assert (interval.low, interval.value, interval.high) == (0.5, 0.5, 0.5)
    wide = bootstrap([[0, 1]], lambda mean: mean, level=0.6)
    assert (wide.low, wide.high) == (0.0, 1.0)
    values = np.random.default_rng(4).random(700)  # more than one block of resamples
    assert mean_interval(values, seed=5) == mean_interval(values, seed=5)
    assert mean_interval(values, seed=5) != mean_interval(values, seed=6)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: mean_interval([]), "empty"),
        (lambda: paired_difference([1.0], [1.0, 2.0]), "same shape"),
        (lambda: paired_difference([[1.0], [2.0]], [[1.0], [2.0], [3.0]]), "same shape"),
        (lambda: best_of_n([0.0, 1.0, 0.5], 0), "run more repeats"),
        (lambda: best_of_n([0.0, 1.0, 0.5], 4), "run more repeats"),
        (lambda: agreement([], []), "no scores"),
    ],
)
def test_a_sample_that_answers_nothing_is_refused(wrong: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()


@given(REWARDS, st.data())
def test_best_of_n_is_the_mean_over_all_choices(rewards: list[float], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(rewards)))
    bests = [max(chosen) for chosen in itertools.combinations(rewards, n)]
    assert best_of_n(rewards, n) == pytest.approx(fmean(bests))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=30))
@example([(1, 5), (2, 6), (3, 7), (4, 8), (5, 7)])
@example([(0, 1), (1, 1)])  # one never varies: it ranks nothing
def test_spearman_agrees_with_pandas(pairs: list[tuple[int, int]]) -> None:
    table = pd.DataFrame(pairs, columns=["first", "second"])
    expected = table["first"].rank().corr(table["second"].rank())
    assert spearman(table["first"], table["second"]) == pytest.approx(expected, nan_ok=True)


def test_agreement_counts_each_pair_of_scores() -> None:
    human = [1.0, 1.0, 0.5, 0.0, 0.0]
    grader = [1.0, 0.5, 0.5, 0.0, 1.0]
    found = agreement(human, grader)
    assert found.levels == (0.0, 0.5, 1.0)
    assert found.counts.tolist() == [[1, 0, 1], [0, 1, 0], [0, 1, 1]]
    assert found.exact == 0.6
    assert found.too_generous == 1
