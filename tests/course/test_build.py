"""From one source to two notebooks, run, in the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from authoring.course import build, rules
from authoring.course.execution import CellFailedError, execute
from authoring.course.source import (
    Lesson,
    lessons,
    notebook_of,
    read,
    solution_of,
    stub_of,
)
from buildhour_helpers.errors import WorkshopError

from .sample import GOOD, lesson

NOTEBOOKS = ("solutions/00_small.ipynb", "notebooks/00_small.ipynb")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Lesson:
    """The small lesson, built in a checkout of its own."""
    small = lesson(tmp_path_factory.mktemp("checkout"))
    build.build([small], patience=10)
    return small


def cells_of(path: Path) -> list[NotebookNode]:
    return list(nbformat.read(path, as_version=nbformat.NO_CONVERT).cells)


def test_the_solved_notebook_is_solved_and_run(built: Lesson) -> None:
    cells = cells_of(built.solved)
    code = "".join(cell.source for cell in cells)
    assert "begin solution" not in code
    assert "lever = None" not in code
    said = [cell.outputs[0].text for cell in cells if cell.get("outputs")]
    assert said[0] == "2\n"
    assert said[-2].startswith("Exercise 0.1: right\n")
    assert "prompt" in said[-1]
    hosted, tagged = (cell for cell in cells if "tags" in cell.metadata)
    assert (hosted.metadata.tags, hosted.outputs, hosted.execution_count) == (["hosted"], [], 1)
    assert tagged.metadata.tags == ["uncompared", "nbval-ignore-output"]


def test_the_learners_notebook_has_stubs_and_is_run(built: Lesson) -> None:
    cells = cells_of(built.stubs)
    function, value = (cell for cell in cells if "exercise" in cell.metadata)
    assert 'raise NotImplementedError("Exercise 0.1: Count the calls")' in function.source
    assert function.outputs == []
    assert "tags" not in function.metadata
    assert value.source.startswith("lever = None\nraise NotImplementedError(")
    assert value.metadata.tags == ["raises-exception"]
    assert value.outputs[0].evalue == "Exercise 0.2: A lever for each"
    said = [cell.outputs[0].text for cell in cells if cell.get("outputs") and cell not in [value]]
    assert said[-2].startswith("Exercise 0.1: not started")


def test_a_second_build_writes_the_same_bytes(built: Lesson, tmp_path: Path) -> None:
    again = lesson(tmp_path)
    build.build([again], patience=10)
    for name in NOTEBOOKS:
        assert (tmp_path / name).read_bytes() == (built.source.parent.parent / name).read_bytes(), (
            name
        )
    text = again.solved.read_text(encoding="utf-8")
    assert "T0" not in text
    assert set(json.loads(text)["metadata"]) == {"kernelspec", "language_info"}


EDITS: dict[str, Callable[[NotebookNode], object]] = {
    "source": lambda notebook: notebook.cells[0].update(source="else"),
    "tag": lambda notebook: notebook.cells[1].metadata.update(tags=["nbval-ignore-output"]),
    "metadata": lambda notebook: notebook.metadata["language_info"].update(version="3.12.1"),
    "cells": lambda notebook: notebook.cells.pop(),
    "id": lambda notebook: notebook.cells[2].update(id="another"),
}


@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize("edit", EDITS)
def test_a_notebook_edited_by_hand_is_noticed(
    built: Lesson, tmp_path: Path, name: str, edit: str
) -> None:
    copy = copied(built, tmp_path)
    build.check([copy])
    notebook = nbformat.read(tmp_path / name, as_version=nbformat.NO_CONVERT)
    EDITS[edit](notebook)
    build.write(notebook, tmp_path / name)
    with pytest.raises(WorkshopError, match=f"{name}: .* is not what its source builds; run"):
        build.check([copy])


def test_a_changed_source_or_number_a_missing_notebook_and_a_key_are_noticed(
    built: Lesson, tmp_path: Path
) -> None:
    copy = copied(built, tmp_path)
    copy.source.write_text(GOOD.replace("The end.", "An end."), encoding="utf-8")
    with pytest.raises(WorkshopError, match="cell 12 is not what its source builds"):
        build.check([copy])
    text = copy.solved.read_text(encoding="utf-8")
    copied(built, tmp_path).solved.write_text(
        text.replace("7 of 7", "sk-" + "a1b2c3d4e5"), encoding="utf-8"
    )
    with pytest.raises(WorkshopError, match="something like a key"):
        build.check([copy])
    notebook = nbformat.read(copied(built, tmp_path).stubs, as_version=nbformat.NO_CONVERT)
    (cell,) = (cell for cell in notebook.cells if "The bar showed 7, or 100%." in cell.source)
    cell.source = cell.source.replace("showed 7", "showed 8")
    build.write(notebook, copy.stubs)
    with pytest.raises(WorkshopError, match="its prose says 8, and no output shows it; print"):
        build.check([copy])
    copied(built, tmp_path).stubs.unlink()
    with pytest.raises(WorkshopError, match=r"notebooks/00_small\.ipynb: is missing; run"):
        build.check([copy])


def copied(built: Lesson, root: Path) -> Lesson:
    """The built lesson in another checkout."""
    copy = lesson(root)
    for name in NOTEBOOKS:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes((built.source.parent.parent / name).read_bytes())
    return copy


def test_a_cell_that_fails_is_named(tmp_path: Path) -> None:
    notebook = notebook_of([nbformat.v4.new_markdown_cell("x"), nbformat.v4.new_code_cell("1 / 0")])
    with pytest.raises(CellFailedError, match="ZeroDivisionError: division by zero") as failed:
        execute(notebook, tmp_path)
    assert failed.value.cell == 1


def test_a_progress_bar_is_shown_finished_and_as_text(tmp_path: Path) -> None:
    code = "from tqdm.auto import tqdm\nfor _ in tqdm(range(3), desc='first prompt'):\n    pass"
    notebook = notebook_of([nbformat.v4.new_code_cell(code)])
    ((output,),) = (cell.outputs for cell in execute(notebook, tmp_path).notebook.cells)
    assert output.data == {"text/plain": f"first prompt: 100%|{'█' * 10}| 3/3 [done]"}


def test_solution_and_stub_of_an_exercise() -> None:
    assert "sum(rewards) / len(rewards)" in solution_of("0.2")
    assert 'raise NotImplementedError("Exercise 0.2: From' in stub_of("0.2")
    with pytest.raises(WorkshopError, match=r"00_start_here\.py: has no exercise 0\.9"):
        solution_of("0.9")
    with pytest.raises(WorkshopError, match="no lesson 42 in solutions/; there is: 00"):
        lessons(["42"])


def test_the_table_measures_prose_and_code(tmp_path: Path) -> None:
    shape = rules.shape(read(lesson(tmp_path)).cells)
    assert (shape["exercises"], shape["cells"], shape["code cells"]) == (2, 11, 7)
    assert shape["longest cell"] == 6
    assert shape["minutes"] >= 11
