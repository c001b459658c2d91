"""The smallest value that satisfies a JSON Schema and holds a text where there is a place for one.

What a `$ref` stands for is found in rounds: the first find what needs no other reference, the next
what needs those. So a schema that refers to itself ends at its shallowest value, and references
that multiply cost no more than those that do not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from rft_service.schemas.patterns import EXAMPLES
from rft_service.schemas.validation import Validation
from rft_service.strict_json import dumps

MAX_CHARACTERS = 1_000_000  # of a value as JSON, roughly

_ANNOTATIONS = frozenset({"title", "description", "default", "examples", "$defs", "$schema", "$id"})
_TIGHTER_WHEN_HIGHER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_TIGHTER_WHEN_LOWER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_TELLING = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "prefixItems", "minItems"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}
"""Keywords that tell of a type where `type` is left out."""

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """A value, its length as JSON, and whether the text is in it."""

    value: Any
    characters: int
    has_text: bool = False


def smallest(run: Validation, root: Schema, text: str) -> Found | None:
    """The value, or None if none was found. Raises StepLimitError."""
    search = _Search(run, text)
    while True:
        found = search.of(root)
        if found is not None or not search.learn():
            return found


class _Search:
    def __init__(self, run: Validation, text: str) -> None:
        self._run = run
        self._text = text
        self._asked: dict[str, None] = {}
        self._known: dict[str, Found] = {}

    def learn(self) -> bool:
        """A round over the references that are not known yet; whether it brought anything new."""
        before = len(self._asked) + len(self._known)
        unknown = [reference for reference in self._asked if reference not in self._known]
        found = {reference: self.of(self._run.target(reference)) for reference in unknown}
        self._known.update({reference: f for reference, f in found.items() if f is not None})
        return len(self._asked) + len(self._known) > before

    def of(self, schema: Schema | bool) -> Found | None:
        self._run.spend(1)
        part = {} if isinstance(schema, bool) else schema
        given = [*part.get("examples", ()), *([part["default"]] if "default" in part else [])]
        for found in chain(self._candidates(part), map(self._given, given)):
            if found.characters <= MAX_CHARACTERS and self._run.holds(found.value, schema):
                return found
        return None

    def _given(self, value: Any) -> Found:
        found = Found(value, len(dumps(value)))
        self._run.spend(found.characters // 1_000)
        return found

    def _candidates(self, schema: Schema) -> Iterator[Found]:
        if "const" in schema:
            yield self._given(schema["const"])
        elif "enum" in schema:
            yield from map(self._given, schema["enum"])
        elif "$ref" in schema:
            self._asked[schema["$ref"]] = None
            if schema["$ref"] in self._known:
                yield self._known[schema["$ref"]]
        elif "allOf" in schema:
            yield from self._all_of(schema)
        elif "anyOf" in schema or "oneOf" in schema:
            yield from self._branches(schema, "anyOf" if "anyOf" in schema else "oneOf")
        else:
            for kind in _kinds(schema):
                yield from self._of_kind(kind, schema)

    def _of_kind(self, kind: str, schema: Schema) -> Iterator[Found]:
        if kind == "object":
            yield from self._objects(schema)
        elif kind == "array":
            yield from self._arrays(schema)
        elif kind == "string":
            yield from self._strings(schema)
        elif kind in ("number", "integer"):
            yield from map(self._given, _numbers(schema))
        elif kind == "boolean":
            yield from map(self._given, (False, True))
        else:
            yield self._given(None)

    def _objects(self, schema: Schema) -> Iterator[Found]:
        properties = schema.get("properties", {})
        names = list(dict.fromkeys(schema.get("required", properties)))
        found = {name: self.of(properties.get(name, {})) for name in names}
        children = {name: child for name, child in found.items() if child is not None}
        yield Found(
            {name: child.value for name, child in children.items()},
            2 + sum(len(name) + 4 + child.characters for name, child in children.items()),
            any(child.has_text for child in children.values()),
        )

    def _arrays(self, schema: Schema) -> Iterator[Found]:
        count = int(schema.get("minItems", 0))
        first = [self.of(child) for child in schema.get("prefixItems", [])[:count]]
        rest = count - len(first)
        item = self.of(schema.get("items", {})) if rest else None
        if rest and (item is None or rest * item.characters > MAX_CHARACTERS):
            return
        found = [f for f in chain(first, repeat(item, rest)) if f is not None]
        if len(found) == count:
            characters = 2 + sum(f.characters + 2 for f in found)
            yield Found([f.value for f in found], characters, any(f.has_text for f in found))

    def _strings(self, schema: Schema) -> Iterator[Found]:
        shortest, longest = int(schema.get("minLength", 0)), schema.get("maxLength")
        if shortest > MAX_CHARACTERS:
            return
        for text in dict.fromkeys((self._text, "")):
            fitted = text[: longest if longest is None else int(longest)].ljust(shortest)
            yield Found(fitted, len(fitted) + 2, bool(text))
        if schema.get("format") in EXAMPLES:
            yield self._given(EXAMPLES[schema["format"]])

    def _branches(self, schema: Schema, keyword: str) -> list[Found]:
        """The values of the branches: those with the text first, then the shorter."""
        rest = {key: value for key, value in schema.items() if key != keyword}
        alone = rest.keys() <= _ANNOTATIONS
        # A reference is looked up, not read in place: it may lead back here.
        found = [
            self.of(branch if alone or _refers(branch) else self._merged(rest, branch))
            for branch in schema[keyword]
        ]
        usable = [f for f in found if f is not None]
        return sorted(usable, key=lambda f: (not f.has_text, f.characters))

    def _all_of(self, schema: Schema) -> Iterator[Found]:
        whole: Schema | bool = {key: value for key, value in schema.items() if key != "allOf"}
        branches = list(schema["allOf"])
        if schema.keys() <= {"allOf", *_ANNOTATIONS}:
            whole = branches.pop(0)
        for branch in branches:
            whole = self._merged(whole, branch)
        found = self.of(whole)
        if found is not None:
            yield found

    def _merged(self, one: Schema | bool, two: Schema | bool) -> Schema | bool:
        """A schema that asks for what two ask for, as nearly as one can."""
        self._run.spend(1 + _breadth(one) + _breadth(two))
        one, two = self._read_in_place(one), self._read_in_place(two)
        if isinstance(one, bool):
            return one and two
        if isinstance(two, bool):
            return two and one
        both = {key: _both(key, one[key], two[key]) for key in one.keys() & two.keys()}
        return {**one, **two, **both}

    def _read_in_place(self, schema: Schema | bool) -> Schema | bool:
        """A schema with what its `$ref` names in the place of the `$ref`."""
        if isinstance(schema, bool) or "$ref" not in schema:
            return schema
        others = {key: value for key, value in schema.items() if key != "$ref"}
        return self._merged(self._run.target(schema["$ref"]), others)


def _both(keyword: str, one: Any, two: Any) -> Any:
    """A keyword's value that does for two of its values; where there is none, the first."""
    if keyword == "properties":
        shared = {name: {"allOf": [one[name], two[name]]} for name in one if name in two}
        return {**one, **two, **shared}
    if keyword == "required":
        return list(dict.fromkeys((*one, *two)))
    if keyword == "allOf":
        return [*one, *two]
    if keyword == "enum":
        return [value for value in one if value in two] or one
    if keyword in _TIGHTER_WHEN_HIGHER:
        return max(one, two)
    return min(one, two) if keyword in _TIGHTER_WHEN_LOWER else one


def _breadth(schema: Schema | bool) -> int:
    values = () if isinstance(schema, bool) else schema.values()
    return sum(len(value) for value in values if isinstance(value, list | dict))


def _refers(schema: Schema | bool) -> bool:
    return not isinstance(schema, bool) and "$ref" in schema


def _kinds(schema: Schema) -> list[str]:
    """The types that a value may have, those first that can hold a text."""
    kinds = schema.get("type")
    if kinds is None:
        return [k for k, keywords in _TELLING.items() if keywords & schema.keys()] + ["string"]
    if isinstance(kinds, str):
        return [kinds]
    return sorted(kinds, key=lambda kind: (kind != "string", kind == "null"))


def _numbers(schema: Schema) -> Iterator[float | int]:
    """0, then what lies at the bounds or between them."""
    step = schema.get("multipleOf", 1)
    lows = [schema[key] for key in ("minimum", "exclusiveMinimum") if key in schema]
    highs = [schema[key] for key in ("maximum", "exclusiveMaximum") if key in schema]
    numbers: list[float | int] = [0]
    if lows:
        first = -(-max(lows) // step) * step
        numbers += [first, first + step, max(lows)]
    if highs:
        last = min(highs) // step * step
        numbers += [last, last - step, min(highs)]
    if lows and highs:
        numbers.append(max(lows) / 2 + min(highs) / 2)
    for number in numbers:
        if isinstance(number, int):
            yield number
        elif math.isfinite(number):
            yield int(number) if number.is_integer() else number
