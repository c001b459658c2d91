"""Honest and nonsensical answers to each exercise, a module a lesson: `lesson_00` and so on.

A module has `LESSON` and two tables: `HONEST[number][name]` is an answer that must pass,
`NONSENSE[number][name]` one that must not, with words that the check must say of it. Six of each
at least. `GIVEN[number]`, where there is one, is what the check takes besides the answer.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authoring.course.source import solution_of

Honest = dict[str, dict[str, Any]]
Nonsense = dict[str, dict[str, tuple[Any, str]]]


@dataclass(frozen=True)
class Lesson:
    """The exercises of a lesson: the name that each one's cell defines, such as {"0.1":
    "count_calls"}, and what the cells above them define."""

    names: Mapping[str, str]
    above: Mapping[str, Any] = field(default_factory=dict)

    def solution(self, number: str) -> Any:
        """The answer that the solved lesson gives."""
        return self.defined(number, solution_of(number))

    def changed(self, number: str, old: str, new: str) -> Any:
        """The solution with one thing in it replaced."""
        code = solution_of(number)
        assert code.count(old) == 1, f"{old!r} is not once in the solution of {number}"
        return self.defined(number, code.replace(old, new))

    def body(self, number: str, signature: str, code: str) -> Any:
        """A function from its signature, "score(answer, item)", and its body."""
        indented = textwrap.indent(textwrap.dedent(code).strip(), "    ")
        return self.defined(number, f"def {signature}:\n{indented}")

    def defined(self, number: str, code: str) -> Any:
        """What some code defines as the answer."""
        space = dict(self.above)
        exec(code, space)
        return space[self.names[number]]
