"""What an import of the helper package loads: neither the service nor a web framework."""

from __future__ import annotations

import subprocess
import sys

SIDE_OF_THE_SERVICE = {"fastapi", "uvicorn", "rft_service", "authoring"}


def test_the_helper_package_loads_neither_the_service_nor_fastapi() -> None:
    names = ("session", "jobs", "rollouts", "cli")
    modules = ", ".join(f"buildhour_helpers.{name}" for name in names)
    code = f"import {modules}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not SIDE_OF_THE_SERVICE & set(done.stdout.split())
