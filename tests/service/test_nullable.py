"""Null means absent for every field that OpenAI's own types allow to be null."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import httpx
import pytest
from openai.types.chat import ChatCompletionAssistantMessageParam
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses import (
    FunctionToolParam,
    ResponseFormatTextJSONSchemaConfigParam,
    ResponseReasoningItemParam,
    ResponseTextConfigParam,
)
from openai.types.responses.response_create_params import ResponseCreateParamsBase
from openai.types.responses.response_input_item_param import FunctionCallOutput
from openai.types.shared_params import FunctionDefinition, Reasoning
from openai.types.shared_params.response_format_json_schema import JSONSchema

from .conftest import Running
from .test_absent import without_nulls

MODEL = "sim-agent-mini"
KEY = {"type": "string", "enum": ["key5"]}
FUNCTION = {"name": "lookup", "parameters": {"type": "object", "properties": {"key": KEY}}}
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}


def nulls(hint: Any) -> dict[str, Any]:
    """Null for each field that may be null in a type of the openai package."""
    hints = get_type_hints(hint)
    found = [name for name, inner in hints.items() if type(None) in get_args(inner)]
    assert found, hint
    return dict.fromkeys(found)


REQUESTS: dict[str, dict[str, Any]] = {
    "/responses": {
        **nulls(ResponseCreateParamsBase),
        "model": MODEL,
        "input": [
            {"role": "user", "content": "Find key5"},
            {**nulls(ResponseReasoningItemParam), "type": "reasoning", "summary": []},
            {"type": "function_call", "call_id": "c", "name": "lookup", "arguments": "{}"},
            {**nulls(FunctionCallOutput), "type": "function_call_output", "call_id": "c",
             "output": "value 5"},
        ],
        "tools": [{**nulls(FunctionToolParam), "type": "function", **FUNCTION}],
        "reasoning": nulls(Reasoning),
        "text": {
            **nulls(ResponseTextConfigParam),
            "format": {**nulls(ResponseFormatTextJSONSchemaConfigParam), "type": "json_schema",
                       "name": "a", "schema": SCHEMA},
        },
    },
    "/chat/completions": {
        **nulls(CompletionCreateParamsBase),
        "model": MODEL,
        "messages": [
            {"role": "user", "content": "Find key5"},
            {**nulls(ChatCompletionAssistantMessageParam), "role": "assistant", "content": "Hm."},
            {"role": "user", "content": "And key6"},
        ],
        "tools": [{"type": "function", "function": {**nulls(FunctionDefinition), **FUNCTION}}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {**nulls(JSONSchema), "name": "a", "schema": SCHEMA},
        },
    },
    "/embeddings": {"model": "sim-embedding", "input": ["x"], "dimensions": None, "user": None},
}  # fmt: skip


def answer(service: Running, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer without what differs between two answers to one request."""
    headers = {"Authorization": f"Bearer {service.key}"}
    reply = httpx.post(f"{service.url}/v1{path}", json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    own = ("id", "created", "created_at", "completed_at")
    return {key: value for key, value in reply.json().items() if key not in own}


@pytest.mark.parametrize("path", REQUESTS)
def test_null_means_absent(shared: Running, path: str) -> None:
    request = REQUESTS[path]
    assert answer(shared, path, request) == answer(shared, path, without_nulls(request))


def test_a_null_in_a_json_schema_is_a_value(shared: Running) -> None:
    parameters = {"type": "object", "properties": {"key": {"default": None}}}
    tool = {"type": "function", "strict": None, "name": "lookup", "parameters": parameters}
    body = {"model": MODEL, "input": "x", "tools": [tool]}
    (kept,) = answer(shared, "/responses", body)["tools"]
    assert kept["parameters"] == parameters


@pytest.mark.parametrize("path", ["files", "fine_tuning/jobs"])
def test_an_empty_parameter_of_a_query_is_absent(shared: Running, path: str) -> None:
    headers = {"Authorization": f"Bearer {shared.key}"}
    empty = dict.fromkeys(("after", "limit", "order", "purpose", "metadata"))
    reply = httpx.get(f"{shared.url}/v1/{path}", params=empty, headers=headers)
    assert reply.request.url.query == b"after=&limit=&order=&purpose=&metadata="
    assert reply.status_code == 200
