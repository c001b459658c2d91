"""Help with an exercise: hints on demand, and its solution in the notebook that is open."""

from __future__ import annotations

import importlib
import json
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.home import repository

Hints = dict[str, tuple[str, str, str]]
"""What a lesson's module keeps: exercise number -> (a nudge, the method, nearly the answer)."""


def lesson(number: str) -> ModuleType | None:
    """The module of a lesson's checks and hints ("1" or "01"), or None."""
    name = f"{__package__}.lesson_{number.zfill(2)}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def hints_of(number: str) -> tuple[str, ...] | None:
    """The three hints for an exercise ("1.2"), weakest first; None if there is no such exercise."""
    hints: Hints = getattr(lesson(number.partition(".")[0]), "HINTS", {})
    return hints.get(number)


def hint(number: str, strength: int = 1) -> None:
    """Print a hint for an exercise ("1.2"): a nudge (1), the method (2), nearly the answer (3).

    Raises WorkshopError if there is no such exercise or strength.
    """
    hints = hints_of(number)
    if hints is None:
        raise WorkshopError(f'checks.hint: no exercise {number!r}; write its number, as in "1.2"')
    if strength not in range(1, len(hints) + 1):
        raise WorkshopError(f"checks.hint: strength is 1 to {len(hints)}, not {strength!r}")
    print(textwrap.fill(hints[strength - 1], 76))
    if strength == len(hints):
        print(f'Still stuck? checks.catch_up("{number}") solves it here, and shows how.')


def catch_up(number: str) -> None:
    """Solve an exercise ("3.1") or all of a lesson ("03") in this notebook, and print the code.

    Runs the solved cells in the notebook's namespace; the cells above must have been run. Raises
    WorkshopError that says how to fix it.
    """
    from IPython import get_ipython  # slow to load, and seldom needed

    shell = get_ipython()
    if shell is None:
        raise WorkshopError("checks.catch_up: works in a notebook; elsewhere, see solutions/")
    solutions = list(_solutions(number))
    if not solutions:
        raise WorkshopError(
            f'checks.catch_up: nothing solves {number!r}; an exercise is "3.1", a lesson "03"'
        )
    for name, code in solutions:
        try:
            exec(compile(code, f"<exercise {name}>", "exec"), shell.user_ns)  # noqa: S102
        except NameError as error:
            raise WorkshopError(
                f"checks.catch_up: exercise {name}: {error}; first choose Run > Run All Above "
                "Selected Cell"
            ) from None
        print(f"# Exercise {name}, solved:\n{code}\n")


def _solutions(number: str) -> Iterator[tuple[str, str]]:
    """Number and solved cell of each exercise of this number or lesson."""
    lesson = number.partition(".")[0].zfill(2)
    for path in (repository() / "solutions").glob(f"{lesson}_*.ipynb"):
        notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            name = cell["metadata"].get("exercise")
            if name and number in (name, lesson, lesson.lstrip("0") or "0"):
                yield name, "".join(cell["source"])
