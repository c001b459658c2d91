"""The arguments of a call satisfy the tool's schema, and hold what the model chose."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from rft_service.engines.simulated.engine import base_weights
from rft_service.engines.simulated.turn import make_turn
from rft_service.rl.engine import Seed, ToolSpec, TurnRequest

QUESTION = "Find station fs-812 of 2014, opened on 2024-03-05, for ada@example.org: 3 rows"
WEIGHTS = base_weights()


def arguments(parameters: dict[str, Any], number: int = 0, question: str = QUESTION) -> Any:
    request = TurnRequest(
        items=({"type": "message", "role": "user", "content": question},),
        tools=(ToolSpec("find", "Find.", parameters),),
        tool_choice="required",
        parallel_tool_calls=False,
    )
    return json.loads(make_turn(WEIGHTS, request, Seed.of(number)).calls[0].arguments)


def strict(_defs: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties),
              "additionalProperties": False}  # fmt: skip
    return {**schema, "$defs": _defs} if _defs else schema


def array(items: Any, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


def nullable(schema: Any) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
LEVEL = {"type": "integer", "enum": [1, 2, 3]}
NODE = strict(name=TEXT, next=nullable(ref("Node")))
TREE = strict(name=TEXT, children=array(ref("Tree")))

SCHEMAS: dict[str, dict[str, Any]] = {
    "list of texts": strict(keys=array(TEXT)),
    "list of numbers": strict(years=array(WHOLE, minItems=1, maxItems=2)),
    "list of enums": strict(kinds=array({"enum": ["page", "table"]})),
    "list of lists": strict(matrix=array(array({"type": "number"}))),
    "list of four": strict(keys=array(TEXT, minItems=4, uniqueItems=True)),
    "list of objects": strict(filters=array(strict(
        field=TEXT, op={"enum": ["eq", "lt"]}, value={"type": ["number", "string"]}))),
    "objects in objects": strict(a=strict(b=strict(count=WHOLE, label=TEXT))),
    "nullable list": strict(keys={"type": ["array", "null"], "items": TEXT}),
    "nullable boolean": strict(exact={"type": ["boolean", "null"]}),
    "enum behind a reference": strict({"L": LEVEL}, level=nullable(ref("L"))),
    "enum of several types": strict(level={"enum": ["all", 7, None, False]}),
    "enum narrower than it says": strict(level={"type": "integer", "enum": ["all", 7]}),
    "constants to choose from": strict(order={"oneOf": [{"const": "up"}, {"const": "down"}]}),
    "tagged objects": strict(
        by={"anyOf": [strict(kind={"const": "n"}, n=WHOLE), strict(kind={"const": "t"}, t=TEXT)]}
    ),
    "allOf around a reference": strict({"Q": strict(key=TEXT)}, q={"allOf": [ref("Q")]}),
    "everything behind a reference": {
        **ref("A"), "$defs": {"A": strict(key=array(ref("L"))), "L": LEVEL}},
    "linked list": strict({"Node": NODE}, first=ref("Node")),
    "tree": strict({"Tree": TREE}, root=ref("Tree")),
    "whole schema again": strict(inner=nullable({"$ref": "#"})),
    "bounds": strict(share={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
    "multiple": strict(size={"type": "integer", "multipleOf": 25, "minimum": 30}),
    "lengths": strict(long={"type": "string", "minLength": 90}, short={**TEXT, "maxLength": 2}),
    "pattern": strict(code={"type": "string", "pattern": r"^[A-Z]{2}-\d{3}$"}),
    "some properties": {"type": "object", "minProperties": 2, "additionalProperties": WHOLE},
    "formats": strict(**{name: {"type": "string", "format": name} for name in (
        "date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")}),
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEMAS)
def test_arguments_satisfy_their_schema(name: str) -> None:
    validator = jsonschema.Draft202012Validator
    checker = validator(SCHEMAS[name], format_checker=validator.FORMAT_CHECKER)
    for number in range(20):
        checker.validate(arguments(SCHEMAS[name], number))


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        (strict(key=array(TEXT)), ("key", 0)),
        (strict(key=array(array(TEXT))), ("key", 0, 0)),
        (strict(q=strict(key=TEXT)), ("q", "key")),
        (strict(q=array(strict(key=TEXT))), ("q", 0, "key")),
        (strict({"K": TEXT}, key=ref("K")), ("key",)),
        (strict(key={"allOf": [TEXT, {"minLength": 2}]}), ("key",)),
        (strict(key={"anyOf": [WHOLE, TEXT]}), ("key",)),
        (strict({"Q": strict(key=array(TEXT))}, q=ref("Q")), ("q", "key", 0)),
    ],
)
def test_a_value_is_chosen_alike_wherever_it_stands(
    schema: dict[str, Any], path: tuple[Any, ...]
) -> None:
    chosen = set()
    for number in range(10):
        found = arguments(schema, number)
        for step in path:
            found = found[step]
        assert found == arguments(strict(key=TEXT), number)["key"]
        chosen.add(found)
    assert "fs-812" in chosen


@pytest.mark.parametrize(
    ("schema", "question", "values"),
    [
        (array(WHOLE), "Find 3 rows of 2014.", [[3], [2014]]),
        (nullable({**WHOLE, "maximum": 10}), "Find 3 rows of 2014.", [3, 10, None]),
        ({"type": "string", "pattern": r"^\d{4}$"}, "Find 3 rows of 2014.", ["2014"]),
        ({"type": "string", "format": "date"}, "Opened on 2024-03-05?", ["2024-03-05"]),
        ({"type": "string", "format": "email"}, "Did ada@example.org ask?", ["ada@example.org"]),
    ],
)
def test_the_question_is_read_for_a_value(schema: Any, question: str, values: list[Any]) -> None:
    for number in range(10):
        assert arguments(strict(wanted=schema), number, question)["wanted"] in values


def test_an_optional_value_is_left_out_or_null_now_and_then() -> None:
    optional = {"type": "object", "properties": {"n": nullable(WHOLE)}}
    left_out = [arguments(optional, number) for number in range(40)]
    assert {} in left_out
    assert {"n": 3} in left_out
    assert {"n": None} in [arguments(strict(n=nullable(WHOLE)), number) for number in range(40)]


def _ladder(rung: Any) -> dict[str, Any]:
    """A schema of 40 references each of which is made of the next, twice."""
    rungs = {f"d{n}": rung(ref(f"d{n + 1}")) for n in range(40)}
    return strict({**rungs, "d40": TEXT}, q=ref("d0"))


@pytest.mark.parametrize(
    "schema",
    [
        _ladder(lambda below: strict(a=below, b=below)),
        _ladder(lambda below: {"anyOf": [below, below]}),
        _ladder(lambda below: {"allOf": [below, below]}),
        _ladder(lambda below: array(below, minItems=2)),
        strict(q=array(TEXT, minItems=10**7)),
        strict(q={"type": "string", "pattern": "(?!a)b"}),
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    ],
)
def test_a_schema_that_no_value_is_found_for_still_gets_a_call(schema: dict[str, Any]) -> None:
    assert isinstance(arguments(schema), dict)
