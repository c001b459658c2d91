"""The endpoint grader's sample and its default grade."""

from __future__ import annotations

from typing import Any

import pytest

from buildhour_helpers.graders import GraderCall, grade_with_evidence
from buildhour_helpers.tools import CallRecord, Trace
from rft_wire import build_sample

PAGE = "ACME/2012/page_9.pdf"
ITEM = {
    "answer_value": 8.35,
    "answer_kind": "percent",
    "reference_answer": "8.35%",
    "gold_pages": [PAGE],
}


def graded(answer: str, trace: Trace | None = None) -> GraderCall:
    return GraderCall(build_sample(answer, [], None), ITEM, trace)


def read(path: str, *, is_error: bool = False) -> Trace:
    arguments = f'{{"path": "{path}"}}'
    return Trace("t", [CallRecord("c", "cat", arguments, 0.0, 0.0, 10, is_error)])


def test_the_sample_has_the_shape_of_a_chat_completion() -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "cat", "arguments": "{}"}
    text = '{"value": 1}'
    tool = {"id": "c1", "type": "function", "function": {"name": "cat", "arguments": "{}"}}
    message = {"role": "assistant", "content": text, "tool_calls": [tool]}
    assert build_sample(text, [call], "because") == {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "output_text": text,
        "output_json": {"value": 1},
        "output_tools": [tool],
        "output_reasoning_summary": "because",
    }


@pytest.mark.parametrize("answer", ["8.35%", "", "5", "{", '"text"', "[" * 100_000])
def test_only_an_object_or_an_array_is_output_json(answer: str) -> None:
    assert build_sample(answer, [], None)["output_json"] is None


@pytest.mark.parametrize(
    ("trace", "score"),
    [
        (None, 0.5),
        (read("ACME/2011/page_9.pdf"), 0.5),
        (read(PAGE, is_error=True), 0.5),
        (read(PAGE), 1.0),
        (read(f"/{PAGE} "), 1.0),
    ],
)
def test_an_answer_without_evidence_is_halved(trace: Trace | None, score: float) -> None:
    assert grade_with_evidence(graded("8.35%", trace)) == score


@pytest.mark.parametrize("pages", [None, "a page"])
def test_evidence_cannot_be_looked_for_without_gold_pages(pages: Any) -> None:
    """A ValueError is a 422 at the tool server: a fault (500) would be tried again."""
    call = GraderCall(build_sample("8.35%", [], None), {**ITEM, "gold_pages": pages}, read(PAGE))
    with pytest.raises(ValueError, match=r"^item\.gold_pages: must be a list"):
        grade_with_evidence(call)
