"""The process in which one Python grader runs: request on stdin, `{"score"}` or `{"error"}` out.

Run by `python.py` with `python -I`; imports nothing of this package. It sets the limits, gives up
network, files and processes, and then runs the source.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import sys

TYPE_CHECKING = False  # typing and traceback would take a third of the time that a grade takes
if TYPE_CHECKING:
    from typing import Any

# Audit events (PEP 578) that are refused, by prefix, and the exceptions: events that only read, or
# that change nothing outside this process.
REFUSED = (
    "os.", "shutil.", "subprocess.", "pty.", "_winapi.Create", "winreg.",
    "socket.", "syslog.", "sqlite3.", "ctypes.dlopen", "ctypes.dlsym",
)  # fmt: skip
ALLOWED = {
    "os.listdir", "os.scandir", "os.walk", "os.fwalk", "os.getxattr", "os.listxattr",
    "os.putenv", "os.unsetenv", "os.chdir", "os.add_dll_directory", "socket.__new__",
}  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
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


def leave_network() -> bool:
    """On Linux, where the kernel allows it: a network namespace with nothing in it.

    An ordinary user needs a user namespace for that; root may do without. Returns whether it went.
    """
    if sys.platform != "linux":
        return False
    try:
        unshare = ctypes.CDLL(None).unshare
    except (OSError, AttributeError):
        return False
    return any(unshare(flags) == 0 for flags in (CLONE_NEWUSER | CLONE_NEWNET, CLONE_NEWNET))


def install_audit_hook() -> None:
    """Refuse network, processes and changes to files from Python code, on every platform."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            is_refused = bool(arguments[2] & WRITING)
        else:
            is_refused = event.startswith(REFUSED) and event not in ALLOWED
        if is_refused:
            raise PermissionError(f"a grader may not use {event}")

    sys.addaudithook(refuse)


def score(request: dict[str, Any]) -> float:
    """Run the source and its `grade`. Raises whatever they raise, or ValueError."""
    namespace: dict[str, Any] = {"__name__": "grader"}
    exec(compile(request["source"], "<grader>", "exec"), namespace)  # noqa: S102
    grade = namespace.get("grade")
    if not callable(grade):
        raise ValueError("the source defines no function grade(sample, item)")
    value = grade(request["sample"], request["item"])
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise ValueError(f"grade() returned {type(value).__name__}, not a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"grade() returned {number}")
    return number


def last_line(error: BaseException) -> int:
    """The number of the line that raised an exception."""
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    return frame.tb_lineno if frame else 0


def main() -> None:
    request = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    limit_resources(request["memory_bytes"])
    leave_network()
    install_audit_hook()
    try:
        answer: dict[str, Any] = {"score": score(request)}
    except BaseException as error:
        answer = {"error": f"line {last_line(error)}: {type(error).__name__}: {error}"[:2_000]}
    answers.write(json.dumps(answer))
    answers.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
