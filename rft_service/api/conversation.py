"""What a request says, in the one form that a policy is shown.

Item IDs, call IDs and the wrapping of text differ between clients and say nothing. They are taken
out here, so that the same conversation gets the same seed and with it the same answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rft_service.api.reasoning_encryption import Seal
from rft_service.errors import ApiError, bad_request
from rft_service.rl.engine import Seed, ToolSpec, TurnRequest
from rft_service.schemas.check import SchemaError, check_parameters
from rft_wire import ContentError, Item, text_of
from rft_wire.rows import ROLES


def part_texts(content: Any, param: str) -> str:
    """The text of a content that is a string or a list of parts. Raises ApiError 400."""
    try:
        return text_of(content)
    except ContentError as error:
        where = param + error.path
        if error.missing:
            raise bad_request(f"Missing required parameter: '{where}'.", where) from None
        raise bad_request(f"Invalid value for '{where}': {error}.", where) from None


@dataclass(frozen=True)
class Place:
    """Where an item stands in a request, and what its fields are called there, where that is
    something else than in a Responses item."""

    param: str
    names: Mapping[str, str] = field(default_factory=dict)

    def of(self, key: str) -> str:
        return f"{self.param}.{self.names.get(key, key)}"


class _Reader:
    """Reads input items one by one, numbering the calls as they come."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._calls: dict[str, str] = {}
        self._answered = set[str]()

    def read(self, item: Any, place: Place) -> Item:
        if not isinstance(item, dict):
            message = f"Invalid value for '{place.param}': an object is expected."
            raise bad_request(message, place.param)
        kind = item.get("type", "message")
        if kind == "message":
            return self._message(item, place)
        if kind == "function_call":
            return self._call(item, place)
        if kind == "function_call_output":
            return self._output(item, place)
        if kind == "reasoning":
            return self._reasoning(item, place)
        where = place.of("type")
        raise bad_request(f"Invalid value for '{where}': {kind!r} is not offered here.", where)

    def _message(self, item: Mapping[str, Any], place: Place) -> Item:
        role = item.get("role")
        if role not in ROLES:
            where = place.of("role")
            message = f"Invalid value for '{where}': {role!r}; use one of {', '.join(ROLES)}."
            raise bad_request(message, where)
        text = part_texts(item.get("content"), place.of("content"))
        return {"type": "message", "role": role, "content": text}

    def _call(self, item: Mapping[str, Any], place: Place) -> Item:
        call_id, name, arguments = (
            _text(item, key, place) for key in ("call_id", "name", "arguments")
        )
        if call_id in self._calls:
            raise bad_request(f"Duplicate call_id {call_id!r}.", place.of("call_id"))
        self._calls[call_id] = f"call_{len(self._calls) + 1}"
        return {
            "type": "function_call",
            "call_id": self._calls[call_id],
            "name": name,
            "arguments": arguments,
        }

    def _output(self, item: Mapping[str, Any], place: Place) -> Item:
        call_id = _text(item, "call_id", place)
        if call_id not in self._calls:
            message = f"No tool call found for function call output with call_id {call_id}."
            raise bad_request(message, place.of("call_id"))
        self._answered.add(call_id)
        output = part_texts(item.get("output"), place.of("output"))
        return {
            "type": "function_call_output",
            "call_id": self._calls[call_id],
            "output": output,
        }

    def _reasoning(self, item: Mapping[str, Any], place: Place) -> Item:
        summary = item.get("summary")
        sealed = item.get("encrypted_content")
        if sealed is not None:
            try:
                summary = self._seal.open(sealed)
            except (ValueError, AttributeError):
                raise ApiError(
                    400,
                    f"The encrypted content of '{place.param}' could not be verified.",
                    param=place.of("encrypted_content"),
                    code="invalid_encrypted_content",
                ) from None
        text = part_texts(summary if summary is not None else [], place.of("summary"))
        return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}

    def finish(self, param: str) -> None:
        """Raises ApiError 400 if a call was left without its output."""
        for call_id in self._calls:
            if call_id not in self._answered:
                message = f"No tool output found for function call {call_id}."
                raise bad_request(message, param)


def _text(item: Mapping[str, Any], key: str, place: Place) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        where = place.of(key)
        raise bad_request(f"Missing required parameter: '{where}'.", where)
    return value


def read_items(
    items: Sequence[tuple[Any, Place]], seal: Seal, param: str = "input"
) -> tuple[Item, ...]:
    """Input items in the policy's form. Raises ApiError 400 that names the item and field."""
    if not items:
        raise bad_request(f"'{param}' is empty; give it a message at least.", param)
    reader = _Reader(seal)
    read = tuple(reader.read(item, place) for item, place in items)
    reader.finish(param)
    return read


def read_tools(tools: Sequence[Mapping[str, Any]], param: str = "tools") -> tuple[ToolSpec, ...]:
    """Function tools, flat (Responses) or nested (Chat Completions). Raises ApiError 400."""
    specs = list[ToolSpec]()
    for number, tool in enumerate(tools):
        where = f"{param}[{number}]"
        if tool.get("type") != "function":
            message = f"Invalid value for '{where}.type': {tool.get('type')!r}; only function "
            raise bad_request(message + "tools are offered here.", f"{where}.type")
        function = tool.get("function", tool)
        if not isinstance(function, dict):
            raise bad_request(f"Invalid value for '{where}.function'.", where)
        name, parameters = function.get("name"), function.get("parameters")
        if not isinstance(name, str) or not name:
            raise bad_request(f"Missing required parameter: '{where}.name'.", f"{where}.name")
        if not isinstance(parameters, dict | None):
            raise bad_request(f"'{where}.parameters' is no JSON Schema.", f"{where}.parameters")
        try:
            check_parameters(parameters or {})
        except SchemaError as error:
            message = f"Invalid schema for function {name!r}: {error}."
            raise bad_request(message, f"{where}.parameters") from None
        if name in {spec.name for spec in specs}:
            raise bad_request(f"Two tools are named {name!r}.", f"{where}.name")
        description = function.get("description") or ""
        specs.append(ToolSpec(name, str(description), parameters or {}))
    return tuple(specs)


def read_choice(choice: Any, tools: tuple[ToolSpec, ...]) -> tuple[str, tuple[ToolSpec, ...]]:
    """`tool_choice` as the policy knows it, and the tools that it leaves. Raises ApiError 400."""
    if choice is None:
        return "auto", tools
    if choice in ("auto", "none", "required"):
        if choice == "required" and not tools:
            raise bad_request("tool_choice is 'required', but there are no tools.", "tool_choice")
        return str(choice), tools
    if isinstance(choice, dict):
        kind = choice.get("type")
        if kind == "allowed_tools":
            return _read_allowed(choice.get("allowed_tools", choice), tools)
        name = _tool_name(choice)
        if kind == "function" and any(tool.name == name for tool in tools):
            return str(name), tools
        if kind == "function":
            raise bad_request(f"tool_choice names {name!r}, which is no tool.", "tool_choice")
    message = "Use 'auto', 'none', 'required' or a function tool's name."
    raise bad_request(f"Invalid value for 'tool_choice'. {message}", "tool_choice")


def _read_allowed(allowed: Any, tools: tuple[ToolSpec, ...]) -> tuple[str, tuple[ToolSpec, ...]]:
    """The tools that `tool_choice` allows, and how they may be chosen. Raises ApiError 400."""
    named = allowed.get("tools") if isinstance(allowed, dict) else None
    mode = allowed.get("mode", "auto") if isinstance(allowed, dict) else None
    if not isinstance(named, list) or mode not in ("auto", "required"):
        message = "Give a list of tools, and the mode 'auto' or 'required'."
        raise bad_request(f"Invalid value for 'tool_choice'. {message}", "tool_choice")
    names = {_tool_name(tool) for tool in named}
    return read_choice(mode, tuple(tool for tool in tools if tool.name in names))


def _tool_name(tool: Any) -> str | None:
    if not isinstance(tool, dict):
        return None
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else tool.get("name")
    return name if isinstance(name, str) else None


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
