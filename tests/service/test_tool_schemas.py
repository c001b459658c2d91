"""Tools as requests and training rows declare them, and the choice among them."""

from __future__ import annotations

from functools import partial
from typing import Any

import openai
import pytest

from rft_service.jobs.dataset import schema_problem
from rft_wire.rows import RowError, read_row

from .conftest import Running
from .customer import row

MODEL = "sim-agent-mini"


def tool(parameters: Any) -> dict[str, Any]:
    return {"name": "lookup", "description": "Look a key up.", "parameters": parameters}


def refused_everywhere(service: Running, parameters: Any, words: str) -> str:
    """In both APIs, and in a row, whose problem this returns."""
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
    return problem


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"properties": [1]}, "properties must be"),
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
    problem = refused_everywhere(service, parameters, words)
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
    simulated: Running, value: Any, words: str
) -> None:
    declared = tool({"type": "object", "properties": {"a": value}, "required": ["a"]})
    create = partial(simulated.client.responses.create, model=MODEL, input="x")
    with pytest.raises(openai.BadRequestError, match=words):
        create(tools=[{"type": "function", **declared, "strict": True}])
    messages: Any = [{"role": "user", "content": "x"}]
    nested: Any = {"type": "function", "function": {**declared, "strict": True}}
    with pytest.raises(openai.BadRequestError, match=words):
        simulated.client.chat.completions.create(model=MODEL, messages=messages, tools=[nested])
    for lenient in ({"strict": False}, {"strict": None}, {}):
        tools: Any = [{"type": "function", **declared, **lenient}]
        assert create(tools=tools, tool_choice="required").output[-1].type == "function_call"


PATHS = {"type": "array", "items": {"type": "string"}}
BARE = {"type": "array"}


def takes(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "got 'type: \"None\"'"),
        ({"type": None}, "type must be one or more of"),
        ({"type": "object"}, r"In context=\(\), object schema missing properties"),
        ({"type": "string"}, "got 'type: \"string\"'"),
        ({"type": ["object", "null"]}, "must be a JSON Schema of 'type: \"object\"'"),
        ({"$ref": "#/$defs/a", "$defs": {"a": takes()}}, "got 'type: \"None\"'"),
        ({**takes(), "oneOf": [takes()]}, "'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level"),
        ({**takes(), "not": {"required": ["a"]}}, "at the top level"),
        (takes(keys=BARE), r"In context=\('properties', 'keys'\), array schema missing items"),
        (takes(keys={"type": ["null", "array"]}), "missing items"),
        (takes(keys={"anyOf": [{"type": "null"}, BARE]}), "'keys', 'anyOf', '1'"),
        ({**takes(o={"$ref": "#/$defs/a"}), "$defs": {"a": takes(keys=BARE)}}, "'keys'"),
        (takes(o={"$ref": "#/x/0/a"}) | {"x": [{"a": BARE}]}, r"\('x', '0', 'a'\)"),
        (takes(o={"additionalProperties": BARE, "type": "object"}), "'additionalProperties'"),
        (takes(o={**BARE, "prefixItems": [{"type": "string"}]}), "missing items"),
    ],
)
def test_parameters_that_the_real_api_refuses_are_refused(
    service: Running, parameters: Any, words: str
) -> None:
    refused_everywhere(service, parameters, words)


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        takes(),
        takes(keys=PATHS, other={**BARE, "items": {}}),
        takes(kind={"enum": [BARE], "default": BARE}),  # values, not schemas
        takes(items={"type": "string"}, array={"const": "array"}),
        {**takes(o={"$ref": "#/$defs/a"}), "$defs": {"a": {**BARE, "items": {"$ref": "#"}}}},
    ],
)
def test_parameters_that_the_real_api_takes_are_taken(service: Running, parameters: Any) -> None:
    declared = tool(parameters)
    service.client.responses.create(
        model=MODEL, input="x", tools=[{"type": "function", **declared, "strict": False}]
    )
    nested: Any = {"type": "function", "function": declared}
    messages: Any = [{"role": "user", "content": "x"}]
    service.client.chat.completions.create(model=MODEL, messages=messages, tools=[nested])
    read_row(row(1, tools=[nested]), {"lookup"}, schema_problem)
    read_row(row(1, tools=[nested]), {"lookup"})  # as the client checks it


@pytest.mark.parametrize("default", [None, "many", 10**400, 3], ids=str)
def test_a_number_may_have_any_default(simulated: Running, default: Any) -> None:
    number = {"type": "integer", "default": default}
    declared = tool({"type": "object", "properties": {"n": number}, "required": ["n"]})
    response = simulated.client.responses.create(
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
    declared = {"type": "function", **tool(None), "strict": False}
    with pytest.raises(openai.BadRequestError, match="Give a list of tools, and the mode"):
        service.client.responses.create(
            model=MODEL, input="x", tools=[declared], tool_choice=choice
        )


FLAT = {"type": "function", **tool(takes())}
NESTED = {"type": "function", "function": tool(takes())}
CHOICE = {"type": "function", "name": "lookup"}
NESTED_CHOICE = {"type": "function", "function": {"name": "lookup"}}


def allowed(*tools: Any) -> dict[str, Any]:
    return {"mode": "required", "tools": list(tools)}


@pytest.mark.parametrize(
    ("api", "body", "param"),
    [
        ("responses", {"tools": [FLAT, NESTED]}, "tools[1].name"),
        ("responses", {"tools": [{**FLAT, **NESTED}]}, "tools[0].function"),
        ("responses", {"tools": [FLAT], "tool_choice": NESTED_CHOICE}, "tool_choice.name"),
        ("responses", {"tools": [FLAT], "tool_choice": {"type": "allowed_tools",
         **allowed(NESTED_CHOICE)}}, "tool_choice.tools[0].name"),
        ("responses", {"tools": [FLAT], "tool_choice": {"type": "allowed_tools",
         "allowed_tools": allowed(CHOICE)}}, "tool_choice"),
        ("chat", {"tools": [FLAT]}, "tools[0].function"),
        ("chat", {"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ("chat", {"tools": [NESTED], "tool_choice": CHOICE}, "tool_choice.function"),
        ("chat", {"tools": [NESTED], "tool_choice": {"type": "allowed_tools",
         "allowed_tools": allowed(CHOICE)}}, "tool_choice.allowed_tools.tools[0].function"),
        ("chat", {"tools": [NESTED], "tool_choice": {"type": "allowed_tools",
         **allowed(NESTED_CHOICE)}}, "tool_choice"),
    ],
)  # fmt: skip
def test_each_api_refuses_the_shape_of_the_other(
    service: Running, api: str, body: dict[str, Any], param: str
) -> None:
    messages: Any = [{"role": "user", "content": "x"}]
    create: Any = {
        "responses": partial(service.client.responses.create, input="x"),
        "chat": partial(service.client.chat.completions.create, messages=messages),
    }[api]
    with pytest.raises(openai.BadRequestError) as caught:
        create(model=MODEL, **body)
    assert caught.value.body["param"] == param


def test_each_api_takes_a_choice_among_tools_in_its_own_shape(service: Running) -> None:
    other = {"type": "function", **tool(takes()), "name": "other"}
    response = service.client.responses.create(
        model=MODEL,
        input="x",
        tools=[other, FLAT],
        tool_choice={"type": "allowed_tools", **allowed(CHOICE)},
    )
    assert response.output[-1].name == "lookup"
    completion = service.client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "x"}],
        tools=[{"type": "function", "function": {"name": "other"}}, NESTED],
        tool_choice={"type": "allowed_tools", "allowed_tools": allowed(NESTED_CHOICE)},
    )
    assert completion.choices[0].message.tool_calls[0].function.name == "lookup"


@pytest.mark.parametrize("name", ["a.b", "", "größe", "x" * 65, "find\n"])
def test_a_function_name_is_letters_digits_underscores_and_hyphens(
    service: Running, name: str
) -> None:
    """In a tool, and in a call that is sent back."""
    call = {"type": "function_call", "call_id": "c", "name": name, "arguments": "{}"}
    made = {"id": "c", "type": "function", "function": {"name": name, "arguments": "{}"}}
    output = {"type": "function_call_output", "call_id": "c", "output": "x"}
    create: Any = service.client.responses.create
    chat: Any = service.client.chat.completions.create
    asked, function = [{"role": "user", "content": "x"}], {**tool(None), "name": name}
    calling = [{"role": "assistant", "tool_calls": [made]}]
    told = [{"role": "tool", "tool_call_id": "c", "content": "x"}]
    requests = {
        "tools[0].name": lambda: create(
            model=MODEL, input="x", tools=[{"type": "function", **function}]
        ),
        "tools[0].function.name": lambda: chat(
            model=MODEL, messages=asked, tools=[{"type": "function", "function": function}]
        ),
        "input[1].name": lambda: create(model=MODEL, input=[*asked, call, output]),
        "messages[1].tool_calls[0].function.name": lambda: chat(
            model=MODEL, messages=[*asked, *calling, *told]
        ),
    }
    for param, send in requests.items():
        with pytest.raises(openai.BadRequestError) as caught:
            send()
        assert caught.value.body["param"] == param
