"""What a request says, in the one form that a model is shown: shared by Responses and Chat.

Item IDs, call IDs and the wrapping of text differ between clients and mean nothing. They are
removed here, so that the same conversation gets the same seed and with it the same answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Literal

from rft_service.api.reasoning_encryption import ReasoningSigner
from rft_service.errors import (
    bad_request,
    invalid_value,
    missing_parameter,
    unknown_parameter,
)
from rft_service.rl.engine import ModelInfo, Seed, ToolSpec, Turn, TurnEnd, TurnRequest
from rft_service.schemas.check import SchemaError, check_parameters
from rft_service.schemas.structured import check_schema
from rft_wire import ContentError, Item, text_of
from rft_wire.functions import name_problem, parameters_problem
from rft_wire.rows import ROLES

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max", "default"]

ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}}
"""The schema that `json_object` stands for: an answer under one key."""


SAID = ("output_text", "refusal")  # the parts of an assistant's message in Responses
TOLD = ("input_text", *SAID)  # the parts of all others, and of a tool's output
SUMMARY = ("summary_text",)


def part_texts(content: Any, param: str, kinds: Sequence[str]) -> str:
    """The text of a content that is a string or a list of parts of these kinds. Raises ApiError
    400."""
    try:
        text = text_of(content)
    except ContentError as error:
        where = param + error.path
        if error.missing:
            raise missing_parameter(where) from None
        raise invalid_value(where, str(error)) from None
    for index, part in enumerate(content if isinstance(content, list) else ()):
        if part["type"] not in kinds:
            reason = f"{part['type']!r}. Supported values are: {', '.join(kinds)}"
            raise invalid_value(f"{param}[{index}].type", reason)
    return text


@dataclass(frozen=True)
class ItemPath:
    """Where an item is in a request, such as `input[3]`. `names` are its fields' names there,
    where they differ from those of a Responses item."""

    param: str
    names: Mapping[str, str] = field(default_factory=dict)

    def of(self, key: str) -> str:
        return f"{self.param}.{self.names.get(key, key)}"


def read_items(
    items: Sequence[tuple[Any, ItemPath]], signer: ReasoningSigner, param: str = "input"
) -> tuple[Item, ...]:
    """Input items in the engine's form. Raises ApiError 400 that names the item and field."""
    if not items:
        raise bad_request(f"'{param}' is empty; send at least one message.", param)
    reader = _ItemReader(signer)
    read = tuple(reader.read(item, path) for item, path in items)
    if reader.unanswered:
        call_id = next(iter(reader.unanswered))
        message = f"No tool output found for function call {call_id}; add it after the call."
        raise bad_request(message, param)
    return read


class _ItemReader:
    """Reads input items in order, and numbers the calls among them."""

    def __init__(self, signer: ReasoningSigner) -> None:
        self._signer = signer
        self._call_ids: dict[str, str] = {}
        self.unanswered: dict[str, None] = {}  # the client's call IDs, in order

    def read(self, item: Any, path: ItemPath) -> Item:
        if not isinstance(item, dict):
            raise invalid_value(path.param, "must be an object")
        match item.get("type", "message"):
            case "message":
                return self._message(item, path)
            case "function_call":
                return self._call(item, path)
            case "function_call_output":
                return self._output(item, path)
            case "reasoning":
                return self._reasoning(item, path)
            case kind:
                raise invalid_value(path.of("type"), f"{kind!r} is not offered here")

    def _message(self, item: Mapping[str, Any], path: ItemPath) -> Item:
        role = item.get("role")
        if role not in ROLES:
            raise invalid_value(path.of("role"), f"{role!r}; use one of {', '.join(ROLES)}")
        if "tool_calls" in item:  # how Chat Completions writes calls
            raise unknown_parameter(path.of("tool_calls"))
        kinds = SAID if role == "assistant" else TOLD
        text = part_texts(item.get("content"), path.of("content"), kinds)
        return {"type": "message", "role": role, "content": text}

    def _call(self, item: Mapping[str, Any], path: ItemPath) -> Item:
        call_id, name, arguments = (
            _text(item, key, path) for key in ("call_id", "name", "arguments")
        )
        if call_id in self._call_ids:
            message = f"Duplicate call_id {call_id!r}; give each call its own."
            raise bad_request(message, path.of("call_id"))
        _check_name(name, path.of("name"))
        self._call_ids[call_id] = f"call_{len(self._call_ids) + 1}"
        self.unanswered[call_id] = None
        return {
            "type": "function_call",
            "call_id": self._call_ids[call_id],
            "name": name,
            "arguments": arguments,
        }

    def _output(self, item: Mapping[str, Any], path: ItemPath) -> Item:
        call_id = _text(item, "call_id", path)
        if call_id not in self._call_ids:
            message = f"No tool call found for function call output with call_id {call_id}."
            raise bad_request(message, path.of("call_id"))
        self.unanswered.pop(call_id, None)
        return {
            "type": "function_call_output",
            "call_id": self._call_ids[call_id],
            "output": part_texts(item.get("output"), path.of("output"), TOLD),
        }

    def _reasoning(self, item: Mapping[str, Any], path: ItemPath) -> Item:
        summary = item.get("summary")
        encrypted = item.get("encrypted_content")
        if encrypted is not None:
            try:
                summary = self._signer.verify(encrypted)
            except (ValueError, AttributeError):
                raise bad_request(
                    f"The encrypted content of '{path.param}' could not be verified; "
                    "send it back as it was received.",
                    path.of("encrypted_content"),
                    "invalid_encrypted_content",
                ) from None
        text = part_texts([] if summary is None else summary, path.of("summary"), SUMMARY)
        return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}


def _text(item: Mapping[str, Any], key: str, path: ItemPath) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        raise missing_parameter(path.of(key))
    return value


def _check_name(name: str, param: str) -> None:
    if problem := name_problem(name):
        raise bad_request(f"Invalid '{param}': {problem}.", param)


def read_tools(tools: Sequence[Mapping[str, Any]], nested: bool) -> tuple[ToolSpec, ...]:
    """Function tools: those of Chat Completions are `nested` under `function`, those of Responses
    are flat. Raises ApiError 400."""
    specs: dict[str, ToolSpec] = {}
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        if (kind := tool.get("type")) != "function":
            raise invalid_value(f"{where}.type", f"{kind!r}; only function tools are offered here")
        function, where = _function_of(tool, where, nested)
        spec = _read_function(function, where)
        if spec.name in specs:
            reason = f"two tools are named {spec.name!r}; rename one"
            raise invalid_value(f"{where}.name", reason)
        specs[spec.name] = spec
    return tuple(specs.values())


def _function_of(tool: Any, where: str, nested: bool) -> tuple[Mapping[str, Any], str]:
    """Where a tool or a choice says which function it means, and the path of that place."""
    if not isinstance(tool, dict):
        raise invalid_value(where, "must be an object")
    if not nested:
        if not isinstance(tool.get("name"), str):
            raise missing_parameter(f"{where}.name")
        if "function" in tool:
            raise unknown_parameter(f"{where}.function")
        return tool, where
    function = tool.get("function")
    if not isinstance(function, dict):
        raise missing_parameter(f"{where}.function")
    if not isinstance(function.get("name"), str):
        raise missing_parameter(f"{where}.function.name")
    return function, f"{where}.function"


def _read_function(function: Mapping[str, Any], where: str) -> ToolSpec:
    name, description = function["name"], function.get("description", "")
    _check_name(name, f"{where}.name")
    if not isinstance(description, str):
        raise invalid_value(f"{where}.description", "must be a string")
    parameters = function.get("parameters")
    if parameters is None:
        return ToolSpec(name, description)
    if not isinstance(parameters, dict):
        raise invalid_value(f"{where}.parameters", "must be a JSON Schema, which is an object")
    try:
        check_parameters(parameters)
        problem = parameters_problem(parameters)
        if function.get("strict") and not problem:
            check_schema(parameters)
    except SchemaError as error:
        problem = str(error)
    if problem:
        message = f"Invalid schema for function {name!r}: {problem}."
        raise bad_request(message, f"{where}.parameters", "invalid_function_parameters")
    return ToolSpec(name, description, parameters)


def read_choice(
    choice: Any, tools: tuple[ToolSpec, ...], nested: bool
) -> tuple[str, tuple[ToolSpec, ...]]:
    """`tool_choice` as the engine knows it, and the tools that it leaves; `nested` as for the
    tools. Raises ApiError 400."""
    match choice:
        case None:
            return "auto", tools
        case "required" if not tools:
            raise invalid_value(
                "tool_choice", "is 'required', but the request has no tools; send some"
            )
        case "auto" | "none" | "required":
            return str(choice), tools
        case {"type": "function"}:
            function, _ = _function_of(choice, "tool_choice", nested)
            name = function["name"]
            if all(tool.name != name for tool in tools):
                raise invalid_value("tool_choice", f"{name!r} is not one of the tools")
            return name, tools
        case {"type": "allowed_tools"}:
            mode, names = _allowed_tools(choice, nested)
            return read_choice(mode, tuple(t for t in tools if t.name in names), nested)
    raise invalid_value("tool_choice", "use 'auto', 'none', 'required' or a function tool's name")


def _allowed_tools(choice: Mapping[str, Any], nested: bool) -> tuple[str, list[str]]:
    """The mode of an `allowed_tools` choice, and the names in it."""
    where = "tool_choice.allowed_tools" if nested else "tool_choice"
    allowed = choice.get("allowed_tools") if nested else choice
    if isinstance(allowed, dict):
        mode, tools = allowed.get("mode", "auto"), allowed.get("tools")
        if mode in ("auto", "required") and isinstance(tools, list):
            paths = (f"{where}.tools[{number}]" for number in range(len(tools)))
            functions = map(_function_of, tools, paths, repeat(nested))
            return mode, [function["name"] for function, _ in functions]
    message = "incomplete. Give a list of tools, and the mode 'auto' or 'required'"
    raise invalid_value("tool_choice", message)


def answer_schema(
    kind: str, name: str | None, schema: dict[str, Any] | None, param: str
) -> dict[str, Any] | None:
    """The schema that a final answer must satisfy, or None for text. `kind` is the type of
    `text.format` or `response_format`, `param` where name and schema stand. Raises ApiError 400."""
    if kind == "text":
        return None
    if kind == "json_object":
        return ANY_OBJECT
    if not name:
        raise missing_parameter(f"{param}.name")
    if schema is None:
        raise missing_parameter(f"{param}.schema")
    try:
        check_schema(schema)
    except SchemaError as error:
        raise bad_request(f"Invalid schema: {error}.", f"{param}.schema") from None
    return schema


def check_context(turn: Turn, model: ModelInfo, param: str) -> None:
    """Raises ApiError 400 where the request is longer than the model can read."""
    if turn.end is TurnEnd.CONTEXT_FULL:
        most = model.context_window_tokens
        message = f"Your input has {turn.input_tokens} tokens; this model reads {most} at most."
        raise bad_request(message, param, "context_length_exceeded")


def seed_for(
    fingerprint: str, conversation: TurnRequest, metadata: Mapping[str, str] | None, *more: object
) -> Seed:
    """The seed of an API request: the model's weights, all that it is shown, and `metadata`."""
    shown = {
        "instructions": conversation.instructions,
        "items": list(conversation.items),
        "tools": [[t.name, t.description, t.parameters] for t in conversation.tools],
        "choice": conversation.tool_choice,
        "parallel": conversation.parallel_tool_calls,
        "format": conversation.response_format,
        "effort": conversation.reasoning_effort,
        "metadata": dict(metadata or {}),
    }
    return Seed.of("request", fingerprint, json.dumps(shown, sort_keys=True), *more)
