"""A lesson: its source, its exercises, and the two notebooks that are built from it.

`solutions/NN_name.py` is written by hand, a notebook in jupytext's percent format.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jupytext
from nbformat import NotebookNode, v4

from buildhour_helpers import checks
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


def built_cell_lines(lesson: Lesson) -> list[int | None]:
    """The same for the cells of a built notebook; None for the one that the builder has put in."""
    lines = cell_lines(lesson)
    return [*lines[:HOSTED_AT], None, *lines[HOSTED_AT:]]


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
    """The exercises of a source that follows the rules (`rules.of_source`)."""
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


def folded_hints(number: str) -> str:
    """The hints for an exercise as Markdown, each folded until a learner opens it."""
    return "".join(
        f"\n\n<details><summary>Hint {strength}</summary>\n\n{hint}\n\n</details>"
        for strength, hint in enumerate(checks.hints_of(number) or (), 1)
    )


def message(exercise: Exercise) -> str:
    """What a stub raises."""
    return f"Exercise {exercise.number}: {exercise.title}"


def raises_when_run(code: str) -> bool:
    """Whether an exercise's stub raises by itself, and not only once its function is called."""
    return any(line == BEGIN for line in code.splitlines())


UNCOMPARED = "uncompared"
NBVAL_TAGS = {UNCOMPARED: "nbval-ignore-output"}
"""Tags of ours -> the tags that nbval heeds, added beside them."""
RAISES = "raises-exception"
CATCH_UP = "catch-up"
HOSTED = "hosted"
HOSTED_CELL = Path(__file__).with_name("hosted.py")
HOSTED_AT = 1
"""Where the cell that installs the course is put: below the title, above all other code."""


def solved_notebook(lesson: Lesson) -> NotebookNode:
    """The lesson with its exercises solved."""
    cells = _copied(read(lesson).cells)
    for exercise in exercises(cells):
        cells[exercise.cell].source = solved(cells[exercise.cell].source)
        cells[exercise.cell - 1].source += folded_hints(exercise.number)
    return notebook_of(_with_hosted_cell(cells))


def stubs_notebook(lesson: Lesson) -> NotebookNode:
    """The lesson as a learner opens it."""
    cells = _copied(read(lesson).cells)
    for exercise in exercises(cells):
        cell = cells[exercise.cell]
        if raises_when_run(cell.source):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), RAISES]
        cell.source = stub(cell.source, exercise)
        cells[exercise.cell - 1].source += folded_hints(exercise.number)
    return notebook_of([*_with_hosted_cell(cells), _catch_up_cell(lesson)])


def _with_hosted_cell(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """The cells, and one that installs the course where it is not installed, its code folded."""
    code = HOSTED_CELL.read_text(encoding="utf-8").strip()
    metadata = {"tags": [HOSTED], "jupyter": {"source_hidden": True}}
    return [*cells[:HOSTED_AT], v4.new_code_cell(code, metadata=metadata), *cells[HOSTED_AT:]]


def _catch_up_cell(lesson: Lesson) -> NotebookNode:
    """What a learner who fell behind runs, and nobody else: it stands as a comment."""
    code = (
        "# Fell behind? This solves all exercises of the lesson, and shows how:\n"
        f'# checks.catch_up("{lesson.number}")'
    )
    cell: NotebookNode = v4.new_code_cell(code, metadata={"tags": [CATCH_UP]})
    return cell


def _copied(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Copies of the cells, with the tags that nbval heeds."""
    copies = []
    for cell in cells:
        metadata = {k: v for k, v in cell.metadata.items() if k != "lines_to_next_cell"}
        tags = list(metadata.get("tags", []))
        tags += [NBVAL_TAGS[tag] for tag in tags if tag in NBVAL_TAGS]
        if tags:
            metadata["tags"] = tags
        if cell.cell_type == "code":
            copies.append(v4.new_code_cell(cell.source, metadata=metadata))
        else:
            copies.append(v4.new_markdown_cell(cell.source, metadata=metadata))
    return copies
