"""Start, find and stop the two servers, each a process that outlives the one that started it.

`HOME/servers/NAME.json` is the registry: where a server is and which process it is. A later start
reuses a server while that process lives, answers, and runs the current code with the same options;
otherwise it is replaced. The service writes the address into its file itself, under the lock on
its state folder, and removes it at the end; what starts a server adds the rest.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from buildhour_helpers.errors import WorkshopError

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Server:
    """A running server.

    `started` is its process's creation time, which tells it from a later process with the same
    PID; `fingerprint` stands for its code and options.
    """

    name: str
    url: str
    key: str
    pid: int
    started: float
    fingerprint: str


@dataclass(frozen=True)
class Program:
    """How to start a server: `python -m MODULE --json OPTIONS` prints one line of JSON once it
    answers, with its address under `url_field` and its key under `key_field`.

    `code` names the packages whose sources it runs.
    """

    name: str
    module: str
    url_field: str
    key_field: str
    options: tuple[str, ...] = ()
    code: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """A hash of the options and of the source that the server runs."""
        digest = hashlib.sha256(json.dumps([self.module, *self.options]).encode())
        for path in sorted(source for part in self.code for source in _sources(part)):
            about = path.stat()
            digest.update(f"{path}:{about.st_mtime_ns}:{about.st_size};".encode())
        return digest.hexdigest()


def _sources(package: str) -> list[Path]:
    """The source files of a package, found without importing it."""
    spec = importlib.util.find_spec(package)
    folders = (spec and spec.submodule_search_locations) or ()
    return [file for folder in folders for file in Path(folder).rglob("*.py")]


def address_file(home: Path, name: str) -> Path:
    return home / "servers" / f"{name}.json"


def find(home: Path, name: str) -> Server | None:
    """The registered server of this name, if its process still runs."""
    try:
        server = Server(**json.loads(address_file(home, name).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return server if process_of(server) else None


def process_of(server: Server) -> psutil.Process | None:
    """The server's process, or None where it has ended or its PID is someone else's now."""
    try:
        process = psutil.Process(server.pid)
        same = abs(process.create_time() - server.started) < 1.0
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def answers(server: Server, timeout_s: float = 3.0) -> bool:
    """Whether the server answers over HTTP, even with an error. No proxy is asked."""
    request = urllib.request.Request(server.url, headers={"Authorization": f"Bearer {server.key}"})  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout_s):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False


def ensure(home: Path, programs: Sequence[Program]) -> dict[str, Server]:
    """The programs' running servers by name: reused if possible, otherwise started side by side.

    Raises WorkshopError with the last line that a server printed before it gave up.
    """
    up = {program.name: _reusable(home, program) for program in programs}
    starting: list[_Start] = []
    try:
        for program in programs:
            if up[program.name] is None:
                starting.append(_Start(home, program))
        started = {start.program.name: start.wait() for start in starting}
    except BaseException:
        for start in starting:
            start.abandon()
        raise
    return {name: server or started[name] for name, server in up.items()}


def _reusable(home: Path, program: Program) -> Server | None:
    server = find(home, program.name)
    if server is None:
        return None
    if server.fingerprint == program.fingerprint() and answers(server):
        return server
    stop(home, program.name)
    return None


class _Start:
    """A server that is starting."""

    def __init__(self, home: Path, program: Program) -> None:
        self.home, self.program = home, program
        address_file(home, program.name).parent.mkdir(parents=True, exist_ok=True)
        (home / "logs").mkdir(exist_ok=True)
        self.stdout = home / "servers" / f"{program.name}.out"
        self.log = home / "logs" / f"{program.name}.log"
        command = [sys.executable, "-m", program.module, "--json", *program.options]
        with self.stdout.open("wb") as stdout, self.log.open("ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=log, **_detached()
            )

    def wait(self) -> Server:
        """Wait for the line that says the server answers, and register it."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            line = self.stdout.read_text(encoding="utf-8")
            if line.endswith("\n"):
                return self._register(json.loads(line.splitlines()[0]))
            if self.process.poll() is not None:
                raise WorkshopError(f"the {self.program.name} server did not start: {self._why()}")
            time.sleep(0.05)
        raise WorkshopError(
            f"the {self.program.name} server said nothing for {START_TIMEOUT_S:.0f} s; "
            f"see {self.log}"
        )

    def abandon(self) -> None:
        with contextlib.suppress(OSError):
            self.process.kill()
        self.process.wait()
        address_file(self.home, self.program.name).unlink(missing_ok=True)

    def _register(self, said: dict[str, Any]) -> Server:
        server = Server(
            name=self.program.name,
            url=said[self.program.url_field],
            key=said[self.program.key_field],
            pid=said["pid"],
            started=psutil.Process(said["pid"]).create_time(),
            fingerprint=self.program.fingerprint(),
        )
        path = address_file(self.home, self.program.name)
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(server)), encoding="utf-8", newline="\n")
        self.stdout.unlink(missing_ok=True)
        return server

    def _why(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            lines = log.read().decode(errors="replace").strip().splitlines()
        if not lines:
            return f"see {self.log}"
        return f"{lines[-1].removeprefix(f'{self.program.name}: ')} (log: {self.log})"


def _detached() -> dict[str, Any]:
    """Popen's options for a process that outlives its parent and gets none of its Ctrl-Cs."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags}
    return {"start_new_session": True}


def stop(home: Path, *names: str) -> int:
    """Stop servers and unregister them; returns how many were running.

    All get the signal before any is waited for, and all are killed if Ctrl-C interrupts this.
    """
    servers = [server for name in names if (server := find(home, name))]
    processes = [process for server in servers if (process := process_of(server))]
    try:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        psutil.wait_procs(processes, STOP_TIMEOUT_S)
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, STOP_TIMEOUT_S)
        for name in names:
            with contextlib.suppress(OSError):  # a file that stays names a process that is gone
                address_file(home, name).unlink(missing_ok=True)
    return len(processes)
