"""`/v1/chat/completions`: the same models and the same seeds as `/v1/responses`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import APIRouter, Response

from rft_service.api.chat_requests import ChatRequest
from rft_service.api.context import Serving
from rft_service.api.conversation import seed_for
from rft_service.api.response_objects import check_context
from rft_service.api.streaming import event_stream, pieces
from rft_service.ids import derived_id, random_id
from rft_service.rl.engine import Seed, Turn, TurnEnd
from rft_service.strict_json import AsciiJSONResponse, StrictRoute, dumps

router = APIRouter(prefix="/v1/chat/completions", tags=["chat"], route_class=StrictRoute)


@router.post("")
async def create(service: Serving, body: ChatRequest) -> Response:
    body.check_offered()
    model = await service.models.sampler(body.model)
    conversation = body.conversation(service.seal)
    extra = [] if body.seed is None else [f"seed {body.seed}"]
    turns, choices = list[Turn](), list[dict[str, Any]]()
    for index in range(body.n or 1):
        more = [*extra, *([f"choice {index}"] if index else [])]
        seed = seed_for(model.fingerprint, conversation, body.metadata, *more)
        turn = await model.sample(conversation, seed)
        check_context(turn, model.model, "messages")
        turns.append(turn)
        choices.append(choice_object(index, turn, seed))
    completion = {
        "id": random_id("chatcmpl-"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.model,
        "choices": choices,
        "usage": usage(turns),
        "service_tier": "default",
        "system_fingerprint": f"fp_{model.fingerprint[:10]}",
    }
    if model.model.simulated:
        completion["simulated_latency_s"] = max(turn.latency_s for turn in turns)
    if not body.stream:
        return AsciiJSONResponse(completion)
    with_usage = bool(body.stream_options and body.stream_options.include_usage)
    return event_stream(chunks(completion, with_usage))


def choice_object(index: int, turn: Turn, seed: Seed) -> dict[str, Any]:
    """One choice: text, tool calls, and why it ended."""
    cut = turn.end is TurnEnd.LENGTH_LIMIT
    message: dict[str, Any] = {
        "role": "assistant",
        "content": turn.text if turn.calls else turn.text or "",
        "refusal": None,
        "annotations": [],
    }
    if turn.calls:
        message["tool_calls"] = [
            {
                "id": derived_id("call_", seed.key, number)[:29],
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for number, call in enumerate(turn.calls)
        ]
    finish = "length" if cut else "tool_calls" if turn.calls else "stop"
    return {"index": index, "message": message, "finish_reason": finish, "logprobs": None}


def usage(turns: Sequence[Turn]) -> dict[str, Any]:
    """Tokens of all choices, which share one prompt."""
    read = turns[0].input_tokens
    written = sum(turn.output_tokens for turn in turns)
    reasoned = sum(turn.reasoning_tokens for turn in turns)
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
