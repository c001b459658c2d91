"""Bad requests to every resource: each is refused in one line that names what is wrong, and where.

A row holds what is changed in a good request, then the status, the code and the parameter of the
answer, and words of its message.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from .conftest import Running
from .customer import EQUAL

Row = tuple[dict[str, Any], int, str | None, str | None, str]

MODEL = "sim-agent-mini"
QUESTION = {"role": "user", "content": "What is key3"}
OUTPUT = {"type": "function_call_output", "call_id": "x", "output": "y"}
CALL = {"type": "function_call", "call_id": "x", "name": "f", "arguments": "{}"}
UNKNOWN = "unknown_parameter"
MISSING = "missing_required_parameter"
INVALID = "invalid_value"
UNSUPPORTED = "unsupported_parameter"


def refused(service: Running, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {service.key}"}
    answer = httpx.post(f"{service.url}/v1{path}", json=body, headers=headers, timeout=60)
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    return answer.status_code, error


def input_(*items: Any) -> dict[str, Any]:
    return {"input": list(items)}


RESPONSES: list[Row] = [
    ({"model": "gpt-9"}, 404, "model_not_found", "model", "does not exist"),
    ({"model": "sim-grader"}, 400, "model_not_supported", "model", "in a score_model grader"),
    ({"model": 7}, 400, INVALID, "model", "string"),
    (input_(), 400, INVALID, "input", "'input' is empty"),
    (input_("x"), 400, INVALID, "input", ""),
    (input_({"role": "robot", "content": "x"}), 400, INVALID, "input[0].role", "'robot'"),
    (input_({"role": "user", "content": [{"type": "input_image"}]}), 400, INVALID,
     "input[0].content[0].type", "reads text only"),
    (input_({"role": "user", "content": [{"type": "text", "text": "x"}]}), 400, INVALID,
     "input[0].content[0].type", "Supported values are: input_text"),
    (input_({"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}), 400, INVALID,
     "input[0].content[0].type", "Supported values are: output_text, refusal"),
    (input_(CALL, {**OUTPUT, "output": [{"type": "text", "text": "x"}]}), 400, INVALID,
     "input[1].output[0].type", "'text'"),
    (input_({**QUESTION, "tool_calls": []}), 400, UNKNOWN, "input[0].tool_calls", "tool_calls"),
    (input_({**QUESTION, "id": 7}), 400, INVALID, "input[0].id", "must be a string"),
    (input_({"type": "item_reference"}), 400, INVALID, "input[0].id", "Missing"),
    (input_({"id": "msg_0"}), 404, None, "input", "'msg_0' not found"),
    (input_({"type": "web_search_call"}), 400, INVALID, "input[0].type", "web_search_call"),
    (input_(OUTPUT), 400, INVALID, "input[0].call_id", "No tool call found"),
    (input_(QUESTION, CALL), 400, INVALID, "input", "No tool output found for function call x"),
    (input_(CALL, CALL), 400, INVALID, "input[1].call_id", "'x'"),
    (input_({**CALL, "arguments": None}), 400, INVALID, "input[0].arguments", "arguments"),
    ({"tools": [{"type": "web_search"}]}, 400, INVALID, "tools[0].type", "function tools"),
    ({"tools": [{"type": "function"}]}, 400, INVALID, "tools[0].name", "tools[0].name"),
    ({"tools": [{"type": "function", "name": "f", "parameters": 1}]}, 400, INVALID,
     "tools[0].parameters", "JSON Schema"),
    ({"tools": [{"type": "function", "name": "f"}] * 2}, 400, INVALID, "tools[1].name", "'f'"),
    ({"tool_choice": "required"}, 400, INVALID, "tool_choice", "the request has no tools"),
    ({"tool_choice": {"type": "function", "name": "f"}}, 400, INVALID, "tool_choice", "'f'"),
    ({"tool_choice": {"type": "file_search"}}, 400, INVALID, "tool_choice", "'required'"),
    ({"tool_choice": {"type": "allowed_tools", "mode": "all"}}, 400, INVALID, "tool_choice",
     "'required'"),
    ({"previous_response_id": "resp_0"}, 400, "previous_response_not_found",
     "previous_response_id", "not found"),
    ({"background": True}, 400, UNSUPPORTED, "background", "'background' is not offered"),
    ({"max_output_tokens": 3}, 400, INVALID, "max_output_tokens", "greater than or equal to 16"),
    ({"reasoning": {"efort": "low"}}, 400, UNKNOWN, "reasoning.efort", "'reasoning.efort'"),
    ({"stream_options": {"usage": 1}}, 400, UNKNOWN, "stream_options.usage", "stream_options"),
    ({"text": {"format": {"type": "json_schema", "name": "x"}}}, 400, INVALID,
     "text.format.schema", "text.format.schema"),
    ({"text": {"format": {"type": "json_schema", "schema": {}}}}, 400, INVALID,
     "text.format.name", "text.format.name"),
    ({"text": {"format": {"type": "xml"}}}, 400, INVALID, "text.format.type", "json_schema"),
    ({"include": ["nonsense"]}, 400, INVALID, "include.0", "'include.0'"),
    ({"temprature": 1}, 400, UNKNOWN, "temprature", "Unknown parameter: 'temprature'"),
    ({"metadata": {"k": "v" * 513}}, 400, INVALID, "metadata.k", "at most 512"),
    ({"input": "word " * 102_401}, 400, "context_length_exceeded", "input",
     "has 128002 tokens; this model reads 128000 at most"),
]  # fmt: skip

CALLED = {"id": "c", "type": "function", "function": {"name": "lookup", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": "I look.", "tool_calls": [CALLED]}


def messages(*more: Any) -> dict[str, Any]:
    return {"messages": [QUESTION, *more]}


CHAT: list[Row] = [
    ({"messages": []}, 400, INVALID, "messages", "at least 1"),
    (messages({"role": "robot", "content": "x"}), 400, INVALID, "messages[1].role", "'robot'"),
    (messages(CALLING, {"role": "tool", "tool_call_id": "d", "content": "x"}), 400, INVALID,
     "messages[2].tool_call_id", "call_id d"),
    (messages(CALLING, {"role": "tool", "content": "x"}), 400, INVALID,
     "messages[2].tool_call_id", "tool_call_id"),
    (messages(CALLING, {"role": "tool", "tool_call_id": "c", "content": 7}), 400, INVALID,
     "messages[2].content", "content"),
    (messages({**CALLING, "tool_calls": [CALLED, CALLED]}), 400, INVALID,
     "messages[1].tool_calls[1].id", "'c'"),
    (messages({**CALLING, "tool_calls": [{**CALLED, "function": {"name": "f"}}]}), 400, INVALID,
     "messages[1].tool_calls[0].function.arguments", "function.arguments"),
    (messages({**CALLING, "tool_calls": [7]}), 400, INVALID, "messages[1].tool_calls[0]",
     "function"),
    (messages({**CALLING, "tool_calls": 7}), 400, INVALID, "messages[1].tool_calls", "list"),
    (messages(CALLING), 400, INVALID, "messages", "No tool output found"),
    (messages({"role": "user", "content": [{"type": "input_text", "text": "x"}]}), 400, INVALID,
     "messages[1].content[0].type", "Supported values are: text, refusal"),
    (messages(CALLING, {"role": "tool", "tool_call_id": "c", "content": [{"type": "input_text",
     "text": "x"}]}), 400, INVALID, "messages[2].content[0].type", "'input_text'"),
    ({"logprobs": True}, 400, UNSUPPORTED, "logprobs", "'logprobs' is not offered"),
    ({"modalities": ["audio"]}, 400, INVALID, "modalities", "text only"),
    ({"n": 0}, 400, INVALID, "n", "greater than or equal to 1"),
    ({"stream_options": {"usage": 1}}, 400, UNKNOWN, "stream_options.usage", "stream_options"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, 400, INVALID,
     "response_format.json_schema.schema", "json_schema.schema"),
]  # fmt: skip

EMBEDDINGS: list[Row] = [
    ({"input": ""}, 400, INVALID, "input", "'input'"),
    ({"input": []}, 400, INVALID, "input", "the list is empty"),
    ({"input": ["x"] * 2_049}, 400, INVALID, "input", "2049 inputs; send at most 2048"),
    ({"input": "word " * 10_000}, 400, "input_too_long", "input", "longer than 8192 tokens"),
    ({"dimensions": 1}, 400, INVALID, "dimensions", "greater than or equal to 16"),
    ({"model": "text-embedding-3"}, 404, "model_not_found", "model", "does not exist"),
]

ENDPOINT = {"type": "endpoint", "name": "x", "url": "http://c"}
MULTI = {"type": "multi", "name": "x", "graders": {"a": EQUAL}}
JUDGED = {
    "type": "score_model",
    "name": "judged",
    "model": "sim-grader",
    "input": [{"role": "user", "content": "Is {{sample.output_text}} right?"}],
}
SIMILAR = {**EQUAL, "type": "text_similarity"}
del SIMILAR["operation"]


def grader(spec: dict[str, Any]) -> dict[str, Any]:
    return {"grader": spec}


def python(source: str) -> dict[str, Any]:
    return grader({"type": "python", "name": "own", "source": source})


GRADERS: list[Row] = [
    (grader({"type": "magic", "name": "x"}), 400, "invalid_grader", "grader", "magic"),
    (grader({"type": "label_model", "name": "x"}), 400, "invalid_grader", "grader", "label_model"),
    (grader({**EQUAL, "operation": "gt"}), 400, "invalid_grader", "grader.operation", "'eq'"),
    (grader({**EQUAL, "colour": 1}), 400, "invalid_grader", "grader.colour", "colour"),
    (grader({"type": "string_check", "name": "x"}), 400, "invalid_grader", "grader.input",
     "grader.input"),
    (grader({**EQUAL, "input": "{{other.x}}"}), 400, "invalid_template", "grader",
     "must begin with item or sample"),
    (grader({**EQUAL, "input": f"{{{{item.a[{'9' * 5_000}]}}}}"}), 400, "invalid_template",
     "grader", "is not a path such as"),
    *((grader({**SIMILAR, "evaluation_metric": metric}), 400, "metric_not_offered",
       "grader.evaluation_metric", f"{metric} is not offered here")
      for metric in ("meteor", "cosine")),
    (grader({**JUDGED, "model": "gpt-5"}), 400, "model_not_found", "grader.model", "'gpt-5'"),
    (grader({**JUDGED, "range": [1, 0]}), 400, "invalid_grader", "grader.range",
     "the first number must be below"),
    (grader({**ENDPOINT, "url": "ftp://x"}), 400, "invalid_grader", "grader.url", "http://"),
    (grader({**ENDPOINT, "url": "http://a b/"}), 400, "invalid_grader", "grader.url", "a space"),
    (grader({**ENDPOINT, "url": "http://a:b@c/"}), 400, "invalid_grader", "grader.url",
     "user name"),
    (grader({**ENDPOINT, "headers": {"Content-length": ""}}), 400, "invalid_grader",
     "grader.headers", "Content-length"),
    (grader({**ENDPOINT, "headers": {"A": "b\nc"}}), 400, "invalid_grader", "grader.headers",
     "control character"),
    (python("def grade(sample, item:"), 400, "invalid_source", "grader.source", "never closed"),
    (python("def score(sample, item): pass"), 400, "invalid_source", "grader.source",
     "no function grade"),
    (python("x" * 256_001), 400, "invalid_grader", "grader.source", "larger than 256 kB"),
    (grader({**MULTI, "calculate_output": "0.5 * b"}), 400, "invalid_formula",
     "grader.calculate_output", "'b' is not a grader; the graders are a"),
    (grader({**MULTI, "calculate_output": "a.__class__"}), 400, "invalid_formula",
     "grader.calculate_output", "'.' at a wrong place"),
    (grader({**MULTI, "graders": {"a": {**EQUAL, "name": ""}}, "calculate_output": "a"}), 400,
     "invalid_grader", "grader.graders.a.name", "at least 1 character"),
    ({"grader": 7}, 400, INVALID, "grader", "dictionary"),
    ({"gradr": {}}, 400, MISSING, "grader", "'grader'"),
]  # fmt: skip

GOOD: dict[str, dict[str, Any]] = {
    "/responses": {"model": MODEL, "input": "What is key1", "store": False},
    "/chat/completions": {"model": MODEL, **messages()},
    "/embeddings": {"model": "sim-embedding", "input": "x"},
    "/fine_tuning/alpha/graders/validate": {},
}
TABLE = dict(zip(GOOD, (RESPONSES, CHAT, EMBEDDINGS, GRADERS), strict=True))
ROWS = [(path, *row) for path, rows in TABLE.items() for row in rows]


@pytest.mark.parametrize(
    ("path", "change", "status", "code", "param", "words"),
    ROWS,
    ids=[f"{path[1:]}-{row[3]}" for path, rows in TABLE.items() for row in rows],
)
def test_a_bad_request_says_what_is_wrong(
    shared: Running,
    path: str,
    change: dict[str, Any],
    status: int,
    code: str | None,
    param: str | None,
    words: str,
) -> None:
    found, error = refused(shared, path, {**GOOD[path], **change})
    assert (found, error["code"], error["param"]) == (status, code, param)
    message = error["message"]
    assert words in message
    assert re.search(r"[^.][.…]$", message)  # a sentence, with one full stop
    assert "Input should" not in message  # pydantic's words
    assert "Input tag" not in message
    assert message.count(param if param and "." in param else f"'{param}'") <= 1  # the path once
