"""What endpoints say, without the header values that they were sent and may have echoed."""

from __future__ import annotations

from collections.abc import Mapping

REDACTED = "[not shown]"
MIN_SECRET = 8  # shorter header values are not keys, and would blank out ordinary words


def redacted(text: str, headers: Mapping[str, str]) -> str:
    """A text without the values of headers, with and without their scheme.

    To be called before a text is cut short: half a key would not be found.
    """
    values = {*headers.values(), *(value.partition(" ")[2] for value in headers.values())}
    for secret in sorted(values, key=len, reverse=True):
        if len(secret) >= MIN_SECRET:
            text = text.replace(secret, REDACTED)
    return text
