"""`python benchmarks/demo.py [demo's options]`: wall time and peak memory of the demo.

Runs the demo from start to end as a command of its own and reads, five times a second, how much
memory each of its processes holds. Prints one line a process. Wanted on two cores: 120 s or less
in all, 600 MB or less a process.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time

import psutil

WANTED_S = 120
WANTED_MB = 600
INTERVAL_S = 0.2


def name_of(process: psutil.Process) -> str:
    """`service`, `tools` or `cli`: the module that a process of ours runs."""
    words = process.cmdline()
    module = next((word for word in words if word.startswith("buildhour_helpers")), words[0])
    return module.removeprefix("buildhour_helpers.")


def watch(command: list[str]) -> tuple[int, float, dict[str, int]]:
    """Run a command; returns its exit status, its seconds, and peak bytes by process name."""
    peaks: dict[str, int] = {}
    started = time.perf_counter()
    child = subprocess.Popen(command)
    root = psutil.Process(child.pid)
    while child.poll() is None:
        with contextlib.suppress(psutil.Error):
            for process in [root, *root.children(recursive=True)]:
                with contextlib.suppress(psutil.Error, IndexError):
                    name = name_of(process)
                    peaks[name] = max(peaks.get(name, 0), process.memory_info().rss)
        time.sleep(INTERVAL_S)
    return child.returncode, time.perf_counter() - started, peaks


def main() -> int:
    command = [sys.executable, "-m", "buildhour_helpers.cli", "demo", *sys.argv[1:]]
    status, seconds, peaks = watch(command)
    print(f"\ndemo: {seconds:.0f} s (wanted: {WANTED_S} or less), exit status {status}")
    for name, peak in sorted(peaks.items()):
        print(f"{name:10} peak {peak / 1e6:6.0f} MB (wanted: {WANTED_MB} or less)")
    return status


if __name__ == "__main__":
    sys.exit(main())
