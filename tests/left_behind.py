"""What a program that was ended leaves behind: processes with the test's state folder."""

from __future__ import annotations

import os
import time

import psutil


def processes() -> list[psutil.Process]:
    """Every process of this test but its own: those that have its BUILDHOUR_HOME."""
    found = []
    for process in psutil.process_iter():
        try:
            is_ours = process.environ().get("BUILDHOUR_HOME") == os.environ["BUILDHOUR_HOME"]
            if is_ours and process.pid != os.getpid() and process.status() != "zombie":
                found.append(process)
        except psutil.Error:
            continue
    return found


def processes_left(timeout_s: float = 60.0) -> list[str]:
    """Those that still run once nothing ends any more; they are killed then."""
    deadline = time.monotonic() + timeout_s
    while (left := processes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    said = [" ".join(process.cmdline()) for process in left if process.is_running()]
    for process in left:
        process.kill()
    return said
