"""How long a text is in simulated tokens: four bytes of UTF-8 per token, rounded up.

The usual rule of thumb for English. A real tokenizer's count differs; docs/fidelity.md says so.
"""

from __future__ import annotations


def count_tokens(text: str) -> int:
    length = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return (length + 3) // 4
