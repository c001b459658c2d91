"""The lessons' sources: `solutions/NN_name.py`, notebooks in jupytext's percent format."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jupytext
from nbformat import NotebookNode, v4

from authoring.course.exercises import Exercise, exercises, solved, stub
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.home import repository

KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""The metadata of every notebook, whatever machine built it."""


@dataclass(frozen=True)
class Lesson:
    """One lesson, by its source."""

    source: Path

    @property
    def number(self) -> str:
        """Its two digits: "01"."""
        return self.source.name[:2]

    @property
    def name(self) -> str:
        return self.source.stem

    @property
    def solved(self) -> Path:
        """The solved notebook."""
        return self.source.with_suffix(".ipynb")

    @property
    def stubs(self) -> Path:
        """The notebook that a learner opens."""
        return self.source.parent.parent / "notebooks" / self.solved.name


def lessons(chosen: Sequence[str] = (), root: Path | None = None) -> list[Lesson]:
    """The lessons with the chosen numbers ("01"; none given: all of them), in order.

    Raises WorkshopError where there is no such lesson.
    """
    folder = (root or repository()) / "solutions"
    found = {path.name[:2]: Lesson(path) for path in sorted(folder.glob("[0-9][0-9]_*.py"))}
    wanted = [number.zfill(2) for number in chosen] or list(found)
    unknown = [number for number in wanted if number not in found]
    if unknown or not found:
        known = ", ".join(found) or "none"
        raise WorkshopError(f"no lesson {', '.join(unknown)} in {folder.name}/; there is: {known}")
    return [found[number] for number in wanted]


def read(lesson: Lesson) -> NotebookNode:
    """The source as a notebook, markers and metadata as written."""
    notebook: NotebookNode = jupytext.reads(
        lesson.source.read_text(encoding="utf-8"), fmt="py:percent"
    )
    return notebook


def cell_lines(lesson: Lesson) -> list[int]:
    """The line of the source on which each cell begins, counted from 1."""
    lines = lesson.source.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if re.match(r"# %%( |$)", line)]


def notebook_of(cells: Sequence[NotebookNode]) -> NotebookNode:
    """A notebook of these cells; each cell's ID is a hash of what it says, so that a change
    of one cell changes no other."""
    seen: dict[str, int] = {}
    for cell in cells:
        digest = hashlib.sha256(f"{cell.cell_type}:{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    notebook: NotebookNode = v4.new_notebook(cells=list(cells), metadata=KERNEL)
    notebook.nbformat_minor = 5
    return notebook


def solution_of(number: str) -> str:
    """The code that solves an exercise ("1.2"). Raises WorkshopError where there is none."""
    cell, _ = _cell_of(number)
    return solved(cell.source)


def stub_of(number: str) -> str:
    """The code that a learner finds for an exercise ("1.2")."""
    cell, exercise = _cell_of(number)
    return stub(cell.source, exercise)


def _cell_of(number: str) -> tuple[NotebookNode, Exercise]:
    (lesson,) = lessons([number.partition(".")[0]])
    cells = read(lesson).cells
    for exercise in exercises(cells):
        if exercise.number == number:
            return cells[exercise.cell], exercise
    raise WorkshopError(f"{lesson.source.name}: has no exercise {number}")
