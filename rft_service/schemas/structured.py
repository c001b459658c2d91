"""Structured outputs: what a model says is made to satisfy the schema that was asked for.

A real service constrains each token. Here the model answers first. Of an answer that does not
satisfy the schema, what is valid is kept, what is not is changed, and what is missing is added; a
free text goes where a string may be.
"""

from __future__ import annotations

import json
import math
import re
import string
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from rft_service.schemas.check import CompiledSchema, Part, Schema, SchemaError, text_of
from rft_service.strict_json import dumps, loads

MAX_VALUE_CHARACTERS = 1_000_000  # of a value as JSON
MAX_STEPS = 50_000  # to find a value: a second at most
TOO_MUCH_WORK = "it takes too much work to find a value for it; make it smaller"
MAX_WORDS = 200  # of a text, among which one for a pattern or format is looked for
MAX_WORD_CHARACTERS = 100
_CHARACTERS = string.ascii_letters + string.digits + string.punctuation + " "

_MISSING: Any = object()  # no value was given
_NOTHING: Any = object()  # no value was found
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


class _Repair:
    """One search for a value that satisfies a schema, as near to a given one as it finds.

    `within` are the references that led to a part since the given value last became smaller: a
    reference back to one of them has no value, so that the search ends.
    """

    def __init__(self, schema: CompiledSchema, text: str) -> None:
        self._schema = schema
        self._text = text
        self._steps_left = MAX_STEPS

    def run(self, given: Any) -> Any:
        """What was found, or _NOTHING. Raises SchemaError if that takes too much work."""
        try:
            return self._fit(self._schema.root, given, frozenset())
        except SchemaError:
            raise
        except (RecursionError, ValueError):  # the library's limit of recursion, half a character
            raise SchemaError(TOO_MUCH_WORK) from None

    def _spend(self, steps: int) -> None:
        self._steps_left -= steps
        if self._steps_left < 0:
            raise SchemaError(TOO_MUCH_WORK)

    def _fit(self, part: Part, given: Any, within: frozenset[str]) -> Any:
        self._spend(1)
        if given is not _MISSING and self._schema.holds(part, given):
            return given
        schema = {} if isinstance(part, bool) else part
        given = _MISSING if given is None else given
        named = [*schema.get("examples", ()), *([schema["default"]] if "default" in schema else [])]
        for candidate in chain(self._candidates(schema, given, within), named):
            if candidate is not _NOTHING:
                self._spend(_length(candidate) // 50)
                if self._schema.holds(part, candidate):
                    return candidate
        return _NOTHING

    def _candidates(self, schema: Schema, given: Any, within: frozenset[str]) -> Iterator[Any]:
        if "const" in schema:
            yield schema["const"]
        elif "enum" in schema:
            yield from schema["enum"]
        elif "$ref" in schema:
            reference = schema["$ref"]
            if reference not in within:
                yield self._fit(self._schema.target(reference), given, within | {reference})
        elif "allOf" in schema:
            yield self._fit(self._all_of(schema), given, within)
        elif "anyOf" in schema or "oneOf" in schema:
            yield from self._branches(schema, given, within)
        else:
            for kind in _kinds(schema, given):
                if kind == "object":
                    yield from self._objects(schema, given, within)
                elif kind == "array":
                    yield from self._arrays(schema, given, within)
                elif kind == "string":
                    yield from self._strings(schema, given)
                elif kind in ("number", "integer"):
                    yield from _numbers(schema, given)
                else:
                    yield from (False, True) if kind == "boolean" else (None,)

    def _objects(self, schema: Schema, given: Any, within: frozenset[str]) -> Iterator[Any]:
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        others = {} if "patternProperties" in schema else others
        required = schema.get("required", ())

        def filled(values: Mapping[str, Any]) -> dict[str, Any]:
            found = {}
            for name, value in values.items():
                smaller = isinstance(given, dict) and value is not _MISSING
                fitted = self._fit(
                    properties.get(name, others), value, frozenset() if smaller else within
                )
                if fitted is not _NOTHING:
                    found[name] = fitted
            return found

        if not isinstance(given, dict):
            # A value of another type goes into every property that can hold it.
            names = _enough_names(schema, schema.get("required", properties))
            yield filled(dict.fromkeys(names, given))
            return
        added = dict.fromkeys(_enough_names(schema, [*required, *given]), _MISSING)
        if others is not False:
            yield filled({**added, **given})
        known = {*properties, *required}
        yield filled({**added, **{name: given[name] for name in given if name in known}})
        yield filled({n: given.get(n, _MISSING) for n in _enough_names(schema, required)})

    def _arrays(self, schema: Schema, given: Any, within: frozenset[str]) -> Iterator[Any]:
        fewest, most = int(schema.get("minItems", 0)), schema.get("maxItems", math.inf)
        first, rest = schema.get("prefixItems", []), schema.get("items", {})
        distinct = bool(schema.get("uniqueItems"))
        if isinstance(given, list):
            values = list({dumps(v): v for v in given}.values()) if distinct else given
            starts = [values[: int(min(most, len(values)))], []]
        else:  # a value of another type becomes the only item
            starts = [[given], []] if given is not _MISSING and most >= 1 else [[]]
        for values in starts:
            inside = frozenset[str]() if isinstance(given, list) else within
            found = [
                self._fit(first[n] if n < len(first) else rest, value, inside)
                for n, value in enumerate(values)
            ]
            found += [self._fit(part, _MISSING, within) for part in first[len(found) : fewest]]
            found = [item for item in found if item is not _NOTHING]
            if len(found) < fewest:
                found += self._more(rest, found if distinct else None, fewest - len(found), within)
            yield found

    def _more(
        self, part: Part, known: list[Any] | None, count: int, within: frozenset[str]
    ) -> list[Any]:
        """Further items of a list: of one with distinct items, none that is `known`."""
        item = self._fit(part, _MISSING, within)
        if known is None:
            fits = item is not _NOTHING and count * _length(item) <= MAX_VALUE_CHARACTERS
            return [item] * count if fits else []
        seen, added = {dumps(value) for value in known}, list[Any]()
        near = item if isinstance(item, int | float) else 0
        tries = (t for n in range(count + len(known) + 1) for t in (near + n, near - n, f"{n}"))
        target = self._with_target(part)
        listed = () if isinstance(target, bool) else target.get("enum", ())
        for given in chain((_MISSING,), listed, tries, (False, True)):
            item = self._fit(part, given, within) if len(added) < count else _NOTHING
            if item is not _NOTHING and dumps(item) not in seen:
                seen.add(dumps(item))
                added.append(item)
        return added

    def _strings(self, schema: Schema, given: Any) -> Iterator[str]:
        shortest, longest = int(schema.get("minLength", 0)), schema.get("maxLength")
        if shortest > MAX_VALUE_CHARACTERS:
            return
        text = self._text if given is _MISSING else _words(given)
        choices = [text]
        if "pattern" in schema or "format" in schema:  # which one word of a text may satisfy
            choices += _single_words(f"{text} {self._text}")
        for words in dict.fromkeys((*choices, "")):
            yield words[: longest if longest is None else int(longest)].ljust(shortest)
        if schema.get("format") in _EXAMPLES:
            yield _EXAMPLES[schema["format"]]
        if "pattern" in schema:
            for repeats in (0, shortest):
                if (example := _matching(schema["pattern"], repeats)) is not None:
                    yield example

    def _branches(self, schema: Schema, given: Any, within: frozenset[str]) -> list[Any]:
        """The values of the branches: first those that keep most of the given value, then those
        with the text, then the shorter."""
        keyword = "anyOf" if "anyOf" in schema else "oneOf"
        rest = {key: value for key, value in schema.items() if key != keyword}
        alone = rest.keys() <= _ANNOTATIONS

        is_inner = given is _MISSING and bool(within)
        wanted = Counter(() if given is _MISSING else _leaves(given))

        def rank(value: Any) -> tuple[int, bool, int]:
            leaves = Counter(_leaves(value))
            return -(leaves & wanted).total(), not leaves[dumps(self._text)], _length(value)

        branches = schema[keyword]
        if is_inner:  # a reference further in only where it must be followed
            branches = sorted(branches, key=_refers)
        found = list[Any]()
        for branch in branches:
            if not (found and is_inner and _refers(branch)):
                merged = branch if alone else self._merged(rest, branch)
                value = self._fit(merged, given, within)
                found += [] if value is _NOTHING else [value]
        return sorted(found, key=rank)

    def _all_of(self, schema: Schema) -> Part:
        whole: Part = {key: value for key, value in schema.items() if key != "allOf"}
        for branch in schema["allOf"]:
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


def _refers(part: Part) -> bool:
    return isinstance(part, Mapping) and "$ref" in part


def _length(value: Any) -> int:
    return len(dumps(value))


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


def _leaves(value: Any) -> Iterator[str]:
    """The strings, numbers, booleans and nulls in a value, each as JSON."""
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _leaves(child)
    else:
        yield dumps(value)


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


@lru_cache(maxsize=64)
def _compile(text: str) -> tuple[CompiledSchema, Any] | SchemaError:
    try:
        schema = CompiledSchema(text)
        smallest = _Repair(schema, "").run(_MISSING)
    except SchemaError as error:
        return error
    if smallest is _NOTHING:
        message = "no value was found that satisfies it; name one in `examples` or `default`"
        return SchemaError(message)
    return schema, smallest


def _compiled(text: str) -> tuple[CompiledSchema, Any]:
    """A schema, and a value that satisfies it. Raises SchemaError."""
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
    return repair_value(value, text_of(schema), _words(value))


def repair_value(value: Any, schema: str, text: str) -> Any:
    """`repair` for a schema given as JSON; words of `text` are put where some are missing."""
    compiled, smallest = _compiled(schema)
    with suppress(SchemaError):  # too much work for this value
        found = _Repair(compiled, text).run(value)
        return smallest if found is _NOTHING else found
    return smallest


def repair_answer(text: str, schema: Schema) -> str:
    """The text, if it is JSON that satisfies the schema. Otherwise JSON that does: an object or a
    list is repaired; any other text is put into the smallest value, where a string may be.
    Raises SchemaError."""
    written = text_of(schema)
    if _compiled(written)[0].conforms(text):
        return text
    given, words = _MISSING, text
    with suppress(ValueError):
        value = loads(text.encode())
        if isinstance(value, dict | list):
            given, words = value, _words(value)
    return json.dumps(repair_value(given, written, words), ensure_ascii=False)
