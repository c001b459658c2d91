"""The body of `POST /v1/chat/completions`, turned into the conversation that it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rft_service.api.conversation import Place, part_texts, read_choice, read_items, read_tools
from rft_service.api.reasoning_encryption import Seal
from rft_service.api.response_requests import EFFORTS, Format
from rft_service.errors import bad_request
from rft_service.rl.engine import TurnRequest
from rft_service.store.job_spec import Metadata
from rft_wire import Item


class JsonSchema(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: str
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    description: str | None = None
    strict: bool | None = None


class ResponseFormat(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None

    def schema_of_answer(self) -> dict[str, Any] | None:
        """The schema that the answer must satisfy, or None. Raises ApiError 400."""
        inner = self.json_schema.model_dump(by_alias=True) if self.json_schema else {}
        format_ = Format.model_validate({**inner, "type": self.type})
        return format_.schema_of_answer("response_format.json_schema")


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    include_obfuscation: bool | None = None  # taken and ignored
    include_usage: bool | None = None


class ChatRequest(BaseModel):
    """Every parameter that OpenAI documents; those of the last block are taken and ignored."""

    model_config = ConfigDict(extra="forbid")

    model: str
    messages: Annotated[list[dict[str, Any]], Field(min_length=1)]
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: EFFORTS | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    metadata: Annotated[Metadata, Field(max_length=16)] | None = None

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
                message = f"The parameter '{name}' is not offered by this service."
                raise bad_request(message, name, "unsupported_parameter")
        if set(self.modalities or ["text"]) != {"text"}:
            raise bad_request("This model writes text only.", "modalities")

    @property
    def limit(self) -> int | None:
        """The most tokens that one choice may have."""
        return self.max_completion_tokens or self.max_tokens

    def conversation(self, seal: Seal) -> TurnRequest:
        """What the policy is shown. Raises ApiError 400."""
        tools = read_tools(self.tools or [])
        choice, tools = read_choice(self.tool_choice, tools)
        answer = self.response_format.schema_of_answer() if self.response_format else None
        items = [
            item
            for number, message in enumerate(self.messages)
            for item in message_items(message, f"messages[{number}]")
        ]
        return TurnRequest(
            items=read_items(items, seal, "messages"),
            tools=tools,
            tool_choice=choice,
            parallel_tool_calls=self.parallel_tool_calls is not False,
            response_format=answer,
            reasoning_effort=self.reasoning_effort or "default",
            max_output_tokens=self.limit,
            temperature=self.temperature,
            top_p=self.top_p,
            stop=(self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ()),
        )


TOOL_NAMES = {"call_id": "tool_call_id", "output": "content"}
CALL_NAMES = {"call_id": "id", "name": "function.name", "arguments": "function.arguments"}


def message_items(message: Mapping[str, Any], param: str) -> list[tuple[Item, Place]]:
    """A chat message as Responses items: text, then the calls that it makes. Raises ApiError."""
    if message.get("role") == "tool":
        output = {
            "type": "function_call_output",
            "call_id": message.get("tool_call_id"),
            "output": message.get("content"),
        }
        return [(output, Place(param, TOOL_NAMES))]
    items = list[tuple[Item, Place]]()
    calls = message.get("tool_calls") or []
    content = message.get("content")
    if content is not None or not calls:
        text = part_texts(content, f"{param}.content")
        said = {"type": "message", "role": message.get("role"), "content": text}
        items.append((said, Place(param)))
    if not isinstance(calls, list):
        raise bad_request(f"'{param}.tool_calls' is no list.", f"{param}.tool_calls")
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
        items.append((made, Place(where, CALL_NAMES)))
    return items
