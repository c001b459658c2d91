"""`serve`: both servers for somebody else's programs, until interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import httpx
import psutil
import pytest
from openai import OpenAI

from buildhour_helpers import servers, session

SERVE = [sys.executable, "-m", "buildhour_helpers.cli", "serve", "--json"]


def started() -> tuple[subprocess.Popen[str], dict[str, str]]:
    serving = subprocess.Popen(
        SERVE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert serving.stdout
    line = serving.stdout.readline()
    if not line:
        raise AssertionError(serving.communicate()[1])
    return serving, json.loads(line)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signal to one process")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_one_line_of_json_once_both_answer_and_nothing_left_after(stop: signal.Signals) -> None:
    serving, about = started()
    assert set(about) == {"base_url", "api_key", "tools_url", "tools_key"}
    client = OpenAI(base_url=about["base_url"], api_key=about["api_key"])
    assert client.models.list().data
    up = session.running()
    assert all(servers.answers(server) for server in up.values())
    serving.send_signal(stop)
    out, err = serving.communicate()
    assert (serving.returncode, out, err) == (0, "", "")
    assert all(servers.process_of(server) is None for server in up.values())


def test_the_link_that_it_prints_lets_a_browser_in() -> None:
    command = [word for word in SERVE if word != "--json"]
    serving = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    try:
        assert serving.stdout
        printed = dict(serving.stdout.readline().strip().rsplit(None, 1) for _ in range(5))
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
