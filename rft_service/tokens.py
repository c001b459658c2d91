"""How long a text is in simulated tokens: four bytes of UTF-8 per token, rounded up.

The usual rule of thumb for English. A real tokenizer's count differs; docs/fidelity.md says so.
"""

from __future__ import annotations


def count_tokens(text: str) -> int:
    return tokens_of_bytes(utf8_length(text))


def tokens_of_bytes(length: int) -> int:
    return (length + 3) // 4


def utf8_length(text: str) -> int:
    """The bytes of a text; an ASCII text, the usual case, need not be encoded to know."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
