"""The endpoint grader: what arrives at `POST /grade`, and the default way to score it.

The service sends `{"sample", "item", "trace_id"}` and takes back `{"score"}`. `sample` is what the
model said, `item` the dataset row, and `trace_id` finds the state that the tool server kept for
this very rollout. A grader is any function from a `GraderCall` to a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from buildhour_helpers.graders.numeric import Reference, compare


class MadeCall(Protocol):
    """A tool call of the rollout; `arguments` is the JSON that the model wrote."""

    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> str: ...
    @property
    def is_error(self) -> bool: ...


class Trace(Protocol):
    """What a grader may ask about the rollout: the state that the tool server keeps for it."""

    @property
    def pages_read(self) -> list[str]: ...
    @property
    def calls(self) -> Sequence[MadeCall]: ...


@dataclass(frozen=True)
class GraderCall:
    """One answer to grade. `trace` is None if the rollout called no tool."""

    sample: Mapping[str, Any]
    item: Mapping[str, Any]
    trace: Trace | None

    @classmethod
    def from_body(cls, body: Mapping[str, Any], trace: Trace | None) -> GraderCall:
        """Read a request's body. Raises ValueError naming the field."""
        for field in ("sample", "item"):
            if not isinstance(body.get(field), Mapping):
                raise ValueError(f"{field}: must be a JSON object")
        if not isinstance(body["sample"].get("output_text"), str | None):
            raise ValueError("sample.output_text: must be a string")
        return cls(body["sample"], body["item"], trace)

    @property
    def answer(self) -> str:
        """The model's final text; empty if there is none."""
        return self.sample.get("output_text") or ""


Grade = Callable[[GraderCall], float]
"""Scores a call. Raises ValueError if the item cannot be graded; any other error is a fault."""


def grade_answer(call: GraderCall) -> float:
    """The default grade: the answer against the row's `answer_value` and `answer_kind`."""
    return compare(call.answer, Reference.from_item(call.item)).score


def grade_with_evidence(call: GraderCall) -> float:
    """The default grade, halved where the rollout never read a page that holds the answer.

    It needs the rollout's state: an answer that was guessed, or lifted from a search snippet,
    looks like one that was read. Raises ValueError where the item names no `gold_pages`.
    """
    gold = call.item.get("gold_pages")
    if not isinstance(gold, list):
        raise ValueError("item.gold_pages: must be a list of the pages that hold the answer")
    pages = call.trace.pages_read if call.trace else []
    read_it = bool(set(pages) & set(gold))
    return grade_answer(call) * (1.0 if read_it else 0.5)


def checked_score(score: float) -> float:
    """The score as a float. Raises TypeError unless it is a finite number: that is a fault."""
    if not isinstance(score, int | float) or not math.isfinite(score):
        raise TypeError(f"the grader returned {score!r}; it must return a finite number")
    return float(score)
