"""Python graders: the customer's source in a process that may compute and nothing else.

`python_child` is what runs in that process, `sandbox` what the kernel forbids it. docs/security.md
says what this prevents on which platform, and what it does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from rft_service.strict_json import dumps, whole_characters

MAX_OUTPUT_BYTES = 64_000
_ROOT = Path(__file__).parents[2]  # the folder that holds the package rft_service
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from rft_service.graders.python_child import main; del sys.path[0]; main()"
)
_POOL = ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="grader")
"""A thread waits for each grader that runs; the others wait for a thread."""
_RUNNING = set["_Child"]()


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
    """`grade(sample, item)` of a source. When it is cancelled, the process is killed.

    Raises PythonError.
    """
    answer = await _answer(source, sample, item, limits or PythonLimits())
    if "error" in answer:
        raise PythonError("runtime", whole_characters(str(answer["error"]))[:2_000])
    score = answer.get("score")
    if not isinstance(score, int | float) or isinstance(score, bool):
        raise PythonError("runtime", "grade() did not return a number")
    return float(score)


@functools.cache
def isolation() -> tuple[str, ...]:
    """The layers of the kernel that confine graders on this machine, as one of them found out."""
    source = "def grade(sample, item): return 1"
    try:
        return tuple(asyncio.run(_answer(source, {}, {}, PythonLimits()))["layers"])
    except (PythonError, KeyError):
        return ()


async def _answer(
    source: str, sample: Mapping[str, Any], item: Mapping[str, Any], limits: PythonLimits
) -> dict[str, Any]:
    request = {
        "source": source,
        "sample": sample,
        "item": item,
        "memory_bytes": limits.memory_bytes,
        "parent": os.getpid(),
    }
    child = _Child(dumps(request).encode(), limits)
    try:
        return await asyncio.get_running_loop().run_in_executor(_POOL, child.run)
    finally:
        child.kill()  # if nobody waits for its answer any more


def kill_graders() -> None:
    """Kill all graders of this process; nobody waits for their scores any more."""
    for child in list(_RUNNING):
        child.kill()


class _Child:
    """One grader's process; `kill` may be called at any time, from any thread."""

    def __init__(self, request: bytes, limits: PythonLimits) -> None:
        self._request, self._limits = request, limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_done = False

    def run(self) -> dict[str, Any]:
        """Run it to its end or its time limit. Raises PythonError."""
        with self._lock:
            if self._is_done:
                raise PythonError("cancelled", "the grader was cancelled", True)
            process = self._process = self._start()
        _RUNNING.add(self)
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self.kill()

        timer = threading.Timer(self._limits.timeout_s, expire)
        timer.start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with contextlib.suppress(OSError):  # it died before it had read everything
                process.stdin.write(self._request)
                process.stdin.close()
            output = process.stdout.read(MAX_OUTPUT_BYTES + 1)
        finally:
            timer.cancel()
            self.kill()
            process.stdout.close()
            status = process.wait()
            _RUNNING.discard(self)
        if expired.is_set():
            limit_s = self._limits.timeout_s
            raise PythonError("timeout", f"grade() took longer than {limit_s:g} s", True)
        if len(output) > MAX_OUTPUT_BYTES:
            raise PythonError("output", "the grader's output is larger than 64 kB", True)
        try:
            answer: dict[str, Any] = json.loads(output)
        except ValueError:
            raise PythonError("crash", f"the grader's process died ({status})", True) from None
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {k: v for k, v in os.environ.items() if k in ("PATH", "SYSTEMROOT", "TMPDIR")}
        return subprocess.Popen(
            [sys.executable, "-I", "-c", _START, str(_ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )

    def kill(self) -> None:
        """Kill the process and its descendants; where seccomp is in force it has none."""
        with self._lock:
            self._is_done = True
            if self._process is None or self._process.returncode is not None:
                return
            pid = self._process.pid
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
