"""The process in which one Python grader runs: order on stdin, `{"score"}` or `{"error"}` out.

Run by `python.py` with `python -I`; imports nothing of this package. Limits come first, then the
doors close (network, processes), then the source runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import sys
import traceback
from typing import Any

DENIED = (
    "socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname",
    "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn",
    "os.spawn", "os.kill", "os.killpg", "ctypes.dlopen", "ctypes.dlsym",
    "shutil.rmtree", "os.remove", "os.rename", "os.rmdir", "os.mkdir",
)  # fmt: skip
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def limit_resources(memory_bytes: int, cpu_s: int = 120) -> None:
    """Bounds that the kernel keeps; not available on Windows."""
    try:
        import resource
    except ImportError:
        return
    bounds = {
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: memory_bytes,
    }
    for what, bound in bounds.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (bound, bound))


def leave_network() -> None:
    """On Linux, where the kernel lets an ordinary user: a network namespace with nothing in it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNET)


def close_doors() -> None:
    """Refuse network, processes and changes to files from Python code, on every platform."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        writes = (
            event == "open" and arguments[1] is not None and set(str(arguments[1])) & set("wax+")
        )
        if writes or event in DENIED:
            raise PermissionError(f"a grader may not use {event}")

    sys.addaudithook(refuse)


def score(order: dict[str, Any]) -> float:
    """Run the source and its `grade`. Raises whatever they raise, or ValueError."""
    namespace: dict[str, Any] = {"__name__": "grader"}
    exec(compile(order["source"], "<grader>", "exec"), namespace)  # noqa: S102
    grade = namespace.get("grade")
    if not callable(grade):
        raise ValueError("the source defines no function grade(sample, item)")
    value = grade(order["sample"], order["item"])
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise ValueError(f"grade() returned {type(value).__name__}, not a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"grade() returned {number}")
    return number


def main() -> None:
    order = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    limit_resources(order["memory_bytes"])
    leave_network()
    close_doors()
    try:
        answer: dict[str, Any] = {"score": score(order)}
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1].lineno
        answer = {"error": f"line {where}: {type(error).__name__}: {error}"[:2_000]}
    answers.write(json.dumps(answer))
    answers.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
