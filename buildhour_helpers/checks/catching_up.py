"""For who fell behind: the solutions of a lesson, run in the notebook one has open, and shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.home import repository


def catch_up(number: str) -> None:
    """Solve an exercise ("3.1") or all of a lesson ("03") in this notebook, and print how.

    What the exercises' cells define is then as in the solved lesson; the cells above them must
    have been run, and nothing else is changed. Raises WorkshopError with the cure.
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
    """Number and solved cell of each exercise that is meant, from the solved notebook."""
    lesson = number.partition(".")[0].zfill(2)
    for path in (repository() / "solutions").glob(f"{lesson}_*.ipynb"):
        notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            name = cell["metadata"].get("exercise")
            if name and number in (name, lesson, lesson.lstrip("0") or "0"):
                yield name, "".join(cell["source"])
