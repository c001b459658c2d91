"""A tool call as the service makes it, and what it makes of the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rft_service.redaction import redacted
from rft_service.rl.rollout import ToolOutcome
from rft_service.strict_json import dumps, loads
from rft_wire.client import MAX_BYTES, EndpointClient, Fault, Reply

MAX_SHOWN = 2_000  # characters of an error body that the model is shown


def tool_payload(
    name: str,
    arguments: str,
    call_id: str,
    trace_id: str,
    item: Mapping[str, Any],
    item_id: str | None = None,
) -> bytes:
    """The body that is POSTed to a tool's `server_url`. `item_id` is the call's `id`."""
    payload = {
        "type": "function_call",
        "id": item_id or call_id.replace("call_", "fc_", 1),
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
        "trace_id": trace_id,
        "item": item,
    }
    return dumps(payload).encode()


async def call_tool(
    client: EndpointClient,
    name: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    call_id: str,
) -> ToolOutcome:
    """Make one tool call. A fault or a wrong shape is the outcome's `failure`."""
    if len(body) > MAX_BYTES:
        return _shown_error(413, "the tool call is larger than 1 MB", 0.0)
    reply = await client.post(url, headers, body)
    if isinstance(reply, Fault):
        return ToolOutcome("", reply.latency_s, failure=f"the tool {name!r} {reply.reason}")
    return read_reply(name, reply, call_id, headers)


def _shown_error(status: int, message: str, latency_s: float) -> ToolOutcome:
    output = json.dumps({"error": {"code": status, "message": message}}, ensure_ascii=False)
    return ToolOutcome(output, latency_s, is_error=True, refused=True)


def read_reply(name: str, reply: Reply, call_id: str, headers: Mapping[str, str]) -> ToolOutcome:
    """What a mistake says goes to the model without header values; a proper output as it is."""
    if reply.body is None:
        return _shown_error(413, "the tool's output is larger than 1 MB", reply.latency_s)
    try:
        answer = loads(reply.body)
    except ValueError:
        answer = None
    output = answer.get("output") if isinstance(answer, dict) else None
    if reply.status >= 400:
        if isinstance(output, str):
            return ToolOutcome(
                redacted(output, headers), reply.latency_s, is_error=True, refused=True
            )
        text = redacted(reply.body.decode("utf-8", "replace"), headers)[:MAX_SHOWN]
        return _shown_error(reply.status, text, reply.latency_s)
    problem = _shape_problem(answer, call_id)
    if problem or not isinstance(output, str):
        problem = redacted(str(problem), headers)[:MAX_SHOWN]
        failure = f"the tool {name!r} answered {reply.status} with {problem}"
        return ToolOutcome("", reply.latency_s, failure=failure)
    is_error = output.startswith("Error:")
    return ToolOutcome(
        redacted(output, headers) if is_error else output, reply.latency_s, is_error=is_error
    )


def _shape_problem(answer: Any, call_id: str) -> str | None:
    if not isinstance(answer, dict):
        return "something that is not a JSON object"
    if not isinstance(answer.get("output"), str):
        return "no string in `output`"
    if answer.get("type") not in (None, "function_call_output"):
        return f'the type {dumps(answer["type"])} instead of "function_call_output"'
    if answer.get("call_id") not in (None, call_id):
        return "another call's `call_id`"
    return None
