"""What may come as a JSON Schema (2020-12), and whether a value satisfies it.

A schema comes with a request and is used on the event loop, so it must not be able to hold that up.
jsonschema-rs matches patterns in linear time and evaluates a recursive reference once per value,
but references that multiply cost it exponential time. So the work is estimated before it is done.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
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
MAX_PATTERN_BYTES = 2**22  # of all patterns, compiled
MAX_WORK = 5_000_000  # to check a value: at most about half a second
UNSUPPORTED = ("unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef")
TOO_DEEP = "it is nested too deeply, or its references form too long a chain; shorten it"
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")

# The library does not say how large a compiled pattern is, only whether it is below a limit.
_PATTERN_SIZES = (2**12, 2**14, 2**16, 2**18, 2**20)  # bytes
_BYTES_PER_WORK = 1_000  # match a character in 0.07 us at worst; other keywords take up to 0.1 us
_BYTES_PER_PART = 200  # take as long to compile as a part without a pattern

_ROOT = "urn:schema"
_IN_PLACE = ("items", "additionalProperties", "propertyNames", "contains", "not", "if", "then",
             "else")  # fmt: skip
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_BEING_MEASURED = (1, 0)
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
        self._patterns = _pattern_sizes(parts)
        for part in parts:
            # Every reference becomes absolute, so that each part can be compiled by itself.
            if "$ref" in part:
                part["$ref"] = f"{_ROOT}#{quote(unquote(part['$ref'][1:]), safe='/~')}"
        self.size = len(parts) + sum(self._patterns.values()) // _BYTES_PER_PART + len(text) // 100
        try:
            self._registry = Registry([(_ROOT, self.root)], draft=Draft202012, retriever=_refuse)
        except (ReferencingError, ValueError) as error:
            raise SchemaError(f"its references cannot be used: {str(error)[:200]}") from None
        self._validator = self._compile(self.root)
        self._measured = dict[int, tuple[int, int]]()
        self._recursive = set[int]()
        try:
            work, _ = self._measure(self.root)
        except RecursionError:
            raise SchemaError(TOO_DEEP) from None
        self._repeated = sum(self._measured[target][0] for target in self._recursive)
        self._root_work = work + self._repeated

    def conforms(self, text: str) -> bool:
        """Whether a text is JSON that satisfies the schema; False if that is too much work."""
        try:
            return self.holds(loads(text.encode()), len(text))
        except ValueError:  # not JSON
            return False

    def holds(self, value: Any, characters: int) -> bool:
        """Whether a value of so many characters as JSON satisfies the schema; False if that is too
        much work."""
        if characters * self._root_work > MAX_WORK:
            return False
        try:
            return self._validator.is_valid(value)
        except ValueError:  # half a character
            return False

    def checked(self, part: Part) -> tuple[Callable[[Any], bool], int, int]:
        """Whether a value satisfies a part of the schema, or one merged from its parts; how often,
        at most, that looks at a character of the value; and how large the part is."""
        if isinstance(part, bool):
            return lambda _: part, 1, 1
        # A merged part asks for no more than all parts do.
        work, size = self._measured.get(id(part), (self._root_work, self.size))
        return self._compile(part).is_valid, work + self._repeated, size

    def target(self, reference: str) -> Any:
        return target_of(reference.removeprefix(_ROOT), self.root)

    def _compile(self, part: Schema) -> Draft202012Validator:
        try:
            return Draft202012Validator(
                dict(part),
                validate_formats=True,
                registry=self._registry,
                pattern_options=_regex_options(_PATTERN_SIZES[-1]),
                offline=True,
            )
        except ValidationError as error:
            raise SchemaError(_problem(error)) from None
        except (ReferencingError, ValueError):  # the library's limit of recursion
            raise SchemaError(TOO_DEEP) from None

    def _measure(self, part: Part) -> tuple[int, int]:
        """The work of a part and its size, which is the work of compiling it. Of an object's
        properties each character is in one, so the most expensive counts."""
        if isinstance(part, bool):
            return 1, 1
        if id(part) in self._measured:
            return self._measured[id(part)]
        self._measured[id(part)] = _BEING_MEASURED
        properties = [self._measure(child) for child in part.get("properties", {}).values()]
        others = [self._measure(part[keyword]) for keyword in _IN_PLACE if keyword in part]
        for keyword in _LISTED:
            others += map(self._measure, part.get(keyword, ()))
        for keyword in ("patternProperties", "dependentSchemas"):
            others += map(self._measure, part.get(keyword, {}).values())
        if "$ref" in part:
            target = self.target(part["$ref"])
            others.append(self._measure(target))
            if others[-1] == _BEING_MEASURED:
                self._recursive.add(id(target))
        pattern_bytes = sum(map(self._patterns.__getitem__, _patterns_of(part)))
        work = 1 + _count(part, "enum") + pattern_bytes // _BYTES_PER_WORK
        work += max((work for work, _ in properties), default=0) + sum(work for work, _ in others)
        size = 1 + pattern_bytes // _BYTES_PER_PART
        size += sum(size for _, size in (*properties, *others))
        self._measured[id(part)] = work, min(size, self.size)
        return self._measured[id(part)]


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
    _check_descent(parts, root)
    for keyword, limit in (("properties", MAX_PROPERTIES), ("enum", MAX_ENUM_VALUES)):
        count = sum(_count(part, keyword) for part in parts.values())
        _check_count(f"values of `{keyword}`", count, limit)
    return list(parts.values())


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
    for keyword in ("not", "if", "then", "else"):
        if keyword in part:
            yield part[keyword]
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


def _check_count(what: str, count: int, limit: int) -> None:
    if count > limit:
        raise SchemaError(f"it has {count} {what}; at most {limit} are accepted")


def _patterns_of(part: Schema) -> list[str]:
    return [*([part["pattern"]] if "pattern" in part else []), *part.get("patternProperties", ())]


def _regex_options(size: int) -> RegexOptions:
    return RegexOptions(size_limit=size, dfa_size_limit=2**16)


def _pattern_sizes(parts: list[dict[str, Any]]) -> dict[str, int]:
    """The size of each pattern, compiled, in bytes. Raises SchemaError."""
    patterns = {pattern for part in parts for pattern in _patterns_of(part)}
    _check_count("patterns", len(patterns), MAX_PATTERNS)
    sizes = dict[str, int]()
    for pattern in patterns:
        sizes[pattern] = _pattern_size(pattern)
        if sum(sizes.values()) > MAX_PATTERN_BYTES:
            raise SchemaError("its patterns are too large together; use smaller repetitions")
    return sizes


def _pattern_size(pattern: str) -> int:
    for size in _PATTERN_SIZES:
        with suppress(ValidationError):
            Draft202012Validator({"pattern": pattern}, pattern_options=_regex_options(size))
            return size
    raise SchemaError(
        f"the pattern {pattern[:100]!r} cannot be used; lookaround, backreferences and very large "
        "repetitions are not supported"
    )


def _children(part: Schema, where: str) -> Iterator[tuple[str, Any]]:
    for keyword in _IN_PLACE:
        if keyword in part:
            yield f"{where}{keyword}", part[keyword]
    for keyword in _LISTED:
        for index, child in enumerate(part.get(keyword, ())):
            yield f"{where}{keyword}[{index}]", child
    for keyword in _NAMED:
        for name, child in part.get(keyword, {}).items():
            yield f"{where}{keyword}.{name}", child


def _count(part: Schema, keyword: str) -> int:
    value = part.get(keyword)
    return len(value) if isinstance(value, list | dict) else 0


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
