"""Python graders: the customer's source in a separate process, with limits and without network.

docs/security.md says what the sandbox prevents, and what it does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from rft_service.strict_json import dumps, whole_characters

MAX_OUTPUT_BYTES = 64_000
_CHILD = Path(__file__).with_name("python_child.py")
_RUNNING = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
_PIDS: set[int] = set()  # of the children that run


@dataclass(frozen=True)
class PythonLimits:
    """The real service's limits: two minutes and 2 GB."""

    timeout_s: float = 120.0
    memory_bytes: int = 2 * 2**30


class PythonError(Exception):
    """There is no score. `is_servers` if the sandbox failed or stopped it, not the source."""

    def __init__(self, kind: str, message: str, is_servers: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.is_servers = is_servers


async def run_python(
    source: str,
    sample: Mapping[str, Any],
    item: Mapping[str, Any],
    limits: PythonLimits | None = None,
) -> float:
    """`grade(sample, item)` of a source. Raises PythonError."""
    return await asyncio.to_thread(_run, source, sample, item, limits or PythonLimits())


def _run(
    source: str, sample: Mapping[str, Any], item: Mapping[str, Any], limits: PythonLimits
) -> float:
    request = {
        "source": source,
        "sample": sample,
        "item": item,
        "memory_bytes": limits.memory_bytes,
    }
    with _RUNNING:
        answer = _child_answer(dumps(request).encode(), limits)
    if "error" in answer:
        raise PythonError("runtime", whole_characters(str(answer["error"]))[:2_000])
    score = answer.get("score")
    if not isinstance(score, int | float) or isinstance(score, bool):
        raise PythonError("runtime", "grade() did not return a number")
    return float(score)


def _child_answer(request: bytes, limits: PythonLimits) -> dict[str, Any]:
    """Run the child to its end or its time limit, and kill the processes that it started."""
    environment = {k: v for k, v in os.environ.items() if k in ("PATH", "SYSTEMROOT", "TMPDIR")}
    child = subprocess.Popen(
        [sys.executable, "-I", str(_CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    _PIDS.add(child.pid)
    assert child.stdin is not None
    assert child.stdout is not None
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        _kill_tree(child.pid)

    timer = threading.Timer(limits.timeout_s, expire)
    timer.start()
    try:
        with contextlib.suppress(BrokenPipeError, OSError):
            child.stdin.write(request)
            child.stdin.close()
        output = child.stdout.read(MAX_OUTPUT_BYTES + 1)
    finally:
        timer.cancel()
        _kill_tree(child.pid)
        _PIDS.discard(child.pid)
        child.stdout.close()
        status = child.wait()
    if expired.is_set():
        raise PythonError("timeout", f"grade() took longer than {limits.timeout_s:g} s", True)
    if len(output) > MAX_OUTPUT_BYTES:
        raise PythonError("output", "the grader's output is larger than 64 kB", True)
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError:
        raise PythonError("crash", f"the grader's process died ({status})", True) from None
    return answer


def kill_graders() -> None:
    """Kill all graders of this process; nobody waits for their scores any more."""
    for pid in list(_PIDS):
        _kill_tree(pid)


def _kill_tree(pid: int) -> None:
    """Kill a process and all its descendants; nothing happens to one that has been waited for."""
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                process.kill()
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    else:
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).kill()
