"""Python graders: the customer's source in a process that may compute and nothing else.

`python_child` is what runs in that process, `sandbox` what the kernel forbids it. docs/security.md
says what this prevents on which platform, and what it does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, ValidationError

from rft_service.strict_json import dumps

MAX_OUTPUT_BYTES = 64_000
MAX_THREADS = 512  # numpy starts one for each core
WATCH_S = 0.05  # how often to see what a process takes that the kernel does not bound everywhere
_ROOT = Path(__file__).parents[2]  # the folder that holds the package rft_service
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from rft_service.graders.python_child import main; del sys.path[0]; main()"
)
_POOL = ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="grader")
"""A thread waits for each grader that runs; the others wait for a thread."""


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


class Answer(BaseModel, strict=True, allow_inf_nan=False):
    """What the process says. The source can write there too, so that anything may come."""

    score: float | None = None
    error: str = "grade() gave no score"
    layers: tuple[str, ...] = ()


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
    if answer.score is None:
        raise PythonError("runtime", answer.error)
    return answer.score


@functools.cache
def isolation() -> tuple[str, ...]:
    """The layers of the kernel that confine graders on this machine, as one of them found out."""
    source = "def grade(sample, item): return 1"
    try:
        return tuple(asyncio.run(_answer(source, {}, {}, PythonLimits())).layers)
    except PythonError:
        return ()


async def _answer(
    source: str, sample: Mapping[str, Any], item: Mapping[str, Any], limits: PythonLimits
) -> Answer:
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


class _Child:
    """One grader's process; `kill` may be called at any time, from any thread."""

    def __init__(self, request: bytes, limits: PythonLimits) -> None:
        self._request, self._limits = request, limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._output = b""
        self._is_done = False

    def run(self) -> Answer:
        """Run it to its end or its time limit. Raises PythonError."""
        with self._lock:
            if self._is_done:
                raise PythonError("cancelled", "the grader was cancelled", True)
            process = self._process = self._start()
        talk = threading.Thread(target=self._talk, args=(process,), daemon=True)
        talk.start()
        try:
            self._watch(talk, process.pid)
        finally:
            self.kill()
            status = process.wait()
        if len(self._output) > MAX_OUTPUT_BYTES:
            raise PythonError("output", "the grader's output is larger than 64 kB", True)
        try:
            return Answer.model_validate_json(self._output)
        except ValidationError:
            raise PythonError("crash", f"the grader's process died ({status})", True) from None

    def _talk(self, process: subprocess.Popen[bytes]) -> None:
        """Hand the request over and take the answer, until the process ends or says too much."""
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):  # it died before it had read everything
            process.stdin.write(self._request)
        with contextlib.suppress(OSError):
            process.stdin.close()
        with process.stdout:
            self._output = process.stdout.read(MAX_OUTPUT_BYTES + 1)

    def _watch(self, talk: threading.Thread, pid: int) -> None:
        """Wait for the end of the talk, or of patience. Raises PythonError."""
        end_s = time.monotonic() + self._limits.timeout_s
        while not self._is_done:
            talk.join(min(WATCH_S, max(0.0, end_s - time.monotonic())))
            if not talk.is_alive():
                return
            if time.monotonic() >= end_s:
                limit_s = self._limits.timeout_s
                raise PythonError("timeout", f"grade() took longer than {limit_s:g} s", True)
            with contextlib.suppress(psutil.Error):  # it has just ended
                process = psutil.Process(pid)
                if process.num_threads() > MAX_THREADS:
                    said = f"the grader started more than {MAX_THREADS} threads"
                    raise PythonError("threads", said, True)
                if process.memory_info().rss > self._limits.memory_bytes:
                    raise PythonError("memory", "the grader took too much memory", True)

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
