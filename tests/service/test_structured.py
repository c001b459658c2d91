"""Answers that must satisfy a JSON Schema."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import openai
import pytest
from pydantic import BaseModel

from rft_service.schemas.check import SchemaError
from rft_service.schemas.structured import check_schema, conforms, repair, repair_answer

from .conftest import Running

NODE = {
    "type": "object",
    "properties": {
        "value": {"type": "string"},
        "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
    },
    "required": ["value", "next"],
}
NAMED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}

SCHEMAS: list[dict[str, Any]] = [
    {"type": "object"},
    {"type": "string"},
    {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    {"properties": {"n": {"type": "integer", "minimum": 3}, "b": {"type": "boolean"}},
     "required": ["n", "b"], "additionalProperties": False},
    {"type": "array", "items": {"enum": ["x", "y"]}, "minItems": 2},
    {"type": ["string", "null"], "maxLength": 3},
    {"type": "object", "properties": {"a": {"$ref": "#/$defs/X"}}, "required": ["a"],
     "$defs": {"X": {"anyOf": [{"type": "number", "exclusiveMaximum": -1}, {"type": "null"}]}}},
    {"type": "string", "minLength": 40},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "integer", "minimum": 10, "multipleOf": 7},
    {"type": "number", "minimum": 0.25, "multipleOf": 0.1},
    {"type": "array", "prefixItems": [{"type": "null"}, True], "items": {"type": "integer"},
     "minItems": 4},
    {"allOf": [NAMED, {"properties": {"a": {"maxLength": 2}, "b": {"minimum": 3}},
                       "required": ["b"]}]},
    {"$defs": {"N": NAMED}, "allOf": [{"$ref": "#/$defs/N"}, {"required": ["b"]}]},
    {"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {"oneOf": [{"type": "integer"}, {"const": "x"}]},
    {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["abc", "ABC"]},
    {"properties": {"a": True, "b/~c": {"$ref": "#/properties/a"}}, "required": ["a", "b/~c"]},
    *({"type": "string", "format": name} for name in (
        "date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid",
        "unheard-of")),
    {"$ref": "#/$defs/Node", "$defs": {"Node": NODE}},
    {"contentSchema": {"$ref": "http://127.0.0.1/"}, "const": {"$ref": "http://127.0.0.1/"}},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS)
def test_any_text_is_made_to_satisfy_a_schema(schema: dict[str, Any]) -> None:
    for text in ("I could not find it.", "", '{"a": ', "[1, 2]"):
        made = repair_answer(text, schema)
        assert conforms(made, schema)
        jsonschema.validate(json.loads(made), schema, jsonschema.Draft202012Validator)


def test_what_satisfies_it_already_stays_as_it_is() -> None:
    text = '{"a":   "b", "more": 1}'
    assert repair_answer(text, SCHEMAS[2]) == text
    assert json.loads(repair_answer("prose", SCHEMAS[2])) == {"a": "prose"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties),
            "additionalProperties": False}  # fmt: skip


TEXT, COUNT = {"type": "string"}, {"type": "integer", "minimum": 1, "maximum": 5}
STEP = {"anyOf": [_object(do={"const": "stop"}), _object(do={"const": "go"}, to=TEXT, n=COUNT)]}


@pytest.mark.parametrize(
    ("schema", "value", "repaired"),
    [
        (_object(a=TEXT, n=COUNT), {"a": "words", "n": 0}, {"a": "words", "n": 1}),
        (_object(a=TEXT, n=COUNT), {"n": "3", "more": 1, "a": "x"}, {"a": "x", "n": 3}),
        (_object(a=TEXT, n=COUNT), {"a": "words"}, {"a": "words", "n": 1}),
        (_object(n={"type": ["integer", "null"]}), {"n": None}, {"n": None}),
        (_object(n={"type": "number", "multipleOf": 0.5}), {"n": 1.3}, {"n": 1.5}),
        (_object(a={"type": "array", "items": TEXT}), {"a": "key5"}, {"a": ["key5"]}),
        ({"type": "array", "items": COUNT, "uniqueItems": True}, [2, 2, 9], [2, 5]),
        ({"type": "array", "items": TEXT, "minItems": 2, "maxItems": 3}, list("abcd"), list("abc")),
        (_object(q=_object(key=TEXT)), {"q": "key5"}, {"q": {"key": "key5"}}),
        (_object(q={"anyOf": [_object(k=TEXT), {"type": "null"}]}), {"q": "x"}, {"q": {"k": "x"}}),
        (STEP, {"do": "go", "to": "x"}, {"do": "go", "to": "x", "n": 1}),
        (_object(kind={"const": "a"}), {"kind": "b"}, {"kind": "a"}),
        (
            {**_object(q={"$ref": "#/$defs/E"}), "$defs": {"E": {"enum": ["a", "b"]}}},
            {"q": "x"},
            {"q": "a"},
        ),
        (_object(d={"type": "string", "pattern": r"^\d{4}-[a-f]$"}), {"d": "x"}, {"d": "0000-a"}),
        (_object(d={"type": "string", "pattern": "^[a-z]+$", "minLength": 3}), {}, {"d": "aaa"}),
        (_object(d={"type": "string", "format": "date"}), {"d": "soon"}, {"d": "2000-01-01"}),
        (
            _object(d={"type": "string", "format": "date"}, n=COUNT),
            {"d": "by 2024-03-05, or so", "n": 9},
            {"d": "2024-03-05", "n": 5},
        ),
        (
            _object(a={**TEXT, "maxLength": 4}, b={**TEXT, "minLength": 3}),
            {"a": "words", "b": "x"},
            {"a": "word", "b": "x  "},
        ),
        (
            _object(a=TEXT, m={"type": "array", "items": {"type": "array", "items": COUNT}}),
            {"a": "words", "m": [[1, 7], 3, ["2"]]},
            {"a": "words", "m": [[1, 5], [3], [2]]},
        ),
        (
            _object(ids={"type": "array", "items": COUNT, "uniqueItems": True, "minItems": 3}),
            {"ids": [4, 4]},
            {"ids": [4, 1, 2]},
        ),
        (
            _object(n={"type": "integer", "multipleOf": 4}, a={**TEXT, "pattern": "^[a-z]{2}$"}),
            {"n": 7, "a": "is it an owl"},
            {"n": 8, "a": "is"},
        ),
        (
            {"type": "object", "additionalProperties": COUNT, "minProperties": 2},
            {"a": 9},
            {"a": 5, "key_0": 1},
        ),
    ],
)
def test_only_what_violates_the_schema_is_changed(schema: Any, value: Any, repaired: Any) -> None:
    jsonschema.validate(repaired, schema)
    assert repair(value, schema) == repaired
    assert json.loads(repair_answer(json.dumps(value), schema)) == repaired


def test_a_text_goes_where_it_may_and_a_list_ends_where_it_may() -> None:
    linked = {"$ref": "#/$defs/Node", "$defs": {"Node": NODE}}
    assert json.loads(repair_answer("prose", linked)) == {"value": "prose", "next": None}
    spaced = {"$ref": "#/$defs/a<b> c", "$defs": {"a<b> c": NAMED}}
    assert json.loads(repair_answer("prose", spaced)) == {"a": "prose"}
    optional = {"properties": {"a": {"anyOf": [{"type": "null"}, {"type": "string"}]}}}
    assert json.loads(repair_answer("prose", optional)) == {"a": "prose"}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "http://127.0.0.1/schema"}, "leads out of the schema"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "leads out of the schema"),
        ({"$defs": {"a": {"$id": "http://127.0.0.1/", "$ref": "a"}}}, "leads out of the schema"),
        ({"type": "nothing"}, "type must be one or more of array"),
        ({"$ref": "#/$defs/missing"}, "names nothing in the schema"),
        ({"$ref": "#/enum/0", "enum": [{"type": 5}]}, "type must be"),
        ({"properties": [1]}, "properties must be of type object"),
        ({"properties": {"a": 5}}, r"properties\.a must be a schema"),
        (
            {"properties": {"a": {"required": [5]}}},
            r"properties\.a\.required\[0\] must be of type string",
        ),
        ({"items": [{"type": "string"}]}, "items must be a schema"),
        ({"enum": []}, "enum must have at least one value"),
        ({"minItems": -1}, "minItems: -1 is less than"),
        ({"exclusiveMinimum": True}, "exclusiveMinimum must be of type number"),
        ({"pattern": "("}, "pattern .* cannot be used"),
        ({"pattern": "(?=a)b"}, "pattern .* lookaround"),
        ({"pattern": "^a$", "maxLength": 0}, "no value was found"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "no value was found"),
        ({"$ref": "#"}, "leads back to itself"),
        (_object(a={"$ref": "#/properties/a"}), "leads back to itself"),
        (_object(a={"anyOf": [{"$ref": "#/properties/a"}, TEXT]}), "leads back to itself"),
        (
            {
                **_object(a={"$ref": "#/$defs/b"}),
                "$defs": {"b": {"allOf": [{"$ref": "#/$defs/c"}]}, "c": {"$ref": "#/$defs/b"}},
            },
            "leads back to itself",
        ),
        ({"unevaluatedProperties": False}, "unevaluatedProperties is not supported"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(
    service: Running, schema: dict[str, Any], words: str
) -> None:
    with pytest.raises(SchemaError, match=words):
        check_schema(schema)
    text: Any = {"format": {"type": "json_schema", "name": "x", "schema": schema}}
    with pytest.raises(openai.BadRequestError, match=words):
        service.client.responses.create(model="sim-agent-mini", input="x", text=text)


def _ladder(rung: Any, foot: dict[str, Any], length: int = 40) -> dict[str, Any]:
    """References each of which is made of the next, twice."""
    rungs = {f"d{n}": rung({"$ref": f"#/$defs/d{n + 1}"}) for n in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": {**rungs, f"d{length}": foot}}


def _either(below: Any) -> Any:
    return {"anyOf": [below, below]}


def _both(below: Any) -> Any:
    return {"type": "object", "properties": {"a": below, "b": below}, "required": ["a", "b"]}


def _nested(times: int, length: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "boolean"}
    for _ in range(times):
        schema = {"type": "array", "minItems": length, "items": schema}
    return schema


CHILDREN = {"type": "object", "properties": {name: {"$ref": "#"} for name in "abcd"},
            "required": list("abcd")}  # fmt: skip
TOO_MUCH: list[dict[str, Any]] = [
    {"const": "a" * 40 + "b", "pattern": "^(a+)+$"},
    {"pattern": "((a{100}){100}){100}"},
    CHILDREN,
    _nested(2, 1_000),
    _nested(1, 10_000_000),
    _nested(40, 2),
    _ladder(_both, {"type": "string"}),
    _ladder(_either, {"type": "string"}),
    {"allOf": [{"$ref": "#"}, {"type": "object"}]},
    {"allOf": [{"$ref": "#/$defs/c"}] * 15_000, "$defs": {"c": {"const": [1] * 50_000}}},
    {"anyOf": [{"type": "string"}] * 5_000, "enum": [[1] * 100_000]},
    {"properties": {f"p{n}": {} for n in range(5_001)}},
    {"enum": list(range(1_001))},
    {"patternProperties": {f"p{n}": {} for n in range(101)}},
    {"description": "x" * 500_001},
]


@pytest.mark.parametrize("schema", TOO_MUCH)
def test_a_schema_that_would_stop_the_service_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        check_schema(schema)


def test_an_answer_that_takes_too_much_work_does_not_conform() -> None:
    greedy = {"pattern": "^(a+)+$", "examples": ["a"]}
    assert repair_answer("a" * 10_000 + "b", greedy) == '"a"'
    union = {"anyOf": [{"type": "array", "items": {"$ref": "#"}, "minItems": n} for n in (1, 2)]}
    ambiguous = {"anyOf": [*union["anyOf"], {"type": "string"}]}
    assert not conforms("[" * 60 + "5" + "]" * 60, ambiguous)


def test_as_many_properties_as_are_read_can_be_answered() -> None:
    names = [f"p{number}" for number in range(5_000)]
    schema = {"properties": {name: {"type": "string"} for name in names}, "required": names}
    assert json.loads(repair_answer("prose", schema)) == dict.fromkeys(names, "prose")


# --- through the model ---------------------------------------------------------------------------


class Step(BaseModel):
    said: str
    sure: bool | None
    then: Step | None


def test_parsing_into_a_model_always_gives_one(service: Running, simulated: Running) -> None:
    for one in (service, simulated):
        answer = one.client.responses.parse(
            model="sim-agent-mini", input="What is 2 + 2?", text_format=Step
        )
        assert isinstance(answer.output_parsed, Step)


def test_a_json_object_holds_an_answer(simulated: Running) -> None:
    text: Any = {"format": {"type": "json_object"}}
    answer = simulated.client.responses.create(model="sim-agent-mini", input="What?", text=text)
    assert json.loads(answer.output_text)["answer"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "minItems": 400, "items": {"type": "array", "items": {"type": "string"}}},
        {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(1_000)}},
        {"properties": {"a": True, "b": {"type": "array", "items": True}}, "type": "object"},
    ],
)
def test_the_simulated_model_answers_in_odd_and_large_schemas(
    simulated: Running, schema: Any
) -> None:
    text: Any = {"format": {"type": "json_schema", "name": "x", "schema": schema}}
    answer = simulated.client.responses.create(model="sim-agent-mini", input="What?", text=text)
    jsonschema.validate(json.loads(answer.output_text), schema)
