"""The process in which one Python grader runs: a request on stdin, a score or an error on stdout.

`python.py` starts it with `python -I`. It gives up what a grader may not have (`sandbox`), and then
imports the source as a module and calls its `grade`.
"""

from __future__ import annotations

import contextlib
import json
import linecache
import math
import os
import sys
import types

from rft_service.graders.sandbox import confine, readable_paths

TYPE_CHECKING = False  # typing and traceback would take a third of the time that a grade takes
if TYPE_CHECKING:
    from collections.abc import Callable
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
READING = {"open", "os.listdir", "os.scandir"}
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
        resource.RLIMIT_NOFILE: 256,  # each pipe or pair of sockets can hold memory of the kernel
        resource.RLIMIT_AS: memory_bytes,
    }
    if sys.platform == "darwin":  # counts processes, and threads not; on Linux seccomp refuses them
        bounds[resource.RLIMIT_NPROC] = 1
    for what, bound in bounds.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (bound, bound))


def install_audit_hook(is_readable: Callable[[Any], bool] | None) -> None:
    """Refuse network, processes and changes to files from Python code, on every platform, and
    reading too where there is a rule for it."""
    # Names of this function, since a source can set the module's.
    refused, allowed, reading, writing = REFUSED, ALLOWED, READING, WRITING

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[2] & writing:
            raise PermissionError("a grader may not write files")
        if event in reading:
            if is_readable and not is_readable(arguments[0]):
                raise PermissionError(f"a grader may not read {arguments[0]!r}")
        elif event.startswith(refused) and event not in allowed:
            raise PermissionError(f"a grader may not use {event}")

    sys.addaudithook(refuse)


def reading_rule() -> Callable[[Any], bool]:
    """Whether a path is one that Landlock would let a grader read, for where there is none."""
    realpath, normcase, fspath, sep = os.path.realpath, os.path.normcase, os.fspath, os.sep
    places = tuple(normcase(realpath(place)) for place in readable_paths())
    folders = tuple(place + sep for place in places)

    def is_readable(path: Any) -> bool:
        if isinstance(path, int):
            return True  # a file that is open already
        real = normcase(realpath(os.fsdecode(fspath(path or "."))))
        return real in places or real.startswith(folders)

    return is_readable


def score(request: dict[str, Any]) -> float:
    """Import the source and call its `grade`. Raises whatever they raise, or BadScoreError."""
    source = request["source"]
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    module = types.ModuleType("grader")
    module.__file__ = FILE
    sys.modules[module.__name__] = module  # dataclasses, pydantic and pickle look there
    code = compile(source, FILE, "exec", dont_inherit=True)
    exec(code, vars(module))  # noqa: S102
    grade = getattr(module, "grade", None)
    if not callable(grade):
        raise BadScoreError("the source defines no function grade(sample, item)")
    value = grade(request["sample"], request["item"])
    kind = type(value).__name__
    is_many = bool(getattr(value, "shape", None))  # an array that is more than a number
    if kind in ("bool", "bool_") or is_many or not hasattr(value, "__float__"):
        raise BadScoreError(f"grade() returned {kind}, not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadScoreError(f"grade() returned {number}, which is not from 0 to 1")
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
        said = text_of(error)
    where = f"line {line}: " if line else ""
    return f"{where}{type(error).__name__}{said and ': '}{said}"


def text_of(error: BaseException) -> str:
    """What an exception says; a source's own may fail at saying it."""
    try:
        return str(error)
    except Exception as another:
        return f"its text cannot be had ({type(another).__name__})"


def main() -> None:
    """Answer one request; `layers` of an answer are the kernel's layers that are in force."""
    request = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    limit_resources(request["memory_bytes"])
    layers = confine(request["parent"])
    install_audit_hook(None if "Landlock" in layers else reading_rule())
    try:
        answer: dict[str, Any] = {"score": score(request)}
    except BaseException as error:
        answer = {"error": explained(error)[:2_000].encode(errors="replace").decode()}
    answers.write(json.dumps({**answer, "layers": layers}))
    answers.flush()
    os._exit(0)
