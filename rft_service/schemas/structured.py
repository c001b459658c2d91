"""Structured outputs: what a model says is made to satisfy the schema that was asked for.

A real service constrains each token. Here the model answers first. Of an answer that does not
satisfy the schema, what is valid is kept, what is not is changed, and what is missing is added; a
free text goes where a string may stand.
"""

from __future__ import annotations

import json
import math
import re
import string
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import chain, islice
from typing import Any

from rft_service.schemas.check import CompiledSchema, Part, Schema, SchemaError, text_of
from rft_service.strict_json import dumps, loads

MAX_VALUE_CHARACTERS = 1_000_000  # of a value as JSON, roughly
MAX_STEPS = 50_000  # to find a value: a second at most
TOO_MUCH_WORK = "it takes too much work to find a value for it; make it smaller"
MAX_WORDS = 200  # of a text, among which one for a pattern or format is looked for
MAX_WORD_CHARACTERS = 100
_CHARACTERS = string.ascii_letters + string.digits + string.punctuation + " "

_MISSING: Any = object()
_ANNOTATIONS = frozenset({"title", "description", "default", "examples", "$defs", "definitions"})
_TIGHTER_WHEN_HIGHER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_TIGHTER_WHEN_LOWER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_IMPLYING = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "prefixItems", "minItems"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}
"""Keywords that imply a type where `type` is left out."""

_EXAMPLES = {
    "date-time": "2000-01-01T00:00:00Z",
    "date": "2000-01-01",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "email": "name@example.com",
    "idn-email": "name@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "uri": "https://example.com",
    "iri": "https://example.com",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "relative-json-pointer": "0",
}
"""A string of each format that neither any text nor the empty one is of."""


@dataclass(frozen=True)
class _Found:
    """A value, its length as JSON, whether the text is in it, and how many values were kept."""

    value: Any
    characters: int
    has_text: bool = False
    kept: int = 0


class _Repair:
    """One search for a value that satisfies a schema.

    What a `$ref` stands for is found in rounds: the first find what needs no other reference, the
    next what needs those. So a schema that refers to itself ends at its shallowest value, and
    references that multiply cost no more than those that do not.
    """

    def __init__(self, schema: CompiledSchema, text: str) -> None:
        self._schema = schema
        self._text = text
        self._steps_left = MAX_STEPS
        self._asked: dict[str, None] = {}
        self._known: dict[str, _Found] = {}
        self._repaired: dict[tuple[str, int], _Found | None] = {}

    def run(self, given: Any) -> _Found | None:
        """What was found. Raises SchemaError if that takes too much work."""
        try:
            while True:
                found = self._fit(self._schema.root, given)
                if found is not None or not self._learn():
                    return found
        except SchemaError:
            raise
        except (RecursionError, ValueError):  # the library's limit of recursion, half a character
            raise SchemaError(TOO_MUCH_WORK) from None

    def _learn(self) -> bool:
        """A round over the references that are not known yet; whether it brought anything new."""
        before = len(self._asked) + len(self._known)
        unknown = [reference for reference in self._asked if reference not in self._known]
        found = {name: self._fit(self._schema.target(name), _MISSING) for name in unknown}
        self._known.update({name: f for name, f in found.items() if f is not None})
        self._repaired.clear()
        return len(self._asked) + len(self._known) > before

    def _spend(self, steps: int) -> None:
        self._steps_left -= steps
        if self._steps_left < 0:
            raise SchemaError(TOO_MUCH_WORK)

    def _fit(self, part: Part, given: Any) -> _Found | None:
        """A value that satisfies a part of the schema, as near to the given one as was found."""
        self._spend(1)
        schema = {} if isinstance(part, bool) else part
        if "$ref" in schema and schema.keys() <= {"$ref", "title", "description"}:
            return next(self._referred(schema["$ref"], given), None)

        @cache
        def checked() -> tuple[Callable[[Any], bool], int]:
            is_valid, work, size = self._schema.checked(part)
            self._spend(size // 8)
            return is_valid, work

        def holds(found: _Found) -> bool:
            is_valid, work = checked()
            self._spend(1 + found.characters * work // 1_000)
            return found.characters <= MAX_VALUE_CHARACTERS and is_valid(found.value)

        if given is not _MISSING:
            found = self._exactly(given)
            if holds(found):
                return replace(found, has_text=isinstance(given, str), kept=_leaves(given))
            given = _MISSING if given is None else given
        named = [*schema.get("examples", ()), *([schema["default"]] if "default" in schema else [])]
        candidates = chain(self._candidates(schema, given), map(self._exactly, named))
        return next(filter(holds, candidates), None)

    def _exactly(self, value: Any) -> _Found:
        found = _Found(value, len(dumps(value)))
        self._spend(found.characters // 50)
        return found

    def _candidates(self, schema: Schema, given: Any) -> Iterator[_Found]:
        if "const" in schema:
            yield self._exactly(schema["const"])
        elif "enum" in schema:
            yield from map(self._exactly, schema["enum"])
        elif "$ref" in schema:
            yield from self._referred(schema["$ref"], given)
        elif "allOf" in schema:
            found = self._fit(self._all_of(schema), given)
            if found is not None:
                yield found
        elif "anyOf" in schema or "oneOf" in schema:
            yield from self._branches(schema, "anyOf" if "anyOf" in schema else "oneOf", given)
        else:
            for kind in _kinds(schema, given):
                yield from self._of_kind(kind, schema, given)

    def _of_kind(self, kind: str, schema: Schema, given: Any) -> Iterator[_Found]:
        if kind == "object":
            yield from self._objects(schema, given)
        elif kind == "array":
            yield from self._arrays(schema, given)
        elif kind == "string":
            yield from self._strings(schema, given)
        elif kind in ("number", "integer"):
            yield from map(self._exactly, _numbers(schema, given))
        elif kind == "boolean":
            yield from map(self._exactly, (False, True))
        else:
            yield self._exactly(None)

    def _referred(self, reference: str, given: Any) -> Iterator[_Found]:
        if given is not _MISSING:
            key = (reference, id(given))
            if key not in self._repaired:
                self._repaired[key] = None  # where the reference leads back here
                self._repaired[key] = self._fit(self._schema.target(reference), given)
            if (repaired := self._repaired[key]) is not None:
                yield repaired
        self._asked[reference] = None
        if reference in self._known:
            yield self._known[reference]

    def _objects(self, schema: Schema, given: Any) -> Iterator[_Found]:
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        others = {} if "patternProperties" in schema else others
        if not isinstance(given, dict):
            # A value of another type goes into every property that can hold it.
            names = _enough_names(schema, schema.get("required", properties))
            yield self._object(properties, dict.fromkeys(names, given), others)
            return
        required = schema.get("required", ())
        added = dict.fromkeys(_enough_names(schema, [*required, *given]), _MISSING)
        if others is not False:
            yield self._object(properties, {**added, **given}, others)
        known = {*properties, *required}
        declared = {name: value for name, value in given.items() if name in known}
        yield self._object(properties, {**added, **declared})
        names = _enough_names(schema, required)
        yield self._object(properties, {name: given.get(name, _MISSING) for name in names})

    def _object(self, properties: Schema, values: Mapping[str, Any], others: Part = True) -> _Found:
        found = {
            name: self._fit(properties.get(name, others), value) for name, value in values.items()
        }
        children = {name: child for name, child in found.items() if child is not None}
        return _Found(
            {name: child.value for name, child in children.items()},
            2 + sum(len(name) + 4 + child.characters for name, child in children.items()),
            any(child.has_text for child in children.values()),
            sum(child.kept for child in children.values()),
        )

    def _arrays(self, schema: Schema, given: Any) -> Iterator[_Found]:
        fewest, most = int(schema.get("minItems", 0)), schema.get("maxItems", math.inf)
        if fewest > MAX_VALUE_CHARACTERS:
            return
        if isinstance(given, list):
            distinct = {dumps(item): item for item in given}.values()
            values = list(distinct) if schema.get("uniqueItems") else given
            yield from self._array(schema, values[: int(min(most, len(values)))], fewest)
        elif given is not _MISSING and most >= 1:
            # A value of another type becomes the only item.
            yield from self._array(schema, [given], fewest)
        yield from self._array(schema, [], fewest)

    def _array(self, schema: Schema, values: list[Any], fewest: int) -> Iterator[_Found]:
        first = schema.get("prefixItems", [])
        rest = schema.get("items", {})
        found = [
            self._fit(first[index] if index < len(first) else rest, value)
            for index, value in enumerate(values)
        ]
        found += [self._fit(child, _MISSING) for child in first[len(found) : fewest]]
        if len(found) < fewest and schema.get("uniqueItems"):
            found += self._distinct(rest, found, fewest - len(found))
        elif len(found) < fewest:
            item = self._fit(rest, _MISSING)
            if item is None or (fewest - len(found)) * item.characters > MAX_VALUE_CHARACTERS:
                return
            found += [item] * (fewest - len(found))
        children = [child for child in found if child is not None]
        if len(children) >= fewest:
            yield _Found(
                [child.value for child in children],
                2 + sum(child.characters + 2 for child in children),
                any(child.has_text for child in children),
                sum(child.kept for child in children),
            )

    def _distinct(self, part: Part, found: list[_Found | None], count: int) -> list[_Found]:
        """Further items of a list without duplicates: listed values, then those near numbers."""
        schema = self._with_target(part)
        schema = {} if isinstance(schema, bool) else schema
        lows, highs = _bounds(schema)
        step, low, high = schema.get("multipleOf", 1), max(lows, default=0), min(highs, default=0)
        known = {dumps(child.value) for child in found if child is not None}
        added: list[_Found] = []
        steps = (step * n for n in range(count + len(found) + 1))
        near = (number for above in steps for number in (low + above, high - above))
        for given in chain((_MISSING,), schema.get("enum", ()), near, (False, True)):
            item = self._fit(part, given) if len(added) < count else None
            if item is not None and dumps(item.value) not in known:
                known.add(dumps(item.value))
                added.append(item)
        return added

    def _strings(self, schema: Schema, given: Any) -> Iterator[_Found]:
        shortest, longest = int(schema.get("minLength", 0)), schema.get("maxLength")
        if shortest > MAX_VALUE_CHARACTERS:
            return
        text = self._text if given is _MISSING else _words(given)
        choices = [text]
        if "pattern" in schema or "format" in schema:  # which one word of a text may satisfy
            choices += _single_words(f"{text} {self._text}")
        for words in dict.fromkeys((*choices, "")):
            fitted = words[: longest if longest is None else int(longest)].ljust(shortest)
            yield _Found(fitted, len(fitted) + 2, bool(words))
        if schema.get("format") in _EXAMPLES:
            yield self._exactly(_EXAMPLES[schema["format"]])
        if "pattern" in schema:
            for repeats in (0, shortest):
                if (example := _matching(schema["pattern"], repeats)) is not None:
                    yield self._exactly(example)

    def _branches(self, schema: Schema, keyword: str, given: Any) -> list[_Found]:
        """The values of the branches: first those that keep most of the given value, then those
        with the text, then the shorter."""
        rest = {key: value for key, value in schema.items() if key != keyword}
        alone = rest.keys() <= _ANNOTATIONS
        # A reference is looked up, not merged: it may lead back here.
        found = [
            self._fit(branch if alone or _refers(branch) else self._merged(rest, branch), given)
            for branch in schema[keyword]
        ]
        usable = [f for f in found if f is not None]
        return sorted(usable, key=lambda f: (-f.kept, not f.has_text, f.characters))

    def _all_of(self, schema: Schema) -> Part:
        whole: Part = {key: value for key, value in schema.items() if key != "allOf"}
        branches = list(schema["allOf"])
        if schema.keys() <= {"allOf", *_ANNOTATIONS}:
            whole = branches.pop(0)
        for branch in branches:
            whole = self._merged(whole, branch)
        return whole

    def _merged(self, one: Part, two: Part) -> Part:
        """A schema that asks for what two ask for, as nearly as one can."""
        self._spend(1 + self._schema.size // 8)  # it takes long to copy and to compile
        one, two = self._with_target(one), self._with_target(two)
        if isinstance(one, bool):
            return one and two
        if isinstance(two, bool):
            return two and one
        both = {key: _both(key, one[key], two[key]) for key in one.keys() & two.keys()}
        return {**one, **two, **both}

    def _with_target(self, part: Part) -> Part:
        """A schema with what its `$ref` names in the place of the `$ref`."""
        if isinstance(part, bool) or "$ref" not in part:
            return part
        others = {key: value for key, value in part.items() if key != "$ref"}
        return self._merged(self._schema.target(part["$ref"]), others)


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


def _enough_names(schema: Schema, names: Iterable[str]) -> Iterable[str]:
    """Some properties of an object and, where it must have more, further ones."""
    fewest = min(int(schema.get("minProperties", 0)), MAX_VALUE_CHARACTERS)
    chosen = dict.fromkeys(names)
    for name in chain(schema.get("properties", {}), map("key_{}".format, range(fewest))):
        if len(chosen) >= fewest:
            break
        chosen[name] = None
    return chosen


def _refers(part: Part) -> bool:
    return not isinstance(part, bool) and "$ref" in part


def _leaves(value: Any) -> int:
    """How many strings, numbers, booleans and nulls a value has."""
    if isinstance(value, dict):
        return sum(map(_leaves, value.values()))
    return sum(map(_leaves, value)) if isinstance(value, list) else 1


def _words(value: Any) -> str:
    """The strings in a value, its numbers and booleans as JSON, each once."""
    if isinstance(value, dict | list):
        children = value.values() if isinstance(value, dict) else value
        return ", ".join(dict.fromkeys(filter(None, map(_words, children))))
    return value if isinstance(value, str) else "" if value is None else dumps(value)


def _single_words(text: str) -> list[str]:
    """The first words of a text, without the punctuation around them."""
    words = (word.strip(string.punctuation) for word in islice(text.split(), MAX_WORDS))
    return list(dict.fromkeys(word for word in words if 0 < len(word) <= MAX_WORD_CHARACTERS))


def _kinds(schema: Schema, given: Any) -> list[str]:
    """The types that a value may have: first the given value's, then those that can hold a text."""
    kinds = schema.get("type")
    if isinstance(kinds, str):
        return [kinds]
    if kinds is None:
        kinds = [k for k, keywords in _IMPLYING.items() if keywords & schema.keys()] + ["string"]
    else:
        kinds = sorted(kinds, key=lambda kind: (kind != "string", kind == "null"))
    given_kinds = _KINDS.get(type(given), ())
    return sorted(kinds, key=lambda kind: kind not in given_kinds)


_KINDS: Mapping[type, tuple[str, ...]] = {
    dict: ("object",),
    list: ("array",),
    str: ("string",),
    bool: ("boolean",),
    int: ("integer", "number"),
    float: ("number", "integer"),
}


def _numbers(schema: Schema, given: Any) -> Iterator[float | int]:
    """0, then what lies at the bounds or between them; if a number is given, the nearest first."""
    step = schema.get("multipleOf", 1)
    lows, highs = _bounds(schema)
    numbers: list[float | int] = [0]
    if lows:
        first = -(-max(lows) // step) * step
        numbers += [first, first + step, max(lows)]
    if highs:
        last = min(highs) // step * step
        numbers += [last, last - step, min(highs)]
    if lows and highs:
        numbers.append(max(lows) / 2 + min(highs) / 2)
    if isinstance(given, str):
        with suppress(ValueError):
            given = loads(given.encode())
    if isinstance(given, int | float) and not isinstance(given, bool):
        given = max(-sys.float_info.max, min(given, sys.float_info.max))
        numbers += [given // step * step, -(-given // step) * step]
        numbers.sort(key=lambda number: abs(number - given))
    for number in numbers:
        if isinstance(number, int):
            yield number
        elif math.isfinite(number):
            yield int(number) if number.is_integer() else number


def _bounds(schema: Schema) -> tuple[list[float], list[float]]:
    lows = [schema[key] for key in ("minimum", "exclusiveMinimum") if key in schema]
    highs = [schema[key] for key in ("maximum", "exclusiveMaximum") if key in schema]
    return lows, highs


def _matching(pattern: str, repeats: int) -> str | None:
    """A short text that should match a pattern, its outer repetitions made `repeats` times where
    they may be; None if Python's `re`, which only parses here, does not know the pattern."""
    try:
        return _example(re._parser.parse(pattern), repeats)  # type: ignore[attr-defined]
    except (re.error, OverflowError, RecursionError):
        return None


def _example(tokens: Any, repeats: int) -> str:
    """A text for tokens of Python's parser. Of alternatives the first is taken, of a repetition the
    fewest, of a set of characters the first that is in it; anchors are taken to hold."""
    text = ""
    for operation, argument in tokens:
        kind = str(operation)
        if kind == "LITERAL":
            text += chr(argument)
        elif kind in ("IN", "NOT_LITERAL", "ANY"):
            one = re._parser.SubPattern(tokens.state, [(operation, argument)])  # type: ignore[attr-defined]
            matches = re._compiler.compile(one).fullmatch  # type: ignore[attr-defined]
            text += next(filter(matches, _CHARACTERS), "")
        elif kind == "BRANCH":
            text += _example(argument[1][0], repeats)
        elif kind == "SUBPATTERN":
            text += _example(argument[-1], repeats)
        elif kind in ("MAX_REPEAT", "MIN_REPEAT"):
            fewest, most, repeated = argument
            part, count = _example(repeated, 0), max(fewest, min(most, repeats))
            if len(part) * count > MAX_VALUE_CHARACTERS:
                raise OverflowError
            text += part * count
    return text


def _repaired(schema: CompiledSchema, given: Any, text: str) -> str | None:
    """JSON that satisfies a schema, or None if none was found. Raises SchemaError."""
    found = _Repair(schema, text).run(given)
    written = json.dumps(found.value, ensure_ascii=False) if found else ""
    return written if schema.conforms(written) else None


@lru_cache(maxsize=64)
def _compile(text: str) -> tuple[CompiledSchema, str] | SchemaError:
    try:
        schema = CompiledSchema(text)
        smallest = _repaired(schema, _MISSING, "")
    except SchemaError as error:
        return error
    if smallest is None:
        message = "no value was found that satisfies it; name one in `examples` or `default`"
        return SchemaError(message)
    return schema, smallest


def _compiled(text: str) -> tuple[CompiledSchema, str]:
    """A schema, and the JSON of a value that satisfies it. Raises SchemaError."""
    compiled = _compile(text)
    if isinstance(compiled, SchemaError):
        raise SchemaError(str(compiled))
    return compiled


def check_schema(schema: Schema) -> None:
    """Raises SchemaError if answers cannot be made to satisfy a schema."""
    _compiled(text_of(schema))


def conforms(text: str, schema: Schema) -> bool:
    """Whether a text is JSON that satisfies a schema. Raises SchemaError."""
    return _compiled(text_of(schema))[0].conforms(text)


def repair(value: Any, schema: Schema) -> Any:
    """The value, changed only where it does not satisfy the schema: what is valid stays, what is
    not is replaced by the nearest that was found, what is missing is added. Raises SchemaError."""
    return _repaired_value(value, text_of(schema), _words(value))


def repair_arguments(arguments: str, value: Any, schema: str, text: str) -> str:
    """A call's arguments, as JSON and as its value, repaired where they do not satisfy the schema,
    given as JSON; words of `text` are put where some are missing. Raises SchemaError."""
    if _compiled(schema)[0].holds(value, len(arguments)):
        return arguments
    return json.dumps(_repaired_value(value, schema, text))


def _repaired_value(value: Any, schema: str, text: str) -> Any:
    compiled, smallest = _compiled(schema)
    with suppress(SchemaError):  # too much work for this value
        return json.loads(_repaired(compiled, value, text) or smallest)
    return json.loads(smallest)


def repair_answer(text: str, schema: Schema) -> str:
    """The text, if it is JSON that satisfies the schema. Otherwise JSON that does: an object or a
    list is repaired; any other text is put into the smallest value, where a string may stand.
    Raises SchemaError."""
    compiled, smallest = _compiled(text_of(schema))
    if compiled.conforms(text):
        return text
    with suppress(ValueError):
        given = loads(text.encode())
        if isinstance(given, dict | list):
            return json.dumps(repair(given, schema), ensure_ascii=False)
    with suppress(SchemaError):  # too much work for this text
        return _repaired(compiled, _MISSING, text) or smallest
    return smallest
