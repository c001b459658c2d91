"""`/v1/responses`: requests, handlers and `response` objects."""

from __future__ import annotations

import time
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field, model_validator
from starlette.exceptions import HTTPException

from rft_service.api.context import Serving
from rft_service.api.conversation import (
    Effort,
    ItemPath,
    answer_schema,
    check_context,
    read_choice,
    read_items,
    read_tools,
    seed_for,
)
from rft_service.api.paging import Limit, page
from rft_service.api.reasoning_encryption import ReasoningSigner
from rft_service.api.references import resolve
from rft_service.api.streaming import event_stream, response_events
from rft_service.errors import unsupported_parameter
from rft_service.ids import derived_id, random_id
from rft_service.rl.engine import ModelInfo, Seed, Turn, TurnEnd, TurnRequest
from rft_service.store.database import Order
from rft_service.store.job_spec import Metadata
from rft_service.strict_json import AsciiJSONResponse, Entry, RequestModel, StrictRoute
from rft_wire import Item

router = APIRouter(prefix="/v1/responses", tags=["responses"], route_class=StrictRoute)


class Reasoning(RequestModel):
    """How hard to think, and whether to summarise it, which `generate_summary` once said;
    `context` and `mode` have no effect."""

    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    mode: str | None = None

    @model_validator(mode="after")
    def _summary_by_its_old_name(self) -> Reasoning:
        self.summary = self.summary or self.generate_summary
        return self


class StreamOptions(RequestModel):
    include_obfuscation: bool | None = None  # no effect: nothing is obfuscated here


class Format(RequestModel):
    """`text.format`: free text, some JSON object, or JSON that satisfies a schema."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    description: str | None = None
    strict: bool | None = None


class Text(RequestModel):
    format: Format = Field(default_factory=Format)
    verbosity: Literal["low", "medium", "high"] | None = None


class ResponseRequest(RequestModel):
    """Every parameter that OpenAI documents; those of the last block have no effect."""

    model: str
    input: str | list[Entry]
    instructions: str | None = None
    tools: list[Entry] = Field(default_factory=list)
    tool_choice: str | Entry | None = None
    parallel_tool_calls: bool = True
    reasoning: Reasoning = Field(default_factory=Reasoning)
    text: Text = Field(default_factory=Text)
    max_output_tokens: Annotated[int, Field(ge=16)] | None = None
    previous_response_id: str | None = None
    store: bool = True
    stream: bool = False
    include: list[
        Literal[
            "file_search_call.results",
            "web_search_call.results",
            "web_search_call.action.sources",
            "message.input_image.image_url",
            "computer_call_output.output.image_url",
            "code_interpreter_call.outputs",
            "reasoning.encrypted_content",
            "message.output_text.logprobs",
        ]
    ] = Field(default_factory=list)
    metadata: Annotated[Metadata, Field(max_length=16)] = Field(default_factory=dict)

    # Refused by check_offered.
    background: bool | None = None
    conversation: str | dict[str, Any] | None = None
    prompt: dict[str, Any] | None = None

    access_programs: Any = None
    background_options: Any = None
    context_management: Any = None
    image: Any = None
    max_tool_calls: int | None = None
    moderation: Any = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Any = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_logprobs: int | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    truncation: Literal["auto", "disabled"] = "disabled"
    user: str | None = None

    def input_items(self) -> list[dict[str, Any]]:
        """`input` as items: a string is a user's message."""
        if isinstance(self.input, str):
            return [{"type": "message", "role": "user", "content": self.input}]
        return self.input

    def check_offered(self) -> None:
        """Raises ApiError 400 for what only the real service does."""
        for name in ("background", "conversation", "prompt"):
            if getattr(self, name):
                raise unsupported_parameter(name)

    def turn_request(
        self, earlier: list[Item], given: list[Item], signer: ReasoningSigner
    ) -> TurnRequest:
        """What the model is shown: earlier items, then this request's. Raises ApiError 400."""
        tools = read_tools(self.tools, nested=False)
        choice, tools = read_choice(self.tool_choice, tools, nested=False)
        answer = self.text.format
        items = [(item, ItemPath("previous_response_id")) for item in earlier]
        items += [(item, ItemPath(f"input[{n}]")) for n, item in enumerate(given)]
        return TurnRequest(
            items=read_items(items, signer),
            tools=tools,
            instructions=self.instructions or "",
            tool_choice=choice,
            parallel_tool_calls=self.parallel_tool_calls,
            response_format=answer_schema(answer.type, answer.name, answer.schema_, "text.format"),
            reasoning_effort=self.reasoning.effort or "default",
            max_output_tokens=self.max_output_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
        )


@router.post("")
async def create(service: Serving, body: ResponseRequest) -> Response:
    body.check_offered()
    model = await service.models.sampler(body.model)
    earlier = service.responses.history(body.previous_response_id)
    given, stored = resolve(body.input_items(), earlier, service.responses)
    conversation = body.turn_request(earlier, given, service.signer)
    seed = seed_for(model.fingerprint, conversation, body.metadata)
    turn = await model.sample(conversation, seed)
    check_context(turn, model.model, "input")
    output = output_items(body, turn, seed, service.signer)
    response = response_object(body, model.model, turn, output)
    if response["store"]:
        service.responses.add(response, earlier, given, output, stored)
    if body.stream:
        return event_stream(response_events(response))
    return AsciiJSONResponse(response)


@router.post("/compact", include_in_schema=False)
@router.post("/input_tokens", include_in_schema=False)
def not_offered() -> None:
    """Answered like any unknown path. Without this, the next route would say 405."""
    raise HTTPException(404)


@router.get("/{response_id}")
def retrieve(
    service: Serving,
    response_id: str,
    stream: bool = False,
    starting_after: Annotated[int, Query(ge=-1, le=2**62)] = -1,
) -> Response:
    """The response, or with `stream` its events after the one numbered `starting_after`."""
    response = service.responses.get(response_id)
    if stream:
        return event_stream(islice(response_events(response), starting_after + 1, None))
    return AsciiJSONResponse(response)


@router.delete("/{response_id}")
def delete(service: Serving, response_id: str) -> Any:
    service.responses.delete(response_id)
    return {"id": response_id, "object": "response", "deleted": True}


@router.get("/{response_id}/input_items")
def input_items(
    service: Serving,
    response_id: str,
    after: str | None = None,
    limit: Limit = 20,
    order: Order = "desc",
) -> Any:
    return page(service.responses.input_items(response_id, after, limit + 1, order), limit)


def output_items(
    request: ResponseRequest, turn: Turn, seed: Seed, signer: ReasoningSigner
) -> list[Item]:
    """A turn as Responses items, reasoning with its encrypted content.

    IDs come from the seed and from what the items say, so that the same request gives the same
    items. Those of a response that is not stored are others: they name nothing in the store.
    """
    key = Seed.of(seed.key.hex(), request.store, request.reasoning.summary, turn.text).key
    items = list[Item]()
    if turn.reasoning_summary or turn.reasoning_tokens:
        summary = [{"type": "summary_text", "text": turn.reasoning_summary}]
        is_shown = turn.reasoning_summary and request.reasoning.summary
        items.append(
            {
                "id": derived_id("rs_", key, 0),
                "type": "reasoning",
                "summary": summary if is_shown else [],
                "encrypted_content": signer.sign(summary),
                "status": None,
            }
        )
    if turn.text is not None:
        part = {"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []}
        items.append(
            {
                "id": derived_id("msg_", key, 0),
                "type": "message",
                "role": "assistant",
                "status": "incomplete" if turn.end is TurnEnd.LENGTH_LIMIT else "completed",
                "content": [part],
            }
        )
    for number, call in enumerate(turn.calls):
        items.append(
            {
                "id": derived_id("fc_", key, number),
                "type": "function_call",
                "call_id": derived_id("call_", seed.key, number)[:29],
                "name": call.name,
                "arguments": call.arguments,
                "status": "completed",
            }
        )
    return items


def response_object(
    request: ResponseRequest, model: ModelInfo, turn: Turn, output: list[Item]
) -> dict[str, Any]:
    """The finished `response` object; `output` has its encrypted content where it was asked for."""
    if "reasoning.encrypted_content" not in request.include:
        output = [
            {**item, "encrypted_content": None} if item["type"] == "reasoning" else item
            for item in output
        ]
    is_cut = turn.end is TurnEnd.LENGTH_LIMIT
    now = int(time.time())
    absent = {"description": None, "parameters": None, "strict": True}
    return {
        "id": random_id("resp_"),
        "object": "response",
        "created_at": now,
        "status": "incomplete" if is_cut else "completed",
        "background": False,
        "completed_at": None if is_cut else now,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": request.max_tool_calls,
        "model": request.model,
        "output": output,
        "parallel_tool_calls": request.parallel_tool_calls,
        "previous_response_id": request.previous_response_id,
        "reasoning": request.reasoning.model_dump(include={"effort", "summary"}),
        "service_tier": "default",
        "store": request.store,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": request.text.model_dump(by_alias=True, exclude_none=True),
        "tool_choice": request.tool_choice or "auto",
        "tools": [{**absent, **tool} for tool in request.tools],
        "top_logprobs": 0,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": request.truncation,
        "usage": {
            "input_tokens": turn.input_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": turn.output_tokens,
            "output_tokens_details": {"reasoning_tokens": turn.reasoning_tokens},
            "total_tokens": turn.input_tokens + turn.output_tokens,
        },
        "user": request.user,
        "metadata": request.metadata,
        **({"simulated_latency_s": turn.latency_s} if model.simulated else {}),
    }
