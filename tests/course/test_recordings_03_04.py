"""The recordings of lessons 03 and 04 come out again, as far as a quick test can go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from authoring.recordings import hackable_grader, search_designs
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.graders import specs
from buildhour_helpers.recordings import load
from buildhour_helpers.reports import Bm25Index
from buildhour_helpers.reports import load as load_reports
from buildhour_helpers.tasks import load_questions


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("recordings"), None, 0, 32) as servers:
        yield servers


@pytest.fixture(scope="module")
def bm25() -> Bm25Index:
    return Bm25Index.build(load_reports())


def of_arm(arm: str) -> list[dict[str, Any]]:
    return [one for one in load("hackable_grader")["after"] if one["grader"] == arm]


def test_the_hacked_job_begins_alike(up: Stage, tmp_path: Path) -> None:
    recorded = of_arm(hackable_grader.SLOPPY)[0]
    run = hackable_grader.job(up, tmp_path, recorded["grader"], recorded["seed"], stop_after=1)
    assert rounded_off(hackable_grader.curve(run)) == recorded["curve"][:1]


def test_the_sloppy_reward_rises_and_the_truth_does_not() -> None:
    before = load("hackable_grader")["before"]
    for run in of_arm(hackable_grader.SLOPPY):
        assert run["scores"]["sloppy"][1] > before["scores"]["sloppy"][2] + 0.3
        assert run["accuracy"][0] <= before["accuracy"][0]
        assert run["habits"]["sentence"] > 0.9 > before["habits"]["sentence"]


def test_with_an_honest_grader_pay_and_truth_stay_together() -> None:
    before = load("hackable_grader")["before"]
    for arm in (hackable_grader.FIXED, hackable_grader.ENDPOINT):
        for run in of_arm(arm):
            assert abs(run["scores"][arm][0] - run["accuracy"][0]) < 0.1
    endpoint = [run["accuracy"][0] for run in of_arm(hackable_grader.ENDPOINT)]
    assert fmean(endpoint) > before["accuracy"][0]


def test_the_recorded_rubrics_are_those_of_the_library() -> None:
    assert load("hackable_grader")["rubrics"] == {
        "sloppy": specs.SLOPPY_RUBRIC,
        "mended": specs.PARTIAL_CREDIT_RUBRIC,
    }


@pytest.mark.parametrize("name", [search_designs.SNIPPETS, search_designs.PATHS])
def test_a_design_of_search_gives_the_same_rollouts(
    up: Stage, bm25: Bm25Index, tmp_path: Path, name: str
) -> None:
    recorded = load("search_designs")["designs"][name]
    asked = load_questions(split="validation")[: search_designs.SLICE]
    engines = {search_designs.SNIPPETS: bm25, search_designs.PATHS: search_designs.BarePaths(bm25)}
    index = engines[name]
    records = search_designs.measure(up, tmp_path / "slice.jsonl", index, asked, 1)
    assert search_designs.outcomes(records) == recorded["slice"]
