"""What OpenAI's API accepts as a function tool: its name, and the schema of its parameters.

One rule for requests and for dataset rows; the messages are those of the real API.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

MAX_NAME_CHARACTERS = 64
NAME = re.compile(rf"[a-zA-Z0-9_-]{{1,{MAX_NAME_CHARACTERS}}}")

_NOT_AT_THE_TOP = ("oneOf", "anyOf", "allOf", "enum", "not")
_ONE_SCHEMA = ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then",
               "else")  # fmt: skip
_LIST_OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED_SCHEMAS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")

Context = tuple[str, ...]


def name_problem(name: str) -> str | None:
    """What is wrong with a function's name, or None."""
    if len(name) > MAX_NAME_CHARACTERS:
        return f"string too long, {len(name)} characters; use at most {MAX_NAME_CHARACTERS}"
    if not NAME.fullmatch(name):
        return (
            f"{name!r} does not match the pattern '^[a-zA-Z0-9_-]+$'; "
            "use letters, digits, '_' and '-'"
        )
    return None


def parameters_problem(parameters: Mapping[str, Any]) -> str | None:
    """What is wrong with the schema of a function's parameters, or None."""
    kind = parameters.get("type")
    if kind != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'"
    if any(keyword in parameters for keyword in _NOT_AT_THE_TOP):
        forbidden = "/".join(f"'{keyword}'" for keyword in _NOT_AT_THE_TOP)
        return f"schema must have type 'object' and not have {forbidden} at the top level"
    if "properties" not in parameters:
        return "In context=(), object schema missing properties"
    for context, schema in _schemas(parameters):
        declared = schema.get("type")
        is_array = declared == "array" or (isinstance(declared, list) and "array" in declared)
        if is_array and "items" not in schema:
            return f"In context={context}, array schema missing items"
    return None


def _schemas(root: Mapping[str, Any]) -> Iterator[tuple[Context, Mapping[str, Any]]]:
    """A schema and all schemas within it, references followed, each with its place."""
    waiting: list[tuple[Context, Any]] = [((), root)]
    seen = set[int]()
    while waiting:
        context, schema = waiting.pop()
        if not isinstance(schema, dict) or id(schema) in seen:
            continue
        seen.add(id(schema))
        yield context, schema
        waiting += _children(context, schema)
        if isinstance(reference := schema.get("$ref"), str):
            waiting.append((_pointer(reference), _target(root, reference)))


def _children(context: Context, schema: Mapping[str, Any]) -> Iterator[tuple[Context, Any]]:
    for keyword in _ONE_SCHEMA:
        yield (*context, keyword), schema.get(keyword)
    for keyword in _LIST_OF_SCHEMAS:
        if isinstance(listed := schema.get(keyword), list):
            yield from (((*context, keyword, str(n)), part) for n, part in enumerate(listed))
    for keyword in _NAMED_SCHEMAS:
        if isinstance(named := schema.get(keyword), dict):
            yield from (((*context, keyword, name), part) for name, part in named.items())


def _pointer(reference: str) -> Context:
    steps = unquote(reference).split("/")[1:]
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)


def _target(root: Mapping[str, Any], reference: str) -> Any:
    """What a `$ref` within the schema names; None for any other."""
    value: Any = root if reference.startswith("#") else None
    for step in _pointer(reference):
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value
