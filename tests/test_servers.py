"""Servers as processes of their own: found, reused, replaced, stopped."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from buildhour_helpers import home, lifetimes, servers
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.servers import Program, Server
from tests.service.servers import closed_port

TINY = """
import argparse, http.server, json, os, secrets, sys
parser = argparse.ArgumentParser()
parser.add_argument("--json", action="store_true")
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--fail", default="")
parser.add_argument("--greeting")
parser.add_argument("--home")
options = parser.parse_args()
if options.fail:
    print("noise", file=sys.stderr)
    sys.exit(options.fail)
server = http.server.HTTPServer(("127.0.0.1", options.port), http.server.BaseHTTPRequestHandler)
key = os.environ.get("TINY_KEY") or secrets.token_hex()
said = {"url": f"http://127.0.0.1:{server.server_port}", "key": key, "pid": os.getpid()}
print(json.dumps(said), flush=True)
server.serve_forever()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder; `tiny_server` can be run with `python -m`; servers are stopped after."""
    (tmp_path / "tiny_server").mkdir()
    (tmp_path / "tiny_server" / "__init__.py").touch()
    (tmp_path / "tiny_server" / "__main__.py").write_text(TINY, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    prepared = home.prepare(tmp_path / "state")
    yield prepared
    servers.stop(prepared)


def tiny(name: str = "tiny", *options: str, **settings: Any) -> Program:
    return Program(name, "tiny_server", "url", "key", options, ("tiny_server",), **settings)


def test_starts_side_by_side_is_reused_and_is_stopped(folder: Path) -> None:
    up = servers.ensure(folder, [tiny("one"), tiny("two")])
    assert up["one"].url != up["two"].url
    assert all(servers.answers(server) for server in up.values())
    assert os.getpid() not in {server.pid for server in up.values()}
    assert servers.ensure(folder, [tiny("one"), tiny("two")]) == up
    mode = servers.address_file(folder, "one").stat().st_mode  # it holds the key
    assert os.name == "nt" or mode & 0o077 == 0
    assert servers.stop(folder)
    assert [servers.process_of(server) for server in up.values()] == [None, None]
    assert servers.find(folder, "one") is None
    assert not servers.stop(folder)


def test_other_options_are_another_server_and_other_code_replaces_it(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = servers.ensure(folder, [tiny()])["tiny"]
    assert capsys.readouterr().err == ""
    second = servers.ensure(folder, [tiny("tiny", "--greeting", "x")])["tiny"]
    assert servers.answers(first)
    assert servers.answers(second)
    assert second.url != first.url
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"(process {first.pid}) keeps running" in said
    # The same code in another clone is the same program; changed code replaces an unused one.
    shutil.copytree(tmp_path / "tiny_server", tmp_path / "clone" / "tiny_server")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(tmp_path / "clone")
        assert servers.ensure(folder, [tiny()])["tiny"] == first
    change_code(tmp_path)
    third = servers.ensure(folder, [tiny()])["tiny"]
    assert servers.process_of(first) is None
    assert (third.url, third.pid != first.pid) == (first.url, True)


def change_code(tmp_path: Path) -> None:
    with (tmp_path / "tiny_server" / "__main__.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")


class TestInUse:
    """Whatever does not fit, a server that another process uses is left alone."""

    @pytest.fixture
    def first(self, folder: Path) -> Iterator[Server]:
        """A server that another process uses."""
        server = servers.ensure(folder, [tiny()])["tiny"]
        with user_of(folder, server):
            yield server

    @pytest.mark.parametrize("what", ["code", "port", "key"])
    def test_one_is_started_beside_it(
        self,
        what: str,
        first: Server,
        folder: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        settings: dict[str, Any] = {"state": folder, "key_variable": "TINY_KEY"}
        if what == "code":
            change_code(tmp_path)
        else:
            settings |= {"port": {"port": closed_port()}, "key": {"key": "mine"}}[what]
        program = tiny(**settings)
        second = servers.ensure(folder, [program])["tiny"]
        assert servers.answers(first)
        assert servers.answers(second)
        assert second.pid != first.pid
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert f"(process {first.pid}) is in use and has other code, another port or key" in said
        assert second.slot in said  # in the folder of its state
        assert servers.ensure(folder, [program])["tiny"] == second

    @pytest.mark.skipif(os.name == "nt", reason="Windows stops no process for a while")
    def test_a_silent_one_is_waited_for(
        self, first: Server, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        process = psutil.Process(first.pid)
        process.suspend()
        asked = servers.answers

        def wakes_up_after_the_second(server: Server, timeout_s: float = 0.5) -> bool:
            if "does not answer" in capsys.readouterr().err:
                process.resume()
            return asked(server, 0.5)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(servers, "answers", wakes_up_after_the_second)
            assert servers.ensure(folder, [tiny()])["tiny"] == first

    @pytest.mark.skipif(os.name == "nt", reason="Windows stops no process for a while")
    def test_one_that_stays_silent_is_left_alone(
        self,
        first: Server,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(servers, "SILENCE_S", 0.1)
        process = psutil.Process(first.pid)
        process.suspend()
        second = servers.ensure(folder, [tiny()])["tiny"]
        process.resume()
        assert servers.answers(second)
        assert servers.answers(first)
        assert "is in use and does not answer" in capsys.readouterr().err

    def test_the_last_one_to_give_it_up_stops_it(self, folder: Path) -> None:
        server = servers.ensure(folder, [tiny()])["tiny"]
        with user_of(folder, server):
            assert servers.release(folder) == 0
            assert servers.answers(server)
        assert servers.release(folder, bound_only=True) == 0  # a lab leaves a notebook's alone
        assert servers.release(folder) == 1


@contextmanager
def user_of(folder: Path, server: Server) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses a server, until the block ends."""
    code = (
        "import sys; from pathlib import Path; from buildhour_helpers import lifetimes; "
        "lifetimes.add_user(Path(sys.argv[1])); print(flush=True); sys.stdin.read()"
    )
    users = servers.users_folder(folder, server.slot)
    with subprocess.Popen(
        [sys.executable, "-c", code, users],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(home.PACKAGE.parent)},
    ) as user:
        assert user.stdout
        user.stdout.readline()
        yield user


@pytest.mark.parametrize("how", ["killed", "told to end"])
def test_a_bound_server_ends_with_its_last_user(folder: Path, how: str) -> None:
    code = (
        "import sys; from pathlib import Path; from buildhour_helpers import servers; "
        "from tests.test_servers import tiny; "
        "server = servers.ensure(Path(sys.argv[1]), [tiny()], bound=True)['tiny']; "
        "print(server.pid, flush=True); sys.stdin.read()"
    )
    paths = (os.environ["PYTHONPATH"], home.PACKAGE.parent)
    with subprocess.Popen(
        [sys.executable, "-c", code, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
    ) as first:
        assert first.stdout
        server = psutil.Process(int(first.stdout.readline()))
        with user_of(folder, servers.running(folder)[0]):
            if how == "killed":
                first.kill()
            else:
                first.terminate()
            first.communicate()
            with pytest.raises(psutil.TimeoutExpired):
                server.wait(timeout=3 * lifetimes.POLL_S)
        server.wait(timeout=60)


class TestAfterARestart:
    """A job names its tools by address and key, so both come back."""

    @pytest.mark.parametrize("how", ["stopped", "killed", "of a bound start"])
    def test_port_and_key_of_each_set_of_options_come_back(self, folder: Path, how: str) -> None:
        programs = [tiny("tiny", "--greeting", text, key_variable="TINY_KEY") for text in "ab"]
        bound = how == "of a bound start"
        first = [servers.ensure(folder, [program], bound=bound)["tiny"] for program in programs]
        if how == "killed":
            for server in first:
                psutil.Process(server.pid).kill()
                psutil.Process(server.pid).wait()
        else:
            servers.stop(folder)
        second = [servers.ensure(folder, [program])["tiny"] for program in reversed(programs)]
        assert [(s.url, s.key) for s in reversed(second)] == [(s.url, s.key) for s in first]
        assert {one.pid for one in second}.isdisjoint(one.pid for one in first)
        servers.stop(folder)  # a key that the user sets wins
        assert servers.ensure(folder, [replace(programs[0], key="mine")])["tiny"].key == "mine"

    def test_a_port_that_was_taken_meanwhile_is_said(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        first = servers.ensure(folder, [tiny()])["tiny"]
        servers.stop(folder)
        with socket.create_server(("127.0.0.1", first.port)):
            second = servers.ensure(folder, [tiny()])["tiny"]
        assert servers.answers(second)
        assert second.port != first.port
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert f"Port {first.port} of the tiny server was taken by another program" in said


def test_a_pid_that_went_to_another_process_is_left_alone(folder: Path) -> None:
    """The address file names this very process, but of another creation time."""
    path = servers.address_file(folder, "tiny")
    path.parent.mkdir()
    here = f"http://127.0.0.1:{closed_port()}"
    mine = Server("tiny", "tiny", here, "k", os.getpid(), 1.0, fingerprint="f", bound=False)
    path.write_text(json.dumps(dataclasses.asdict(mine)), encoding="utf-8")
    assert servers.find(folder, "tiny") is None
    assert not servers.stop(folder)
    assert servers.answers(servers.ensure(folder, [tiny()])["tiny"])


@pytest.mark.parametrize("text", ["", '{"name": "tiny"}'])
def test_a_damaged_address_file_counts_as_none(folder: Path, text: str) -> None:
    path = servers.address_file(folder, "tiny")
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    assert servers.find(folder, "tiny") is None
    assert servers.answers(servers.ensure(folder, [tiny()])["tiny"])


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
        servers.stop(folder)
    assert waited == [2, 2]
    assert [servers.process_of(server) for server in up.values()] == [None, None]
    assert servers.running(folder) == []


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


def test_a_server_that_gives_up_passes_on_its_last_words_and_leaves_no_other_one_behind(
    folder: Path,
) -> None:
    with pytest.raises(WorkshopError, match="the broken server did not start: out of luck"):
        servers.ensure(folder, [tiny("broken", "--fail", "broken: out of luck"), tiny("fine")])
    assert servers.running(folder) == []
    ours = [p for p in psutil.process_iter(["cmdline"]) if "tiny_server" in str(p.info["cmdline"])]
    assert not [p for p in ours if str(folder.parent) in str(p.environ().get("PYTHONPATH"))]
