"""What an exercise cell calls to check itself: `checks.exercise_1_2(best_of)`.

Each lesson's checks are a module here, `lesson_01` and so on, and are loaded when first asked for.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable

from buildhour_helpers.checks.catching_up import catch_up
from buildhour_helpers.checks.hints import hint, hints_of, lesson

__all__ = ["catch_up", "hint", "hints_of"]


def __getattr__(name: str) -> Callable[..., None]:
    """The check `exercise_N_M` of lesson N."""
    found = re.fullmatch(r"exercise_(\d)_\d", name)
    if found:
        with contextlib.suppress(AttributeError):
            check: Callable[..., None] = getattr(lesson(found[1]), name)
            return check
    raise AttributeError(f"there is no {name} in checks; exercise 1.2 is checks.exercise_1_2")
