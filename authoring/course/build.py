"""Builds lessons, checks that what is committed is what is built, and measures them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from nbformat import NotebookNode
from tqdm.auto import tqdm

from authoring.course.execution import CellFailedError, execute, workplace
from authoring.course.findings import FINDING, values_in
from authoring.course.rules import Problem, of_findings, of_outputs, of_source, of_times, shape
from authoring.course.source import (
    Lesson,
    built_cell_lines,
    cell_lines,
    read,
    solved_notebook,
    stubs_notebook,
)
from buildhour_helpers.errors import WorkshopError


def build(chosen: Sequence[Lesson], patience: float = 1.0) -> None:
    """Build both notebooks of each lesson, executed; a lesson with a problem is not written.

    `patience` stretches the time budgets. Raises WorkshopError with a line for each problem.
    """
    problems: list[str] = []
    with workplace(), tqdm(total=2 * len(chosen), unit="notebook") as bar:
        for lesson in chosen:
            found = _build(lesson, patience, bar)
            problems += found
            bar.write(f"{lesson.name}: {'problems found, not written' if found else 'built'}")
    _raise_if(problems)


def _build(lesson: Lesson, patience: float, bar: Any) -> list[str]:
    problems = [_line(lesson, one) for one in of_source(lesson.number, read(lesson).cells)]
    notebooks = {} if problems else _unexecuted(lesson)
    for path, notebook in notebooks.items():
        cells = len(notebook.cells)
        templates = [cell.source for cell in notebook.cells]
        path.parent.mkdir(exist_ok=True)

        def show(index: int, of: int = cells, path: Path = path) -> None:
            bar.set_description_str(f"{_short(path)}: cell {index + 1} of {of}")

        try:
            executed = execute(notebook, path.parent, show)
        except CellFailedError as error:
            failed = Problem(error.cell, str(error), "fix it; in notebooks/ only a stub may raise")
            problems.append(_line(lesson, failed, path))
            continue
        found = [
            *of_outputs(notebook.cells),
            *of_findings(templates, notebook.cells),
            *of_times(executed.seconds, patience),
        ]
        problems += [_line(lesson, one, path) for one in found]
        bar.update()
    if not problems:
        for path, notebook in notebooks.items():
            write(notebook, path)
    return problems


def try_seeds(chosen: Sequence[Lesson], seeds: Sequence[int]) -> None:
    """Run each solved lesson against a service of each seed, and write nothing: what the lessons
    claim and assert must hold whatever chance made. Raises WorkshopError with a line for each cell
    that failed, or printed what no output may hold."""
    problems: list[str] = []
    with tqdm(total=len(seeds) * len(chosen), unit="lesson") as bar:
        for seed in seeds:
            with workplace():
                os.environ["BUILDHOUR_SEED"] = str(seed)
                for lesson in chosen:
                    bar.set_description_str(f"{lesson.name}, seed {seed}")
                    problems += [f"seed {seed}: {line}" for line in _tried(lesson)]
                    bar.update()
    _raise_if(problems)


def _tried(lesson: Lesson) -> list[str]:
    notebook = solved_notebook(lesson)
    try:
        execute(notebook, lesson.source.parent)
        found = of_outputs(notebook.cells)
    except CellFailedError as error:
        fix = "claim and assert what holds for every seed"
        found = [Problem(error.cell, str(error), fix)]
    return [_line(lesson, problem, lesson.solved) for problem in found]


def check(chosen: Sequence[Lesson]) -> None:
    """Build again without executing, and compare with what is committed, outputs aside (nbval
    compares those) and findings aside (they must agree with the outputs). Raises WorkshopError with
    a line for each difference."""
    problems: list[str] = []
    for lesson in chosen:
        found = [_line(lesson, one) for one in of_source(lesson.number, read(lesson).cells)]
        problems += found
        for path, built in {} if found else _unexecuted(lesson).items():
            problems += [f"{_short(path)}: {difference}" for difference in _differs(path, built)]
            if path.exists():
                committed = nbformat.read(path, as_version=nbformat.NO_CONVERT)
                templates = [cell.source for cell in built.cells]
                wrong = [*of_outputs(committed.cells), *of_findings(templates, committed.cells)]
                problems += [_line(lesson, one, path) for one in wrong]
    _raise_if(problems)


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook, always in the same bytes."""
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def _unexecuted(lesson: Lesson) -> dict[Path, NotebookNode]:
    return {lesson.solved: solved_notebook(lesson), lesson.stubs: stubs_notebook(lesson)}


def _differs(path: Path, built: NotebookNode) -> Iterator[str]:
    """The first difference between a committed notebook and the one that was built."""
    fix = f"run: python -m authoring.course build {path.name[:2]}"
    if not path.exists():
        yield f"is missing; {fix}"
        return
    committed = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    pairs: list[tuple[str, Callable[[NotebookNode], Any]]] = [
        ("its metadata", lambda notebook: (notebook.metadata, notebook.nbformat_minor)),
        ("the number of its cells", lambda notebook: len(notebook.cells)),
    ]
    pairs += [(f"cell {n + 1}", _cell_of(n)) for n in range(len(built.cells))]
    for cell, of_built in zip(committed.cells, built.cells, strict=False):
        if FINDING.search(of_built.source) and values_in(of_built.source, cell.source) is not None:
            cell.source = of_built.source
    for what, of in pairs:
        if _plain(of(committed)) != _plain(of(built)):
            yield f"{what} is not what its source builds; {fix}"
            return


def _cell_of(index: int) -> Callable[[NotebookNode], Any]:
    def shown(notebook: NotebookNode) -> Any:
        cell = notebook.cells[index]
        return {k: v for k, v in cell.items() if k not in ("outputs", "execution_count")}

    return shown


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _line(lesson: Lesson, problem: Problem, path: Path | None = None) -> str:
    """A problem as one line: file, line and cell, what is wrong, the fix."""
    where = str(lesson.source.name if path is None else _short(path))
    if problem.cell is not None:
        lines = cell_lines(lesson) if path is None else built_cell_lines(lesson)
        at = lines[problem.cell] if problem.cell < len(lines) else None
        line = f" (line {at} of the source)" if at else ""
        where += f", cell {problem.cell + 1}{line}"
    return f"{where}: {problem.wrong}; {problem.fix}"


def _short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _raise_if(problems: Iterable[str]) -> None:
    lines = list(problems)
    if lines:
        raise WorkshopError("\n".join(["problems:", *lines]))


def table(chosen: Sequence[Lesson], timed: bool = True) -> pd.DataFrame:
    """The lessons by name; with `timed`, each solved one is run for its seconds."""
    seconds = _seconds(chosen) if timed else {}
    rows = {}
    for lesson in chosen:
        cells = read(lesson).cells
        rows[lesson.name] = {**shape(cells), "seconds": round(seconds.get(lesson.name, 0.0), 1)}
    return pd.DataFrame.from_dict(rows, orient="index")


def _seconds(chosen: Sequence[Lesson]) -> dict[str, float]:
    taken = {}
    with workplace():
        for lesson in chosen:
            executed = execute(solved_notebook(lesson), lesson.source.parent)
            taken[lesson.name] = sum(executed.seconds.values())
    return taken
