"""The process in which one Python grader runs: a request on stdin, a score or an error on stdout.

`python.py` starts it with `python -I`. It gives up what a grader may not have (`sandbox`), and then
imports the source as a module and calls its `grade`.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import types

from rft_service.graders.sandbox import confine

TYPE_CHECKING = False  # typing and traceback would take a third of the time that a grade takes
if TYPE_CHECKING:
    from typing import Any

FILE = "<grader>"
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


class BadScoreError(Exception):
    """The source or its result is not what a grader's must be; the message says it all."""


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
    if sys.platform == "darwin":  # counts processes, and threads not; on Linux seccomp refuses them
        bounds[resource.RLIMIT_NPROC] = 1
    for what, bound in bounds.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (bound, bound))


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
    """Import the source and call its `grade`. Raises whatever they raise, or BadScoreError."""
    module = types.ModuleType("grader")
    module.__file__ = FILE
    sys.modules[module.__name__] = module  # dataclasses, pydantic and pickle look there
    code = compile(request["source"], FILE, "exec", dont_inherit=True)
    exec(code, vars(module))  # noqa: S102
    grade = getattr(module, "grade", None)
    if not callable(grade):
        raise BadScoreError("the source defines no function grade(sample, item)")
    value = grade(request["sample"], request["item"])
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise BadScoreError(f"grade() returned {type(value).__name__}, not a number")
    number = float(value)
    if not math.isfinite(number):
        raise BadScoreError(f"grade() returned {number}")
    return number


def explained(error: BaseException) -> str:
    """An exception as its author should read it, with the last line of the source on its way."""
    if isinstance(error, BadScoreError):
        return str(error)
    line, trace = 0, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename == FILE:
        line, said = error.lineno or 0, error.msg
    else:
        said = str(error)
    where = f"line {line}: " if line else ""
    return f"{where}{type(error).__name__}: {said}"


def main() -> None:
    """Answer one request; `layers` of an answer are the kernel's layers that are in force."""
    request = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    limit_resources(request["memory_bytes"])
    layers = confine(request["parent"])
    install_audit_hook()
    try:
        answer: dict[str, Any] = {"score": score(request)}
    except BaseException as error:
        answer = {"error": explained(error)[:2_000]}
    answers.write(json.dumps({**answer, "layers": layers}))
    answers.flush()
    os._exit(0)
