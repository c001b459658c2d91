"""What may come as a JSON Schema (2020-12), and whether a value satisfies it.

A schema comes with a request and is used on the event loop, so its size is bounded: as text, and in
parts once every reference is followed, which references that multiply would otherwise make
endless. jsonschema-rs does the rest: it matches patterns in linear time, evaluates a recursive
reference once per value, and fetches nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Any
from urllib.parse import quote, unquote

from jsonschema_rs import (
    Draft202012,
    Draft202012Validator,
    ReferencingError,
    RegexOptions,
    Registry,
    ValidationError,
    ValidationErrorKind,
)

from rft_service.strict_json import dumps, loads

MAX_CHARACTERS = 500_000  # of the schema as compact JSON
MAX_PROPERTIES = 5_000  # in all its objects, as OpenAI has it
MAX_ENUM_VALUES = 1_000  # in all its enums, as OpenAI has it
MAX_PATTERNS = 100
MAX_PATTERN_BYTES = 2**18  # of one pattern, compiled
MAX_PARTS = 20_000  # with every reference followed, but not into itself
UNSUPPORTED = ("unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef")
TOO_DEEP = "it is nested too deeply, or its references form too long a chain; shorten it"
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")

_ROOT = "urn:schema"
_SAME_VALUE = ("not", "if", "then", "else")
_IN_PLACE = (*_SAME_VALUE, "items", "additionalProperties", "propertyNames", "contains")
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
# Left out: they change what a reference names, or hold references that no check of a value follows.
_IGNORED = ("$id", "$schema", "$anchor", "$dynamicAnchor", "$vocabulary", "contentSchema",
            "additionalItems", "dependencies")  # fmt: skip

_METASCHEMA = Draft202012Validator(
    {"$ref": "https://json-schema.org/draft/2020-12/schema"}, validate_formats=False, offline=True
)

Schema = Mapping[str, Any]
Part = Schema | bool


class SchemaError(ValueError):
    """A schema that is malformed, too large, or refers to something outside itself."""


class CompiledSchema:
    """A schema ready for use. Raises SchemaError that names the place and what is wrong there."""

    def __init__(self, text: str) -> None:
        self.root: Schema = json.loads(text)
        parts = _parts_of(self.root)
        for keyword in UNSUPPORTED:
            if any(keyword in part for part in parts):
                raise SchemaError(f"{keyword} is not supported here; leave it out")
        for pattern in {pattern for part in parts for pattern in _patterns_of(part)}:
            _check_pattern(pattern)
        for part in parts:
            # Every reference becomes absolute, so that each part can be compiled by itself.
            if "$ref" in part:
                part["$ref"] = f"{_ROOT}#{quote(unquote(part['$ref'][1:]), safe='/~')}"
        try:
            self._registry = Registry([(_ROOT, self.root)], draft=Draft202012, retriever=_refuse)
        except (ReferencingError, ValueError) as error:
            raise SchemaError(f"its references cannot be used: {str(error)[:200]}") from None
        self.size = len(parts)
        self._validators: dict[int, Draft202012Validator | None] = {id(p): None for p in parts}
        self.holds(self.root, None)

    def conforms(self, text: str) -> bool:
        """Whether a text is JSON that satisfies the schema."""
        try:
            return self.holds(self.root, loads(text.encode()))
        except ValueError:  # not JSON
            return False

    def holds(self, part: Part, value: Any) -> bool:
        """Whether a value satisfies a part of the schema, or one merged from its parts."""
        if isinstance(part, bool):
            return part
        validator = self._validators.get(id(part)) or self._compile(part)
        if id(part) in self._validators:
            self._validators[id(part)] = validator
        try:
            return validator.is_valid(value)
        except ValueError:  # half a character
            return False

    def target(self, reference: str) -> Any:
        return target_of(reference.removeprefix(_ROOT), self.root)

    def _compile(self, part: Schema) -> Draft202012Validator:
        try:
            return Draft202012Validator(
                dict(part),
                validate_formats=True,
                registry=self._registry,
                pattern_options=_PATTERN_OPTIONS,
                offline=True,
            )
        except ValidationError as error:
            raise SchemaError(_problem(error)) from None
        except (ReferencingError, ValueError):  # the library's limit of recursion
            raise SchemaError(TOO_DEEP) from None


_PATTERN_OPTIONS = RegexOptions(size_limit=MAX_PATTERN_BYTES, dfa_size_limit=2**16)


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is not fetched")


def _parts_of(root: Schema) -> list[dict[str, Any]]:
    """A schema, all schemas within it, and what its references name. Raises SchemaError."""
    parts = dict[int, dict[str, Any]]()
    targets: list[tuple[str, Any]] = [("", root)]
    while targets:
        waiting = [targets.pop()]
        if id(waiting[0][1]) not in parts:
            for error in _METASCHEMA.iter_errors(waiting[0][1]):
                raise SchemaError(_problem(error, waiting[0][0]))
        while waiting:
            path, part = waiting.pop()
            if isinstance(part, bool) or id(part) in parts:
                continue
            parts[id(part)] = part
            where = f"{path}." if path else ""
            _check_values(part, where)
            for keyword in _IGNORED:
                part.pop(keyword, None)
            waiting += _children(part, where)
            if "$ref" in part:
                targets.append((part["$ref"], target_of(part["$ref"], root)))
    patterns = {pattern for part in parts.values() for pattern in _patterns_of(part)}
    for what, count, most in (
        ("values of `properties`", _total(parts, "properties"), MAX_PROPERTIES),
        ("values of `enum`", _total(parts, "enum"), MAX_ENUM_VALUES),
        ("patterns", len(patterns), MAX_PATTERNS),
    ):
        if count > most:
            raise SchemaError(f"it has {count} {what}; at most {most} are accepted")
    _check_descent(parts, root)
    sizes: dict[int, int] = {}

    def size(part: Part) -> int:
        """How many parts there are if each reference is followed, but none into itself."""
        if isinstance(part, bool):
            return 1
        if id(part) not in sizes:
            sizes[id(part)] = 1  # while it is being counted
            count = 1 + sum(size(child) for _, child in _children(part))
            count += size(target_of(part["$ref"], root)) if "$ref" in part else 0
            sizes[id(part)] = min(count, MAX_PARTS + 1)
        return sizes[id(part)]

    try:
        if size(root) > MAX_PARTS:
            raise SchemaError(f"its references make more than {MAX_PARTS} parts; use fewer")
    except RecursionError:
        raise SchemaError(TOO_DEEP) from None
    return list(parts.values())


def _total(parts: Mapping[int, Schema], keyword: str) -> int:
    return sum(len(part[keyword]) for part in parts.values() if keyword in part)


def _check_descent(parts: Mapping[int, Schema], root: Schema) -> None:
    """Raises SchemaError where a reference asks for itself of the same value, which says nothing;
    a checker may take that for satisfied, or never end."""
    followed = {key: set(map(id, _of_same_value(part, root))) for key, part in parts.items()}
    try:
        TopologicalSorter(followed).prepare()
    except CycleError as error:
        reference = next(parts[key]["$ref"] for key in error.args[1] if "$ref" in parts[key])
        raise SchemaError(
            f"$ref {reference!r} leads back to itself; use it within a property or item instead"
        ) from None


def _of_same_value(part: Schema, root: Schema) -> Iterator[Part]:
    """The schemas that a schema's value, not one within it, is checked against."""
    if "$ref" in part:
        yield target_of(part["$ref"], root)
    yield from (part[keyword] for keyword in _SAME_VALUE if keyword in part)
    for keyword in ("allOf", "anyOf", "oneOf"):
        yield from part.get(keyword, ())
    yield from part.get("dependentSchemas", {}).values()


def target_of(pointer: str, root: Schema) -> Any:
    """What a `$ref` names. Raises SchemaError if that is nothing within the schema."""
    if pointer != "#" and not pointer.startswith("#/"):
        raise SchemaError(f"$ref {pointer!r} leads out of the schema; use #/$defs/...")
    value: Any = root
    for part in unquote(pointer).split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (LookupError, TypeError, ValueError):
            raise SchemaError(f"$ref {pointer!r} names nothing in the schema") from None
    return value


def _check_values(part: Schema, where: str) -> None:
    """What JSON Schema's own schema lets pass, and what reads a schema cannot use."""
    if part.get("enum") == []:
        raise SchemaError(f"{where}enum must have at least one value")
    for keyword in _BOUNDS:
        if abs(part.get(keyword, 0)) > sys.float_info.max:
            raise SchemaError(f"{where}{keyword} is out of range; use a smaller number")


def _patterns_of(part: Schema) -> list[str]:
    return [*([part["pattern"]] if "pattern" in part else []), *part.get("patternProperties", ())]


def _check_pattern(pattern: str) -> None:
    try:
        Draft202012Validator({"pattern": pattern}, pattern_options=_PATTERN_OPTIONS)
    except ValidationError:
        raise SchemaError(
            f"the pattern {pattern[:100]!r} cannot be used; lookaround, backreferences and very "
            "large repetitions are not supported"
        ) from None


def _children(part: Schema, where: str = "") -> Iterator[tuple[str, Any]]:
    """The schemas within a schema, each with its path."""
    for keyword in _IN_PLACE:
        if keyword in part:
            yield f"{where}{keyword}", part[keyword]
    for keyword in _LISTED:
        for index, child in enumerate(part.get(keyword, ())):
            yield f"{where}{keyword}[{index}]", child
    for keyword in _NAMED:
        for name, child in part.get(keyword, {}).items():
            yield f"{where}{keyword}.{name}", child


def _problem(error: ValidationError, path: str = "") -> str:
    """What the library found wrong with a schema: the place, then the problem."""
    for step in error.instance_path:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    path = path.removeprefix(".") or "the schema"
    if isinstance(error.kind, ValidationErrorKind.AnyOf):  # the metaschema has it for `type` only
        return f"{path} must be one or more of {', '.join(TYPES)}"
    if isinstance(error.kind, ValidationErrorKind.Type):
        types = error.kind.types
        what = f"of type {types[0]}" if len(types) == 1 else "a schema, which is an object"
        return f"{path} must be {what}"
    return f"{path}: {error.message[:300]}"


def text_of(schema: Schema) -> str:
    """A schema as compact JSON. Raises SchemaError if that is too long."""
    text = dumps(schema)
    if len(text) > MAX_CHARACTERS:
        raise SchemaError(f"it has {len(text)} characters; at most {MAX_CHARACTERS} are accepted")
    return text


def check_parameters(schema: Schema) -> None:
    """Raises SchemaError if a tool's `parameters` are not a usable JSON Schema."""
    _check_parameters(text_of(schema))


@lru_cache(maxsize=64)
def _check_parameters(text: str) -> None:
    root = json.loads(text)
    _parts_of(root)
    for name, child in root.get("properties", {}).items():
        if isinstance(child, bool):
            raise SchemaError(f"properties.{name} must be an object; write {{}} for any value")
