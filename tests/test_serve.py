"""`serve`: both servers for somebody else's programs, until interrupted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from openai import APIStatusError, OpenAI

from buildhour_helpers import jobs, servers, session
from buildhour_helpers.graders import specs
from buildhour_helpers.home import home
from buildhour_helpers.reports import SHIPPED
from buildhour_helpers.tasks import BEST_PROMPT, build_rows, load_questions
from buildhour_helpers.tools.schemas import DEFINITIONS
from rft_service.pages.access import link
from tests.left_behind import processes, processes_left
from tests.service.servers import closed_port

SERVE = [sys.executable, "-m", "buildhour_helpers.cli", "serve", "--json"]


POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows sends no signal to one process")


def started(*options: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    serving = subprocess.Popen(
        [*SERVE, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert serving.stdout
    line = serving.stdout.readline()
    if not line:
        raise AssertionError(serving.communicate()[1])
    return serving, json.loads(line)


@POSIX
@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_one_line_of_json_once_both_answer_and_nothing_left_after(stop: str) -> None:
    serving, about = started()
    assert set(about) == {"base_url", "api_key", "tools_url", "tools_key"}
    client = OpenAI(base_url=about["base_url"], api_key=about["api_key"])
    assert client.models.list().data
    up = session.running()
    assert all(servers.answers(server) for server in up.values())
    serving.send_signal(getattr(signal, stop))
    out, err = serving.communicate()
    assert (serving.returncode, out, err) == (0, "", "")
    assert all(servers.process_of(server) is None for server in up.values())


def test_its_servers_end_although_it_was_killed() -> None:
    serving, _ = started()
    serving.kill()
    serving.communicate()
    assert processes_left() == []


@POSIX
def test_a_signal_counts_although_the_shell_ignores_it_in_the_background() -> None:
    shell = "trap '' INT; exec \"$@\""
    serving = subprocess.Popen(
        ["sh", "-c", shell, "sh", *SERVE], stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert serving.stdout
    assert serving.stdout.readline()
    serving.send_signal(signal.SIGINT)
    serving.communicate()
    assert processes_left() == []


def test_the_command_that_the_tiny_engine_prints_serves_its_model() -> None:
    command = [*SERVE[:3], "engine", "--tiny"]
    engine = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    assert engine.stdout
    try:
        printed = next(line for line in engine.stdout if " serve --engine tinker " in line)
        _, _, options = printed.partition(" serve ")
        serving, about = started(*options.split())
        try:
            client = OpenAI(base_url=about["base_url"], api_key=about["api_key"])
            assert client.models.retrieve("tiny").id == "tiny"
            opened = link(about["base_url"].removesuffix("/v1"), about["api_key"])
            with httpx.Client(follow_redirects=True) as browser:
                assert "own service</span>" in browser.get(opened).text  # not "simulated model"
        finally:
            serving.terminate()
            serving.communicate()
    finally:
        engine.terminate()
        engine.communicate()
    assert processes_left() == []


class TestBesideAnother:
    """A session never ends the servers of a `serve` that runs."""

    @pytest.fixture
    def others(self) -> Iterator[dict[str, servers.Server]]:
        serving, _ = started()
        others = session.running()
        yield others
        session.stop()
        assert all(servers.answers(server) for server in others.values())
        serving.terminate()
        serving.communicate()
        assert processes_left() == []

    @pytest.mark.parametrize(
        ("changed", "shared", "said"),
        [
            ("nothing", {"service", "tools"}, "Using the servers that another program started"),
            ("seed", {"tools"}, "The running service server (process"),
            ("reports", {"service"}, "The running tools server (process"),
            ("port", {"tools"}, "has other code, another port or key"),
            ("tools port", {"service"}, "has other code, another port or key"),
        ],
    )
    def test_what_fits_is_shared_and_the_rest_is_its_own(
        self,
        changed: str,
        shared: set[str],
        said: str,
        others: dict[str, servers.Server],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        if changed == "seed":
            monkeypatch.setenv("BUILDHOUR_SEED", "7")
        shutil.copytree(SHIPPED, tmp_path / "reports")
        options: dict[str, Any] = {
            "reports": {"reports": tmp_path / "reports"},
            "port": {"port": closed_port()},
            "tools port": {"tools_port": closed_port()},
        }.get(changed, {})
        up = session.start(quiet=True, **options)
        mine = session.running()
        assert {name for name in mine if mine[name] == others[name]} == shared
        assert all(servers.answers(server) for server in (*others.values(), *mine.values()))
        assert OpenAI().models.list().data
        assert (up.base_url, up.tools_url) == (mine["service"].url, mine["tools"].url)
        assert said in capsys.readouterr().err

    def test_a_second_serve_keeps_them_when_the_first_ends(self) -> None:
        first, about = started()
        second, about_second = started()
        assert about == about_second
        up = session.running()
        first.terminate()
        assert first.communicate() == ("", "")
        assert all(servers.answers(server) for server in up.values())
        second.terminate()
        assert "Using the servers that another program started" in second.communicate()[1]
        assert processes_left() == []


def test_options_for_a_team_reach_the_service(tmp_path: Path) -> None:
    key, keys = "sk-" + "ana" * 8, tmp_path / "team.keys"
    keys.write_text(f"ana {key}\n", encoding="utf-8")
    serving, about = started("--keys", str(keys), "--jobs", "2", "--max-storage", "1")
    try:
        files = OpenAI(base_url=about["base_url"], api_key=key, max_retries=0).files
        files.create(file=("a.txt", b"x" * 600_000), purpose="user_data")
        with pytest.raises(APIStatusError) as caught:
            files.create(file=("b.txt", b"x" * 600_000), purpose="user_data")
        assert caught.value.code == "storage_quota_exceeded"
    finally:
        serving.terminate()
        serving.communicate()
    assert processes_left() == []


def test_a_host_that_nobody_could_call_is_refused_in_one_line() -> None:
    done = subprocess.run([*SERVE, "--host", "0.0.0.0"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "give --allowed-host NAME" in done.stderr
    assert done.stderr.count("\n") == 1
    assert processes_left() == []


def launched(about: dict[str, str], folder: Path, n_epochs: int) -> tuple[OpenAI, str]:
    """A client, and the ID of a job with the course's tools and grader, three steps an epoch."""
    client = OpenAI(base_url=about["base_url"], api_key=about["api_key"])
    questions = load_questions(split="train")[:12]
    rows = build_rows(questions, BEST_PROMPT, DEFINITIONS)
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    uploaded = jobs.upload(client, file)
    key = about["tools_key"]
    job = jobs.launch(
        client,
        model="sim-agent-mini",
        training_file=uploaded,
        validation_file=uploaded,
        tools=jobs.tool_endpoints(about["tools_url"], key),
        grader=specs.endpoint(f"{about['tools_url']}/grade", key),
        hyperparameters={"batch_size": 4, "n_epochs": n_epochs, "eval_interval": 30},
    )
    return client, job.id


@POSIX
def test_keys_are_kept_where_security_md_says_and_nowhere_else(tmp_path: Path) -> None:
    serving, about = started()
    try:
        client, job_id = launched(about, tmp_path, n_epochs=1)
        jobs.wait(client, job_id, progress=False)
        commands = [" ".join(process.cmdline()) for process in processes()]
        assert commands
        assert not any(about[key] in line for key in ("api_key", "tools_key") for line in commands)
        state = home()
        kept = {
            key: {
                str(path.relative_to(state))
                for path in state.rglob("*")
                if path.is_file() and about[key].encode() in path.read_bytes()
            }
            for key in ("api_key", "tools_key")
        }
        assert kept["api_key"] == {"api_key", "servers/service.json"}
        database = {"service.sqlite", "service.sqlite-wal"}  # the headers that a job sends
        assert kept["tools_key"] - database == {"servers/tools.json"}
        for name in set.union(*kept.values()):
            assert (state / name).stat().st_mode & 0o077 == 0, name
    finally:
        serving.terminate()
        out, err = serving.communicate()
    assert (out, err) == ("", "")


@POSIX
def test_a_job_survives_that_everything_is_killed(tmp_path: Path) -> None:
    serving, before = started()
    client, job_id = launched(before, tmp_path, n_epochs=10)
    for event in jobs.follow(client, job_id, poll_s=0.05):
        if event.type == "metrics":
            break
    for process in processes():
        process.kill()
    serving.communicate()
    serving, after = started()
    try:
        assert after == before
        done = jobs.wait(client, job_id, progress=False)
        steps = [event for event in jobs.follow(client, job_id) if jobs.step_of(event)]
        assert done.status == "succeeded"
        assert len(steps) == 30
    finally:
        serving.terminate()
        serving.communicate()
    assert processes_left() == []


def test_the_link_that_it_prints_lets_a_browser_in() -> None:
    command = [word for word in SERVE if word != "--json"]
    serving = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    try:
        assert serving.stdout
        printed = dict(serving.stdout.readline().strip().rsplit(None, 1) for _ in range(5))
        assert "nothing leaves this machine" in serving.stdout.readline()
        answer = httpx.get(printed["job page"])
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "set-cookie" in answer.headers
        page = httpx.get(answer.url.join("/"), cookies=answer.cookies)
        assert "Fine-tuning jobs" in page.text
    finally:
        serving.terminate()
        serving.communicate()


def test_a_server_that_ends_by_itself_ends_it_with_one_line() -> None:
    serving, _ = started()
    psutil.Process(session.running()["tools"].pid).kill()
    _, err = serving.communicate()
    assert serving.returncode == 1
    assert err.count("\n") == 1
    assert "a server ended by itself" in err
    assert session.running() == {}
