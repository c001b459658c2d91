"""How long a text is in tokens: four bytes of UTF-8 a token, rounded up.

The usual rule of thumb for English. A real tokenizer's count differs; docs/fidelity.md says so.
"""

from __future__ import annotations


def count_tokens(text: str) -> int:
    return (len(text.encode("utf-8", "surrogatepass")) + 3) // 4
