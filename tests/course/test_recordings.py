"""The recordings that lessons show come out again where they begin, to the digit, and are whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from authoring.recordings import (
    flat_grader,
    hackable_grader,
    hyperparameters,
    main_run,
    parts,
    planted_hack,
    prompts,
    samples,
    search_designs,
)
from authoring.recordings.runs import rewards_of, roll_out
from buildhour_helpers.analysis.costs import Prices, estimate
from buildhour_helpers.analysis.variants import variants_of
from buildhour_helpers.checks.lesson_07 import deserved, planted
from buildhour_helpers.demo.plan import DemoOptions, make_plan
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.graders import specs
from buildhour_helpers.graders.endpoint import GraderCall
from buildhour_helpers.recordings import load, load_records, slim, whole
from buildhour_helpers.reports import Bm25Index, Report
from buildhour_helpers.reports import load as load_reports
from buildhour_helpers.tasks import load_questions
from buildhour_helpers.tools.functions import ReportTools, ToolError

FIRST = 6
"""Questions of a recording that are asked again."""
MAIN_RUN, HACKED, HYPERPARAMETERS = (
    load(name) for name in ("main_run", "hackable_grader", "hyperparameters")
)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("recordings"), None, 0, 32) as servers:
        yield servers


@pytest.fixture(scope="module")
def up_for_main_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("main_run"), None, MAIN_RUN["seed"], 32) as servers:
        yield servers


class TestPrompts:
    """Lesson 01."""

    @pytest.mark.parametrize("place", [1, len(prompts.VARIANTS) - 1])
    def test_one_scores_alike(self, up: Stage, tmp_path: Path, place: int) -> None:
        variant = prompts.VARIANTS[place]
        asked = load_questions(split="validation")[:FIRST]
        records = prompts.measure(up, tmp_path, variant, asked)
        recorded = load("prompts")["variants"][variant.name]
        assert recorded["prompt"] == variant.prompt
        assert rewards_of(records) == dict(islice(recorded["rewards"].items(), FIRST))


class TestSamples:
    """Lesson 02."""

    def test_the_pilot_and_the_smallest_job_come_out_again(self, up: Stage, tmp_path: Path) -> None:
        recorded = load("samples")
        records = samples.run_pilot(up, tmp_path, FIRST)
        assert rewards_of(records) == dict(islice(recorded["pilot"].items(), FIRST))
        seed = recorded["seeds"][0]
        variant = samples.variants(recorded["pilot"], seed)[-1]
        found = rounded_off(samples.run_variant(tmp_path, variant, seed))
        assert found == recorded["variants"][variant.name][0]


class TestSearchDesigns:
    """Lesson 03."""

    @pytest.mark.parametrize("name", [search_designs.BASELINE, "BM25, path only"])
    def test_a_design_gives_the_same_rollouts(self, up: Stage, tmp_path: Path, name: str) -> None:
        asked = load_questions(split="validation")[: search_designs.SLICE]
        index = search_designs.design(name, load_reports())
        records = search_designs.measure(up, tmp_path / "slice.jsonl", index, asked, 1)
        recorded = load("search_designs")["designs"][name]
        assert search_designs.outcomes(records) == recorded["slice"]

    def test_the_lines_of_an_excerpt_are_the_pages_best_in_its_order(self) -> None:
        text = ("Sales rose.", "Tax fell.", "Sales of toys rose.")
        page = Report("A/2012/page_1.pdf", text, (), ())
        reports = {page.path: page}
        index = Bm25Index.build(reports)
        shown = {
            lines: search_designs.Excerpts(index, reports, lines).search("sales rose toys")[0]
            for lines in (0, 2, None)
        }
        assert shown[0].snippet == ""
        assert shown[2].snippet.split("\n") == ["Sales rose.", "   Sales of toys rose."]
        assert shown[None].snippet == page.text()


class TestHackableGrader:
    """Lesson 04."""

    @staticmethod
    def runs_with(grader: str) -> list[dict[str, Any]]:
        return [one for one in HACKED["after"] if one["grader"] == grader]

    def test_it_begins_alike(self, up: Stage, tmp_path: Path) -> None:
        recorded = self.runs_with(hackable_grader.SLOPPY)[0]
        run = hackable_grader.job(up, tmp_path, recorded["grader"], recorded["seed"], stop_after=1)
        assert rounded_off(hackable_grader.curve(run)) == recorded["curve"][:1]
        rubrics = {"sloppy": specs.SLOPPY_RUBRIC, "careful": specs.PARTIAL_CREDIT_RUBRIC}
        assert HACKED["rubrics"] == rubrics

    def test_only_the_sloppy_graders_reward_leaves_the_accuracy_behind(self) -> None:
        before = HACKED["before"]
        for run in self.runs_with(hackable_grader.SLOPPY):
            assert run["scores"]["sloppy"][1] > before["scores"]["sloppy"][2] + 0.3
            assert run["accuracy"][0] <= before["accuracy"][0]
            assert run["habits"]["sentence"] > 0.9 > before["habits"]["sentence"]
        for grader in (hackable_grader.FIXED, hackable_grader.ENDPOINT):
            for run in self.runs_with(grader):
                assert abs(run["scores"][grader][0] - run["accuracy"][0]) < 0.1
        endpoint = [run["accuracy"][0] for run in self.runs_with(hackable_grader.ENDPOINT)]
        assert fmean(endpoint) > before["accuracy"][0]


class TestFlatGraderAndHyperparameters:
    """Lesson 05."""

    @pytest.mark.parametrize("name", ["flat", "working"])
    def test_the_zero_variance_grader_begins_alike(
        self, up: Stage, tmp_path: Path, name: str
    ) -> None:
        recorded = load("flat_grader")
        grader = {"flat": flat_grader.GRADER, "working": None}[name]
        run = flat_grader.job(up, tmp_path, grader, seed=recorded["seed"], stop_after=1)
        (step,) = rounded_off(run.steps)
        assert {key: step[key] for key in flat_grader.OF_A_STEP} == recorded[name]["steps"][0]

    def test_the_hyperparameters_begin_alike(self, up: Stage, tmp_path: Path) -> None:
        variant, recorded = (
            hyperparameters.VARIANTS[0],
            HYPERPARAMETERS["variants"][0]["jobs"][0],
        )
        varying = HYPERPARAMETERS["pilot"]["varying"]
        run = hyperparameters.job(
            up, tmp_path, variant, seed=recorded["seed"], varying=varying, stop_after=1
        )
        (step,) = rounded_off(run.steps)
        assert step["train_mean_reward"] == recorded["train_rewards"][0]
        assert step["update"]["entropy"] == recorded["entropy"][0]

    def test_four_jobs_predict_the_bill_of_the_fifth_to_a_tenth(self) -> None:
        baseline = variants_of(HYPERPARAMETERS)["baseline"]
        known, last = (
            replace(baseline, jobs=jobs) for jobs in (baseline.jobs[:4], baseline.jobs[4:])
        )
        train, valid = last.usage("train"), last.usage("valid")
        expected = estimate(
            known.usage("train"), train.rollouts, known.usage("valid"), valid.rollouts
        )
        assert vars(expected) == pytest.approx(vars(train + valid), rel=0.1)
        prices = Prices(input=0.195, cached=0.039, output=0.60, trained=0.44, grader=0.60)
        assert prices.of(expected, 0.7) == pytest.approx(prices.of(train + valid, 0.7), rel=0.1)


def outputs(record: Any) -> list[str]:
    return [item["output"] for item in record.trace if item.get("type") == "function_call_output"]


class TestMainRun:
    """Lesson 06."""

    def test_it_begins_alike(self, up_for_main_run: Stage, tmp_path: Path) -> None:
        sizes = MAIN_RUN["questions"]
        plan = make_plan(DemoOptions(seed=MAIN_RUN["seed"], questions=sizes["held_out"]))
        validated = plan.validation[: sizes["validation"]]
        run = main_run.job(up_for_main_run, tmp_path, plan, validated, stop_after=1)
        assert rounded_off(run.steps) == MAIN_RUN["steps"][:1]

        before = roll_out(up_for_main_run, tmp_path / "before.jsonl", plan.test[:3], BASE_MODEL)
        assert [slim(record) for record in before] == load_records("main_run.before")[:9]
        tools = ReportTools(load_reports()).functions()
        filled = [whole(slim(record), tools) for record in before]
        assert list(map(outputs, filled)) == list(map(outputs, before))

    def test_the_second_task_comes_out_alike(self, up_for_main_run: Stage, tmp_path: Path) -> None:
        file = tmp_path / "parts.jsonl"
        records = main_run.on_parts(up_for_main_run, file, BASE_MODEL, count=4)
        rewards = [fmean(one.reward or 0.0 for one in records[n : n + 3]) for n in range(0, 12, 3)]
        assert rewards == pytest.approx(MAIN_RUN["base"]["parts_rewards"][:4], abs=1e-6)

    def test_each_part_can_be_found_and_looked_up(self) -> None:
        for row in parts.rows():
            question, answer = row["messages"][1]["content"], row["reference_answer"]
            found = json.loads(parts.find_parts(question))[0]["article"]
            assert answer in parts.part_details(found)
            assert parts.grade(GraderCall({"output_text": f" {answer}\n"}, row, None)) == 1.0
            assert parts.grade(GraderCall({"output_text": f"It is {answer}."}, row, None)) == 0.0
        with pytest.raises(ToolError, match="no article 'nothing'"):
            parts.part_details("nothing")

    def test_its_jobs_are_those_of_the_study(self) -> None:
        study = load("study")
        assert [job["seed"] for job in MAIN_RUN["jobs"]] == list(main_run.SEEDS)
        before = study["best_prompt"]["measures"]["reward"][0]
        assert fmean(MAIN_RUN["base"]["rewards"]) == pytest.approx(before, abs=1e-6)
        for job, of_study in zip(MAIN_RUN["jobs"], study["seeds"], strict=True):
            assert job["chosen_step"] == of_study["checkpoint_step"]
            after = of_study["measures"]["reward"][0]
            assert fmean(job["rewards"]) == pytest.approx(after, abs=1e-6)


class TestPlantedHack:
    """Lesson 07."""

    def test_the_first_rollouts_come_out_again(self, tmp_path: Path) -> None:
        recorded, count = load("planted_hack"), 4
        again = planted_hack.record(tmp_path, lambda _: None, count=count, plant=False)
        assert len(again["rollouts"]) == count * planted_hack.REPEATS
        hacked = {(name, repeat) for name, repeat, _ in recorded["planted"]}
        honest = [
            (old, new)
            for old, new in zip(recorded["rollouts"], again["rollouts"], strict=False)
            if (old["question_id"], old["repeat"]) not in hacked
        ]
        assert len(honest) >= count
        assert all(old == new for old, new in honest)

    def test_it_says_what_was_planted(self) -> None:
        assert "replaced by hand" in load("planted_hack")["about"]
        asked = {question.id: question for question in load_questions(split="test")}
        rollouts, hacks = planted()
        assert Counter(hacks.values()) == dict.fromkeys(planted_hack.HACKS, 3)
        rewarded = {(r.question_id, r.repeat): r for r in rollouts if r.reward == 1.0}
        for key, hack in hacks.items():
            worth = deserved(rewarded[key], asked[key[0]])
            assert (worth == 1.0) == (hack != "hedge")
            assert (rewarded[key].metrics.tool_calls == 0) == (hack == "no evidence")
        assert len(rewarded.keys() - hacks.keys()) > 5
        for one in rollouts:
            is_named = asked[one.question_id].answer_text in (one.answer or "")
            assert is_named == (one.reward == 1.0)
