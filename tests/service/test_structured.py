"""Answers held to a JSON Schema."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from buildhour_helpers.service.structured import SchemaError, check_schema, conforms, held_to

from .conftest import Running

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
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS)
def test_any_text_is_made_to_satisfy_a_schema(schema: dict[str, Any]) -> None:
    assert conforms(held_to("I could not find it.", schema), schema)


def test_what_satisfies_it_already_stays_as_it_is() -> None:
    text = '{"a":   "b", "more": 1}'
    assert held_to(text, SCHEMAS[2]) == text
    assert json.loads(held_to("prose", SCHEMAS[2])) == {"a": "prose"}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "http://127.0.0.1/schema"}, "leads out of the schema"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "leads out of the schema"),
        ({"type": "nothing"}, "not a usable JSON Schema"),
        ({"$ref": "#/$defs/missing"}, "not a usable JSON Schema"),
        ({"pattern": "("}, "not a usable JSON Schema"),
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
