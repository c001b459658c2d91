"""A learner who fell behind has the exercises solved in the open notebook."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from nbformat import v4

from authoring.course.execution import CellFailedError, execute
from authoring.course.source import notebook_of, stub_of
from buildhour_helpers import checks
from buildhour_helpers.errors import WorkshopError


def outputs(folder: Path, *cells: str) -> list[str]:
    notebook = notebook_of([v4.new_code_cell(cell) for cell in cells])
    ran = execute(notebook, folder).notebook.cells
    return ["".join(output.text for output in cell.outputs) for cell in ran]


def test_a_lesson_is_solved_in_the_notebook_and_shown(tmp_path: Path) -> None:
    said = outputs(
        tmp_path,
        "from buildhour_helpers import checks",
        stub_of("0.1") + "\n\n" + stub_of("0.2"),
        "checks.exercise_0_1(count_calls)",
        'checks.catch_up("00")',
        "checks.exercise_0_1(count_calls)\nchecks.exercise_0_3(advice)",
    )
    assert "not started" in said[2]
    assert "# Exercise 0.2, solved:\ndef advantages(rewards):\n    mean =" in said[3]
    assert "Exercise 0.1: right" in said[4]
    assert "Exercise 0.3: right" in said[4]


def test_one_exercise_alone(tmp_path: Path) -> None:
    (said,) = outputs(
        tmp_path,
        'from buildhour_helpers import checks\nchecks.catch_up("0.2")\nprint(dir())',
    )
    assert "'advantages'" in said
    assert "'advice'" not in said


def test_no_such_exercise(tmp_path: Path) -> None:
    with pytest.raises(CellFailedError, match=r"nothing solves '0\.9'; an exercise is"):
        outputs(tmp_path, 'from buildhour_helpers import checks\nchecks.catch_up("0.9")')


def test_a_name_of_a_cell_that_was_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = SimpleNamespace(user_ns={})
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    needs = [("1.1", "best = rows[0]")]
    monkeypatch.setattr("buildhour_helpers.checks.catching_up._solutions", lambda _: needs)
    with pytest.raises(WorkshopError, match=r"name 'rows' is not defined; first choose Run > Run"):
        checks.catch_up("1.1")


def test_outside_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("IPython.get_ipython", lambda: None)  # another test may have made a shell
    with pytest.raises(WorkshopError, match="works in a notebook"):
        checks.catch_up("00")
