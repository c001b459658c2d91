"""Null means absent for every field, at any depth, that OpenAI's own types allow to be null."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import httpx
import pytest
from openai.types import EmbeddingCreateParams
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase
from typing_extensions import is_typeddict

from .conftest import Running

MODEL = "sim-agent-mini"
PARAMETERS = {
    "type": "object",
    "properties": {"key": {"type": ["string", "null"], "default": None, "enum": ["key5", None]}},
}
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}
FUNCTION = {"name": "lookup", "description": "Look a key up.", "parameters": PARAMETERS}
ASKED = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "Find key5"}],
}
CALL = {"type": "function_call", "call_id": "c", "name": "lookup", "arguments": "{}"}
TEXT = {"type": "input_text", "text": "value 5"}
SAID = {
    "type": "message", "id": "msg_own", "role": "assistant", "status": "completed",
    "content": [{"type": "output_text", "text": "Hello.", "annotations": [], "logprobs": []}],
}  # fmt: skip

RESPONSES: list[dict[str, Any]] = [
    {
        "input": [{"role": "system", "content": "Be brief."}, SAID, ASKED, CALL,
                  {"type": "function_call_output", "call_id": "c", "output": [TEXT]}],
        "tools": [{"type": "function", "strict": True, **FUNCTION}],
        "tool_choice": {"type": "function", "name": "lookup"},
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "text"}, "verbosity": "low"},
        "stream_options": {"include_obfuscation": False},
    },
    {
        "input": "Find key5",
        "tools": [{"type": "function", **FUNCTION}],
        "tool_choice": {"type": "allowed_tools", "mode": "auto",
                        "tools": [{"type": "function", "name": "lookup"}]},
        "text": {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA, "strict": True}},
    },
]  # fmt: skip
CHAT: list[dict[str, Any]] = [
    {
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Find key5"}]},
            {"role": "assistant", "content": "I look.", "tool_calls": [
                {"id": "c", "type": "function",
                 "function": {"name": "lookup", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "value 5"},
        ],
        "tools": [{"type": "function", "function": {"strict": True, **FUNCTION}}],
        "tool_choice": {"type": "function", "function": {"name": "lookup"}},
        "response_format": {"type": "json_schema",
                            "json_schema": {"name": "a", "schema": SCHEMA, "strict": True}},
        "stream_options": {"include_usage": True},
    },
]  # fmt: skip
EMBEDDINGS: list[dict[str, Any]] = [{"model": "sim-embedding", "input": ["x"], "dimensions": 16}]

Place = tuple[str | int, ...]


def nullable(hint: Any, value: Any, place: Place = ()) -> Iterator[Place]:
    """The places in a request where its type allows null, given or not."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        for option in get_args(hint):
            yield from nullable(option, value, place)
    elif is_typeddict(hint) and isinstance(value, dict):
        hints = get_type_hints(hint)
        if not fits(hints, value):
            return
        for key, inner in hints.items():
            if type(None) in get_args(inner):
                yield (*place, key)
            if key in value and key not in ("parameters", "schema"):
                yield from nullable(inner, value[key], (*place, key))
    elif isinstance(value, list) and isinstance(origin, type) and issubclass(origin, Iterable):
        for index, inner in enumerate(value):
            yield from nullable(get_args(hint)[0], inner, (*place, index))


def fits(hints: dict[str, Any], value: dict[str, Any]) -> bool:
    """Whether an object can be of a type: it has no other keys, nor another `type` or `role`."""
    for key in ("type", "role"):
        hint = hints.get(key, Any)
        options = [hint] if get_origin(hint) is Literal else get_args(hint)
        literals = [one for part in options for one in get_args(part)]
        if key in value and literals and value[key] not in literals:
            return False
    return value.keys() <= hints.keys()


def places(path: str, hint: Any, requests: Sequence[dict[str, Any]]) -> Iterator[Any]:
    for number, request in enumerate(requests):
        for place in dict.fromkeys(nullable(hint, {"model": MODEL, **request})):
            if place[-1] == "call_id":  # an output without it answers no call: refused either way
                continue
            name = ".".join(map(str, place))
            yield pytest.param(path, request, place, id=f"{path[1:]}-{number}-{name}")


CASES = [
    *places("/responses", ResponseCreateParamsBase, RESPONSES),
    *places("/chat/completions", CompletionCreateParamsBase, CHAT),
    *places("/embeddings", EmbeddingCreateParams, EMBEDDINGS),
]


def answer(service: Running, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer without what differs between two answers to one request."""
    headers = {"Authorization": f"Bearer {service.key}"}
    reply = httpx.post(f"{service.url}/v1{path}", json={"model": MODEL, **body}, headers=headers)
    assert reply.status_code == 200, reply.text
    own = ("id", "created", "created_at", "completed_at")
    return {key: value for key, value in reply.json().items() if key not in own}


@pytest.mark.parametrize(("path", "request_body", "place"), CASES)
def test_null_means_absent(
    shared: Running, path: str, request_body: dict[str, Any], place: Place
) -> None:
    *way, key = place
    without, null = copy.deepcopy(request_body), copy.deepcopy(request_body)
    for body in (without, null):
        parent: Any = body
        for step in way:
            parent = parent[step]
        parent.pop(key, None)
        if body is null:
            parent[key] = None
    assert answer(shared, path, null) == answer(shared, path, without)


def test_the_types_were_read() -> None:
    """Of each level, one that is known to be nullable."""
    names = {case.id for case in CASES}
    assert names > {
        "responses-0-temperature",
        "responses-0-reasoning.summary",
        "responses-0-tools.0.strict",
        "responses-0-input.4.id",
        "responses-0-input.4.status",
        "responses-1-text.format.strict",
        "chat/completions-0-messages.2.refusal",
        "chat/completions-0-response_format.json_schema.strict",
    }


def test_a_null_in_a_json_schema_is_a_value(shared: Running) -> None:
    tool = {"type": "function", "strict": None, **FUNCTION}
    assert answer(shared, "/responses", {"input": "x", "tools": [tool]})["tools"] == [
        {**tool, "strict": True}
    ]


@pytest.mark.parametrize("path", ["files", "fine_tuning/jobs"])
def test_an_empty_parameter_of_a_query_is_absent(shared: Running, path: str) -> None:
    headers = {"Authorization": f"Bearer {shared.key}"}
    empty = dict.fromkeys(("after", "limit", "order", "purpose", "metadata"))
    reply = httpx.get(f"{shared.url}/v1/{path}", params=empty, headers=headers)
    assert (reply.status_code, reply.request.url.query) == (
        200,
        b"after=&limit=&order=&purpose=&metadata=",
    )
