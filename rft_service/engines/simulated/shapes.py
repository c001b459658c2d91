"""What kind of value a JSON Schema asks for, as the simulated model reads it.

Clients generate schemas with `$ref`, `allOf`, `anyOf` and lists of types. A `Shape` is the one
schema that is left when a reference is followed, parts are put together, and one branch is chosen.
What a shape leaves out, such as a bound that two branches share, is repaired in the finished value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rft_service.schemas.check import Part, Schema, target_of

MAX_DEPTH = 32  # of references, `allOf` and `anyOf` around one value
_UNPLAIN = frozenset({"$ref", "allOf", "anyOf", "oneOf", "const"})


class Shape(NamedTuple):
    """A schema with one type at most; whether null would do as well; the references that led here,
    by which a schema that contains itself is noticed."""

    schema: Schema
    nullable: bool = False
    references: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """The type of the value; text where the schema does not say."""
        if "type" in self.schema:
            return str(self.schema["type"])
        if "properties" in self.schema:
            return "object"
        return "array" if "items" in self.schema else "string"


@dataclass
class ShapeReader:
    """Reads the parts of one schema. Each part is read once, since references that multiply
    would cost exponential time otherwise."""

    root: Schema
    _read: dict[int, Shape] = field(default_factory=dict)

    def read(self, part: Part, depth: int = 0) -> Shape:
        if isinstance(part, bool) or depth > MAX_DEPTH:
            return Shape({})
        if _UNPLAIN.isdisjoint(part) and not isinstance(part.get("type"), list):
            return Shape(part)
        if id(part) not in self._read:
            self._read[id(part)] = Shape({})  # where it leads back here
            self._read[id(part)] = self._together(part, depth + 1)
        return self._read[id(part)]

    def _together(self, part: Schema, depth: int) -> Shape:
        """The shape of a part made of others: what it refers to, all of `allOf`, one branch."""
        whole = Shape({key: value for key, value in part.items() if key not in _UNPLAIN})
        if isinstance(kinds := part.get("type"), list):
            whole = _of_one_type(whole.schema, kinds)
        if "const" in part:
            whole = Shape({**whole.schema, "enum": [part["const"]]}, whole.nullable)
        if reference := part.get("$ref"):
            target = self.read(target_of(reference, self.root), depth)
            whole = _merged(target._replace(references=target.references | {reference}), whole)
        for child in part.get("allOf", ()):
            whole = _merged(whole, self.read(child, depth))
        for keyword in ("anyOf", "oneOf"):
            if keyword in part:
                branches = [self.read(child, depth) for child in part[keyword]]
                whole = _merged(whole, _one_of(branches))
        return whole


def _of_one_type(schema: Schema, kinds: Sequence[str]) -> Shape:
    """Of several types text, if that may be, or the first that is not null."""
    kind = min(kinds, key=lambda kind: (kind == "null", kind != "string"))
    return Shape({**schema, "type": kind}, "null" in kinds and kind != "null")


def _merged(one: Shape, two: Shape) -> Shape:
    both = {**one.schema, **two.schema}
    if "properties" in one.schema and "properties" in two.schema:
        both["properties"] = {**one.schema["properties"], **two.schema["properties"]}
    if "required" in one.schema and "required" in two.schema:
        both["required"] = [*one.schema["required"], *two.schema["required"]]
    return Shape(both, one.nullable or two.nullable, one.references | two.references)


def _one_of(branches: list[Shape]) -> Shape:
    """The values of all branches if each lists them; else one branch, of text if there is one."""
    real = [branch for branch in branches if not _is_null(branch)]
    if not real:
        return Shape({"type": "null"})
    nullable = len(real) < len(branches) or any(branch.nullable for branch in real)
    if all("enum" in branch.schema for branch in real):
        values = [value for branch in real for value in branch.schema["enum"]]
        return Shape({"enum": values}, nullable)
    chosen = min(real, key=lambda branch: branch.kind != "string")
    return chosen._replace(nullable=nullable)


def _is_null(shape: Shape) -> bool:
    return shape.schema.get("type") == "null" or shape.schema.get("enum") == [None]


def texts_in(value: Any) -> Iterable[str]:
    """The values within a value as texts, from a call's arguments for example."""
    if isinstance(value, Mapping | list):
        for child in value.values() if isinstance(value, Mapping) else value:
            yield from texts_in(child)
    else:
        yield str(value)
