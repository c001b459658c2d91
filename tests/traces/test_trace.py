"""A trace is read from any of the shapes that rollouts are kept in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rft_traces import Outcome, Trace, aligned
from rft_traces.trace import Step

Item = dict[str, Any]


def reasoning(text: str) -> Item:
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}


def call(name: str, call_id: str, **arguments: Any) -> Item:
    text = json.dumps(arguments)
    return {"type": "function_call", "name": name, "call_id": call_id, "arguments": text}


def output(call_id: str, text: str) -> Item:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def answer(text: str) -> Item:
    content = [{"type": "output_text", "text": text}]
    return {"type": "message", "role": "assistant", "content": content}


PROMPT: list[Item] = [
    {"role": "system", "content": "Use the tools."},
    {"role": "user", "content": "How many?"},
]
STEPS: list[Item] = [
    reasoning("Two at once."),
    call("search", "a", query="many", k=3),
    call("list", "b", path="X/"),
    output("b", "Error: no such folder"),
    output("a", "1. X/1"),
    reasoning("Now read."),
    call("cat", "c", path="X/1"),
    output("c", "there are 7"),
    reasoning("Seven."),
    answer("7"),
]
RECORD: Item = {
    "question_id": "q1",
    "repeat": 2,
    "model": "sim",
    "trace": [*PROMPT, *STEPS],
    "answer": "7",
    "reward": 0.5,
    "metrics": {"turns": 3, "tool_calls": 3, "latency_s": 9.0, "simulated_latency_s": 1.5},
    "stop_reason": "answered",
    "error": None,
}


def test_items_become_steps_with_outputs_beside_their_calls() -> None:
    trace = Trace.of(RECORD)
    assert (trace.question, trace.answer, trace.reward) == ("How many?", "7", 0.5)
    assert trace.outcome is Outcome.PARTIAL
    assert [step.tools for step in trace.steps] == [("search", "list"), ("cat",), ()]
    assert [step.reasoning for step in trace.steps] == ["Two at once.", "Now read.", "Seven."]
    search, listing = trace.steps[0].calls
    assert search.output == "1. X/1"
    assert search.given() == [("query", "many"), ("k", "3")]
    assert listing.is_error
    assert not search.is_error
    assert trace.latency_s == 1.5


def test_a_rollout_of_the_service_is_read_too() -> None:
    trace = Trace.of(
        {"id": "trace_1", "trace": STEPS, "answer": "7", "reward": None, "error": "tool down"}
    )
    assert trace.question_id == "trace_1"
    assert trace.outcome is Outcome.DISCARDED
    assert trace.error == "tool down"
    assert trace.costs() == {"turns": 3, "tool_calls": 3}


def test_the_published_shape_is_read_too() -> None:
    """`trace`, `metrics` and `usage_cumulative`, and little else."""
    row = {
        "sample_id": 3,
        "trace": [*PROMPT, *STEPS],
        "metrics": {"score": 1.0, "tool_calls": 3},
        "usage_cumulative": {"total_tokens": 500},
    }
    trace = Trace.of(row)
    assert (trace.question_id, trace.reward, trace.answer) == ("3", 1.0, "7")
    assert trace.outcome is Outcome.RIGHT
    assert json.loads(trace.to_json()) == row


def test_odd_items_do_not_stop_it() -> None:
    row = {
        "trace": [
            output("nobody", "asked"),
            {"type": "function_call", "name": "f", "call_id": "x", "arguments": "not json"},
            {"type": "web_search_call", "id": "y"},
            "not an item",
        ]
    }
    (step,) = Trace.of(row).steps
    assert step.calls[0].given() == [("", "not json")]
    assert step.calls[0].output is None
    for lacking in ({}, {"trace": "text"}, {"trace": None}):
        with pytest.raises(ValueError, match="trace: missing"):
            Trace.of(lacking)


def steps(*tools: str) -> list[Step]:
    return [Trace.of({"trace": [call(name, "i", path=path)]}).steps[0] if name else Step(text="a")
            for name, _, path in (tool.partition(":") for tool in tools)]  # fmt: skip


def names(pairs: list[tuple[Step | None, Step | None]]) -> list[tuple[str, str]]:
    return [
        tuple("" if s is None else "".join(s.tools) or "answer" for s in pair)  # type: ignore[misc]
        for pair in pairs
    ]


def test_like_steps_stand_beside_each_other() -> None:
    before = steps("search", "search:2", "list", "cat", "")
    after = steps("search", "cat", "")
    assert names(aligned(before, after)) == [
        ("search", "search"),
        ("search", ""),
        ("list", ""),
        ("cat", "cat"),
        ("answer", "answer"),
    ]
    # The same arguments count for more than the same tool.
    assert names(aligned(steps("cat:1", "cat:2"), steps("cat:2"))) == [("cat", ""), ("cat", "cat")]
    assert aligned([], after) == [(None, step) for step in after]
