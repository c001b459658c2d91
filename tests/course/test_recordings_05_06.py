"""The recording of lesson 06 comes out again: the first step of the job, to the digit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from authoring.recordings import main_run
from authoring.recordings.runs import roll_out, without_wall_time
from buildhour_helpers.demo.plan import DemoOptions, make_plan
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.recordings import load, load_records, slim, whole
from buildhour_helpers.reports import load as load_reports
from buildhour_helpers.tools.functions import ReportTools


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("recordings"), None, 0, 32) as servers:
        yield servers


def test_the_main_run_begins_alike(up: Stage, tmp_path: Path) -> None:
    recorded = load("main_run")
    sizes = recorded["questions"]
    plan = make_plan(DemoOptions(seed=recorded["seed"], questions=sizes["held_out"]))
    run = main_run.job(up, tmp_path, plan, plan.validation[: sizes["validation"]], stop_after=1)
    assert rounded_off(run.steps) == recorded["steps"][:1]

    before = roll_out(up, tmp_path / "before.jsonl", plan.test[:3], BASE_MODEL)
    assert [slim(record) for record in before] == load_records("main_run.before")[:9]
    tools = ReportTools(load_reports()).functions()
    assert [outputs(whole(slim(record), tools)) for record in before] == list(map(outputs, before))


def outputs(record: Any) -> list[str]:
    return [item["output"] for item in record.trace if item.get("type") == "function_call_output"]


def test_the_main_run_was_recorded_whole() -> None:
    recorded = load("main_run")
    for name in ("before", "after"):
        records = load_records(f"main_run.{name}")
        assert len(records) == recorded["questions"]["held_out"] * recorded["repeats"]
        assert len({record.model for record in records}) == 1
    steps = {one["step"]: one["job_said"] for one in recorded["checkpoints"]}
    assert steps[recorded["chosen_step"]] == max(steps.values())
    for one in recorded["checkpoints"]:
        rewards = one["validation_rewards"].values()
        assert len(rewards) == recorded["questions"]["validation"]
        assert fmean(rewards) == pytest.approx(one["validation"][0], abs=1e-6)
    assert "timing" not in json.dumps(recorded["steps"])
    assert without_wall_time(recorded["steps"][0]) == recorded["steps"][0]
