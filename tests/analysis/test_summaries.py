"""Summaries and comparisons of records, and the tables made of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from buildhour_helpers.analysis.summaries import (
    MEASURES,
    compare,
    mean_best_of_n,
    summarise,
    varying_share,
)
from buildhour_helpers.analysis.tables import summary_table
from buildhour_helpers.rollouts import Metrics, RolloutRecord


def record(question: str, repeat: int, reward: float | None, **more: Any) -> RolloutRecord:
    """A rollout; `more` are fields of it or of its metrics."""
    calls = more.pop("calls", 4)
    metrics = Metrics(
        turns=calls + 1,
        tool_calls=calls,
        tool_calls_by_name={"cat": 1, "search": calls - 1},
        reasoning_tokens=more.pop("tokens", 100),
        latency_s=0.5,
        simulated_latency_s=more.pop("simulated_s", 2.0),
    )
    values = {"model": "base", "reward": reward, "correct": reward == 1.0, **more}
    return RolloutRecord(question, repeat, trace_id="t", metrics=metrics, **values)


BASE = [
    record("q1", 0, 0.0),
    record("q1", 1, 1.0),
    record("q2", 0, 0.5),
    record("q2", 1, 0.5),
    record("q3", 0, None),
    record("q3", 1, 1.0),
]
TUNED = [
    record(question, repeat, 1.0, calls=3, tokens=50, model="tuned")
    for question in ("q3", "q2", "q1")
    for repeat in range(2)
]


def test_repeats_are_averaged_within_their_question_first() -> None:
    summary = summarise(BASE)
    assert summary.measures["reward"].value == pytest.approx((0.5 + 0.5 + 1.0) / 3)
    assert summary.measures["accuracy"].value == pytest.approx((0.5 + 0.0 + 1.0) / 3)
    assert (summary.questions, summary.rollouts, summary.discarded) == (3, 5, 1)
    timed = [record("q", 0, 1.0, simulated_s=None)]  # by the clock
    assert summarise(timed).measures["latency_s"].value == 0.5
    with pytest.raises(ValueError, match="none of 1 rollouts has a reward"):
        summarise([record("q", 0, None)])


def test_the_comparison_is_paired_by_question_whatever_the_order() -> None:
    comparison = compare(BASE, TUNED)
    assert comparison.questions == 3
    assert comparison.difference["reward"].value == pytest.approx(1 / 3)
    assert comparison.difference["tool_calls"].value == -1
    assert comparison.change["tool_calls"].value == pytest.approx(-0.25)
    assert comparison.change["reasoning_tokens"].value == pytest.approx(-0.5)
    assert set(comparison.change) == {"tool_calls", "turns", "reasoning_tokens", "latency_s"}
    assert compare(BASE, TUNED[:4]).questions == 2  # those that both answered
    with pytest.raises(ValueError, match="no question in common"):
        compare(BASE, [record("q9", 0, 1.0)])


def test_records_of_several_models_are_those_of_several_jobs() -> None:
    """A job that reached 1 and one that reached 0: no interval over questions would say so."""
    failed = [replace(one, model="another", reward=0.0) for one in TUNED[:4]]  # q3 and q2
    found = summarise([*TUNED, *failed])
    assert (found.jobs, found.questions, found.model) == (2, 2, "tuned, another")
    reward = found.measures["reward"]
    assert (reward.value, reward.low, reward.high) == (0.5, 0.0, 1.0)
    comparison = compare(BASE, [*TUNED, *failed])
    assert (comparison.jobs, comparison.questions) == (2, 2)
    assert comparison.difference["reward"].value == pytest.approx(0.5 - 0.75)


def test_a_question_varies_where_its_repeats_score_differently() -> None:
    assert varying_share(BASE) == 0.5
    assert varying_share(TUNED) == 0.0
    assert [mean_best_of_n(BASE[:4], n) for n in (1, 2)] == [0.5, 0.75]
    with pytest.raises(ValueError, match="repeats=2"):
        varying_share(BASE[:1])


def test_the_summary_table_puts_models_side_by_side() -> None:
    table = summary_table(summarise(BASE), summarise(TUNED), comparison=compare(BASE, TUNED))
    assert table.columns.tolist() == ["base", "tuned", "difference"]
    assert table.index.tolist() == list(MEASURES)
    assert table.loc["tool_calls", "difference"] == "-1.000 [-1.000, -1.000]"


def test_large_numbers_have_no_decimals_in_the_summary_table() -> None:
    table = summary_table(summarise([record("q1", 0, 1.0, tokens=1234)]))
    assert table.loc["reasoning_tokens"].tolist() == ["1234 [1234, 1234]"]
