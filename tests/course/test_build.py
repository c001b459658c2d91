"""From one source to two notebooks, run, in the same bytes each time."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from authoring.course import build, rules
from authoring.course.execution import CellFailedError, execute
from authoring.course.source import (
    Lesson,
    cell_lines,
    lessons,
    notebook_of,
    read,
    solution_of,
    solved_notebook,
    stub,
    stub_of,
    stubs_notebook,
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


def cells_of(path: Path) -> list[nbformat.NotebookNode]:
    return list(nbformat.read(path, as_version=nbformat.NO_CONVERT).cells)


def test_the_solved_notebook_is_solved_and_run(built: Lesson) -> None:
    cells = cells_of(built.solved)
    assert "begin solution" not in "".join(cell.source for cell in cells)
    assert "lever = None" not in "".join(cell.source for cell in cells)
    said = [cell.outputs[0].text for cell in cells if cell.get("outputs")]
    assert said[0] == "2\n"
    assert said[-2].startswith("Exercise 0.1: right\n")
    assert "prompt" in said[-1]


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


def test_what_nbval_heeds_is_tagged(built: Lesson) -> None:
    hosted, tagged = (c.metadata.tags for c in cells_of(built.solved) if "tags" in c.metadata)
    assert hosted == ["hosted"]
    assert tagged == ["uncompared", "nbval-ignore-output"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_first_code_cell_is_for_hosted_notebooks_and_prints_nothing_here(
    built: Lesson, name: str
) -> None:
    path = built.source.parent.parent / name
    first = next(cell for cell in cells_of(path) if cell.cell_type == "code")
    assert 'PACKAGE = ""' in first.source.splitlines()
    assert first.execution_count == 1
    assert first.outputs == []


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


def test_a_changed_cell_changes_no_other_cells_id(tmp_path: Path) -> None:
    before = solved_notebook(lesson(tmp_path, GOOD)).cells
    after = solved_notebook(lesson(tmp_path, GOOD.replace("# The end.", "# An end."))).cells
    assert [one.id for one in before[:-1]] == [one.id for one in after[:-1]]
    assert before[-1].id != after[-1].id


def test_ids_differ_where_cells_do_not() -> None:
    cells = [nbformat.v4.new_code_cell("print()") for _ in range(3)]
    ids = [cell.id for cell in notebook_of(cells).cells]
    assert len(set(ids)) == 3


class TestCheck:
    def test_what_was_built_is_accepted(self, built: Lesson) -> None:
        build.check([built])

    @pytest.mark.parametrize("name", NOTEBOOKS)
    @pytest.mark.parametrize("edit", ["source", "tag", "metadata", "cells", "id"])
    def test_a_notebook_edited_by_hand_is_not(
        self, built: Lesson, tmp_path: Path, name: str, edit: str
    ) -> None:
        copy = _copied(built, tmp_path)
        notebook = nbformat.read(tmp_path / name, as_version=nbformat.NO_CONVERT)
        if edit == "source":
            notebook.cells[0].source += " more"
        elif edit == "tag":
            notebook.cells[1].metadata["tags"] = ["nbval-ignore-output"]
        elif edit == "metadata":
            notebook.metadata["language_info"]["version"] = "3.12.1"
        elif edit == "id":
            notebook.cells[2].id = "another"
        else:
            del notebook.cells[-1]
        build.write(notebook, tmp_path / name)
        with pytest.raises(WorkshopError, match=f"{name}: .* is not what its source builds; run"):
            build.check([copy])

    def test_a_changed_source_is_noticed(self, built: Lesson, tmp_path: Path) -> None:
        copy = _copied(built, tmp_path)
        copy.source.write_text(GOOD.replace("The end.", "An end."), encoding="utf-8")
        with pytest.raises(WorkshopError, match="cell 12 is not what its source builds"):
            build.check([copy])

    def test_a_missing_notebook_is_noticed(self, built: Lesson, tmp_path: Path) -> None:
        copy = _copied(built, tmp_path)
        copy.stubs.unlink()
        with pytest.raises(WorkshopError, match=r"notebooks/00_small\.ipynb: is missing; run"):
            build.check([copy])

    def test_a_key_in_a_committed_output_is_noticed(self, built: Lesson, tmp_path: Path) -> None:
        copy = _copied(built, tmp_path)
        text = copy.solved.read_text(encoding="utf-8")
        copy.solved.write_text(text.replace("7 of 7", "sk-" + "a1b2c3d4e5"), encoding="utf-8")
        with pytest.raises(WorkshopError, match="something like a key"):
            build.check([copy])


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


def test_lines_of_cells(tmp_path: Path) -> None:
    small = lesson(tmp_path)
    lines = GOOD.splitlines()
    assert len(cell_lines(small)) == len(read(small).cells)
    assert all(lines[number - 1].startswith("# %%") for number in cell_lines(small))


def test_lessons_are_chosen_by_number() -> None:
    assert [one.name for one in lessons(["0"])] == ["00_start_here"]
    with pytest.raises(WorkshopError, match="no lesson 42 in solutions/; there is: 00"):
        lessons(["42"])


def test_solution_and_stub_of_an_exercise() -> None:
    assert "sum(rewards) / len(rewards)" in solution_of("0.2")
    assert 'raise NotImplementedError("Exercise 0.2: From' in stub_of("0.2")
    with pytest.raises(WorkshopError, match=r"00_start_here\.py: has no exercise 0\.9"):
        solution_of("0.9")


def test_a_stub_keeps_what_stands_outside_the_markers(tmp_path: Path) -> None:
    cells = stubs_notebook(lesson(tmp_path)).cells
    (function, _) = (cell for cell in cells if "exercise" in cell.metadata)
    assert function.source.endswith("return {kind: kinds.count(kind) for kind in kinds}")
    assert stub.__doc__


def test_the_table_measures_prose_and_code(tmp_path: Path) -> None:
    shape = rules.shape(read(lesson(tmp_path)).cells)
    assert (shape["exercises"], shape["cells"], shape["code cells"]) == (2, 11, 7)
    assert shape["longest cell"] == 6
    assert shape["minutes"] >= 11


def _copied(built: Lesson, root: Path) -> Lesson:
    """The built lesson in another checkout."""
    copy = lesson(root)
    for name in NOTEBOOKS:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes((built.source.parent.parent / name).read_bytes())
    return copy
