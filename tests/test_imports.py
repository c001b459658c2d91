"""What an import of the helper package loads: neither the service nor a web framework."""

from __future__ import annotations

import subprocess
import sys

import pytest

SIDE_OF_THE_SERVICE = {"fastapi", "uvicorn", "rft_service", "authoring"}


@pytest.mark.parametrize("module", ["", ".session", ".jobs", ".rollouts", ".cli"])
def test_the_helper_package_loads_neither_the_service_nor_fastapi(module: str) -> None:
    code = f"import buildhour_helpers{module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not SIDE_OF_THE_SERVICE & set(done.stdout.split())
