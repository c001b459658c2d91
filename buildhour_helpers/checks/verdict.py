"""How a check reports: what is right, what is wrong, what to try.

A check is a generator of findings; `exercise` turns it into the function that a cell calls:

    @exercise("1.2")
    def exercise_1_2(best_of: Callable[[list[float]], float]) -> Findings:
        if best_of([0.0, 1.0, 0.5]) == 1.0:
            yield right("of three repeats it takes the best")
        else:
            yield wrong("of 0, 1 and 0.5 it does not take 1", "max, not the mean")

It prints its findings and returns None. A stub, or None, counts as not started; an answer that
raises an exception becomes a finding. Neither stops the notebook.
"""

from __future__ import annotations

import functools
import math
import textwrap
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ParamSpec

import numpy as np

P = ParamSpec("P")
COLUMNS = 76


@dataclass(frozen=True)
class Finding:
    """One thing that a check looked at. `fix` is empty if it is right."""

    is_right: bool
    text: str
    fix: str = ""


Findings = Iterator[Finding]


def right(text: str) -> Finding:
    """What the answer does well, such as "of three repeats it takes the best"."""
    return Finding(True, text)


def wrong(text: str, fix: str) -> Finding:
    """What this answer does instead, and what to try."""
    return Finding(False, text, fix)


def expect(found: object, expected: object, example: str, fix: str) -> Finding:
    """Compare what an answer returned for an example with what it should return."""
    if found == expected:
        return right(f"{example}: {expected!r}")
    return wrong(f"{example}: it says {found!r}, not {expected!r}", fix)


def is_close(found: object, expected: float) -> bool:
    """Whether an answer is a number and, but for rounding errors, the expected one."""
    return isinstance(found, int | float) and math.isclose(found, expected, abs_tol=1e-9)


def number_of(value: object) -> float | None:
    """The value as a finite float, numpy's too; None for anything else, text and truth values
    included."""
    if isinstance(value, bool | np.bool_ | str | bytes):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def exercise(number: str) -> Callable[[Callable[P, Findings]], Callable[P, None]]:
    """Turn a generator of findings into the check of exercise `number` ("1.2")."""

    def wrap(check: Callable[P, Findings]) -> Callable[P, None]:
        @functools.wraps(check)
        def checked(*args: P.args, **kwargs: P.kwargs) -> None:
            found: list[Finding] = []
            stubbed = any(answer is None for answer in (*args, *kwargs.values()))
            try:
                for finding in () if stubbed else check(*args, **kwargs):
                    found.append(finding)
            except NotImplementedError as error:
                stubbed = str(error).startswith("Exercise ")
                found += [] if stubbed else [_raised(error)]
            except Exception as error:
                found.append(_raised(error))
            print(_not_started(number) if stubbed else _verdict(number, found))

        return checked

    return wrap


def _verdict(number: str, found: list[Finding]) -> str:
    if not found:
        raise AssertionError(f"the check of exercise {number} has no finding")
    is_right = all(finding.is_right for finding in found)
    lines = [f"Exercise {number}: {'right' if is_right else 'not yet'}"]
    advised: set[str] = set()
    for finding in found:
        lines += _wrapped(f"{'✓' if finding.is_right else '✗'} {finding.text}", "  ", "    ")
        if finding.fix and finding.fix not in advised:  # the same advice once is enough
            lines += _wrapped(f"try: {finding.fix}", "    ", "         ")
            advised.add(finding.fix)
    if not is_right:
        lines.append("  Stuck? Open the hints above, one at a time.")
    return "\n".join(lines)


def _not_started(number: str) -> str:
    return (
        f"Exercise {number}: not started. Replace the line with NotImplementedError,\n"
        "run that cell, then this one again. The folded lines above it are hints."
    )


def _raised(error: Exception) -> Finding:
    """The exception that a learner's code raised, and the line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if "buildhour_helpers" not in frame.filename]
    where = f", in its line `{theirs[-1].line}`" if theirs and theirs[-1].line else ""
    return wrong(
        f"it raised {type(error).__name__}: {error}{where}",
        "call it yourself in a new cell, with a small example, and read the traceback",
    )


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, COLUMNS, initial_indent=first, subsequent_indent=rest, break_long_words=False
    )
