"""The study, small: its parts side by side, the structure of its figures, and that it stops."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from authoring import parallel
from authoring.study import pages, study, targets
from authoring.study.figure import draw_study
from authoring.study.study import StudyOptions
from buildhour_helpers.analysis.statistics import Interval
from buildhour_helpers.analysis.summaries import MEASURES
from buildhour_helpers.home import home
from buildhour_helpers.reports import load
from buildhour_helpers.reports.store import save
from buildhour_helpers.tasks import load_questions
from buildhour_helpers.tasks.questions import save_questions
from tests.left_behind import processes_left


def save_few(folder: Path) -> Path:
    """A folder with ten questions of each split and the pages that answer them."""
    questions = [
        question
        for split in ("train", "validation", "test")
        for question in islice(load_questions(split=split), 10)  # type: ignore[arg-type]
    ]
    wanted = {page for question in questions for page in question.gold_pages}
    save((report for path, report in load().items() if path in wanted), folder)
    save_questions(questions, folder)
    return folder


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A study of two seeds on a few reports, and the same jobs without a token penalty."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BUILDHOUR_HOME", str(folder / "state"))
        options = StudyOptions(
            seeds=(1, 2), folder=folder, steps=1, questions=2, reports=save_few(folder / "few")
        )
        study.run(options)
        study.run(replace(options, name="study_no_penalty", reasoning_token_penalty=0))
    return pages.measured(folder)


def test_the_figures_of_two_seeds(measured: dict[str, Any]) -> None:
    figures, no_penalty = measured["study"], measured["study_no_penalty"]
    assert figures["questions"] == {"train": 10, "validation": 10, "test": 2}
    for name, rollouts in (("first_prompt", 6), ("best_prompt", 6), ("tuned", 12)):
        assert figures[name]["rollouts"] == rollouts
        assert figures[name]["measures"].keys() == MEASURES.keys()
    assert [one["seed"] for one in figures["seeds"]] == [1, 2]
    for one in figures["seeds"]:
        assert one["job"]["steps"] == len(one["curve"]) == one["checkpoint_step"] == 1
        assert one["job"]["rollouts"] == 10 * 8 + 10
        assert one["job"]["reasoning_token_penalty"] > 0
    gains = [one["against_best"]["difference"]["reward"][0] for one in figures["seeds"]]
    gain = figures["tuned_against_best"]["difference"]["reward"][0]
    assert gain == pytest.approx(sum(gains) / 2, abs=2e-6)
    assert all(one["job"]["reasoning_token_penalty"] == 0 for one in no_penalty["seeds"])
    assert no_penalty["best_prompt"] == figures["best_prompt"]


def test_the_pages_and_the_figure_show_every_seed(measured: dict[str, Any]) -> None:
    """What is written by hand is kept."""
    marked = "<!-- results:begin -->\nNot measured yet.\n<!-- results:end -->"
    before = f"# Results\n{marked}\n## What was tried\nMuch."
    page = pages.filled("docs/results.md", before, measured)
    assert page.startswith("# Results\n<!-- results:begin -->\n")
    assert page.endswith("<!-- results:end -->\n## What was tried\nMuch.")
    assert "Not measured yet." not in page
    for one in measured["study"]["seeds"]:
        gain = Interval(*one["against_best"]["difference"]["reward"])
        assert f"| {one['seed']} | {gain:+.3f} |" in page
    for row in targets.rows(measured):
        assert f"| {row.target} | {row.measured} |" in page
    assert pages.filled("docs/results.md", page, measured) == page
    gain = Interval(*measured["study"]["tuned_against_best"]["difference"]["reward"])
    assert f"{gain:+.2f}" in pages.filled("README.md", before, measured)
    rewards = draw_study(measured["study"]).axes[1]
    dots = [line for line in rewards.lines if line.get_markerfacecolor() == "white"]
    means = [one["measures"]["reward"][0] for one in measured["study"]["seeds"]]
    assert [list(line.get_ydata()) for line in dots] == [means]


GOOD = (0.21, -0.3, -0.3, -0.6)


def test_a_small_job_trains_on_rows_that_vary(tmp_path: Path) -> None:
    options = StudyOptions(seeds=(3,), folder=tmp_path, steps=1, questions=10)
    figures = study.run_small(options)
    assert 10 <= figures["rows"] == figures["rows_that_vary"] < 40
    (one,) = figures["seeds"]
    assert one["job"]["steps"] == one["checkpoint_step"] == math.ceil(figures["rows"] / 13)
    assert one["job"]["rollouts"] == figures["rows"] * 8 + figures["questions"]["validation"]
    assert one["rollouts"] == 3 * figures["questions"]["validation"]


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signal to one process")
@pytest.mark.parametrize(("stop", "group"), [("SIGINT", True), ("SIGKILL", False)])
def test_a_signal_ends_its_parts_and_their_servers(stop: str, group: bool, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "authoring.study", "--seeds", "1", "2"]
    command += ["--folder", str(tmp_path)]
    study = subprocess.Popen(
        command, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True
    )
    while not list(home().glob("study/*/*/servers/service*.json")):
        assert study.poll() is None, study.communicate()
        time.sleep(0.1)
    (os.killpg if group else os.kill)(study.pid, getattr(signal, stop))
    _, said = study.communicate()
    assert processes_left() == []
    if stop != "SIGKILL":
        assert study.returncode == 130
        assert "Traceback" not in said
        assert said.splitlines()[-1].startswith("study: stopped by Ctrl-C")


def test_after_a_ctrl_c_no_other_part_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker has been handed its next part already, which nothing can cancel."""
    monkeypatch.setattr(parallel, "_stopped", multiprocessing.Event(), raising=False)
    begun: list[str] = []

    def part(name: str, interrupted: bool) -> str:
        begun.append(name)
        if interrupted:
            raise KeyboardInterrupt
        return name

    def run(name: str, interrupted: bool) -> Any:
        return parallel.run_part(part, name, interrupted)

    assert run("first", False) == "first"
    for name in ("second", "third"):
        with pytest.raises(KeyboardInterrupt):
            run(name, True)
    assert begun == ["first", "second"]
