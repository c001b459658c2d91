"""`response` objects and their output items, from a policy's turn."""

from __future__ import annotations

import time
from typing import Any

from rft_service.api.reasoning_encryption import Seal
from rft_service.api.response_requests import ResponseRequest, Text
from rft_service.errors import bad_request
from rft_service.ids import derived_id, random_id
from rft_service.rl.engine import ModelInfo, Seed, Turn, TurnEnd


def output_items(turn: Turn, seed: Seed, seal: Seal | None) -> list[dict[str, Any]]:
    """A turn as Responses items.

    IDs come from the seed, so that the same request gives the same items. With a `seal` reasoning
    carries its encrypted content.
    """
    items = list[dict[str, Any]]()
    if turn.reasoning_summary or turn.reasoning_tokens:
        summary = [{"type": "summary_text", "text": turn.reasoning_summary}]
        items.append(
            {
                "id": derived_id("rs_", seed.key, 0),
                "type": "reasoning",
                "summary": summary if turn.reasoning_summary else [],
                "encrypted_content": seal.close(summary) if seal else None,
                "status": None,
            }
        )
    if turn.text is not None:
        status = "incomplete" if turn.end is TurnEnd.LENGTH_LIMIT else "completed"
        items.append(message_item(turn.text, seed, status))
    for number, call in enumerate(turn.calls):
        items.append(
            {
                "id": derived_id("fc_", seed.key, number),
                "type": "function_call",
                "call_id": derived_id("call_", seed.key, number)[:29],
                "name": call.name,
                "arguments": call.arguments,
                "status": "completed",
            }
        )
    return items


def message_item(text: str, seed: Seed, status: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "id": derived_id("msg_", seed.key, 0),
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": [part],
    }


def check_context(turn: Turn, model: ModelInfo, param: str) -> None:
    """Raises ApiError 400 where the request is longer than the model can read."""
    if turn.end is TurnEnd.CONTEXT_FULL:
        most = model.context_window_tokens
        message = f"Your input has {turn.input_tokens} tokens; this model reads {most} at most."
        raise bad_request(message, param, "context_length_exceeded")


def usage(turn: Turn) -> dict[str, Any]:
    return {
        "input_tokens": turn.input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": turn.output_tokens,
        "output_tokens_details": {"reasoning_tokens": turn.reasoning_tokens},
        "total_tokens": turn.input_tokens + turn.output_tokens,
    }


def response_object(
    request: ResponseRequest, model: ModelInfo, turn: Turn, seed: Seed, seal: Seal
) -> dict[str, Any]:
    """The finished `response` object."""
    sealed = "reasoning.encrypted_content" in (request.include or ())
    cut = turn.end is TurnEnd.LENGTH_LIMIT
    now = int(time.time())
    reasoning = request.reasoning
    text = request.text or Text()
    return {
        "id": random_id("resp_"),
        "object": "response",
        "created_at": now,
        "status": "incomplete" if cut else "completed",
        "background": False,
        "completed_at": None if cut else now,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": request.max_tool_calls,
        "model": request.model,
        "output": output_items(turn, seed, seal if sealed else None),
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": request.previous_response_id,
        "reasoning": {
            "effort": reasoning.effort if reasoning else None,
            "summary": reasoning.summary if reasoning else None,
        },
        "service_tier": "default",
        "store": request.store is not False,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": text.model_dump(by_alias=True, exclude_none=True),
        "tool_choice": request.tool_choice or "auto",
        "tools": [_tool(tool) for tool in request.tools or ()],
        "top_logprobs": 0,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": request.truncation or "disabled",
        "usage": usage(turn),
        "user": request.user,
        "metadata": request.metadata or {},
        **({"simulated_latency_s": turn.latency_s} if model.simulated else {}),
    }


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool as the response repeats it, absent fields filled in."""
    return {"description": None, "parameters": None, "strict": True, **tool}
