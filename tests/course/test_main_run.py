"""The recording of lesson 06 comes out again: the first step of its job, to the digit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from statistics import fmean
from typing import Any

import pytest

from authoring.recordings import main_run, parts
from authoring.recordings.runs import roll_out, without_wall_time
from buildhour_helpers.demo.plan import DemoOptions, make_plan
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.graders.endpoint import GraderCall
from buildhour_helpers.recordings import load, load_records, slim, whole
from buildhour_helpers.reports import load as load_reports
from buildhour_helpers.tools.functions import ReportTools, ToolError


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    seed = load("main_run")["seed"]
    with stage(tmp_path_factory.mktemp("main_run"), None, seed, 32) as servers:
        yield servers


def test_it_begins_alike(up: Stage, tmp_path) -> None:
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


def test_the_second_task_comes_out_alike(up: Stage, tmp_path) -> None:
    records = main_run.on_parts(up, tmp_path / "parts.jsonl", BASE_MODEL, count=4)
    rewards = [fmean(one.reward or 0.0 for one in records[n : n + 3]) for n in range(0, 12, 3)]
    assert rewards == pytest.approx(load("main_run")["base"]["parts_rewards"][:4], abs=1e-6)


def test_each_part_can_be_found_and_looked_up() -> None:
    for row in parts.rows():
        question, answer = row["messages"][1]["content"], row["reference_answer"]
        found = json.loads(parts.find_parts(question))[0]["article"]
        assert answer in parts.part_details(found)
        assert parts.grade(GraderCall({"output_text": f" {answer}\n"}, row, None)) == 1.0
        assert parts.grade(GraderCall({"output_text": f"It is {answer}."}, row, None)) == 0.0
    with pytest.raises(ToolError, match="no article 'nothing'"):
        parts.part_details("nothing")


def test_it_was_recorded_whole() -> None:
    recorded = load("main_run")
    for name in ("before", "after"):
        records = load_records(f"main_run.{name}")
        assert len(records) == recorded["questions"]["held_out"] * recorded["repeats"]
        assert len({record.model for record in records}) == 1
    steps = {one["step"]: one["job_said"] for one in recorded["checkpoints"]}
    assert steps[recorded["chosen_step"]] == max(steps.values())
    for one in recorded["checkpoints"]:
        rewards = one["validation_reward"]
        assert len(rewards) == recorded["questions"]["validation"]
        assert fmean(rewards) == pytest.approx(one["validation"][0], abs=1e-6)
    assert "timing" not in json.dumps(recorded["steps"])
    assert without_wall_time(recorded["steps"][0]) == recorded["steps"][0]


def test_its_jobs_are_those_of_the_study() -> None:
    recorded, study = load("main_run"), load("study")
    assert [job["seed"] for job in recorded["jobs"]] == list(main_run.SEEDS)
    before = study["best_prompt"]["measures"]["reward"][0]
    assert fmean(recorded["base"]["rewards"]) == pytest.approx(before, abs=1e-6)
    for job, of_study in zip(recorded["jobs"], study["seeds"], strict=True):
        assert job["chosen_step"] == of_study["checkpoint_step"]
        after = of_study["measures"]["reward"][0]
        assert fmean(job["rewards"]) == pytest.approx(after, abs=1e-6)
