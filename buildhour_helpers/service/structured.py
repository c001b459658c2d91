"""Structured outputs: what a model says is made to satisfy the schema that was asked for.

A real service constrains each token. Here the policy answers first; an answer that does not satisfy
the schema is put into the smallest value that does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import fastjsonschema

from ..training.policy import Conversation, Draw, Policy, Turn
from .strict_json import dumps, loads

MAX_SCHEMA_DEPTH = 32
MAX_ITEMS = 1_000


class SchemaError(ValueError):
    """A schema that is none, or that refers to something outside itself."""


@lru_cache(maxsize=256)
def _validator(text: str) -> Callable[[Any], Any]:
    schema = json.loads(text)
    if foreign := _foreign_reference(schema):
        raise SchemaError(f"$ref {foreign!r} leads out of the schema; use #/$defs/...")
    try:
        validate: Callable[[Any], Any] = fastjsonschema.compile(schema)
    except Exception as error:  # whatever an odd schema brings its compiler to
        raise SchemaError(f"not a usable JSON Schema ({type(error).__name__}: {error})") from None
    return validate


def _foreign_reference(schema: Any) -> str | None:
    """The first reference that would be fetched from elsewhere."""
    if isinstance(schema, list):
        return next(filter(None, map(_foreign_reference, schema)), None)
    if not isinstance(schema, dict):
        return None
    reference = schema.get("$ref")
    if isinstance(reference, str) and not reference.startswith("#"):
        return reference
    return next(filter(None, map(_foreign_reference, schema.values())), None)


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raises SchemaError if answers cannot be held to a schema."""
    _validator(dumps(schema))


def satisfies(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a JSON value satisfies a schema. Raises SchemaError."""
    try:
        _validator(dumps(schema))(value)
    except (fastjsonschema.JsonSchemaException, RecursionError):
        return False
    return True


def conforms(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether a text is JSON that satisfies a schema. Raises SchemaError."""
    try:
        value = loads(text.encode())
    except ValueError:
        return False
    return satisfies(value, schema)


def held_to(text: str, schema: Mapping[str, Any]) -> str:
    """The text, if it satisfies the schema, else the smallest value that does and holds the text
    where there is a place for one; the text again if none was found."""
    if conforms(text, schema):
        return text
    try:
        value = _smallest(schema, schema, text, 0)
    except (TypeError, ValueError, LookupError):  # keywords of kinds that nobody expects
        return text
    return json.dumps(value, ensure_ascii=False) if satisfies(value, schema) else text


def _smallest(schema: Any, root: Mapping[str, Any], text: str, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > MAX_SCHEMA_DEPTH:
        return None
    if "$ref" in schema:
        return _smallest(_resolve(schema["$ref"], root), root, text, depth + 1)
    for key in ("const", "enum"):
        if key in schema:
            return schema[key] if key == "const" else schema[key][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return _smallest(schema[key][0], root, text, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        names: list[str] = schema["required"] if "required" in schema else list(properties)
        return {n: _smallest(properties.get(n, {}), root, text, depth + 1) for n in names}
    if kind == "array":
        item = _smallest(schema.get("items", {}), root, text, depth + 1)
        return [item] * min(MAX_ITEMS, int(schema.get("minItems", 0)))
    if kind in ("number", "integer"):
        return _number_within(schema)
    if kind == "string":
        return text[: schema.get("maxLength", len(text))]
    return False if kind == "boolean" else None


def _number_within(schema: Mapping[str, Any]) -> float | int:
    """A number that keeps to `minimum` and `maximum`: 0 where it may be."""
    low = schema.get("minimum", schema.get("exclusiveMinimum", float("-inf")) + 1)
    high = schema.get("maximum", schema.get("exclusiveMaximum", float("inf")) - 1)
    number: float | int = min(max(0, low), high)
    return number


def _resolve(reference: str, root: Mapping[str, Any]) -> Any:
    value: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        value = value.get(part) if isinstance(value, Mapping) and part else value
    return value


async def sample(policy: Policy, conversation: Conversation, draw: Draw) -> Turn:
    """A policy's turn, its final answer held to the conversation's `response_format`."""
    turn = await policy.sample(conversation, draw)
    if turn.text is None or conversation.response_format is None:
        return turn
    return replace(turn, text=held_to(turn.text, conversation.response_format))
