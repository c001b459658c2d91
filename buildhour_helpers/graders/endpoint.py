"""The endpoint grader: what arrives at `POST /grade`, and the default way to score it.

The service sends `{"sample", "item", "trace_id"}` and takes back `{"score"}`. `sample` is what the
model said, `item` the dataset row, and `trace_id` finds the state that the tool server kept for
this very rollout. A grader is any function from a `GraderCall` to a number.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from buildhour_helpers.graders.numeric import Reference, compare

if TYPE_CHECKING:
    from buildhour_helpers.tools.state import Trace


@dataclass(frozen=True)
class GraderCall:
    """One answer to grade. `trace` is None where the rollout called no tool."""

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
        """The model's final text; empty where it gave none."""
        return self.sample.get("output_text") or ""


def build_sample(
    answer: str, calls: Sequence[Mapping[str, Any]], reasoning_summary: str | None
) -> dict[str, Any]:
    """The `sample` of a grader call: an answer, and the `function_call` items that led to it."""
    tools = [
        {
            "id": call["call_id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": call["arguments"]},
        }
        for call in calls
    ]
    message = {"role": "assistant", "content": answer, "tool_calls": tools}
    return {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "output_text": answer,
        "output_json": _json_or_none(answer),
        "output_tools": tools,
        "output_reasoning_summary": reasoning_summary,
    }


def _json_or_none(answer: str) -> Any:
    """An answer that is a JSON object or array, as such."""
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


Grade = Callable[[GraderCall], float]
"""Scores a call. Raises ValueError where the item cannot be graded; any other error is a fault."""


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
