"""What may come as a JSON Schema: its form, its size, and where it may refer to.

Checked as a whole before anything reads it, in one walk, so that whatever reads it later finds each
keyword to be of its kind. The metaschema would say the same, a thousand times slower.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from rft_service.strict_json import dumps

MAX_CHARACTERS = 500_000  # of the schema as compact JSON
MAX_PROPERTIES = 5_000  # in all its objects, as OpenAI has it
MAX_ENUM_VALUES = 1_000  # in all its enums, as OpenAI has it
TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})


class SchemaError(ValueError):
    """A schema that is none, that is too large, or that refers to something outside itself."""


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_bound(value: Any) -> bool:
    return is_number(value) and abs(value) <= sys.float_info.max


def _is_count(value: Any) -> bool:
    return _is_bound(value) and value >= 0 and value == int(value)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_type(value: Any) -> bool:
    kinds = value if isinstance(value, list) else [value]
    return bool(kinds) and _are_names(kinds) and TYPES.issuperset(kinds)


def _are_dependencies(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_are_names, value.values()))


_IN_PLACE = ("items", "additionalProperties", "propertyNames", "contains", "not", "if", "then",
             "else")  # fmt: skip
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")

Form = tuple[str, Callable[[Any], bool]]
_FORMS: Mapping[str, Form] = {
    "type": (f"one or more of {', '.join(sorted(TYPES))}", _is_type),
    "enum": ("a list with a value at least", lambda value: isinstance(value, list) and bool(value)),
    "required": ("a list of names", _are_names),
    "dependentRequired": ("an object of lists of names", _are_dependencies),
    "multipleOf": ("a number above 0", lambda value: _is_bound(value) and value > 0),
    "uniqueItems": ("true or false", lambda value: isinstance(value, bool)),
    **dict.fromkeys(
        ("$ref", "$id", "$schema", "title", "description", "format", "pattern"),
        ("a string", lambda value: isinstance(value, str)),
    ),
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), ("a number", _is_bound)
    ),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains",
         "minProperties", "maxProperties"),
        ("a whole number from 0", _is_count),
    ),
    **dict.fromkeys(
        _LISTED,
        ("a list with a schema at least", lambda value: isinstance(value, list) and bool(value)),
    ),
    **dict.fromkeys(_NAMED, ("an object of schemas", lambda value: isinstance(value, dict))),
}  # fmt: skip


def resolve(reference: str, root: Any) -> Any:
    """What a `$ref` names. Raises SchemaError where it is nothing within the schema."""
    if reference != "#" and not reference.startswith("#/"):
        raise SchemaError(f"$ref {reference!r} leads out of the schema; use #/$defs/...")
    value = root
    for part in unquote(reference).split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (LookupError, TypeError, ValueError):
            raise SchemaError(f"$ref {reference!r} names nothing in the schema") from None
    return value


def parts_of(root: Any) -> list[Mapping[str, Any]]:
    """A schema and all schemas within it. Raises SchemaError at the first that is none."""
    parts = dict[int, Mapping[str, Any]]()
    waiting = [("the schema", root)]
    while waiting:
        path, part = waiting.pop()
        if isinstance(part, bool) or id(part) in parts:
            continue
        if not isinstance(part, dict):
            raise SchemaError(f"{path} must be an object")
        parts[id(part)] = part
        where = "" if part is root else f"{path}."
        _check_keywords(part, where)
        waiting += _children(part, where)
        if "$ref" in part:
            waiting.append((part["$ref"], resolve(part["$ref"], root)))
    _check_size(parts.values())
    return list(parts.values())


def _check_keywords(part: Mapping[str, Any], where: str) -> None:
    for keyword, value in part.items():
        what, fits = _FORMS.get(keyword, ("", None))
        if fits and not fits(value):
            raise SchemaError(f"{where}{keyword} must be {what}")


def _children(part: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any]]:
    for keyword in _IN_PLACE:
        if keyword in part:
            yield f"{where}{keyword}", part[keyword]
    for keyword in _LISTED:
        for number, child in enumerate(part.get(keyword, ())):
            yield f"{where}{keyword}[{number}]", child
    for keyword in _NAMED:
        for name, child in part.get(keyword, {}).items():
            yield f"{where}{keyword}.{name}", child


def _check_size(parts: Any) -> None:
    for keyword, most in (("properties", MAX_PROPERTIES), ("enum", MAX_ENUM_VALUES)):
        count = sum(len(part.get(keyword, ())) for part in parts)
        if count > most:
            raise SchemaError(f"{count} values of `{keyword}` in all; at most {most} are read")


def text_of(schema: Mapping[str, Any]) -> str:
    """A schema as compact JSON. Raises SchemaError if that is too long."""
    text = dumps(schema)
    if len(text) > MAX_CHARACTERS:
        raise SchemaError(f"{len(text)} characters; at most {MAX_CHARACTERS} are read")
    return text


def check_parameters(schema: Mapping[str, Any]) -> None:
    """Raises SchemaError if a tool's `parameters` are no JSON Schema that a model can fill in."""
    _check_parameters(text_of(schema))


@lru_cache(maxsize=64)
def _check_parameters(text: str) -> None:
    root = json.loads(text)
    parts_of(root)
    for name, child in root.get("properties", {}).items():
        if isinstance(child, bool):
            raise SchemaError(f"properties.{name} must be an object; write {{}} for any value")
