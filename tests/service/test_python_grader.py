"""The bounds of a Python grader's process."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from rft_service.graders import python
from rft_service.graders.python import PythonError, PythonLimits, run_python

QUICK = PythonLimits(timeout_s=1.0)


def test_one_that_never_ends_is_killed() -> None:
    source = "def grade(sample, item):\n    while True: pass"
    with pytest.raises(PythonError, match="took longer than 1 s") as caught:
        asyncio.run(run_python(source, {}, {}, QUICK))
    assert caught.value.kind == "timeout"


def test_one_that_leaves_children_behind_is_killed_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child.py"
    mark = tmp_path / "pid"
    child.write_text(
        "import subprocess, sys, time\n"
        "idle = 'import time; time.sleep(600)'\n"
        "grandchild = subprocess.Popen([sys.executable, '-c', idle], start_new_session=True)\n"
        f"open({str(mark)!r}, 'w').write(str(grandchild.pid))\n"
        "time.sleep(600)\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(python, "_CHILD", child)
    with pytest.raises(PythonError, match="took longer"):
        asyncio.run(run_python("", {}, {}, PythonLimits(timeout_s=2.0)))
    pid = int(mark.read_text(encoding="utf-8"))
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(sys.platform == "win32", reason="memory is bounded on POSIX only")
def test_memory_is_bounded() -> None:
    source = "def grade(sample, item):\n    return len(bytearray(300_000_000)) / 1e9"
    assert asyncio.run(run_python(source, {}, {})) == 0.3
    tight = PythonLimits(memory_bytes=200_000_000)
    with pytest.raises(PythonError, match="MemoryError"):
        asyncio.run(run_python(source, {}, {}, tight))


def test_a_process_that_dies_is_the_servers_error() -> None:
    source = "import os\ndef grade(sample, item):\n    os._exit(3)"
    with pytest.raises(PythonError, match=r"process died \(3\)|process died \(-9\)") as caught:
        asyncio.run(run_python(source, {}, {}))
    assert caught.value.is_servers


def test_packages_and_a_loop_of_asyncio_can_be_used() -> None:
    source = (
        "import asyncio\nimport numpy as np\n"
        "async def half(): return 0.5\n"
        "def grade(sample, item): return np.mean([asyncio.run(half()), 1.5])"
    )
    assert asyncio.run(run_python(source, {}, {})) == 1.0


BEYOND_THE_HOOK = """
import runpy, socket, sys
child = runpy.run_path(sys.argv[1])
print(child["leave_network"]())
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=20).close()
    print("connected")
except OSError:
    print("no way out")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
def test_the_kernel_lets_nothing_out_even_without_the_audit_hook() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
        command = [sys.executable, "-c", BEYOND_THE_HOOK, str(python._CHILD), port]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(
            "\n"
        )
    if said[0] == "False":
        pytest.skip("this kernel gives no network namespace; the audit hook stands alone here")
    assert said[1] == "no way out"


@pytest.mark.skipif(not Path("/proc/self/ns/net").exists(), reason="Linux's way to look")
def test_a_grader_runs_in_that_namespace() -> None:
    source = "import os\ndef grade(sample, item): return os.stat('/proc/self/ns/net').st_ino"
    theirs = asyncio.run(run_python(source, {}, {}))
    probe = f"import runpy; print(runpy.run_path({str(python._CHILD)!r})['leave_network']())"
    said = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    is_apart = theirs != Path("/proc/self/ns/net").stat().st_ino
    assert str(is_apart) == said.stdout.strip()
