"""Structured outputs: what a model says is made to satisfy the schema that was asked for.

A real service constrains each token. Here the policy answers first; an answer that does not satisfy
the schema is put into the smallest value that does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from rft_service.schemas.build_value import smallest
from rft_service.schemas.check import SchemaError, parts_of, text_of
from rft_service.schemas.patterns import compiled_patterns
from rft_service.schemas.validation import NOT_READ, StepLimitError, Validation
from rft_service.strict_json import loads


@dataclass(frozen=True)
class _Usable:
    """A schema that answers can be held to; `plain` is a value of it that holds no text."""

    root: Mapping[str, Any]
    patterns: Mapping[str, Any]
    plain: str = ""

    def conforms(self, text: str) -> bool:
        try:
            return Validation(self.root, self.patterns).holds(loads(text.encode()), self.root)
        except (ValueError, RecursionError):  # no JSON, or too much to check
            return False

    def smallest(self, text: str) -> str | None:
        """The smallest value as JSON, the text within it, or None if none was found. Raises
        StepLimitError."""
        try:
            found = smallest(Validation(self.root, self.patterns), self.root, text)
        except RecursionError:
            raise StepLimitError from None
        written = json.dumps(found.value, ensure_ascii=False) if found else ""
        return written if self.conforms(written) else None


@lru_cache(maxsize=64)
def _usable(text: str) -> _Usable:
    root = json.loads(text)
    parts = parts_of(root)
    for keyword in NOT_READ:
        if any(keyword in part for part in parts):
            raise SchemaError(f"{keyword} is not read here")
    schema = _Usable(root, compiled_patterns(parts))
    plain = schema.smallest("")
    if plain is None:
        message = "no value was found that satisfies it; name one in `examples` or `default`"
        raise SchemaError(message)
    return replace(schema, plain=plain)


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raises SchemaError if answers cannot be held to a schema."""
    _usable(text_of(schema))


def conforms(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether a text is JSON that satisfies a schema. Raises SchemaError."""
    return _usable(text_of(schema)).conforms(text)


def held_to(text: str, schema: Mapping[str, Any]) -> str:
    """The text, if it satisfies the schema, else the smallest value that does and holds the text
    where there is a place for one. Raises SchemaError."""
    usable = _usable(text_of(schema))
    if usable.conforms(text):
        return text
    try:
        return usable.smallest(text) or usable.plain
    except StepLimitError:
        return usable.plain
