"""Records to numbers: what a model scored and what it cost, and how two models differ.

Rollouts of one question are alike, so questions are the unit: the repeats of a question are
averaged first. The records of one model give intervals over questions: they say how sure its mean
is, and nothing about the next job. The records of several models are those of as many jobs, one
seed each, and every interval then resamples jobs and questions. Rollouts without a reward
(discarded because a tool, the grader or the API failed) count only in `discarded`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from buildhour_helpers.analysis.statistics import (
    Floats,
    Interval,
    best_of_n,
    mean_interval,
    paired_change,
    paired_difference,
)
from rft_wire.records import RolloutRecord


def latency_s(record: RolloutRecord) -> float:
    """Simulated latency if there is one (comparable between machines), else wall time."""
    simulated_s = record.metrics.simulated_latency_s
    return record.metrics.latency_s if simulated_s is None else simulated_s


MEASURES: Mapping[str, Callable[[RolloutRecord], float]] = {
    "reward": lambda record: record.reward or 0.0,
    "accuracy": lambda record: float(record.correct),
    "tool_calls": lambda record: record.metrics.tool_calls,
    "turns": lambda record: record.metrics.turns,
    "reasoning_tokens": lambda record: record.metrics.reasoning_tokens,
    "latency_s": latency_s,
}
"""What is summarised of a rollout, by name."""


def graded(records: Iterable[RolloutRecord]) -> list[RolloutRecord]:
    """The rollouts that have a reward."""
    return [record for record in records if record.reward is not None]


def by_question(records: Iterable[RolloutRecord]) -> dict[str, list[RolloutRecord]]:
    """The graded rollouts of each question, in the order of the records."""
    groups: dict[str, list[RolloutRecord]] = defaultdict(list)
    for record in graded(records):
        groups[record.question_id].append(record)
    return dict(groups)


def question_means(records: Iterable[RolloutRecord], measure: str) -> dict[str, float]:
    """The mean of a measure over the repeats of each question."""
    of = MEASURES[measure]
    return {question: fmean(map(of, repeats)) for question, repeats in by_question(records).items()}


@dataclass(frozen=True)
class Summary:
    """One model, or one per job, on a set of questions. `measures` has an interval for each of
    `MEASURES`."""

    model: str
    jobs: int
    questions: int
    rollouts: int
    discarded: int
    measures: Mapping[str, Interval]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, as `demo --json` writes them."""
        reward = self.measures["reward"]
        return {
            "model": self.model,
            "mean_reward": reward.value,
            "ci95": [reward.low, reward.high],
            "accuracy": self.measures["accuracy"].value,
            "tool_calls_mean": self.measures["tool_calls"].value,
            "turns_mean": self.measures["turns"].value,
            "reasoning_tokens_mean": self.measures["reasoning_tokens"].value,
            "latency_s_mean": self.measures["latency_s"].value,
            "rollouts": self.rollouts,
        }


def summarise(records: Sequence[RolloutRecord], *, seed: int = 0) -> Summary:
    """Summarise the rollouts of one model, or of one per job on the questions that all answered.

    Raises ValueError if none was graded.
    """
    jobs = _by_job(records)
    questions = _shared(jobs) if jobs else []
    if not questions:
        raise ValueError(f"none of {len(records)} rollouts has a reward; see their errors")
    kept = graded(records)
    return Summary(
        model=", ".join(jobs),
        jobs=len(jobs),
        questions=len(questions),
        rollouts=len(kept),
        discarded=len(records) - len(kept),
        measures={
            name: mean_interval(_table(jobs, name, questions), seed=seed) for name in MEASURES
        },
    )


@dataclass(frozen=True)
class Comparison:
    """After against before, paired by question: differences, and relative changes of the costs."""

    jobs: int
    questions: int
    difference: Mapping[str, Interval]
    change: Mapping[str, Interval]  # -0.25 is a quarter less; only if `before` is above zero


def compare(
    before: Sequence[RolloutRecord], after: Sequence[RolloutRecord], *, seed: int = 0
) -> Comparison:
    """Compare two models, or one model with one per job, on the questions that all answered.

    Raises ValueError if they share none.
    """
    sides = _by_job(before), _by_job(after)
    shared = _shared(*sides) if all(sides) else []
    if not shared:
        raise ValueError("the two have no question in common")
    pairs = {name: [_table(side, name, shared) for side in sides] for name in MEASURES}
    return Comparison(
        jobs=max(map(len, sides)),
        questions=len(shared),
        difference={name: paired_difference(*pair, seed=seed) for name, pair in pairs.items()},
        change={
            name: paired_change(*pair, seed=seed)
            for name, pair in pairs.items()
            if name not in ("reward", "accuracy") and pair[0].sum() > 0
        },
    )


def _by_job(records: Iterable[RolloutRecord]) -> dict[str, list[RolloutRecord]]:
    """The rollouts of each model."""
    jobs: dict[str, list[RolloutRecord]] = defaultdict(list)
    for record in records:
        jobs[record.model].append(record)
    return dict(jobs)


def _shared(*sides: Mapping[str, Sequence[RolloutRecord]]) -> list[str]:
    """The questions that every job has a graded rollout of, in the order of the first."""
    groups = [by_question(records) for side in sides for records in side.values()]
    return [question for question in groups[0] if all(question in other for other in groups)]


def _table(
    jobs: Mapping[str, Sequence[RolloutRecord]], measure: str, questions: Sequence[str]
) -> Floats:
    """A row for each job: the mean of a measure over the repeats of each question."""
    means = [question_means(records, measure) for records in jobs.values()]
    return np.array([[of_job[question] for question in questions] for of_job in means])


def varying_share(records: Iterable[RolloutRecord]) -> float:
    """The share of questions whose repeats score differently: only those can teach.

    Questions with fewer than two graded repeats are left out. Raises ValueError if none is left.
    """
    groups = [repeats for repeats in by_question(records).values() if len(repeats) > 1]
    if not groups:
        raise ValueError("no question has two graded rollouts; evaluate with repeats=2 or more")
    return fmean(len({record.reward for record in repeats}) > 1 for repeats in groups)


def mean_best_of_n(records: Iterable[RolloutRecord], n: int) -> float:
    """The mean over questions of the expected best of `n` rollouts.

    Raises ValueError if a question has fewer than n graded rollouts.
    """
    groups = by_question(records).values()
    return fmean(best_of_n([record.reward or 0.0 for record in repeats], n) for repeats in groups)
