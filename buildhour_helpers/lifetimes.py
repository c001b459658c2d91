"""Processes that end with those that use them, however these end.

A users folder holds an empty file for each process that uses something, named by its PID and its
start time. `python -m buildhour_helpers.lifetimes FOLDER MODULE ...` runs a module like
`python -m MODULE ...`, and ends it once no process that FOLDER names is alive: a user that was
killed or whose terminal was closed leaves nothing behind. The folder is polled, because there is no
way to wait for another process's end on all platforms.
"""

from __future__ import annotations

import contextlib
import math
import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import psutil

POLL_S = 0.5
GRACE_S = 10.0  # to end in order after SIGTERM
REPEATED_WITHIN_S = 1.0


def alive(pid: int, started: float) -> psutil.Process | None:
    """The process with this PID and creation time, or None if it has ended."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < 1.0  # otherwise a later process's PID
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def add_user(folder: Path) -> None:
    """Record that this process uses what `folder` stands for."""
    folder.mkdir(parents=True, exist_ok=True)
    _own_file(folder).touch()


def remove_user(folder: Path) -> None:
    _own_file(folder).unlink(missing_ok=True)


def users(folder: Path) -> list[int]:
    """The PIDs of the living processes that use what `folder` stands for."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for file in sorted(folder.iterdir()):
            pid, _, started = file.name.partition("-")
            if alive(int(pid), float(started)):
                found.append(int(pid))
    return found


def _own_file(folder: Path) -> Path:
    return folder / f"{os.getpid()}-{psutil.Process().create_time()}"


def end_like_ctrl_c() -> None:
    """Let a request to terminate and a closed terminal end this program as Ctrl-C does.

    They are passed on as SIGINT, for which asyncio has a handler while it runs. One event often
    comes as several signals (a shell repeats the SIGHUP of its terminal), so those that follow
    within a second do not interrupt the cleaning up. A shell starts background programs with SIGINT
    ignored; a SIGINT sent to one still ends it. `nohup` keeps its meaning.
    """
    last_s = -math.inf

    def pass_on(_signal: int, _frame: FrameType | None) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        repeated, last_s = now_s - last_s < REPEATED_WITHIN_S, now_s
        if not repeated:
            signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number and not (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
            signal.signal(number, pass_on)


def end_with(pid: int) -> None:
    """End this program after another process, as a request to terminate does."""

    def watch() -> None:
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).wait()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _end_after(folder: Path) -> None:
    while users(folder):
        time.sleep(POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    itself = psutil.Process()
    for process in (*itself.children(recursive=True), itself):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def main() -> None:
    _, folder, module, *arguments = sys.argv
    threading.Thread(target=_end_after, args=(Path(folder),), daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
