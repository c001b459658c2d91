"""Start, find and stop the servers, each a process that other processes can use too.

`HOME/servers/SLOT.json` says where a server is, or was last: a later start takes the same port and
key, so that jobs find their tools again. A slot is a program with its options (reports, seed), so
that a server with other options is never mistaken for it. `HOME/servers/SLOT.users` names the
processes that use the server (see `lifetimes`). A server that somebody uses is never stopped: where
it does not fit (other code, another port, no answer), the program gets a server in another slot.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from filelock import FileLock

from buildhour_helpers import lifetimes
from buildhour_helpers.errors import WorkshopError

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
SILENCE_S = 20.0  # a laptop that wakes up, or a machine that swaps, may need as long


@dataclass(frozen=True)
class Server:
    """A running server, or the last one of its slot.

    `started` is its process's creation time, which tells it from a later process with the same
    PID; `fingerprint` stands for its code and options. If `bound`, it ends with its last user.
    """

    name: str
    slot: str
    url: str
    key: str
    pid: int
    started: float
    fingerprint: str
    bound: bool

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0


@dataclass(frozen=True)
class Program:
    """How to start a server: `python -m MODULE --json --port PORT OPTIONS` prints one line of JSON
    once it answers, with its address under `url_field` and its key under `key_field` (empty: it has
    none).

    `code` names the packages whose sources it runs. `port` 0 takes the last one again, or a free
    one. `state` is its `--home`, if it has one. The environment variable `key_variable`, if any,
    tells it its key: `key`, or the last one again.
    """

    name: str
    module: str
    url_field: str
    key_field: str
    options: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    port: int = 0
    state: Path | None = None
    key_variable: str = ""
    key: str = ""
    variant: str = ""

    @property
    def slot(self) -> str:
        """The name in the registry: with a hash where there are options."""
        options = _hash(json.dumps(self.options))[:8] if self.options else ""
        return "-".join(filter(None, (self.name, options, self.variant)))

    def fingerprint(self) -> str:
        """A hash of the options and of the source that the server runs, wherever it lies."""
        sources = [
            f"{package}/{path.relative_to(folder).as_posix()}:{_hash(path.read_bytes())}"
            for package in self.code
            for folder in _folders(package)
            for path in sorted(folder.rglob("*.py"))
        ]
        return _hash(json.dumps([self.module, *self.options, *sources]))

    def fits(self, server: Server) -> bool:
        """Whether the server is what this program would start."""
        return (
            server.fingerprint == self.fingerprint()
            and self.port in (0, server.port)
            and self.key in ("", server.key)
        )

    def beside(self) -> Program:
        """The same program in a slot and a state folder that only its equals share."""
        variant = _hash(json.dumps([self.fingerprint(), self.port, self.key]))[:8]
        state = self.state and self.state / f"{self.name}-{variant}"
        return replace(self, variant=variant, state=state)


def _hash(data: str | bytes) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def _folders(package: str) -> list[Path]:
    """The folders of a package's source, found without importing it."""
    spec = importlib.util.find_spec(package)
    return [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]


def address_file(home: Path, slot: str) -> Path:
    return home / "servers" / f"{slot}.json"


def users_folder(home: Path, slot: str) -> Path:
    return home / "servers" / f"{slot}.users"


def last(home: Path, slot: str) -> Server | None:
    """The server that was started last in this slot, whether or not it still runs."""
    try:
        return Server(**json.loads(address_file(home, slot).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def find(home: Path, slot: str) -> Server | None:
    """The server of this slot, if its process still runs."""
    server = last(home, slot)
    return server if server and process_of(server) else None


def running(home: Path) -> list[Server]:
    """All servers of this state folder whose processes still run."""
    slots = sorted(file.stem for file in (home / "servers").glob("*.json"))
    return [server for slot in slots if (server := find(home, slot))]


def process_of(server: Server) -> psutil.Process | None:
    """The server's process, or None where it has ended or its PID is someone else's now."""
    return lifetimes.alive(server.pid, server.started)


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


def ensure(home: Path, programs: Sequence[Program], *, bound: bool = False) -> dict[str, Server]:
    """The programs' running servers by name: reused if they fit, otherwise started side by side.

    This process counts as a user of each until it ends or calls `release`. If `bound`, what is
    started here ends with its last user. One line on stderr says what is not as one would expect:
    another program's servers, a second one beside them, another port than before. Raises
    WorkshopError with the last line that a server printed before it gave up.
    """
    (home / "servers").mkdir(parents=True, exist_ok=True)
    with FileLock(home / "servers.lock"):
        starting = list[_Start]()
        try:
            chosen = {program.name: _choose(home, program) for program in programs}
            up = {name: found for name, found in chosen.items() if isinstance(found, Server)}
            _say_shared(home, up.values())
            for found in chosen.values():
                lifetimes.add_user(users_folder(home, found.slot))
                if isinstance(found, Program):
                    starting.append(_Start(home, found, bound))
            return up | {start.program.name: start.wait() for start in starting}
        except BaseException:
            for start in starting:
                start.abandon()
            raise


def _choose(home: Path, program: Program) -> Server | Program:
    """The server to use, or the program to start: in its slot, or beside what is in use there."""
    server = find(home, program.slot)
    if server is None:
        others = [other for other in running(home) if other.name == program.name]
        if others and not program.variant:
            _say(
                f"{_called(others[0])} keeps running with its options; this session has one with "
                "other options."
            )
        return program
    if program.fits(server) and _wakes(server):
        return server
    if not _other_users(home, program.slot):
        _stop(home, [server])
        return program
    why = "does not answer" if program.fits(server) else "has other code, another port or key"
    if program.variant:
        raise WorkshopError(f"{_called(server)} is in use and {why}; end that process")
    beside = program.beside()
    stored = f" and its own jobs and files in {beside.state}" if beside.state else ""
    _say(f"{_called(server)} is in use and {why}; this session has one beside it{stored}.")
    return _choose(home, beside)


def _say_shared(home: Path, reused: Iterable[Server]) -> None:
    """Say whose servers these are, except to a program that their owner started."""
    bound = [server for server in reused if server.bound]
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    used_by = {pid for server in bound for pid in _other_users(home, server.slot)}
    if bound and not used_by & mine:
        names = " and ".join(server.name for server in bound)
        _say(f"Using the servers that another program started and keeps running: {names}.")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _called(server: Server) -> str:
    return f"The running {server.name} server (process {server.pid})"


def _other_users(home: Path, slot: str) -> list[int]:
    return [pid for pid in lifetimes.users(users_folder(home, slot)) if pid != os.getpid()]


def _wakes(server: Server) -> bool:
    """Whether the server answers, now or within `SILENCE_S`."""
    if answers(server):
        return True
    _say(f"{_called(server)} does not answer; waiting for up to {SILENCE_S:.0f} s.")
    deadline = time.monotonic() + SILENCE_S
    while time.monotonic() < deadline and process_of(server):
        if answers(server, timeout_s=1.0):
            return True
        time.sleep(0.1)
    return False


class _Start:
    """A server that is starting."""

    def __init__(self, home: Path, program: Program, bound: bool) -> None:
        self.home, self.program, self.bound = home, program, bound
        (home / "logs").mkdir(exist_ok=True)
        self.stdout = home / "servers" / f"{program.slot}.out"
        self.log = home / "logs" / f"{program.slot}.log"
        before = last(home, program.slot)
        environment = dict(os.environ)
        if program.key_variable:
            environment[program.key_variable] = program.key or (before.key if before else "")
        port = program.port or (_port_again(before) if before else 0)
        watched = ["buildhour_helpers.lifetimes", str(users_folder(home, program.slot))]
        command = [sys.executable, "-m", *(watched if bound else ())]
        command += [program.module, "--json", "--port", str(port), *program.options]
        command += ["--home", str(program.state)] if program.state else []
        self.stdout.unlink(missing_ok=True)
        self.stdout.touch(mode=0o600)  # the line that it prints holds the key
        with self.stdout.open("wb") as stdout, self.log.open("ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=log,
                **_detached(),
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
        self.stdout.unlink(missing_ok=True)
        lifetimes.remove_user(users_folder(self.home, self.program.slot))

    def _register(self, said: dict[str, Any]) -> Server:
        server = Server(
            name=self.program.name,
            slot=self.program.slot,
            url=said[self.program.url_field],
            key=said[self.program.key_field] if self.program.key_field else "",
            pid=said["pid"],
            started=psutil.Process(said["pid"]).create_time(),
            fingerprint=self.program.fingerprint(),
            bound=self.bound,
        )
        # Its file held the key already, so it has the mode; a reader finds all of the new text.
        self.stdout.write_text(json.dumps(asdict(server)), encoding="utf-8", newline="\n")
        self.stdout.replace(address_file(self.home, self.program.slot))
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


def _port_again(before: Server) -> int:
    """The port that the server had, or 0 if another program has it now."""
    with socket.socket() as probe:
        if os.name == "posix":  # elsewhere this option would share a port that is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", before.port))
        except (OSError, OverflowError):
            _say(
                f"Port {before.port} of the {before.name} server was taken by another program, so "
                "the server has a new port; jobs that name the old one wait for it in vain."
            )
            return 0
    return before.port


def stop(home: Path) -> int:
    """Stop all servers of this state folder; returns how many were running."""
    with _locked(home):
        return _stop(home, running(home))


def release(home: Path, *, bound_only: bool = False) -> int:
    """Give up this process's use of the servers, and stop those that no other process uses; returns
    how many. `bound_only` leaves those that a notebook or a script started to run on."""
    with _locked(home):
        unused = []
        for server in running(home):
            lifetimes.remove_user(users_folder(home, server.slot))
            if not (_other_users(home, server.slot) or (bound_only and not server.bound)):
                unused.append(server)
        return _stop(home, unused)


def _locked(home: Path) -> contextlib.AbstractContextManager[Any]:
    """The lock on the registry, or nothing where there is no registry."""
    there = (home / "servers").exists()
    return FileLock(home / "servers.lock") if there else contextlib.nullcontext()


def _stop(home: Path, servers: Sequence[Server]) -> int:
    """All get the signal before any is waited for, and all are killed if Ctrl-C interrupts this.

    So are the graders that a server runs, each a process.
    """
    processes = [process for server in servers if (process := process_of(server))]
    family = list(processes)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            family += process.children(recursive=True)
    try:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        psutil.wait_procs(processes, STOP_TIMEOUT_S)
    finally:
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, STOP_TIMEOUT_S)
        for server in servers:
            shutil.rmtree(users_folder(home, server.slot), ignore_errors=True)
    return len(processes)
