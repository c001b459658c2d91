"""What an exercise cell calls to check itself: `checks.exercise_1_2(best_of)`.

Each lesson's checks are in a module, `lesson_01` and so on, which is loaded when first used.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable

from buildhour_helpers.checks.hints import catch_up, hint, hints_of, lesson

__all__ = ["catch_up", "hint", "hints_of"]


def __getattr__(name: str) -> Callable[..., None]:
    """The check `exercise_N_M` of lesson N."""
    found = re.fullmatch(r"exercise_(\d)_\d", name)
    if found:
        with contextlib.suppress(AttributeError):
            check: Callable[..., None] = getattr(lesson(found[1]), name)
            return check
    raise AttributeError(f"there is no {name} in checks; exercise 1.2 is checks.exercise_1_2")
