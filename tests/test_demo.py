"""The demo, small: what it writes, that a seed repeats it, that it can be stopped."""

from __future__ import annotations

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
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.home import home
from buildhour_helpers.reports import SHIPPED
from buildhour_helpers.rollouts import read_records
from buildhour_helpers.tasks import load_questions
from tests.left_behind import processes_left


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "VALIDATION_QUESTIONS", 10)


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
        return *figures, sorted((home() / "demo").iterdir())[-1]


Twice = tuple[dict[str, Any], dict[str, Any], Path]


def test_the_json_has_the_documented_keys_at_any_concurrency(twice: Twice) -> None:
    figures, again, _ = twice
    assert figures == again
    assert list(figures) == [
        "seed", "reports", "questions", "baseline", "tuned", "difference", "job", "curve",
    ]  # fmt: skip
    assert (figures["seed"], figures["reports"]) == (3, 2800)
    assert figures["questions"] == {"train": 32, "validation": 10, "test": 5}
    side = {
        "model", "mean_reward", "ci95", "accuracy", "tool_calls_mean", "turns_mean",
        "reasoning_tokens_mean", "latency_s_mean", "rollouts",
    }  # fmt: skip
    before, after, job = figures["baseline"], figures["tuned"], figures["job"]
    assert set(before) == side
    assert set(after) == side | {"checkpoint_step"}
    assert before["rollouts"] == after["rollouts"] == 15
    assert after["model"].startswith("ft:sim-agent-mini:workshop:demo:")
    assert after["checkpoint_step"] == 2
    # After two steps the reward may not have moved, but the agent acts otherwise.
    assert before["reasoning_tokens_mean"] != after["reasoning_tokens_mean"]
    assert set(figures["difference"]) == {"mean_reward", "ci95"}
    assert set(job) == {
        "id", "steps", "rollouts", "discarded", "tool_calls", "reasoning_token_penalty",
    }  # fmt: skip
    assert (job["steps"], job["rollouts"], job["discarded"]) == (2, 2 * 16 * 8 + 10, 0)
    curve_keys = {"step", "train_reward_mean", "valid_reward_mean", "tool_calls_mean"}
    assert [set(point) for point in figures["curve"]] == [curve_keys] * 2


def test_it_leaves_records_a_figure_and_a_report_and_no_server(twice: Twice) -> None:
    folder = twice[2]
    for name, figures in (("baseline", twice[0]["baseline"]), ("tuned", twice[0]["tuned"])):
        records = read_records(folder / f"{name}.jsonl")
        rewards = [record.reward for record in records if record.reward is not None]
        assert sum(rewards) / len(rewards) == pytest.approx(figures["mean_reward"], abs=1e-6)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Simulated: the model" in page
    alts = re.findall(r'<img src="data:image/svg\+xml;base64,[^"]+" alt="([^"]+)"', page)
    assert len(alts) == page.count("<img") == 9
    assert min(map(len, alts)) > 60
    assert alts[0].startswith("Reward on held-out questions: ")
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
    def test_a_seed_chooses_the_questions_and_no_split_is_mixed_with_another(self) -> None:
        one, same, other = (plan.make_plan(DemoOptions(seed=seed)) for seed in (1, 1, 2))
        assert (one.test, one.train) == (same.test, same.train)
        assert one.test != other.test
        ids = [{q.id for q in split} for split in (one.train, one.validation, one.test)]
        assert sum(map(len, ids)) == len(set.union(*ids))

    @pytest.mark.parametrize("steps", [1, 40, 41, 100])
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

    def test_the_help_names_the_defaults(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["demo", "--help"]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert f"training steps [default: {DemoOptions().steps};" in said
        assert f"compare on [default: {DemoOptions().questions};" in said


class TestBadInput:
    def test_reports_and_questions_that_it_cannot_use_are_one_line(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shutil.copy(SHIPPED / "reports.jsonl.gz", tmp_path)
        lines = (SHIPPED / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        first = load_questions()[0]
        elsewhere = lines[0].replace(first.gold_pages[0], "NONE/2001/page_1.pdf")
        lost = f"question {first.id}: its page NONE/2001/page_1.pdf is not"
        for questions, said in (
            ([*lines[:6], lines[6][:40]], "questions.jsonl, line 7, row: Invalid JSON"),
            ([elsewhere, *lines[1:]], lost),
            (lines[:1], "at least 10 are needed"),
        ):
            file = tmp_path / "questions.jsonl"
            file.write_text("\n".join(questions), encoding="utf-8")
            assert cli.main(["demo", "--reports", str(tmp_path)]) == 1
            printed = capsys.readouterr().err
            assert said in printed
            assert printed.count("\n") == 1
        assert cli.main(["demo", "--reports", str(tmp_path / "none")]) == 1
        assert "no such file" in capsys.readouterr().err

    def test_a_json_file_that_cannot_be_written_is_refused_at_once(self, tmp_path: Path) -> None:
        (tmp_path / "none").write_text("a file, no folder", encoding="utf-8")
        with pytest.raises(WorkshopError, match="give another file"):
            run(DemoOptions(json_path=tmp_path / "none" / "result.json"))
        assert not home().exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize("stop", ["SIGINT", "SIGKILL"])
def test_a_signal_cancels_the_job_keeps_the_records_and_leaves_no_server(stop: str) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "buildhour_helpers.cli", "demo", "--questions", "5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    folder = _wait_for_the_job(demo)
    demo.send_signal(getattr(signal, stop))
    _, said = demo.communicate()
    assert processes_left() == []
    if stop != "SIGKILL":
        assert demo.returncode == 130
        assert re.search(r"the job ftjob-.* is cancelled.*\s*$", said)
        assert "Traceback" not in said
        assert len(read_records(folder / "baseline.jsonl")) == 15
        assert _job_status(folder) == "cancelled"
        assert servers.running(folder) == []


def _wait_for_the_job(demo: subprocess.Popen[str]) -> Path:
    """Wait until the demo's job runs; returns the run's folder."""
    while demo.poll() is None:
        folders = list((home() / "demo").glob("*"))
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
