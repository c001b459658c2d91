"""The study, small: its parts side by side, the structure of its figures, and that it stops."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from authoring import parallel
from authoring.study import study
from authoring.study.study import StudyOptions
from buildhour_helpers.home import home
from buildhour_helpers.reports import load
from buildhour_helpers.reports.store import save
from buildhour_helpers.tasks import load_questions
from buildhour_helpers.tasks.questions import save_questions
from tests.left_behind import processes_left

MEASURES = {"reward", "accuracy", "tool_calls", "reasoning_tokens", "latency_s"}


@pytest.fixture
def few_reports(tmp_path: Path) -> Path:
    """A folder with ten questions of each split and the pages that answer them."""
    folder = tmp_path / "few"
    questions = [
        question
        for split in ("train", "validation", "test")
        for question in islice(load_questions(split=split), 10)  # type: ignore[arg-type]
    ]
    wanted = {page for question in questions for page in question.gold_pages}
    save((report for path, report in load().items() if path in wanted), folder)
    save_questions(questions, folder)
    return folder


def test_the_figures_of_two_seeds(few_reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "study.json"
    options = StudyOptions(
        seeds=(1, 2), out=out, steps=1, questions=2, reports=few_reports, reasoning_token_penalty=0
    )
    figures = study.run(options)
    assert json.loads(out.read_text(encoding="utf-8")) == figures
    assert figures["command"] == (
        f"python -m authoring.study --seeds 1 2 --steps 1 --questions 2 --reports {few_reports} "
        f"--reasoning-token-penalty 0 --out {out}"
    )
    assert figures["questions"] == {"train": 10, "validation": 10, "test": 2}
    for name, rollouts in (("first_prompt", 6), ("best_prompt", 6), ("tuned", 12)):
        assert figures[name]["rollouts"] == rollouts
        assert figures[name]["measures"].keys() >= MEASURES
    for name in ("prompt_against_first", "tuned_against_best"):
        low, high = figures[name]["difference"]["reward"][1:]
        assert low <= high
    assert [one["seed"] for one in figures["seeds"]] == [1, 2]
    for one in figures["seeds"]:
        assert one["job"]["steps"] == len(one["curve"]) == one["checkpoint_step"] == 1
        assert one["job"]["rollouts"] == 10 * 8 + 10
        assert one["job"]["reasoning_token_penalty"] == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signal to one process")
@pytest.mark.parametrize("group", [False, True], ids=["alone", "group"])
@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_a_signal_ends_its_parts_and_their_servers(
    stop: str, group: bool, few_reports: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "authoring.study", "--seeds", "1", "2"]
    command += ["--reports", str(few_reports), "--out", str(tmp_path / "study.json")]
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
