"""Hints on demand: each exercise has two, the first a nudge, the second almost the answer."""

from __future__ import annotations

import importlib
import textwrap
from types import ModuleType

from buildhour_helpers.errors import WorkshopError

Hints = dict[str, tuple[str, str]]
"""What a lesson's module keeps: exercise number -> (weak hint, strong hint)."""


def lesson(number: str) -> ModuleType | None:
    """The module of a lesson's checks and hints ("1" or "01"), or None where there is none."""
    name = f"{__package__}.lesson_{number.zfill(2)}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def hints_of(number: str) -> tuple[str, str] | None:
    """Both hints of an exercise ("1.2"), or None where there is no such exercise."""
    hints: Hints = getattr(lesson(number.partition(".")[0]), "HINTS", {})
    return hints.get(number)


def hint(number: str, strength: int = 1) -> None:
    """Print a hint for an exercise ("1.2"): strength 1 nudges, strength 2 nearly tells.

    Raises WorkshopError where there is no such exercise or strength.
    """
    both = hints_of(number)
    if both is None:
        raise WorkshopError(f'checks.hint: no exercise {number!r}; write its number, as in "1.2"')
    if strength not in (1, 2):
        raise WorkshopError(f"checks.hint: strength is 1 or 2, not {strength!r}")
    print(textwrap.fill(both[strength - 1], 76))
    if strength == 2:
        print(f'Still stuck? checks.catch_up("{number}") solves it here, and shows how.')
