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


def refusals(*calls: str, before: str = "") -> dict[str, str]:
    """What each of some calls is told, all tried by one grader."""
    body = (
        f"told = []\nfor tried in {calls!r}:\n"
        "    try: told.append(f'not refused: {eval(tried)}')\n"
        "    except Exception as error: told.append(f'{type(error).__name__}: {error}')\n"
        "raise ValueError('\\n'.join(told))"
    )
    told = error_of(body, before).partition("ValueError: ")[2].splitlines()
    return dict(zip(calls, told, strict=True))


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
    "typing": (
        "import typing\nclass T(typing.NamedTuple):\n    n: float\n"
        "class D(typing.TypedDict):\n    t: T\ndef f(d: D) -> 'T': ...",
        "return float(typing.get_type_hints(f) == {'d': D, 'return': T})",
    ),
    "its own future": (
        "from __future__ import annotations\ndef f(x: int): ...",
        "return float(f.__annotations__ == {'x': 'int'})",
    ),
    "pickle": (
        "import pickle\nclass P:\n    n = 1",
        "return pickle.loads(pickle.dumps(P())).n",
    ),
    "its entry among the modules": (
        "import sys",
        "return float(sys.modules[__name__].grade is grade)",
    ),
    "its source, and a traceback with its lines": (
        "import inspect, traceback",
        "try: 1 / 0  # here\n"
        "except ZeroDivisionError: said = traceback.format_exc()\n"
        "return float('# here' in inspect.getsource(grade) and '# here' in said)",
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
        ("1 / 0", "return 1", "line 1: ZeroDivisionError: "),
        ("x = (", "return 1", "line 1: SyntaxError: '(' was never closed"),
        ("", "return True", "grade() returned bool, not a number"),
        ("", "return float('inf')", "grade() returned inf"),
        ("import numpy", "return numpy.bool_(True)", "grade() returned bool"),
        ("import numpy", "return numpy.ones(2)", "grade() returned ndarray, not a number"),
        ("", "assert sample is item", "line 3: AssertionError"),
        (
            "class E(Exception):\n    def __str__(self): raise KeyError",
            "raise E",
            "line 4: E: its text cannot be had (KeyError)",
        ),
        ("import sys", "sys.exit('no')", "line 3: SystemExit: no"),
    ],
)
def test_an_error_names_the_line_of_the_source(before: str, body: str, said: str) -> None:
    assert error_of(body, before).startswith(said)


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no bound of open files")
def test_memory_of_the_kernel_is_bounded() -> None:
    body = (
        "import _socket\npairs = []\n"
        "try:\n    while True: pairs.append(_socket.socketpair())\n"
        "except OSError: return len(pairs)"
    )
    assert grade(body) < 256 / 2


def test_threads_are_bounded() -> None:
    body = (
        "import _thread\n_thread.stack_size(32_768)\n"
        "held = _thread.allocate_lock()\nheld.acquire()\n"
        "while True:\n    try: _thread.start_new_thread(held.acquire, ())\n"
        "    except RuntimeError: pass"
    )
    assert error_of(body) == "the grader started more than 512 threads"


def test_output_is_not_the_answer() -> None:
    body = (
        "import sys\nprint('{\"score\": 7}')\n"
        "for one in filter(None, (sys.stdout, sys.stderr, sys.__stdout__)):\n"
        "    for _ in range(1000): one.write('y' * 100_000)\n"
        "return 0.5"
    )
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


@pytest.mark.parametrize("answer", ["[1]", "[" * 60_000, '{"score": NaN}', '{"score": "1"}'])
def test_a_forged_answer_is_no_score(answer: str) -> None:
    body = f"import os\nos.write(3, {answer.encode()!r})\nos._exit(0)"
    with pytest.raises(PythonError, match="process died") as caught:
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
    process = f"/proc/{os.getpid()}"
    paths = (str(secret), "/etc/passwd", f"{process}/environ", f"{process}/cmdline")
    told = refusals(*(f"open({path!r})" for path in paths), "os.listdir('/')", before="import os")
    assert all("Permission denied" in said for said in told.values()), told


@seccomp
def test_files_cannot_be_changed(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the audit hook taken away, so that the kernel alone is tried."""
    monkeypatch.setattr(python, "_START", python._START.replace("main()", WITHOUT_HOOK))
    told = refusals(
        "_io.FileIO(p, 'w')", "os.open(p, os.O_RDWR)", "os.unlink(p)", "os.rename(p, p + '2')",
        "os.chmod(p, 0)", "os.utime(p)", "os.truncate(p, 0)", "os.mkdir(p + 'd')",
        "os.mkfifo(p + 'f')",
        before=f"import _io, os\np = {str(secret)!r}",
    )  # fmt: skip
    assert all("Operation not permitted" in said for said in told.values()), told
    assert secret.read_text(encoding="utf-8") == "sk-secret"


USED = {
    "socket.create_connection(('127.0.0.1', 9))": "may not use socket",
    "subprocess.run(['true'])": "may not use subprocess.Popen",
    "os.system('true')": "may not use os.system",
    "os.fork()": "may not use os.fork",
    "open('/etc/hostname', 'w')": "may not write files",
    "os.open('/etc/hostname', os.O_WRONLY | os.O_TRUNC)": "may not write files",
    "os.truncate('/etc/hostname', 0)": "may not use os.truncate",
    "os.symlink('a', 'b')": "may not use os.symlink",
    "shutil.copyfile('/etc/hostname', 'x')": "may not use shutil.copyfile",
    "sqlite3.connect('x')": "may not use sqlite3.connect",
    "ctypes.CDLL(None)": "may not use ctypes.dlopen",
}


def test_what_a_grader_may_not_use_is_named() -> None:
    told = refusals(*USED, before="import ctypes, os, shutil, socket, sqlite3, subprocess")
    assert [call for call, words in USED.items() if words not in told[call]] == [], told


WITHOUT_HOOK = "sys.addaudithook = lambda hook: None; main()"
WITHOUT_KERNEL = (
    "import rft_service.graders.python_child as child; child.confine = lambda parent: []; main()"
)


def test_python_code_reads_no_file_of_yours_anywhere(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no Landlock, the audit hook has its rule, and packages are readable still."""
    monkeypatch.setattr(python, "_START", python._START.replace("main()", WITHOUT_KERNEL))
    monkeypatch.chdir(secret.parent)
    imports = "import io, os, pathlib\nimport numpy, pydantic, zoneinfo"
    told = refusals(
        "open(p)", "os.open(p, os.O_RDONLY)", "io.FileIO(pathlib.Path(p))",
        "open(os.fsencode(os.path.relpath(p)))", "os.listdir(os.path.dirname(p))", "os.listdir()",
        "next(pathlib.Path(p).parent.iterdir())",
        before=f"{imports}\np = {str(secret)!r}",
    )  # fmt: skip
    assert all("PermissionError: a grader may not read" in said for said in told.values()), told


@pytest.mark.skipif(sys.platform != "linux", reason="macOS starts no process; Windows has no fork")
def test_a_process_that_got_away_blocks_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no seccomp: it holds the pipe of the answer, and nobody waits for its end."""
    monkeypatch.setattr(python, "_START", python._START.replace("main()", WITHOUT_KERNEL))
    away = f"import os, time\nif not os.fork(): os.setsid(); time.sleep(600 + {os.getpid()} / 1e6)"
    body = (
        "import multiprocessing.util as u, os, sys\npath = os.fsencode(sys.executable)\n"
        f"u.spawnv_passfds(path, [b'python', b'-c', {away.encode()!r}], [3])\n"
        "os.wait()\nreturn 1"
    )
    try:
        for _ in range(2 * (os.cpu_count() or 2)):
            assert "took longer than 1 s" in error_of(body, limits=QUICK)
        assert grade("return 1") == 1.0
    finally:
        for process in psutil.process_iter(["cmdline"]):
            if away in (process.info["cmdline"] or ()):
                process.kill()


def test_the_environment_holds_no_keys(secret: Path) -> None:
    assert grade("import os\nreturn float('sk-secret' in str(os.environ))") == 0.0


@seccomp
def test_the_network_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python, "_START", python._START.replace("main()", WITHOUT_HOOK))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        told = refusals(
            "socket.socket().connect(there)",
            "socket.socket(type=socket.SOCK_DGRAM).connect(there)",
            "socket.socket(socket.AF_UNIX).connect('x')",
            before=f"import socket\nthere = {listening.getsockname()!r}",
        )
    assert all("Operation not permitted" in said for said in told.values()), told


@seccomp
def test_other_processes_are_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python, "_START", python._START.replace("main()", WITHOUT_HOOK))
    before = (
        "import ctypes, fcntl, os, resource, signal, socket, struct\n"
        f"pid = {os.getpid()}\n"
        "def call(name, *arguments):\n"
        "    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) == -1:\n"
        "        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))"
    )
    told = refusals(
        "os.kill(pid, 9)", "os.killpg(pid, 9)", "os.setpriority(0, pid, 19)",
        "signal.pidfd_send_signal(os.pidfd_open(pid), 9)",
        "resource.prlimit(pid, resource.RLIMIT_CPU, (0, 0))", "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})", "os.execv('/bin/true', ['true'])",
        "os.sched_setaffinity(pid, {0})", "fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, pid)",
        "fcntl.fcntl(os.pipe()[0], 10, signal.SIGKILL)",  # F_SETSIG
        "fcntl.ioctl(socket.socketpair()[0], 0x8901, struct.pack('i', pid))",  # FIOSETOWN
        "call('shmat', 0, None, 0)", "call('semctl', 0, 0, 0)", "call('msgctl', 0, 0, None)",
        "call('prctl', 1, 0)",  # PR_SET_PDEATHSIG: to outlive the service
        before=before,
    )  # fmt: skip
    assert all("Operation not permitted" in said for said in told.values()), told


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
