"""Exercises: where they are in a source, and what is left of their cells for a learner."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from buildhour_helpers.errors import WorkshopError

BEGIN, END = "# begin solution", "# end solution"
HEADING = re.compile(r"^### Exercise (\d+\.\d+): (.+)$", re.MULTILINE)
EFFORT = re.compile(r"^Difficulty (\d+)/5 · (\d+) minutes$", re.MULTILINE)


@dataclass(frozen=True)
class Exercise:
    """An exercise as its heading announces it; `cell` is the index of the cell to be filled in,
    and the check follows it."""

    number: str
    title: str
    difficulty: int
    minutes: int
    cell: int

    @property
    def check(self) -> str:
        """The name of its check."""
        return f"exercise_{self.number.replace('.', '_')}"


def exercises(cells: Sequence[NotebookNode]) -> list[Exercise]:
    """The exercises of a source that has passed `refusals.of_source`."""
    return list(_exercises(cells))


def _exercises(cells: Sequence[NotebookNode]) -> Iterator[Exercise]:
    for index, cell in enumerate(cells):
        if "exercise" in cell.metadata:
            heading = HEADING.search(cells[index - 1].source)
            if heading is None:
                raise WorkshopError(f"exercise {cell.metadata.exercise}: has no heading")
            about = cell.metadata
            yield Exercise(heading[1], heading[2], about.difficulty, about.minutes, index)


def solved(code: str) -> str:
    """An exercise's cell without its marker lines, and without the `NAME = None` above one."""
    code = re.sub(rf"^\w+ = None\n(?={BEGIN}$)", "", code, flags=re.MULTILINE)
    return "\n".join(line for line in code.splitlines() if line.strip() not in (BEGIN, END))


def stub(code: str, exercise: Exercise) -> str:
    """An exercise's cell with what stands between the markers replaced by an exception."""
    kept: list[str] = []
    inside = False
    for line in code.splitlines():
        if line.strip() == BEGIN:
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            kept.append(f'{indent}raise NotImplementedError("{message(exercise)}")')
        elif line.strip() == END:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def message(exercise: Exercise) -> str:
    """What a stub raises."""
    return f"Exercise {exercise.number}: {exercise.title}"


def raises_when_run(code: str) -> bool:
    """Whether an exercise's stub raises by itself, and not only once its function is called."""
    return any(line == BEGIN for line in code.splitlines())
