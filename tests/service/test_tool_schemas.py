"""Tools as requests and training rows declare them, and the choice among them."""

from __future__ import annotations

from functools import partial
from typing import Any

import openai
import pytest

from rft_service.engines.simulated import SimulatedEngine
from rft_service.jobs.dataset import schema_problem
from rft_wire.rows import RowError, read_row

from .conftest import Running, Start
from .customer import row

MODEL = "sim-agent-mini"


def tool(parameters: Any) -> dict[str, Any]:
    return {"name": "lookup", "description": "Look a key up.", "parameters": parameters}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"properties": [1]}, "properties must be"),
        ({"properties": {"a": 5}}, r"properties\.a must be .* an object"),
        ({"properties": {"a": True}}, r"properties\.a must be an object"),
        (
            {"properties": {"a": {"description": 5}}},
            r"properties\.a\.description must be of type string",
        ),
        ({"properties": {"a": {"enum": []}}}, r"properties\.a\.enum must have at least one"),
        ({"required": [5]}, r"required\[0\] must be of type string"),
        ({"properties": {"a": {"$ref": "http://127.0.0.1/"}}}, "leads out of the schema"),
    ],
)
def test_parameters_that_are_no_schema_are_refused(
    service: Running, parameters: Any, words: str
) -> None:
    declared = tool(parameters)
    with pytest.raises(openai.BadRequestError, match=words) as caught:
        service.client.responses.create(
            model=MODEL, input="x", tools=[{"type": "function", **declared, "strict": False}]
        )
    assert caught.value.body["param"] == "tools[0].parameters"
    nested = {"type": "function", "function": declared}
    messages: Any = [{"role": "user", "content": "x"}]
    with pytest.raises(openai.BadRequestError, match=words):
        service.client.chat.completions.create(model=MODEL, messages=messages, tools=[nested])
    with pytest.raises(RowError) as refused:
        read_row(row(1, tools=[nested]), {"lookup"}, schema_problem)
    field, problem = refused.value.problems[0]
    assert field == "tools[0].function.parameters"
    assert problem.startswith("not a usable JSON Schema: ")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"type": "string", "pattern": "^(?!x)[a-z]+$"}, "lookaround"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "no value was found"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 10**8}, "no value was found"),
        ({"type": "object", "unevaluatedProperties": False}, "not supported"),
    ],
)
def test_strict_parameters_that_no_arguments_satisfy_are_refused(
    start: Start, value: Any, words: str
) -> None:
    service = start(engine=SimulatedEngine)
    declared = tool({"type": "object", "properties": {"a": value}, "required": ["a"]})
    create = partial(service.client.responses.create, model=MODEL, input="x")
    with pytest.raises(openai.BadRequestError, match=words):
        create(tools=[{"type": "function", **declared, "strict": True}])
    messages: Any = [{"role": "user", "content": "x"}]
    nested: Any = {"type": "function", "function": {**declared, "strict": True}}
    with pytest.raises(openai.BadRequestError, match=words):
        service.client.chat.completions.create(model=MODEL, messages=messages, tools=[nested])
    for lenient in ({"strict": False}, {"strict": None}, {}):
        tools: Any = [{"type": "function", **declared, **lenient}]
        assert create(tools=tools, tool_choice="required").output[-1].type == "function_call"


@pytest.mark.parametrize("default", [None, "many", 10**400, 3])
def test_a_number_may_have_any_default(start: Start, default: Any) -> None:
    service = start(engine=SimulatedEngine)
    number = {"type": "integer", "default": default}
    declared = tool({"type": "object", "properties": {"n": number}, "required": ["n"]})
    response = service.client.responses.create(
        model=MODEL,
        input="Look 7 up.",
        tools=[{"type": "function", **declared, "strict": False}],
        tool_choice="required",
    )
    assert response.output[-1].type == "function_call"


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "allowed_tools", "tools": None},
        {"type": "allowed_tools", "allowed_tools": "lookup"},
        {"type": "allowed_tools", "mode": {"type": "function"}, "tools": [{"name": "lookup"}]},
    ],
)
def test_allowed_tools_must_be_a_list_and_a_mode(service: Running, choice: Any) -> None:
    declared = {"type": "function", **tool({}), "strict": False}
    with pytest.raises(openai.BadRequestError, match="Give a list of tools, and the mode"):
        service.client.responses.create(
            model=MODEL, input="x", tools=[declared], tool_choice=choice
        )
