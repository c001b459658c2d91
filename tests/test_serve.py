"""`serve`: both servers for somebody else's programs, until interrupted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
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
from tests.serving import SERVE, serving, started

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows sends no signal to one process")


@POSIX
@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_one_line_of_json_once_both_answer_and_nothing_left_after(
    stop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGINT counts although a shell ignores it for a program in the background."""
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        program, about = started()
    finally:
        signal.signal(signal.SIGINT, usual)
    assert set(about) == {"base_url", "api_key", "tools_url", "tools_key"}
    client = OpenAI(base_url=about["base_url"], api_key=about["api_key"])
    assert client.models.list().data
    up = session.running()
    assert all(servers.answers(server) for server in up.values())
    program.send_signal(getattr(signal, stop))
    out, err = program.communicate()
    assert (program.returncode, out, err) == (0, "", "")
    assert all(servers.process_of(server) is None for server in up.values())


def test_its_servers_end_although_it_was_killed() -> None:
    program, _ = started()
    program.kill()
    program.communicate()
    assert processes_left() == []


def test_the_command_that_the_tiny_engine_prints_serves_its_model() -> None:
    command = [*SERVE[:3], "engine", "--tiny"]
    engine = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    assert engine.stdout
    try:
        printed = next(line for line in engine.stdout if " serve --engine tinker " in line)
        _, _, options = printed.partition(" serve ")
        with serving(*options.split()) as about:
            client = OpenAI(base_url=about["base_url"], api_key=about["api_key"])
            assert client.models.retrieve("tiny").id == "tiny"
            opened = link(about["base_url"].removesuffix("/v1"), about["api_key"])
            with httpx.Client(follow_redirects=True) as browser:
                assert "own service</span>" in browser.get(opened).text  # not "simulated model"
    finally:
        engine.terminate()
        engine.communicate()
    assert processes_left() == []


@pytest.fixture
def others() -> Iterator[dict[str, servers.Server]]:
    """The servers of a `serve` that runs; no session may end them."""
    with serving():
        others = session.running()
        yield others
        session.stop()
        assert all(servers.answers(server) for server in others.values())
    assert processes_left() == []


def test_a_session_beside_it_shares_what_fits_and_starts_the_rest(
    others: dict[str, servers.Server],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(SHIPPED, tmp_path / "reports")
    another = "has other code, another port or key"
    cases: list[tuple[dict[str, Any], str, set[str], str]] = [
        ({}, "0", {"service", "tools"}, "Using the servers that another program started"),
        ({}, "7", {"tools"}, "The running service server (process"),
        ({"reports": tmp_path / "reports"}, "0", {"service"}, "The running tools server (process"),
        ({"port": closed_port()}, "0", {"tools"}, another),
        ({"tools_port": closed_port()}, "0", {"service"}, another),
    ]
    for options, seed, shared, said in cases:
        monkeypatch.setenv("BUILDHOUR_SEED", seed)
        up = session.start(quiet=True, **options)
        mine = session.running()
        assert {name for name in mine if mine[name] == others[name]} == shared, options
        assert OpenAI().models.list().data
        assert (up.base_url, up.tools_url) == (mine["service"].url, mine["tools"].url)
        assert said in capsys.readouterr().err
        session.stop()


def test_a_second_serve_keeps_them_when_the_first_ends() -> None:
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
    with serving("--keys", str(keys), "--jobs", "2", "--max-storage", "1") as about:
        files = OpenAI(base_url=about["base_url"], api_key=key, max_retries=0).files
        files.create(file=("a.txt", b"x" * 600_000), purpose="user_data")
        with pytest.raises(APIStatusError) as caught:
            files.create(file=("b.txt", b"x" * 600_000), purpose="user_data")
        assert caught.value.code == "storage_quota_exceeded"


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
    with serving() as about:
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


@POSIX
def test_a_job_survives_that_everything_is_killed(tmp_path: Path) -> None:
    program, before = started()
    client, job_id = launched(before, tmp_path, n_epochs=10)
    for event in jobs.follow(client, job_id, poll_s=0.05):
        if event.type == "metrics":
            break
    for process in processes():
        process.kill()
    program.communicate()
    with serving() as after:
        assert after == before
        done = jobs.wait(client, job_id, progress=False)
        steps = [event for event in jobs.follow(client, job_id) if jobs.step_of(event)]
        assert done.status == "succeeded"
        assert len(steps) == 30
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
    program, _ = started()
    psutil.Process(session.running()["tools"].pid).kill()
    _, err = program.communicate()
    assert program.returncode == 1
    assert err.count("\n") == 1
    assert "a server ended by itself" in err
    assert session.running() == {}
