"""Builds lessons, and checks that what is committed is what is built."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from tqdm.auto import tqdm

from authoring.course.building import solved_notebook, stubs_notebook
from authoring.course.execution import CellFailedError, execute, workplace
from authoring.course.outputs import of_outputs, of_times
from authoring.course.refusals import Complaint, of_source
from authoring.course.source import Lesson, cell_lines, read
from buildhour_helpers.errors import WorkshopError


def build(chosen: Sequence[Lesson], patience: float = 1.0) -> None:
    """Build both notebooks of each lesson, executed; a lesson that is refused is not written.

    `patience` stretches the time budgets. Raises WorkshopError with a line for each complaint.
    """
    complaints: list[str] = []
    with workplace(), tqdm(total=2 * len(chosen), unit="notebook") as bar:
        for lesson in chosen:
            found = _build(lesson, patience, bar)
            complaints += found
            bar.write(f"{lesson.name}: {'refused' if found else 'built'}")
    _refuse(complaints)


def _build(lesson: Lesson, patience: float, bar: Any) -> list[str]:
    complaints = [_line(lesson, one) for one in of_source(lesson.number, read(lesson).cells)]
    notebooks = {} if complaints else _unexecuted(lesson)
    for path, notebook in notebooks.items():
        cells = len(notebook.cells)
        path.parent.mkdir(exist_ok=True)

        def show(index: int, of: int = cells, path: Path = path) -> None:
            bar.set_description_str(f"{_short(path)}: cell {index + 1} of {of}")

        try:
            executed = execute(notebook, path.parent, show)
        except CellFailedError as error:
            failed = Complaint(error.cell, str(error), "mend it; in notebooks/ only a stub raises")
            complaints.append(_line(lesson, failed, path))
            continue
        found = [*of_outputs(notebook.cells), *of_times(executed.seconds, patience)]
        complaints += [_line(lesson, one, path) for one in found]
        bar.update()
    if not complaints:
        for path, notebook in notebooks.items():
            write(notebook, path)
    return complaints


def try_seeds(chosen: Sequence[Lesson], seeds: Sequence[int]) -> None:
    """Run each solved lesson against a service of each seed, and write nothing: what the lessons
    claim and assert must hold whatever chance made. Raises WorkshopError with a line for each cell
    that failed, or printed what no output may hold."""
    complaints: list[str] = []
    with tqdm(total=len(seeds) * len(chosen), unit="lesson") as bar:
        for seed in seeds:
            with workplace():
                os.environ["BUILDHOUR_SEED"] = str(seed)
                for lesson in chosen:
                    bar.set_description_str(f"{lesson.name}, seed {seed}")
                    complaints += [f"seed {seed}: {line}" for line in _tried(lesson)]
                    bar.update()
    _refuse(complaints)


def _tried(lesson: Lesson) -> list[str]:
    notebook = solved_notebook(lesson)
    try:
        execute(notebook, lesson.source.parent)
        found = of_outputs(notebook.cells)
    except CellFailedError as error:
        cure = "claim and assert what holds for every seed"
        found = [Complaint(error.cell, str(error), cure)]
    return [_line(lesson, complaint) for complaint in found]


def check(chosen: Sequence[Lesson]) -> None:
    """Build afresh without executing, and compare with what is committed, outputs aside (nbval
    compares those). Raises WorkshopError with a line for each difference."""
    complaints: list[str] = []
    for lesson in chosen:
        found = [_line(lesson, one) for one in of_source(lesson.number, read(lesson).cells)]
        complaints += found
        for path, built in {} if found else _unexecuted(lesson).items():
            complaints += [f"{_short(path)}: {difference}" for difference in _differs(path, built)]
            if path.exists():
                committed = nbformat.read(path, as_version=nbformat.NO_CONVERT)
                complaints += [_line(lesson, one, path) for one in of_outputs(committed.cells)]
    _refuse(complaints)


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook, always in the same bytes."""
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def _unexecuted(lesson: Lesson) -> dict[Path, NotebookNode]:
    return {lesson.solved: solved_notebook(lesson), lesson.stubs: stubs_notebook(lesson)}


def _differs(path: Path, built: NotebookNode) -> Iterator[str]:
    """The first difference between a committed notebook and the one that was built."""
    cure = f"run: python -m authoring.course build {path.name[:2]}"
    if not path.exists():
        yield f"is missing; {cure}"
        return
    committed = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    pairs: list[tuple[str, Callable[[NotebookNode], Any]]] = [
        ("its metadata", lambda notebook: (notebook.metadata, notebook.nbformat_minor)),
        ("the number of its cells", lambda notebook: len(notebook.cells)),
    ]
    pairs += [(f"cell {n + 1}", _cell_of(n)) for n in range(len(built.cells))]
    for what, of in pairs:
        if _plain(of(committed)) != _plain(of(built)):
            yield f"{what} is not what its source builds; {cure}"
            return


def _cell_of(index: int) -> Callable[[NotebookNode], Any]:
    def shown(notebook: NotebookNode) -> Any:
        cell = notebook.cells[index]
        return {k: v for k, v in cell.items() if k not in ("outputs", "execution_count")}

    return shown


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _line(lesson: Lesson, complaint: Complaint, path: Path | None = None) -> str:
    """A complaint as one line: file, line and cell, what is wrong, the cure."""
    where = str(lesson.source.name if path is None else _short(path))
    if complaint.cell is not None:
        lines = cell_lines(lesson)
        known = complaint.cell < len(lines)
        line = f" (line {lines[complaint.cell]} of the source)" if known else ""
        where += f", cell {complaint.cell + 1}{line}"
    return f"{where}: {complaint.wrong}; {complaint.cure}"


def _short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _refuse(complaints: Iterable[str]) -> None:
    lines = list(complaints)
    if lines:
        raise WorkshopError("\n".join(["refused:", *lines]))
