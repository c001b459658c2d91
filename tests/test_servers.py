"""Servers as processes of their own: found, reused, replaced, stopped."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from buildhour_helpers import home, servers
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.servers import Program, Server

TINY = """
import argparse, http.server, json, os, sys
parser = argparse.ArgumentParser()
parser.add_argument("--json", action="store_true")
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--fail", default="")
options = parser.parse_args()
if options.fail:
    print("noise", file=sys.stderr)
    sys.exit(options.fail)
server = http.server.HTTPServer(("127.0.0.1", options.port), http.server.BaseHTTPRequestHandler)
said = {"url": f"http://127.0.0.1:{server.server_port}", "key": "k", "pid": os.getpid()}
print(json.dumps(said), flush=True)
server.serve_forever()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder; `tiny_server` can be run with `python -m`; servers are stopped after."""
    (tmp_path / "tiny_server").mkdir()
    (tmp_path / "tiny_server" / "__main__.py").write_text(TINY, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    prepared = home.prepare(tmp_path / "state")
    yield prepared
    for path in (prepared / "servers").glob("*.json"):
        servers.stop(prepared, path.stem)


def tiny(name: str = "tiny", *options: str) -> Program:
    return Program(name, "tiny_server", "url", "key", options, code=("tiny_server",))


def test_starts_side_by_side_and_answers(folder: Path) -> None:
    up = servers.ensure(folder, [tiny("one"), tiny("two")])
    assert up["one"].url != up["two"].url
    for server in up.values():
        assert servers.answers(server)
        assert server.pid != os.getpid()


def test_a_second_start_reuses_the_first(folder: Path) -> None:
    first = servers.ensure(folder, [tiny()])
    assert servers.ensure(folder, [tiny()]) == first


def test_other_options_replace_it(folder: Path) -> None:
    first = servers.ensure(folder, [tiny()])["tiny"]
    second = servers.ensure(folder, [tiny("tiny", "--port", "0")])["tiny"]
    assert second.pid != first.pid
    assert servers.process_of(first) is None


def test_changed_code_replaces_it(folder: Path, tmp_path: Path) -> None:
    first = servers.ensure(folder, [tiny()])["tiny"]
    os.utime(tmp_path / "tiny_server" / "__main__.py", (1, 1))
    assert servers.ensure(folder, [tiny()])["tiny"].pid != first.pid


def test_a_dead_one_is_replaced(folder: Path) -> None:
    first = servers.ensure(folder, [tiny()])["tiny"]
    psutil.Process(first.pid).kill()
    psutil.Process(first.pid).wait()
    second = servers.ensure(folder, [tiny()])["tiny"]
    assert servers.answers(second)


def test_a_pid_that_went_to_another_process_is_left_alone(folder: Path) -> None:
    """The address file names this very process, but of another creation time."""
    path = servers.address_file(folder, "tiny")
    path.parent.mkdir()
    mine = Server("tiny", "http://127.0.0.1:9", "k", os.getpid(), started=1.0, fingerprint="f")
    path.write_text(json.dumps(dataclasses.asdict(mine)), encoding="utf-8")
    assert servers.find(folder, "tiny") is None
    assert not servers.stop(folder, "tiny")
    assert servers.answers(servers.ensure(folder, [tiny()])["tiny"])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "tiny"}', "not json"])
def test_a_damaged_address_file_counts_as_none(folder: Path, text: str) -> None:
    path = servers.address_file(folder, "tiny")
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    assert servers.find(folder, "tiny") is None
    assert servers.answers(servers.ensure(folder, [tiny()])["tiny"])


def test_stop_ends_the_process_and_forgets_it(folder: Path) -> None:
    server = servers.ensure(folder, [tiny()])["tiny"]
    assert servers.stop(folder, "tiny")
    assert servers.process_of(server) is None
    assert not servers.address_file(folder, "tiny").exists()
    assert not servers.stop(folder, "tiny")


def test_no_server_outlives_a_ctrl_c_while_they_are_stopped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    up = servers.ensure(folder, [tiny("one"), tiny("two")])
    waited: list[int] = []

    def interrupted_at_first(processes: list[psutil.Process], timeout: float) -> None:
        waited.append(len(processes))
        if len(waited) == 1:
            raise KeyboardInterrupt
        wait(processes, timeout)

    wait = psutil.wait_procs
    monkeypatch.setattr(psutil, "wait_procs", interrupted_at_first)
    with pytest.raises(KeyboardInterrupt):
        servers.stop(folder, "one", "two")
    assert waited == [2, 2]
    assert [servers.process_of(server) for server in up.values()] == [None, None]
    assert not list((folder / "servers").glob("*.json"))


def test_no_server_outlives_a_ctrl_c_while_they_are_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def interrupted_at_the_second(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        if started:
            raise KeyboardInterrupt
        started.append(popen(*arguments, **options))
        return started[0]

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", interrupted_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        servers.ensure(folder, [tiny("one"), tiny("two")])
    assert started[0].poll() is not None


def test_a_server_that_gives_up_passes_on_its_last_words(folder: Path) -> None:
    with pytest.raises(WorkshopError, match="the broken server did not start: out of luck"):
        servers.ensure(folder, [tiny("fine"), tiny("broken", "--fail", "broken: out of luck")])
    assert servers.find(folder, "broken") is None


def test_a_failed_start_leaves_no_other_one_behind(folder: Path) -> None:
    with pytest.raises(WorkshopError):
        servers.ensure(folder, [tiny("broken", "--fail", "x"), tiny("fine")])
    assert servers.find(folder, "fine") is None
    ours = [p for p in psutil.process_iter(["cmdline"]) if "tiny_server" in str(p.info["cmdline"])]
    assert not [p for p in ours if str(folder.parent) in str(p.environ().get("PYTHONPATH"))]


def test_the_key_can_be_read_by_its_owner_alone(folder: Path) -> None:
    servers.ensure(folder, [tiny()])
    mode = servers.address_file(folder, "tiny").stat().st_mode
    assert os.name == "nt" or mode & 0o077 == 0


def test_an_answer_is_any_answer(folder: Path) -> None:
    server = servers.ensure(folder, [tiny()])["tiny"]
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(server.url)
    assert servers.answers(server)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        mute = dataclasses.replace(server, url=f"http://127.0.0.1:{port}")
        assert not servers.answers(mute, timeout_s=0.2)
