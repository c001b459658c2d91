"""One rollout: the model acts, the tools answer, until there is an answer to grade.

A product runs this loop, and Agent RFT runs it inside the service while it trains. Here it runs on
the client's side, over the Responses API of the unmodified client.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from openai import APITimeoutError, AsyncOpenAI, InternalServerError, RateLimitError
from openai.types.shared import ReasoningEffort

from buildhour_helpers.rollouts.endpoints import EndpointFault, Grader, ToolServer
from buildhour_helpers.tools.schemas import for_responses
from rft_wire import Item, StopReason, build_sample, text_of
from rft_wire.records import RolloutRecord

Row = Mapping[str, Any]

MAX_STEPS = 12  # ten tool calls one by one, the refusal of an eleventh, the answer
SEEN_BY_MODEL = ("messages", "tools")
NEEDED = (*SEEN_BY_MODEL, "question_id")
"""The keys of a row that a rollout needs; its grader may need others."""


def trace_id_of(row: Row, *, run: str, model: str, repeat: int) -> str:
    """The rollout's ID: the same for the same run, model, question as asked, and repeat."""
    asked = [row[key] for key in SEEN_BY_MODEL]
    parts = json.dumps([run, model, row["question_id"], repeat, asked], sort_keys=True)
    return "trace_" + hashlib.sha256(parts.encode()).hexdigest()[:32]


async def run_rollout(
    client: AsyncOpenAI,
    server: ToolServer,
    row: Row,
    *,
    model: str,
    trace_id: str,
    repeat: int = 0,
    reasoning_effort: ReasoningEffort = "medium",
    max_steps: int = MAX_STEPS,
    response_format: Mapping[str, Any] | None = None,
    grade: Grader | None = None,
) -> RolloutRecord:
    """Run one rollout of a dataset row, and have it graded (by the server's `/grade` by default).

    `response_format` is that of a job: `{"type": "json_schema", "json_schema": {...}}`.

    A failure of the API, a tool or the grader is kept in the record. What would fail every rollout
    (a wrong key, an unknown model, no server) raises openai.APIError or WorkshopError.
    """
    item = {key: value for key, value in row.items() if key not in SEEN_BY_MODEL}
    reference = item.get("reference_answer")
    record = RolloutRecord(row["question_id"], repeat, model, trace_id, _prompt(row))
    record.reference_answer = None if reference is None else str(reference)
    request = _request(row, record.trace, model, repeat, reasoning_effort)
    if response_format is not None:  # Responses has no inner object
        request["text"] = {"format": {"type": "json_schema", **response_format["json_schema"]}}
    started = time.perf_counter()
    try:
        for _ in range(max_steps):
            response = await _respond(client, request)
            calls = _note_turn(record, response)
            if not calls:
                record.answer = _text_of(response["output"])
                record.stop_reason = StopReason.ANSWERED
                break
            outputs = await asyncio.gather(*(server.call(call, item, trace_id) for call in calls))
            record.add_outputs(calls, outputs)
    except EndpointFault as fault:
        return _failed(record, StopReason.TOOL_FAILED, fault, started)
    except (InternalServerError, RateLimitError, APITimeoutError) as error:
        return _failed(record, StopReason.MODEL_FAILED, error, started)
    try:
        record.reward = await (grade or server.grade)(_sample(record), item, trace_id)
    except EndpointFault as fault:
        return _failed(record, StopReason.GRADER_FAILED, fault, started)
    record.correct = record.reward == 1.0
    record.metrics.latency_s = round(time.perf_counter() - started, 3)
    return record


def _prompt(row: Row) -> list[Item]:
    """A row's messages. Text that is in parts becomes a string: the parts of a row are those of
    Chat Completions, which Responses refuses."""
    return [
        {**message, "content": text_of(message["content"])}
        if isinstance(message.get("content"), list)
        else message
        for message in row["messages"]
    ]


def _request(
    row: Row, items: list[Item], model: str, repeat: int, effort: ReasoningEffort
) -> dict[str, Any]:
    """The body of every turn's request; `items` is the trace, which grows with each turn."""
    return {
        "model": model,
        "input": items,
        "tools": for_responses(row["tools"]),
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"effort": effort, "summary": "auto"},  # for the viewer and the grader
        "store": False,  # the service keeps nothing, so the reasoning comes back encrypted
        "include": ["reasoning.encrypted_content"],
        "metadata": {"repeat": str(repeat)},  # a simulated model answers each repeat differently
    }


async def _respond(client: AsyncOpenAI, body: Mapping[str, Any]) -> dict[str, Any]:
    """One turn of the model, as a plain dictionary.

    The same as `client.responses.create(**body)` but faster: converting a conversation of ten items
    to the client's types takes 25 ms, ten times the request. `extra_body` is sent unchanged, and
    the raw response is not converted.
    """
    raw = await client.responses.with_raw_response.create(extra_body=body)
    response: dict[str, Any] = json.loads(raw.text)
    return response


def _note_turn(record: RolloutRecord, response: Mapping[str, Any]) -> list[Item]:
    """Add a turn and its cost to the record; returns its function calls."""
    record.trace += response["output"]
    calls = [item for item in response["output"] if item["type"] == "function_call"]
    usage = response["usage"]
    record.count_turn(
        usage["input_tokens"],
        usage["output_tokens"],
        usage["output_tokens_details"]["reasoning_tokens"],
    )
    simulated_s = response.get("simulated_latency_s")
    if simulated_s is not None:
        so_far_s = record.metrics.simulated_latency_s or 0.0
        record.metrics.simulated_latency_s = round(so_far_s + simulated_s, 6)
    return calls


def _failed(
    record: RolloutRecord, reason: StopReason, error: Exception, started: float
) -> RolloutRecord:
    record.stop_reason, record.error = reason, str(error)
    record.metrics.latency_s = round(time.perf_counter() - started, 3)
    return record


def _text_of(output: Sequence[Item]) -> str:
    parts = (part for item in output if item["type"] == "message" for part in item["content"])
    return "".join(part["text"] for part in parts if part["type"] == "output_text")


def _sample(record: RolloutRecord) -> dict[str, Any]:
    of_type = {
        kind: [item for item in record.trace if item.get("type") == kind]
        for kind in ("function_call", "reasoning")
    }
    last = of_type["reasoning"][-1]["summary"] if of_type["reasoning"] else []
    summary = "\n".join(part["text"] for part in last) or None
    return build_sample(record.answer or "", of_type["function_call"], summary)
