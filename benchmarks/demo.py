"""`python benchmarks/demo.py [demo's options]`: wall time and peak memory of the demo.

Runs the demo from start to end as a separate command and reads, five times a second, how much
memory each of its processes holds. Prints one line a process. Wanted on two cores: 120 s or less
in all, 600 MB or less a process. The yardstick is what the same number of rollouts would take in
process, at the rate that `benchmarks/rollouts.py` measures just before and just after.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean

import psutil
from rollouts import measured

WANTED_S = 120
WANTED_MB = 600
INTERVAL_S = 0.2
YARDSTICK_ROLLOUTS = 512


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


def rollouts_of(figures: dict[str, dict[str, int]]) -> int:
    """All that the demo rolled out: before, during and after the job."""
    return sum(figures[part]["rollouts"] for part in ("baseline", "job", "tuned"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    _, demo_options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "demo.json"
        command = [sys.executable, "-m", "buildhour_helpers.cli", "demo", *demo_options]
        before = measured("plain", "job", YARDSTICK_ROLLOUTS)[0]
        status, seconds, peaks = watch([*command, "--json", str(told)])
        after = measured("plain", "job", YARDSTICK_ROLLOUTS)[0]
        if status:
            return status
        count = rollouts_of(json.loads(told.read_text(encoding="utf-8")))
    in_process_s = count / fmean((before, after))
    print(f"\ndemo: {seconds:.0f} s (wanted: {WANTED_S} or less)")
    print(
        f"its {count:,} rollouts in process, at {before:.0f} and {after:.0f} a second: "
        f"{in_process_s:.0f} s; ratio {seconds / in_process_s:.2f}"
    )
    for name, peak in sorted(peaks.items()):
        print(f"{name:10} peak {peak / 1e6:6.0f} MB (wanted: {WANTED_MB} or less)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
