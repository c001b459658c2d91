"""Whether a JSON value satisfies a JSON Schema (2020-12), in a bounded number of steps.

A schema comes with a request and is read on the event loop, so it must not be able to hold that up.
Libraries for this match patterns by backtracking, follow references as often as they multiply, and
quote whole values in errors that nobody reads here. `schemas.parts_of` has gone before: every
keyword is taken to be of its kind.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import islice
from typing import Any

from rft_service.schemas.check import SchemaError, is_number, resolve
from rft_service.schemas.patterns import FORMATS

MAX_STEPS = 100_000  # a fifth of a second or so
NOT_READ = ("unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef")
_WORK_PER_STEP = 200  # a pattern's instructions times characters, where RE2 is at its slowest


class StepLimitError(SchemaError):
    """A schema that takes more steps than it is given."""

    def __init__(self) -> None:
        super().__init__(f"it takes more than {MAX_STEPS} steps to check a value")


class Validation:
    """One look at a value: how many steps it may still take, and what the schema refers to."""

    def __init__(self, root: Any, patterns: Mapping[str, Any]) -> None:
        self._root = root
        self._patterns = patterns
        self._steps_left = MAX_STEPS

    def spend(self, steps: int) -> None:
        """Raises StepLimitError once there were too many."""
        self._steps_left -= steps
        if self._steps_left < 0:
            raise StepLimitError

    def target(self, reference: str) -> Any:
        return resolve(reference, self._root)

    def holds(self, value: Any, schema: Any) -> bool:
        """Whether a value satisfies a schema. Raises StepLimitError."""
        self.spend(1)
        if isinstance(schema, bool):
            return schema
        checks = _CHECKS[type(value)]
        for keyword, wanted in schema.items():
            if keyword in checks:
                self.spend(1 + len(wanted) // 8 if isinstance(wanted, list | dict) else 1)
                if not checks[keyword](self, value, wanted, schema):
                    return False
        return True

    def matches(self, pattern: str, text: str) -> bool:
        program = self._patterns[pattern]
        self.spend(1 + len(text) * program.programsize // _WORK_PER_STEP)
        return program.search(text) is not None

    def key(self, value: Any) -> str:
        """A text that is the same for equal values: 1 equals 1.0, and neither is true."""
        if isinstance(value, list):
            return f"[{','.join(map(self.key, value))}]"
        if isinstance(value, dict):
            pairs = sorted((json.dumps(name), self.key(child)) for name, child in value.items())
            return f"{{{','.join(f'{name}:{child}' for name, child in pairs)}}}"
        self.spend(1 + len(value) // 1_000 if isinstance(value, str) else 1)
        return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


Check = Callable[[Validation, Any, Any, Mapping[str, Any]], bool]
"""(validation, value, the keyword's value, the schema around it) -> whether it is satisfied."""


def _is_of_type(_: Validation, value: Any, wanted: Any, __: Any) -> bool:
    kinds = wanted if isinstance(wanted, list) else [wanted]
    if is_number(value):
        whole = isinstance(value, int) or value.is_integer()
        return "number" in kinds or (whole and "integer" in kinds)
    return _NAMES[type(value)] in kinds


def _if(run: Validation, value: Any, wanted: Any, schema: Any) -> bool:
    return run.holds(value, schema.get("then" if run.holds(value, wanted) else "else", True))


def _is_multiple(_: Validation, value: Any, wanted: Any, __: Any) -> bool:
    """By the decimals as they are written: 0.3 is a multiple of 0.1."""
    return Fraction(str(value)) % Fraction(str(wanted)) == 0


def _has_format(run: Validation, value: str, wanted: str, _: Any) -> bool:
    run.spend(len(value) // 100)
    if wanted in ("ipv4", "ipv6"):
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return False
        return wanted == f"ipv{address.version}" and "%" not in value
    return wanted not in FORMATS or FORMATS[wanted].fullmatch(value) is not None


def _contains(run: Validation, value: Any, wanted: Any, schema: Any) -> bool:
    count = sum(run.holds(item, wanted) for item in value)
    return bool(schema.get("minContains", 1) <= count <= schema.get("maxContains", count))


def _items(run: Validation, value: Any, wanted: Any, schema: Any) -> bool:
    rest = islice(value, len(schema.get("prefixItems", ())), None)
    return all(run.holds(item, wanted) for item in rest)


def _prefix_items(run: Validation, value: Any, wanted: Any, _: Any) -> bool:
    return all(run.holds(item, child) for item, child in zip(value, wanted, strict=False))


def _dependent_required(run: Validation, value: Any, wanted: Any, _: Any) -> bool:
    others = [other for name in wanted if name in value for other in wanted[name]]
    run.spend(len(others) // 8)
    return all(other in value for other in others)


def _pattern_properties(run: Validation, value: Any, wanted: Any, _: Any) -> bool:
    return all(
        run.holds(child, child_schema)
        for pattern, child_schema in wanted.items()
        for name, child in value.items()
        if run.matches(pattern, name)
    )


def _additional_properties(run: Validation, value: Any, wanted: Any, schema: Any) -> bool:
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    return all(
        run.holds(child, wanted)
        for name, child in value.items()
        if name not in named and not any(run.matches(pattern, name) for pattern in patterns)
    )


_ANY: Mapping[str, Check] = {
    "$ref": lambda run, v, wanted, _: run.holds(v, run.target(wanted)),
    "type": _is_of_type,
    "const": lambda run, v, wanted, _: run.key(v) == run.key(wanted),
    "enum": lambda run, v, wanted, _: run.key(v) in map(run.key, wanted),
    "allOf": lambda run, v, wanted, _: all(run.holds(v, branch) for branch in wanted),
    "anyOf": lambda run, v, wanted, _: any(run.holds(v, branch) for branch in wanted),
    "oneOf": lambda run, v, wanted, _: sum(run.holds(v, branch) for branch in wanted) == 1,
    "not": lambda run, v, wanted, _: not run.holds(v, wanted),
    "if": _if,
}
_NUMBER: Mapping[str, Check] = {
    **_ANY,
    "minimum": lambda _, v, wanted, __: v >= wanted,
    "maximum": lambda _, v, wanted, __: v <= wanted,
    "exclusiveMinimum": lambda _, v, wanted, __: v > wanted,
    "exclusiveMaximum": lambda _, v, wanted, __: v < wanted,
    "multipleOf": _is_multiple,
}
_STRING: Mapping[str, Check] = {
    **_ANY,
    "minLength": lambda _, v, wanted, __: len(v) >= wanted,
    "maxLength": lambda _, v, wanted, __: len(v) <= wanted,
    "pattern": lambda run, v, wanted, _: run.matches(wanted, v),
    "format": _has_format,
}
_ARRAY: Mapping[str, Check] = {
    **_ANY,
    "minItems": lambda _, v, wanted, __: len(v) >= wanted,
    "maxItems": lambda _, v, wanted, __: len(v) <= wanted,
    "uniqueItems": lambda run, v, wanted, _: not wanted or len(set(map(run.key, v))) == len(v),
    "contains": _contains,
    "items": _items,
    "prefixItems": _prefix_items,
}
_OBJECT: Mapping[str, Check] = {
    **_ANY,
    "minProperties": lambda _, v, wanted, __: len(v) >= wanted,
    "maxProperties": lambda _, v, wanted, __: len(v) <= wanted,
    "required": lambda _, v, wanted, __: all(name in v for name in wanted),
    "properties": lambda run, v, wanted, _: all(
        run.holds(child, wanted[name]) for name, child in v.items() if name in wanted
    ),
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "propertyNames": lambda run, v, wanted, _: all(run.holds(name, wanted) for name in v),
    "dependentRequired": _dependent_required,
    "dependentSchemas": lambda run, v, wanted, _: all(
        run.holds(v, child) for name, child in wanted.items() if name in v
    ),
}
_CHECKS: Mapping[type, Mapping[str, Check]] = {
    dict: _OBJECT,
    list: _ARRAY,
    str: _STRING,
    int: _NUMBER,
    float: _NUMBER,
    bool: _ANY,
    type(None): _ANY,
}
_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
