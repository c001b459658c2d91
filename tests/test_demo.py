"""The demo, small: what it writes, that a seed repeats it, that it can be stopped."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from buildhour_helpers import cli, servers
from buildhour_helpers.demo import DemoOptions, plan, run
from buildhour_helpers.demo.run import check_writable
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.home import home
from buildhour_helpers.reports import SHIPPED
from buildhour_helpers.rollouts import read_records
from buildhour_helpers.tasks import load_questions
from buildhour_helpers.tasks.questions import save_questions
from tests.left_behind import processes_left

SIDE = {
    "model",
    "mean_reward",
    "ci95",
    "accuracy",
    "tool_calls_mean",
    "turns_mean",
    "reasoning_tokens_mean",
    "latency_s_mean",
    "rollouts",
}


FINDINGS = (
    "Reward on held-out questions: ",
    "Training reward went from ",
    "Tool calls per rollout went from ",
    "of groups had no variance",
    "of questions vary over 3 repeats",
    "questions got better",
    "latency",
    "The same tool again",
    "right, median",
)
"""A part of each figure's title, in the order of the report."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "VALIDATION_QUESTIONS", 10)


def runs(kind: str = "demo") -> list[Path]:
    return sorted((home() / kind).iterdir())


def small_run(folder: Path, concurrency: int) -> dict[str, Any]:
    """Two steps, five questions; the figures that it wrote, times aside."""
    file = folder / f"at-{concurrency}.json"
    run(DemoOptions(seed=3, steps=2, questions=5, concurrency=concurrency, json_path=file))
    figures: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    del figures["job"]["wall_s"]
    return figures


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any], Path]:
    """The same small demo at concurrency 32 and 1, and the folder of the second run."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BUILDHOUR_HOME", str(folder / "state"))
        patch.setattr(plan, "VALIDATION_QUESTIONS", 10)
        figures = small_run(folder, 32), small_run(folder, 1)
        return *figures, runs()[-1]


Twice = tuple[dict[str, Any], dict[str, Any], Path]


def test_the_json_has_the_documented_keys(twice: Twice) -> None:
    figures = twice[0]
    assert set(figures) == {
        "seed", "reports", "questions", "baseline", "tuned", "difference", "job", "curve",
    }  # fmt: skip
    assert figures["questions"] == {"train": 32, "validation": 10, "test": 5}
    assert set(figures["baseline"]) == SIDE
    assert set(figures["tuned"]) == SIDE | {"checkpoint_step"}
    assert set(figures["difference"]) == {"mean_reward", "ci95"}
    assert set(figures["job"]) == {
        "id", "steps", "rollouts", "discarded", "tool_calls", "reasoning_token_penalty",
    }  # fmt: skip
    curve_keys = {"step", "train_reward_mean", "valid_reward_mean", "tool_calls_mean"}
    assert [set(point) for point in figures["curve"]] == [curve_keys] * 2


def test_the_counts_are_those_of_what_was_asked(twice: Twice) -> None:
    figures = twice[0]
    assert figures["seed"] == 3
    assert figures["reports"] == 2800
    assert figures["baseline"]["rollouts"] == figures["tuned"]["rollouts"] == 15
    assert figures["job"]["steps"] == 2
    assert figures["job"]["rollouts"] == 2 * 16 * 8 + 10
    assert figures["job"]["discarded"] == 0
    assert figures["tuned"]["model"].startswith("ft:sim-agent-mini:workshop:demo:")
    assert figures["tuned"]["checkpoint_step"] == 2


def test_the_job_changed_the_model(twice: Twice) -> None:
    """After two steps the reward may not have moved, but the agent acts otherwise."""
    figures = twice[0]
    before, after = figures["baseline"], figures["tuned"]
    assert before["reasoning_tokens_mean"] != after["reasoning_tokens_mean"]


def test_a_seed_gives_the_same_figures_at_any_concurrency(twice: Twice) -> None:
    assert twice[0] == twice[1]


def test_it_leaves_records_a_figure_and_a_report_and_no_server(twice: Twice) -> None:
    folder = twice[2]
    for name, figures in (("baseline", twice[0]["baseline"]), ("tuned", twice[0]["tuned"])):
        records = read_records(folder / f"{name}.jsonl")
        rewards = [record.reward for record in records if record.reward is not None]
        assert sum(rewards) / len(rewards) == pytest.approx(figures["mean_reward"], abs=1e-6)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Simulated: the model" in page
    alts = re.findall(r'<img src="data:image/svg\+xml;base64,[^"]+" alt="([^"]+)"', page)
    assert len(alts) == page.count("<img") == len(FINDINGS)
    assert min(map(len, alts)) > 60
    for finding, alt in zip(FINDINGS, alts, strict=True):
        assert finding in alt
    for said in ('class="rollout pair ', '<th scope="row">seed</th><td>3</td>', "Python</th>"):
        assert said in page
    assert not re.search(r"<script|<link|@import|url\(", page)
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert (folder / "figure.svg").stat().st_size > 10_000
    assert servers.running(folder) == []


def test_it_keeps_what_the_tool_server_saw_without_keys(twice: Twice) -> None:
    figures, folder = twice[0], twice[2]
    text = (folder / "logs" / "calls.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    calls = [line for line in lines if line["event"] == "call"]
    assert len(calls) > figures["job"]["tool_calls"] / 2
    assert {call["name"] for call in calls} <= {"search", "list", "cat"}
    assert len(lines) - len(calls) == figures["job"]["rollouts"] + 2 * 15
    assert "bearer" not in text.lower()


class TestPlan:
    def test_a_seed_chooses_the_questions(self) -> None:
        one, same, other = (plan.make_plan(DemoOptions(seed=seed)) for seed in (1, 1, 2))
        assert one.test == same.test
        assert one.train == same.train
        assert one.test != other.test

    @pytest.mark.parametrize("steps", [1, 7, 40, 41, 80, 100])
    def test_steps_are_reached_by_whole_epochs(self, steps: int) -> None:
        made = plan.make_plan(DemoOptions(steps=steps))
        assert steps <= made.steps < steps + made.epochs
        assert len(made.train) <= 640

    @pytest.mark.parametrize(
        ("given", "sent"),
        [(None, {}), (0.0, {"reasoning_token_penalty": 0.0}), (2, {"reasoning_token_penalty": 2})],
    )
    def test_a_penalty_is_sent_where_one_is_given(
        self, given: float | None, sent: dict[str, float]
    ) -> None:
        made = plan.make_plan(DemoOptions(steps=7, reasoning_token_penalty=given)).hyperparameters()
        assert made == {"n_epochs": 1, "batch_size": 16, "eval_interval": 5, **sent}

    def test_no_split_is_mixed_with_another(self) -> None:
        made = plan.make_plan(DemoOptions(questions=300))
        ids = [{q.id for q in split} for split in (made.train, made.validation, made.test)]
        assert sum(map(len, ids)) == len(set.union(*ids))

    def test_the_help_names_the_defaults(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["demo", "--help"]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert f"training steps [default: {DemoOptions().steps};" in said
        assert f"compare on [default: {DemoOptions().questions};" in said


class TestBadInput:
    def test_reports_that_are_not_there(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["demo", "--reports", str(tmp_path / "none")]) == 1
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "no such file" in said

    def test_a_damaged_questions_file(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shutil.copy(SHIPPED / "reports.jsonl.gz", tmp_path)
        lines = (SHIPPED / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        lines[6] = lines[6][:40]
        (tmp_path / "questions.jsonl").write_text("\n".join(lines), encoding="utf-8")
        assert cli.main(["demo", "--reports", str(tmp_path)]) == 1
        assert "questions.jsonl, line 7, row: Invalid JSON" in capsys.readouterr().err

    def test_a_question_about_a_page_that_is_not_there(self, tmp_path: Path) -> None:
        shutil.copy(SHIPPED / "reports.jsonl.gz", tmp_path)
        questions = load_questions()
        questions[6] = dataclasses.replace(questions[6], gold_pages=("NONE/2001/page_1.pdf",))
        save_questions(questions, tmp_path)
        said = (
            rf"questions\.jsonl, question {questions[6].id}: its page NONE/2001/page_1\.pdf is not"
        )
        with pytest.raises(WorkshopError, match=said):
            plan.make_plan(DemoOptions(reports=tmp_path))

    def test_too_few_questions(self, tmp_path: Path) -> None:
        shutil.copy(SHIPPED / "reports.jsonl.gz", tmp_path)
        first = (SHIPPED / "questions.jsonl").read_text(encoding="utf-8").splitlines()[0]
        (tmp_path / "questions.jsonl").write_text(first + "\n", encoding="utf-8")
        with pytest.raises(WorkshopError, match="at least 10 are needed"):
            run(DemoOptions(reports=tmp_path))

    def test_a_json_file_that_cannot_be_written_is_refused_at_once(self, tmp_path: Path) -> None:
        (tmp_path / "none").write_text("a file, no folder", encoding="utf-8")
        with pytest.raises(WorkshopError, match="give another file"):
            run(DemoOptions(json_path=tmp_path / "none" / "result.json"))
        assert not home().exists()

    def test_the_folder_of_what_is_written_is_made(self, tmp_path: Path) -> None:
        check_writable(tmp_path / "new" / "folder" / "study.json")
        assert list((tmp_path / "new" / "folder").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ctrl_c_cancels_the_job_and_keeps_the_records(stop: str) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "buildhour_helpers.cli", "demo", "--questions", "5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    folder = _wait_for_the_job(demo)
    demo.send_signal(getattr(signal, stop))
    _, said = demo.communicate()
    assert demo.returncode == 130
    last = said.strip().splitlines()[-1]
    assert "the job ftjob-" in last
    assert "is cancelled" in last
    assert "Traceback" not in said
    assert len(read_records(folder / "baseline.jsonl")) == 15
    assert _job_status(folder) == "cancelled"
    assert servers.running(folder) == []
    assert processes_left() == []


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_its_servers_end_although_it_was_killed() -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "buildhour_helpers.cli", "demo", "--questions", "5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    _wait_for_the_job(demo)
    demo.kill()
    demo.communicate()
    assert processes_left() == []


def _wait_for_the_job(demo: subprocess.Popen[str]) -> Path:
    """Wait until the demo's job runs; returns the run's folder."""
    while demo.poll() is None:
        folders = runs() if (home() / "demo").exists() else []
        if folders and _job_status(folders[0]) == "running":
            return folders[0]
        time.sleep(0.1)
    raise AssertionError(f"the demo ended by itself: {demo.communicate()}")


def _job_status(folder: Path) -> str | None:
    try:
        with sqlite3.connect(f"file:{folder / 'service.sqlite'}?mode=ro", uri=True) as database:
            row = database.execute("SELECT status FROM jobs").fetchone()
    except sqlite3.OperationalError:
        return None
    return str(row[0]) if row else None
