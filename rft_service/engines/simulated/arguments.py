"""The arguments of a call: a learned choice for each value that the tool's schema asks for.

Values in objects and lists are chosen as a parameter's are. Then the arguments are made to satisfy
the schema, as constrained decoding would have it: only where they do not already.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rft_service.engines.simulated.memory import Memory
from rft_service.engines.simulated.parameters import TextPool, parameter_candidates
from rft_service.engines.simulated.shapes import Shape, ShapeReader
from rft_service.engines.simulated.weights import Decision, Vector
from rft_service.rl.engine import ToolSpec
from rft_service.schemas.check import Part, SchemaError
from rft_service.schemas.structured import repair_value

MAX_VALUES = 100  # within the parameters of one call
_LEFT_OUT: Any = object()

Choose = Callable[[Vector, tuple[str, ...]], Decision]
Explain = Callable[[str, Decision], None]


@dataclass
class Arguments:
    """The arguments of one call in the making."""

    tool: ToolSpec
    pool: TextPool
    memory: Memory
    choose: Choose
    explain: Explain
    values_left: int = MAX_VALUES

    def __post_init__(self) -> None:
        self._shapes = ShapeReader(self.tool.parameters)

    def text(self) -> str:
        """The arguments as JSON."""
        shape = self._shapes.read(self.tool.parameters)
        value = self._object(shape, "", shape.references)
        with suppress(SchemaError):  # no value satisfies it, or that takes too much work
            asked = self.memory.question.text
            value = repair_value(value, self.tool.parameters_text, asked)
        return json.dumps(value)

    def _object(self, shape: Shape, prefix: str, within: frozenset[str]) -> dict[str, Any]:
        required = shape.schema.get("required", ())
        values = {
            name: self._value(child, name, prefix, name in required, within)
            for name, child in shape.schema.get("properties", {}).items()
        }
        return {name: value for name, value in values.items() if value is not _LEFT_OUT}

    def _value(
        self, part: Part, name: str, prefix: str, required: bool, within: frozenset[str]
    ) -> Any:
        """A value for a property, or _LEFT_OUT. `prefix` is the path of the object that it is in,
        `within` the references that led there."""
        shape = self._shapes.read(part)
        absent = None if required and shape.nullable else _LEFT_OUT
        self.values_left -= bool(prefix)
        if (prefix and self.values_left < 0) or shape.references & within:
            return absent
        within |= shape.references
        if "enum" not in shape.schema and shape.kind == "object":
            value: Any = self._object(shape, f"{prefix}{name}.", within)
            return value if value or required else _LEFT_OUT
        if "enum" not in shape.schema and shape.kind == "array":
            needed = required and not shape.nullable
            items = self._items(shape, name, prefix, needed, within)
            return items if items or needed else absent
        chosen = self._chosen(shape, name, prefix + name, required)
        return absent if chosen is _LEFT_OUT else chosen

    def _items(
        self, shape: Shape, name: str, prefix: str, required: bool, within: frozenset[str]
    ) -> list[Any]:
        """Distinct values, as many as a list must have but at least one."""
        count = max(1, int(shape.schema.get("minItems", 1)))
        found: list[Any] = []
        for _ in range(2 * min(count, MAX_VALUES)):
            if len(found) == count or self.values_left <= 0:
                break
            self.values_left -= 1
            item = self._value(shape.schema.get("items", {}), name, prefix, required, within)
            if item is _LEFT_OUT:
                break
            found += [] if item in found else [item]
        return found

    def _chosen(self, shape: Shape, name: str, path: str, required: bool) -> Any:
        if shape.kind == "null":
            return None
        candidates, rows = parameter_candidates(
            self.pool,
            self.memory,
            self.tool.name,
            name,
            shape.schema,
            required and not shape.nullable,
        )
        decision = self.choose(rows, ("fill", f"fill/{self.tool.name}.{path}"))
        chosen = candidates[decision.index]
        if chosen.omit:
            return _LEFT_OUT
        self.explain(f"{path} = {chosen.value}", decision)
        return chosen.value
