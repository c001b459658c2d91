"""`response` objects and their output items, from a policy's turn."""

from __future__ import annotations

import time
from typing import Any

from rft_service.api.reasoning_encryption import Seal
from rft_service.api.response_requests import ResponseRequest, Text
from rft_service.errors import bad_request
from rft_service.ids import derived_id, random_id
from rft_service.rl.engine import Conversation, Draw, Turn
from rft_service.strict_json import dumps
from rft_service.tokens import count_tokens

CONTEXT_WINDOW = 128_000  # tokens: about two seconds of reading, in which nobody else is answered


def output_items(
    turn: Turn, draw: Draw, seal: Seal | None, max_tokens: int | None
) -> tuple[list[dict[str, Any]], bool]:
    """A turn as Responses items, and whether `max_tokens` cut it short.

    IDs come from the draw, so that the same request gives the same items. With a `seal` reasoning
    carries its encrypted content.
    """
    items = list[dict[str, Any]]()
    if turn.reasoning_summary or turn.reasoning_tokens:
        summary = [{"type": "summary_text", "text": turn.reasoning_summary}]
        items.append(
            {
                "id": derived_id("rs_", draw.key, 0),
                "type": "reasoning",
                "summary": summary if turn.reasoning_summary else [],
                "encrypted_content": seal.close(summary) if seal else None,
                "status": None,
            }
        )
    left = None if max_tokens is None else max_tokens - turn.reasoning_tokens
    if left is not None and turn.output_tokens - turn.reasoning_tokens > left:
        text = (turn.text or "").encode()[: 4 * max(0, left)].decode(errors="ignore")
        return items + ([message_item(text, draw, "incomplete")] if text else []), True
    for number, call in enumerate(turn.calls):
        items.append(
            {
                "id": derived_id("fc_", draw.key, number),
                "type": "function_call",
                "call_id": derived_id("call_", draw.key, number)[:29],
                "name": call.name,
                "arguments": call.arguments,
                "status": "completed",
            }
        )
    if turn.text is not None:
        items.append(message_item(turn.text, draw, "completed"))
    return items, False


def message_item(text: str, draw: Draw, status: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "id": derived_id("msg_", draw.key, 0),
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": [part],
    }


def input_tokens(conversation: Conversation) -> int:
    """Tokens of all that the policy is shown, the tools' definitions included."""
    tools = [[tool.name, tool.description, tool.parameters] for tool in conversation.tools]
    shown = [conversation.instructions, dumps(tools) if tools else ""]
    for item in conversation.items:
        shown += [item.get("content") or "", item.get("arguments") or "", item.get("output") or ""]
        shown += [part["text"] for part in item.get("summary") or ()]
    return count_tokens("\n".join(filter(None, shown)))


def check_length(conversation: Conversation, param: str) -> None:
    """Raises ApiError 400 for more than the model reads: it would keep the service from others."""
    read = input_tokens(conversation)
    if read > CONTEXT_WINDOW:
        message = f"Your input has {read} tokens; this model reads {CONTEXT_WINDOW} at most."
        raise bad_request(message, param, "context_length_exceeded")


def usage(conversation: Conversation, turn: Turn, max_tokens: int | None) -> dict[str, Any]:
    read = input_tokens(conversation)
    written = min(turn.output_tokens, max_tokens or turn.output_tokens)
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": min(turn.reasoning_tokens, written)},
        "total_tokens": read + written,
    }


def response_object(
    request: ResponseRequest, conversation: Conversation, turn: Turn, draw: Draw, seal: Seal
) -> dict[str, Any]:
    """The finished `response` object."""
    sealed = "reasoning.encrypted_content" in (request.include or ())
    items, cut = output_items(turn, draw, seal if sealed else None, request.max_output_tokens)
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
        "output": items,
        "parallel_tool_calls": conversation.parallel_tool_calls,
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
        "usage": usage(conversation, turn, request.max_output_tokens),
        "user": request.user,
        "metadata": request.metadata or {},
        "simulated_latency_s": turn.latency_s,
    }


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool as the response repeats it, absent fields filled in."""
    return {"description": None, "parameters": None, "strict": True, **tool}
