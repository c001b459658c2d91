"""The service as a command: what keeps it from starting is one line, and IDs can be repeated."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import psutil
import pytest

from rft_service.api.security import api_key
from rft_service.server import options, serve
from rft_service.store.models import ModelStore

from .conftest import Running
from .customer import Customer
from .processes import Process
from .servers import closed_port, served

Refusal = Callable[..., str]


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Refusal:
    """Starts the service on a state folder; gives the one line that it leaves as it does not."""

    def refused(home: Path, *more: str) -> str:
        status = serve(options(["--home", str(home), "--engine", "tests.service.doubles", *more]))
        out, err = capsys.readouterr()
        assert (status, out) == (1, "")
        assert err.count("\n") == 1
        return err

    return refused


def test_a_state_folder_that_is_a_file_is_said_in_one_line(
    tmp_path: Path, refusal: Refusal
) -> None:
    home = tmp_path / "state"
    home.write_text("not a folder", encoding="utf-8")
    assert refusal(home).startswith(f"service: the state folder {home} cannot be used (")
    assert home.read_text(encoding="utf-8") == "not a folder"


def test_what_stands_where_the_service_keeps_its_own_is_named(
    tmp_path: Path, refusal: Refusal
) -> None:
    (tmp_path / "files").write_text("not a folder", encoding="utf-8")
    assert f"{tmp_path / 'files'}); choose another" in refusal(tmp_path)
    (tmp_path / "files").unlink()
    (tmp_path / "files" / "holidays").mkdir(parents=True)
    assert "holidays" in refusal(tmp_path)
    (tmp_path / "files" / "holidays").rmdir()
    (tmp_path / "api_key").unlink()
    (tmp_path / "api_key").mkdir()
    assert "api_key" in refusal(tmp_path)


def test_a_second_service_on_the_folder_is_refused_with_the_address(
    tmp_path: Path, refusal: Refusal
) -> None:
    with Process(tmp_path) as first:
        said = refusal(tmp_path)
        assert first.service.url in said
        assert "is in use by the service" in said
        first.service.client.models.list()
        assert api_key(tmp_path) == first.service.key


def test_a_port_that_is_taken_is_said_in_one_line(
    service: Running, tmp_path: Path, refusal: Refusal
) -> None:
    port = service.url.rpartition(":")[2]
    said = refusal(tmp_path, "--port", port)
    assert said.startswith(f"service: port {port} of 127.0.0.1 cannot be used")


def test_a_damaged_database_is_said_in_one_line(tmp_path: Path, refusal: Refusal) -> None:
    (tmp_path / "service.sqlite").write_bytes(b"no database " * 1000)
    said = refusal(tmp_path)
    assert "service.sqlite cannot be used (file is not a database); move it away" in said


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that this user cannot write to; for root, who may write anywhere, a mount."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(folder)]
    if sys.platform == "win32":
        pytest.skip("POSIX modes")
    if os.geteuid() != 0:
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)
        return
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("root, and no right to mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_read_only_state_folder_is_said_in_one_line(read_only: Path, refusal: Refusal) -> None:
    for home in (read_only, read_only / "state"):
        said = refusal(home)
        assert said.startswith(f"service: the state folder {home} cannot be used (")
        assert "choose another" in said


def test_a_model_that_cannot_be_loaded_is_said_before_anything_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rft_service.engines.simulated.engine.files", lambda package: tmp_path)
    assert serve(options(["--home", str(tmp_path / "state")])) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"service: {tmp_path / 'base_weights.json'}: damaged")
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("name", ["nowhere", "tests.service.no_such_module", "json"])
def test_an_engine_that_does_not_exist_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert serve(options(["--home", str(tmp_path), "--engine", name])) == 1
    assert name in capsys.readouterr().err


def ids_of_a_run(home: Path) -> list[str]:
    """The IDs of files, of a job that fails with its events, and of a stored response."""
    with Process(home, "--id-seed", "7") as process:
        service = process.service
        job = service.wait(service.job(f"http://127.0.0.1:{closed_port()}").id)
        response = service.client.responses.create(model="sim-agent-mini", input="hello")
        events = [event.id for event in service.events(job.id)]
        files = [file.id for file in service.client.files.list()]
    return [job.id, response.id, *files, *events]


def test_a_seed_for_ids_repeats_them_and_never_gives_one_twice(tmp_path: Path) -> None:
    first = ids_of_a_run(tmp_path / "one")
    assert ids_of_a_run(tmp_path / "two") == first
    again = ids_of_a_run(tmp_path / "one")
    assert first[2:4] == again[4:6]  # the files of the first run are still listed
    assert len({*first, *again}) == len(first) + len(again) - 2


def test_a_connection_outlives_a_failure_of_the_service(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: ModelStore) -> None:
        raise RuntimeError("a slip of the service's own")

    monkeypatch.setattr(ModelStore, "public", fail)
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=60)
    connection.connect()
    kept = connection.sock
    headers = {"Authorization": f"Bearer {service.key}"}
    for path, status in (("/v1/models", 500), ("/v1/models", 500), ("/v1/files", 200)):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        assert answer.status == status
        if status == 500:
            assert body["error"]["code"] == "server_error"
            assert "slip" not in body["error"]["message"]
        assert connection.sock is kept
    connection.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGTERM")
def test_it_ends_although_somebody_never_finishes_a_request(tmp_path: Path) -> None:
    with Process(tmp_path) as process:
        service = process.service
        port = int(service.url.rpartition(":")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as slow:
            head = "POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
            slow.sendall(f"{head}Authorization: Bearer {service.key}\r\n\r\n{{".encode())
            service.client.models.list()
            process.child.send_signal(signal.SIGTERM)
            assert process.child.wait(timeout=60) is not None
    assert not (tmp_path / "service.json").exists()


ENDLESS = "def grade(sample, item):\n    while True:\n        pass"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGTERM")
@pytest.mark.parametrize(
    ("asked_by", "stop"),
    [("request", signal.SIGINT), ("job", signal.SIGTERM), ("job", signal.SIGKILL)],
)
def test_graders_end_with_the_service(asked_by: str, stop: signal.Signals, tmp_path: Path) -> None:
    if stop == signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux tells a process that its parent was killed")
    grader = {"type": "python", "name": "endless", "source": ENDLESS}

    def ask() -> None:
        with contextlib.suppress(openai.APIError):
            body = {"grader": grader, "model_sample": "x", "item": {}}
            path = "/fine_tuning/alpha/graders/run"
            process.service.client.post(path, body=body, cast_to=object)

    with served(Customer().app()) as url, Process(tmp_path) as process:
        if asked_by == "job":
            process.service.job(url, grader=grader)
        else:
            threading.Thread(target=ask).start()
        while not (graders := psutil.Process(process.child.pid).children(recursive=True)):
            jobs = process.service.client.fine_tuning.jobs.list()
            assert not [job.error for job in jobs if job.status == "failed"]
            time.sleep(0.05)
        process.child.send_signal(stop)
        _, said = process.child.communicate(timeout=60)
        assert "Traceback" not in said
        _, left = psutil.wait_procs(graders, timeout=60)
        assert not left


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [(None, "user/.buildhour"), ("", "user/.buildhour"), ("state", "state"), ("~/my", "user/my")],
)
def test_without_home_state_goes_where_the_user_says_or_into_the_home_folder(
    chosen: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "user"))
    if chosen is None:
        monkeypatch.delenv("BUILDHOUR_HOME")
    else:
        monkeypatch.setenv("BUILDHOUR_HOME", chosen)
    assert options([]).home.absolute() == tmp_path / expected
