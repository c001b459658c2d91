"""What rollouts and jobs use, what it costs, and the lesson's own version of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from authoring.course.source import lessons, read
from authoring.recordings.runs import roll_out
from buildhour_helpers.analysis.costs import (
    Prices,
    Usage,
    estimate,
    turn_inputs,
    usage_of,
    usage_of_job,
)
from buildhour_helpers.demo.stage import stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.tasks import load_questions

PRICES = Prices(input=0.195, cached=0.039, output=0.60, trained=0.44, grader=0.60)
USED = Usage(10, 60, 50, 140_000, 20_000, 2_000)


def test_a_job_used_what_its_steps_did_in_both_phases() -> None:
    one = {"turns": 6, "tool_calls": 5, "prompt_tokens": 14_000, "completion_tokens": 2_000}

    def step(rollouts: int, grader_tokens: int) -> dict[str, Any]:
        used = {"rollouts": rollouts, **{name: rollouts * count for name, count in one.items()}}
        judged = {"judge": grader_tokens}
        return {"usage": {"train": used, "valid": used}, "model_graders_token_usage": judged}

    found = usage_of_job([step(3, 600), step(2, 400)])
    assert found == Usage(10, 60, 50, 140_000, 20_000, 1_000)


def test_a_price_by_hand() -> None:
    dollars = 140_000 * 0.195 + 20_000 * 0.60 + 2_000 * 0.60 + 160_000 * 0.44
    assert PRICES.of(USED) == pytest.approx(dollars / 1e6)
    read = 40_000 * 0.195 + 100_000 * 0.039
    cached = read + 20_000 * 0.60 + 2_000 * 0.60 + 0.5 * 60_000 * 0.44
    assert PRICES.of(USED, 100_000 / 140_000, 0.5) == pytest.approx(cached / 1e6)
    assert estimate(USED, 100, USED.times(0.5), 10).input_tokens == 1_400_000 + 70_000
    with pytest.raises(ValueError, match="usage of no rollout"):
        Usage().mean()


@pytest.fixture(scope="module")
def taken() -> dict[str, Any]:
    """What the lesson's cells to take along define about costs."""
    (lesson,) = lessons(["05"])
    space: dict[str, Any] = {}
    for cell in read(lesson).cells:
        if "take" in cell.metadata and ("PRICES =" in cell.source or "def estimate" in cell.source):
            exec(cell.source, space)
    return space


def test_the_lessons_estimate_and_bill_are_the_librarys(taken: dict[str, Any]) -> None:
    found = taken["estimate"]({"train": 100, "valid": 10}, USED.mean(), USED.mean())
    assert found == pytest.approx(vars(estimate(USED, 100, USED, 10)))
    for cached, trained in ((0.0, 1.0), (0.7, 0.8), (0.5, 0.0)):
        bill = taken["bill"](vars(USED), cached, trained)
        assert bill["USD"] == pytest.approx(PRICES.of(USED, cached, trained))


def test_what_each_turn_read_adds_up_to_the_input(tmp_path: Path) -> None:
    with stage(tmp_path, None, 0, 8) as up:
        asked = load_questions(split="train")[:1]
        (record,) = roll_out(up, tmp_path / "one.jsonl", asked, repeats=1)
        reads = turn_inputs(up.client(), BASE_MODEL, record)
    assert sum(reads) == usage_of([record]).input_tokens
    assert reads == sorted(reads)
