"""The body of `POST /v1/responses`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rft_service.api.conversation import Place, read_choice, read_items, read_tools
from rft_service.api.reasoning_encryption import Seal
from rft_service.errors import bad_request
from rft_service.rl.engine import TurnRequest
from rft_service.schemas.check import SchemaError
from rft_service.schemas.structured import check_schema
from rft_service.store.job_spec import Metadata

EFFORTS = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max", "default"]

INCLUDABLE = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]
ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}}
"""What a `json_object` is taken to ask for: a policy that knows no better names one answer."""


class Reasoning(BaseModel):
    """How hard to think, and whether to tell of it; context and mode are taken and ignored."""

    model_config = ConfigDict(extra="forbid")

    effort: EFFORTS | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    mode: str | None = None


class StreamOptions(BaseModel):
    """Taken and ignored: nothing is obfuscated here."""

    model_config = ConfigDict(extra="forbid")

    include_obfuscation: bool | None = None


class Format(BaseModel):
    """`text.format`: free text, some JSON object, or JSON that satisfies a schema."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    description: str | None = None
    strict: bool | None = None

    def schema_of_answer(self, param: str = "text.format") -> dict[str, Any] | None:
        """The schema that the answer must satisfy, or None. Raises ApiError 400."""
        if self.type == "text":
            return None
        if self.type == "json_object":
            return ANY_OBJECT
        if not self.name:
            raise bad_request(f"Missing required parameter: '{param}.name'.", f"{param}.name")
        if self.schema_ is None:
            raise bad_request(f"Missing required parameter: '{param}.schema'.", f"{param}.schema")
        try:
            check_schema(self.schema_)
        except SchemaError as error:
            raise bad_request(f"Invalid schema: {error}.", f"{param}.schema") from None
        return self.schema_


class Text(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Format = Field(default_factory=Format)
    verbosity: Literal["low", "medium", "high"] | None = None


class ResponseRequest(BaseModel):
    """Every parameter that OpenAI documents; those of the last block are taken and ignored."""

    model_config = ConfigDict(extra="forbid")

    model: str
    input: str | list[dict[str, Any]]
    instructions: str | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    text: Text | None = None
    max_output_tokens: Annotated[int, Field(ge=16)] | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    stream: bool | None = None
    include: list[INCLUDABLE] | None = None
    metadata: Annotated[Metadata, Field(max_length=16)] | None = None

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
    truncation: Literal["auto", "disabled"] | None = None
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
                message = f"The parameter '{name}' is not offered by this service."
                raise bad_request(message, name, "unsupported_parameter")

    def conversation_after(self, earlier: list[dict[str, Any]], seal: Seal) -> TurnRequest:
        """What the policy is shown: earlier items, then this request's. Raises ApiError 400."""
        tools = read_tools(self.tools or [])
        choice, tools = read_choice(self.tool_choice, tools)
        text = self.text or Text()
        items = [(item, Place("previous_response_id")) for item in earlier]
        items += [(item, Place(f"input[{n}]")) for n, item in enumerate(self.input_items())]
        return TurnRequest(
            items=read_items(items, seal),
            tools=tools,
            instructions=self.instructions or "",
            tool_choice=choice,
            parallel_tool_calls=self.parallel_tool_calls is not False,
            response_format=text.format.schema_of_answer(),
            reasoning_effort=(self.reasoning and self.reasoning.effort) or "default",
            max_output_tokens=self.max_output_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
        )
