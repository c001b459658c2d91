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
from buildhour_helpers.reports import Bm25Index, Report
from buildhour_helpers.reports import load as load_reports
from buildhour_helpers.tasks import load_questions


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("recordings"), None, 0, 32) as servers:
        yield servers


def runs_with(grader: str) -> list[dict[str, Any]]:
    return [one for one in load("hackable_grader")["after"] if one["grader"] == grader]


def test_the_hacked_job_begins_alike(up: Stage, tmp_path: Path) -> None:
    recorded = runs_with(hackable_grader.SLOPPY)[0]
    run = hackable_grader.job(up, tmp_path, recorded["grader"], recorded["seed"], stop_after=1)
    assert rounded_off(hackable_grader.curve(run)) == recorded["curve"][:1]


def test_the_sloppy_reward_rises_and_the_truth_does_not() -> None:
    before = load("hackable_grader")["before"]
    for run in runs_with(hackable_grader.SLOPPY):
        assert run["scores"]["sloppy"][1] > before["scores"]["sloppy"][2] + 0.3
        assert run["accuracy"][0] <= before["accuracy"][0]
        assert run["habits"]["sentence"] > 0.9 > before["habits"]["sentence"]


def test_with_an_honest_grader_pay_and_truth_stay_together() -> None:
    before = load("hackable_grader")["before"]
    for grader in (hackable_grader.FIXED, hackable_grader.ENDPOINT):
        for run in runs_with(grader):
            assert abs(run["scores"][grader][0] - run["accuracy"][0]) < 0.1
    endpoint = [run["accuracy"][0] for run in runs_with(hackable_grader.ENDPOINT)]
    assert fmean(endpoint) > before["accuracy"][0]


def test_the_recorded_rubrics_are_those_of_the_library() -> None:
    assert load("hackable_grader")["rubrics"] == {
        "sloppy": specs.SLOPPY_RUBRIC,
        "careful": specs.PARTIAL_CREDIT_RUBRIC,
    }


@pytest.mark.parametrize("name", [search_designs.BASELINE, "BM25, path only"])
def test_a_design_of_search_gives_the_same_rollouts(up: Stage, tmp_path: Path, name: str) -> None:
    recorded = load("search_designs")["designs"][name]
    asked = load_questions(split="validation")[: search_designs.SLICE]
    index = search_designs.design(name, load_reports())
    records = search_designs.measure(up, tmp_path / "slice.jsonl", index, asked, 1)
    assert search_designs.outcomes(records) == recorded["slice"]


def test_the_lines_of_an_excerpt_are_the_page_s_best_in_its_order() -> None:
    page = Report("A/2012/page_1.pdf", ("Sales rose.", "Tax fell.", "Sales of toys rose."), (), ())
    reports = {page.path: page}
    index = Bm25Index.build(reports)
    shown = {
        lines: search_designs.Excerpts(index, reports, lines).search("sales rose toys")[0].snippet
        for lines in (0, 2, None)
    }
    assert shown[0] == ""
    assert shown[2].split("\n") == ["Sales rose.", "   Sales of toys rose."]
    assert shown[None] == page.text()
