"""`/v1/chat/completions`: the same models and the same seeds as `/v1/responses`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from rft_service.api.context import Serving
from rft_service.api.conversation import (
    Effort,
    ItemPath,
    answer_schema,
    check_context,
    part_texts,
    read_choice,
    read_items,
    read_tools,
    seed_for,
)
from rft_service.api.reasoning_encryption import ReasoningSigner
from rft_service.api.streaming import event_stream, pieces
from rft_service.errors import bad_request, invalid_value, unsupported_parameter
from rft_service.ids import derived_id, random_id
from rft_service.rl.engine import Seed, Turn, TurnEnd, TurnRequest
from rft_service.store.job_spec import Metadata
from rft_service.strict_json import AsciiJSONResponse, Entry, RequestModel, StrictRoute, dumps
from rft_wire import Item

router = APIRouter(prefix="/v1/chat/completions", tags=["chat"], route_class=StrictRoute)


class JsonSchema(RequestModel):
    name: str
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    description: str | None = None
    strict: bool | None = None


class ResponseFormat(RequestModel):
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None

    def answer_schema(self) -> dict[str, Any] | None:
        """The schema that the answer must satisfy, or None. Raises ApiError 400."""
        name = self.json_schema.name if self.json_schema else None
        schema = self.json_schema.schema_ if self.json_schema else None
        return answer_schema(self.type, name, schema, "response_format.json_schema")


class StreamOptions(RequestModel):
    include_obfuscation: bool | None = None  # no effect: nothing is obfuscated here
    include_usage: bool = False


class ChatRequest(RequestModel):
    """Every parameter that OpenAI documents; those of the last block have no effect."""

    model: str
    messages: Annotated[list[Entry], Field(min_length=1)]
    tools: list[Entry] = Field(default_factory=list)
    tool_choice: str | Entry | None = None
    parallel_tool_calls: bool = True
    response_format: ResponseFormat = Field(default_factory=ResponseFormat)
    reasoning_effort: Effort = "default"
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    n: Annotated[int, Field(ge=1, le=128)] = 1
    seed: int | None = None
    stop: str | list[str] = Field(default_factory=list)
    stream: bool = False
    stream_options: StreamOptions = Field(default_factory=StreamOptions)
    metadata: Annotated[Metadata, Field(max_length=16)] | None = None

    # Refused by check_offered, modalities unless it is text.
    audio: Any = None
    functions: Any = None
    function_call: Any = None
    logprobs: bool | None = None
    modalities: list[str] | None = None
    web_search_options: Any = None

    frequency_penalty: float | None = None
    logit_bias: Any = None
    moderation: Any = None
    prediction: Any = None
    presence_penalty: float | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Any = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_logprobs: int | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    user: str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None

    def check_offered(self) -> None:
        """Raises ApiError 400 for what only the real service does."""
        for name in ("audio", "functions", "function_call", "logprobs", "web_search_options"):
            if getattr(self, name):
                raise unsupported_parameter(name)
        if set(self.modalities or ["text"]) != {"text"}:
            raise invalid_value("modalities", "this model writes text only")

    @property
    def limit(self) -> int | None:
        """The most tokens that one choice may have."""
        return self.max_completion_tokens or self.max_tokens

    def conversation(self, signer: ReasoningSigner) -> TurnRequest:
        """What the model is shown. Raises ApiError 400."""
        choice, tools = read_choice(
            self.tool_choice, read_tools(self.tools, nested=True), nested=True
        )
        answer = self.response_format.answer_schema()
        items = [
            item
            for number, message in enumerate(self.messages)
            for item in message_items(message, f"messages[{number}]")
        ]
        return TurnRequest(
            items=read_items(items, signer, "messages"),
            tools=tools,
            tool_choice=choice,
            parallel_tool_calls=self.parallel_tool_calls,
            response_format=answer,
            reasoning_effort=self.reasoning_effort,
            max_output_tokens=self.limit,
            temperature=self.temperature,
            top_p=self.top_p,
            stop=(self.stop,) if isinstance(self.stop, str) else tuple(self.stop),
        )


PARTS = ("text", "refusal")
TOOL_NAMES = {"call_id": "tool_call_id", "output": "content"}
CALL_NAMES = {"call_id": "id", "name": "function.name", "arguments": "function.arguments"}


def message_items(message: Mapping[str, Any], param: str) -> list[tuple[Item, ItemPath]]:
    """A chat message as Responses items: text, then the calls that it makes. Raises ApiError."""
    if message.get("role") == "tool":
        output = {
            "type": "function_call_output",
            "call_id": message.get("tool_call_id"),
            "output": part_texts(message.get("content"), f"{param}.content", PARTS),
        }
        return [(output, ItemPath(param, TOOL_NAMES))]
    items = list[tuple[Item, ItemPath]]()
    calls = message.get("tool_calls") or []
    content = message.get("content")
    if content is not None or not calls:
        text = part_texts(content, f"{param}.content", PARTS)
        said = {"type": "message", "role": message.get("role"), "content": text}
        items.append((said, ItemPath(param)))
    if not isinstance(calls, list):
        raise invalid_value(f"{param}.tool_calls", "must be a list")
    for number, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        where = f"{param}.tool_calls[{number}]"
        if not isinstance(function, dict):
            raise bad_request(f"Missing required parameter: '{where}.function'.", where)
        made = {
            "type": "function_call",
            "call_id": call.get("id"),
            "name": function.get("name"),
            "arguments": function.get("arguments"),
        }
        items.append((made, ItemPath(where, CALL_NAMES)))
    return items


@router.post("")
async def create(service: Serving, body: ChatRequest) -> Response:
    body.check_offered()
    model = await service.models.sampler(body.model)
    conversation = body.conversation(service.signer)
    extra = [] if body.seed is None else [f"seed {body.seed}"]
    turns, choices = list[Turn](), list[dict[str, Any]]()
    for index in range(body.n):
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
    if body.stream:
        return event_stream(chunks(completion, body.stream_options.include_usage))
    return AsciiJSONResponse(completion)


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
