"""What an import of the helper package loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

SIDE_OF_THE_SERVICE = {"fastapi", "uvicorn", "rft_service", "authoring"}


SLOW = {"pandas", "matplotlib"}


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (("session", "jobs", "rollouts", "cli"), SIDE_OF_THE_SERVICE),
        (("analysis.summaries", "analysis.tables", "tools.app", "rollouts", "jobs"), SLOW),
    ],
)
def test_an_import_loads_neither_the_service_nor_what_only_a_table_needs(
    modules: tuple[str, ...], absent: set[str]
) -> None:
    imported = ", ".join(f"buildhour_helpers.{name}" for name in modules)
    code = f"import {imported}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not absent & set(done.stdout.split())
