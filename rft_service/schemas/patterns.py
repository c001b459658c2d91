"""Patterns and formats of strings in JSON Schemas.

RE2 matches them: in a time that grows with the text, where Python's `re` may try for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import re2

from rft_service.schemas.check import SchemaError

MAX_PATTERNS = 100  # in one schema
MAX_MEMORY = 2**18  # bytes that a compiled pattern may take


def compiled(pattern: str) -> Any:
    """A pattern in RE2, which never backtracks. Raises SchemaError if it knows no such pattern."""
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    options.never_capture = True
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0].decode() if isinstance(error, re2.error) else error
        raise SchemaError(
            f"the pattern {pattern!r} cannot be used ({reason}); RE2's syntax has no lookaround"
        ) from None


_DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
FORMATS = {
    name: compiled(pattern)
    for name, pattern in {
        "date-time": f"{_DATE}[Tt]{_TIME}",
        "date": _DATE,
        "time": _TIME,
        "duration": r"P(\d+W|(\d+[YMD])+(T(\d+[HMS])+)?|T(\d+[HMS])+)",
        "email": r"[^@\s]+@[^@\s]+",
        "hostname": rf"{_LABEL}(\.{_LABEL})*",
        "uri": r"[A-Za-z][A-Za-z0-9+.-]*:\S*",
        "uuid": r"[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}",
    }.items()
}
EXAMPLES = {
    "date-time": "2000-01-01T00:00:00Z",
    "date": "2000-01-01",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "email": "name@example.com",
    "hostname": "example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
}
"""A value of each format that is checked; any other format says nothing."""


def compiled_patterns(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Every pattern of a schema's parts, ready for use. Raises SchemaError."""
    patterns = set[str]()
    for part in parts:
        patterns |= {part["pattern"]} if "pattern" in part else set()
        patterns |= part.get("patternProperties", {}).keys()
    if len(patterns) > MAX_PATTERNS:
        raise SchemaError(f"{len(patterns)} patterns; at most {MAX_PATTERNS} are read")
    return {pattern: compiled(pattern) for pattern in patterns}
