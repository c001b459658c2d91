"""What a Python grader may do, and what its process is kept from, with the audit hook or without.

`python.isolation()` says which layers of the kernel are in force on this machine; what only they
can refuse is tried where they are. Graders that try to get out use what the audit hook does not
see: C functions that raise no event.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from rft_service.graders import python
from rft_service.graders.python import PythonError, PythonLimits, run_python

from .conftest import Running

QUICK = PythonLimits(timeout_s=1.0)
IN_FORCE = set(python.isolation())
seccomp = pytest.mark.skipif("seccomp" not in IN_FORCE, reason="no libseccomp, or not Linux")
landlock = pytest.mark.skipif("Landlock" not in IN_FORCE, reason="no Landlock in this kernel")


def grade(body: str, before: str = "", limits: PythonLimits | None = None) -> float:
    """The score of a grader with this body, after module code `before`."""
    lines = "\n    ".join(body.splitlines())
    source = f"{before}\ndef grade(sample, item):\n    {lines}\n"
    return asyncio.run(run_python(source, {"output_text": "x"}, {}, limits))


def error_of(body: str, before: str = "", limits: PythonLimits | None = None) -> str:
    with pytest.raises(PythonError) as caught:
        grade(body, before, limits)
    return str(caught.value)


def graders() -> list[psutil.Process]:
    """The graders' processes that this one has started and that still run."""
    children = psutil.Process().children()
    return [child for child in children if any("python_child" in part for part in child.cmdline())]


MODULES = {
    "a dataclass": (
        "from dataclasses import dataclass, field\n"
        "@dataclass(slots=True)\nclass V:\n    s: list[float] = field(default_factory=list)",
        "return V([1.0]).s[0]",
    ),
    "pydantic with a forward reference": (
        "from typing import Optional\nfrom pydantic import BaseModel\n"
        "class A(BaseModel):\n    next: 'Optional[A]' = None\n    n: int = 1",
        "return A.model_validate({'next': {'n': '1'}}).next.n",
    ),
    "an enum": (
        "from enum import Enum\nclass E(Enum):\n    ONE = 1.0",
        "return E['ONE'].value",
    ),
    "typing": (
        "import typing\nclass T(typing.NamedTuple):\n    n: float\n"
        "class D(typing.TypedDict):\n    t: T\ndef f(d: D) -> 'T': ...",
        "return float(typing.get_type_hints(f) == {'d': D, 'return': T})",
    ),
    "its own future": (
        "from __future__ import annotations\ndef f(x: int): ...",
        "return float(f.__annotations__ == {'x': 'int'})",
    ),
    "no other's future": ("def f(x: int): ...", "return float(f.__annotations__['x'] is int)"),
    "pickle": (
        "import pickle\nclass P:\n    n = 1",
        "return pickle.loads(pickle.dumps(P())).n",
    ),
    "its entry among the modules": (
        "import sys",
        "return float(sys.modules[__name__].grade is grade)",
    ),
    "numpy, threads and asyncio": (
        "import asyncio, threading\nimport numpy as np\nasync def half(): return 0.5",
        "t = threading.Thread(target=print)\nt.start()\nt.join()\n"
        "return np.mean([asyncio.run(half()), 1.5])",
    ),
}


@pytest.mark.parametrize(("before", "body"), MODULES.values(), ids=MODULES)
def test_a_source_is_a_module(before: str, body: str) -> None:
    assert grade(body, before) == 1.0


@pytest.mark.parametrize(
    ("before", "body", "said"),
    [
        ("import json", "return json.loads('nope')", "line 3: JSONDecodeError: "),
        ("def f():\n    return 1 / 0", "return f()", "line 2: ZeroDivisionError: "),
        ("1 / 0", "return 1", "line 1: ZeroDivisionError: "),
        ("x = (", "return 1", "line 1: SyntaxError: '(' was never closed"),
        ("", "return 'x'", "grade() returned str, not a number"),
        ("", "return True", "grade() returned bool, not a number"),
        ("", "return None", "grade() returned NoneType, not a number"),
        ("", "return float('inf')", "grade() returned inf"),
        ("import sys", "sys.exit('no')", "line 3: SystemExit: no"),
    ],
)
def test_an_error_names_the_line_of_the_source(before: str, body: str, said: str) -> None:
    assert error_of(body, before).startswith(said)


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "import re\nre.match('(a+)+$', 'a' * 60 + 'b')",
        "import signal\n"
        "for number in range(1, 65):\n"
        "    try: signal.signal(number, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "while True: pass",
        "import threading\nthreading.Event().wait()",
    ],
)
def test_an_endless_loop_is_killed(body: str) -> None:
    with pytest.raises(PythonError, match="took longer than 1 s") as caught:
        grade(body, limits=QUICK)
    assert caught.value.kind == "timeout"
    assert not graders()


@pytest.mark.skipif(sys.platform == "win32", reason="memory is bounded on POSIX only")
def test_memory_is_bounded() -> None:
    body = "return len(bytearray(300_000_000)) / 1e9"
    assert grade(body) == 0.3
    assert "MemoryError" in error_of(body, limits=PythonLimits(memory_bytes=200_000_000))
    raised = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))\nreturn 1"
    assert "not allowed to raise maximum limit" in error_of(raised)


@pytest.mark.parametrize("where", ["sys.stdout", "sys.stderr", "sys.__stdout__"])
def test_output_is_not_the_answer(where: str) -> None:
    body = f"import sys\nfor _ in range(1000): {where} and {where}.write('y' * 100_000)\nreturn 0.5"
    assert grade(body) == 0.5


def test_a_flood_into_the_answer_is_cut_off() -> None:
    body = (
        "import os\nfor number in range(3, 30):\n"
        "    try:\n        while True: os.write(number, b'y' * 10_000)\n"
        "    except OSError: pass\nreturn 1"
    )
    with pytest.raises(PythonError) as caught:
        grade(body)
    assert caught.value.is_servers


def test_a_process_that_dies_is_the_servers_error() -> None:
    for body in ("import os\nos._exit(3)", "import os\nos.abort()"):
        with pytest.raises(PythonError, match=r"process died \(-?\d+\)") as caught:
            grade(body)
        assert caught.value.is_servers


# `spawnv_passfds` and `fork_exec` start programs and raise no audit event.
SPAWN = "import multiprocessing.util as u\nu.spawnv_passfds(b'/bin/sleep', [b'sleep', b'600'], [])"
FORK_EXEC = (
    "import multiprocessing.util as u, os, sys\n"
    "code = b'import os, time; os.setsid(); time.sleep(600)'\n"
    "u.spawnv_passfds(os.fsencode(sys.executable), [b'python', b'-c', code], [])"
)
SYSCALL = "import ctypes\nlibc = ctypes.PyDLL.__new__(ctypes.PyDLL)\n"


@seccomp
@pytest.mark.parametrize("body", [SPAWN, FORK_EXEC])
def test_no_program_is_started(body: str) -> None:
    assert "Operation not permitted" in error_of(f"{body}\nreturn 1")


@seccomp
def test_a_fork_bomb_does_not_go_off() -> None:
    body = (
        "import multiprocessing.util as u\nstarted = 0\n"
        "for _ in range(1000):\n"
        "    try:\n        u.spawnv_passfds(b'/bin/sleep', [b'sleep', b'600'], [])\n"
        "        started += 1\n"
        "    except OSError: pass\n"
        "return started / 1000"
    )
    assert grade(body) == 0.0


@pytest.fixture
def secret(tmp_path: Path) -> Iterator[Path]:
    """A file that this user can read, and the environment variable of a key."""
    (tmp_path / "key").write_text("sk-secret", encoding="utf-8")
    os.environ["WORKSHOP_TEST_KEY"] = "sk-secret"
    yield tmp_path / "key"
    del os.environ["WORKSHOP_TEST_KEY"]


@landlock
def test_files_cannot_be_read(secret: Path) -> None:
    parent = os.getpid()
    for path in (secret, "/etc/passwd", f"/proc/{parent}/environ", f"/proc/{parent}/cmdline", "/"):
        read = "os.listdir" if path == "/" else "open"
        assert "Permission denied" in error_of(f"import os\n{read}({str(path)!r})\nreturn 1")


@seccomp
@pytest.mark.parametrize(
    "call",
    [
        "_io.FileIO({path!r}, 'w')", "os.open({path!r}, os.O_RDWR)", "os.unlink({path!r})",
        "os.rename({path!r}, {path!r} + '2')", "os.chmod({path!r}, 0)", "os.utime({path!r})",
        "os.truncate({path!r}, 0)", "os.mkdir({path!r} + 'd')", "os.mkfifo({path!r} + 'f')",
    ],
)  # fmt: skip
def test_files_cannot_be_changed(secret: Path, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the audit hook taken away, so that the kernel alone is tried."""
    monkeypatch.setattr(python, "_START", python._START.replace("main()", WITHOUT_HOOK))
    body = f"import _io, os\n{call.format(path=str(secret))}\nreturn 1"
    assert "Operation not permitted" in error_of(body)
    assert secret.read_text(encoding="utf-8") == "sk-secret"


WITHOUT_HOOK = "sys.addaudithook = lambda hook: None; main()"


def test_the_environment_holds_no_keys(secret: Path) -> None:
    assert grade("import os\nreturn float('sk-secret' in str(os.environ))") == 0.0


@seccomp
@pytest.mark.parametrize(
    "family", ["", "socket.AF_INET, socket.SOCK_DGRAM", "socket.AF_UNIX, socket.SOCK_STREAM"]
)
def test_the_network_cannot_be_reached(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python, "_START", python._START.replace("main()", WITHOUT_HOOK))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        body = (
            f"import socket\ns = socket.socket({family})\n"
            f"s.connect(('127.0.0.1', {port}))\nreturn 1"
        )
        assert "Operation not permitted" in error_of(body)


@seccomp
@pytest.mark.parametrize(
    "call",
    [
        "os.kill({pid}, 9)", "os.killpg({pid}, 9)", "os.setpriority(0, {pid}, 19)",
        "signal.pidfd_send_signal(os.pidfd_open({pid}), 9)",
        "resource.prlimit({pid}, resource.RLIMIT_CPU, (0, 0))", "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {{}})", "os.execv('/bin/true', ['true'])",
    ],
)  # fmt: skip
def test_other_processes_are_out_of_reach(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python, "_START", python._START.replace("main()", WITHOUT_HOOK))
    body = f"import os, resource, signal\n{call.format(pid=os.getpid())}\nreturn 1"
    assert "Operation not permitted" in error_of(body)


def test_a_cancelled_grader_is_killed() -> None:
    async def cancelled() -> None:
        source = "def grade(sample, item):\n    while True: pass"
        grading = [asyncio.create_task(run_python(source, {}, {})) for _ in range(8)]
        while not graders():  # noqa: ASYNC110  (no event tells of a process)
            await asyncio.sleep(0.01)
        for one in grading:
            one.cancel()
        await asyncio.gather(*grading, return_exceptions=True)

    asyncio.run(cancelled())
    assert grade("return 1") == 1.0  # there is a thread for it
    assert not graders()


def test_graders_that_nobody_waits_for_block_no_other(service: Running) -> None:
    def run(body: str, timeout_s: float) -> float:
        source = f"def grade(sample, item):\n    {body}"
        answer = httpx.post(
            f"{service.url}/v1/fine_tuning/alpha/graders/run",
            json={"grader": {"type": "python", "source": source}, "model_sample": "x"},
            headers={"Authorization": f"Bearer {service.key}"},
            timeout=timeout_s,
        )
        reward: float = answer.json()["reward"]
        return reward

    for _ in range(2 * (os.cpu_count() or 2)):
        with pytest.raises(httpx.ReadTimeout):
            run("while True: pass", 0.3)
    assert run("return 1", 60.0) == 1.0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_grader_ends_with_its_service(tmp_path: Path) -> None:
    """Whatever ends the service, a kill -9 included."""
    script = tmp_path / "service.py"
    script.write_text(
        "import asyncio\nfrom rft_service.graders.python import run_python\n"
        "asyncio.run(run_python('def grade(s, i):\\n    while True: pass', {}, {}))",
        encoding="utf-8",
    )
    service = psutil.Popen([sys.executable, str(script)])
    while not (children := service.children()):
        time.sleep(0.01)
    time.sleep(0.2)  # so that it has asked the kernel for it; before, it sees that it is alone
    service.kill()
    service.wait()
    gone, alive = psutil.wait_procs(children, timeout=20)
    assert (len(gone), alive) == (1, [])
