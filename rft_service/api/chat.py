"""`/v1/chat/completions`: the same policy and the same draws as `/v1/responses`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import APIRouter, Response

from rft_service.api.chat_requests import ChatRequest
from rft_service.api.context import Serving
from rft_service.api.conversation import draw_for
from rft_service.api.response_objects import check_length, input_tokens
from rft_service.api.streaming import event_stream, pieces
from rft_service.ids import derived_id, random_id
from rft_service.rl.engine import Draw, Turn
from rft_service.schemas.structured import sample
from rft_service.strict_json import AsciiJSONResponse, StrictRoute, dumps

router = APIRouter(prefix="/v1/chat/completions", tags=["chat"], route_class=StrictRoute)


@router.post("")
async def create(service: Serving, body: ChatRequest) -> Response:
    body.check_offered()
    model = service.models.get(body.model)
    conversation = body.conversation(service.seal)
    check_length(conversation, "messages")
    extra = [] if body.seed is None else [f"seed {body.seed}"]
    turns, choices = list[Turn](), list[dict[str, Any]]()
    for index in range(body.n or 1):
        more = [*extra, *([f"choice {index}"] if index else [])]
        draw = draw_for(model.digest, conversation, body.metadata, *more)
        turn = await sample(model.policy, conversation, draw)
        turns.append(turn)
        choices.append(choice_object(index, turn, draw, body))
    completion = {
        "id": random_id("chatcmpl-"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.model,
        "choices": choices,
        "usage": usage(input_tokens(conversation), turns, body.limit),
        "service_tier": "default",
        "system_fingerprint": f"fp_{model.digest[:10]}",
        "simulated_latency_s": max(turn.latency_s for turn in turns),
    }
    if not body.stream:
        return AsciiJSONResponse(completion)
    with_usage = bool(body.stream_options and body.stream_options.include_usage)
    return event_stream(chunks(completion, with_usage))


def choice_object(index: int, turn: Turn, draw: Draw, body: ChatRequest) -> dict[str, Any]:
    """One choice: a text or tool calls, and why it ended."""
    limit = body.limit
    message: dict[str, Any] = {
        "role": "assistant",
        "content": turn.text,
        "refusal": None,
        "annotations": [],
    }
    finish = "tool_calls" if turn.calls else "stop"
    if limit is not None and turn.output_tokens > limit:
        kept = max(0, limit - turn.reasoning_tokens) * 4
        message["content"] = (turn.text or "").encode()[:kept].decode(errors="ignore")
        finish = "length"
    elif turn.calls:
        message["tool_calls"] = [
            {
                "id": derived_id("call_", draw.key, number)[:29],
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for number, call in enumerate(turn.calls)
        ]
    else:
        message["content"] = until_stop(turn.text or "", body.stop)
    return {"index": index, "message": message, "finish_reason": finish, "logprobs": None}


def until_stop(text: str, stop: str | list[str] | None) -> str:
    """The text up to the first stop sequence."""
    for sequence in [stop] if isinstance(stop, str) else stop or []:
        text = text.partition(sequence)[0] if sequence else text
    return text


def usage(read: int, turns: Sequence[Turn], limit: int | None) -> dict[str, Any]:
    """Tokens of all choices; each writes `limit` at most."""
    written = sum(min(turn.output_tokens, limit or turn.output_tokens) for turn in turns)
    reasoned = sum(min(turn.reasoning_tokens, limit or turn.reasoning_tokens) for turn in turns)
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoned,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def chunks(completion: dict[str, Any], with_usage: bool) -> Iterator[str]:
    """A finished completion as the chunks of a stream, ended by `[DONE]`."""
    shared = {
        key: completion[key]
        for key in ("id", "created", "model", "service_tier", "system_fingerprint")
    }

    def chunk(choices: list[dict[str, Any]], used: dict[str, Any] | None = None) -> str:
        body = {**shared, "object": "chat.completion.chunk", "choices": choices}
        if with_usage:
            body["usage"] = used
        return f"data: {dumps(body)}\n\n"

    for choice in completion["choices"]:
        for delta in deltas(choice["message"]):
            yield chunk([{"index": choice["index"], "delta": delta, "finish_reason": None}])
        finish = choice["finish_reason"]
        yield chunk([{"index": choice["index"], "delta": {}, "finish_reason": finish}])
    if with_usage:
        yield chunk([], completion["usage"])
    yield "data: [DONE]\n\n"


def deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What each chunk adds to a message: its role, then text or calls piece by piece."""
    calls = message.get("tool_calls", [])
    yield {"role": "assistant", "content": None if calls else "", "refusal": None}
    for delta in pieces(message["content"] or ""):
        yield {"content": delta}
    for index, call in enumerate(calls):
        function = {**call["function"], "arguments": ""}
        yield {"tool_calls": [{**call, "index": index, "function": function}]}
        for delta in pieces(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": delta}}]}
