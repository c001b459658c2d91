"""docs/fidelity.md keeps its word: each point names a test, and that test is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
NAMED = re.compile(r"`(tests/[\w/.]+|test_\w+\.py)?(?:::)?(test_\w+)?`")


def points() -> list[str]:
    """Every row of a table and every item of a list, each in one line."""
    text = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
    joined = re.sub(r"\n  +", " ", text)
    lines = [line for line in joined.splitlines() if line.startswith(("- ", "| "))]
    return [line for line in lines if not line.startswith("| what | ")]


def is_there(file: str, test: str) -> bool:
    """Whether a file or folder is there, and the test in it, or in any file of this folder."""
    if not file:
        return any(f"def {test}(" in path.read_text(encoding="utf-8") for path in HERE.glob("*.py"))
    path = ROOT / file if file.startswith("tests/") else HERE / file
    if not test:
        return path.exists()
    return path.is_file() and f"def {test}(" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("point", points(), ids=lambda point: point[2:42])
def test_a_point_names_tests_that_are_there(point: str) -> None:
    found = [(file, test) for file, test in NAMED.findall(point) if file or test]
    assert found, "this point names no test"
    assert [f"{file}::{test}" for file, test in found if not is_there(file, test)] == []
