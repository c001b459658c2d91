"""Identifiers with OpenAI's prefixes: random for stored things, hashed where they must repeat."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections import defaultdict
from collections.abc import Iterator

_seed: str | None = None
_numbers: defaultdict[str, Iterator[int]] = defaultdict(itertools.count)


def random_id(prefix: str) -> str:
    """A new ID, `prefix` and 24 hexadecimal digits, such as `file-1f0c...`."""
    if _seed is None:
        return prefix + secrets.token_hex(12)
    text = f"{_seed}/{prefix}/{next(_numbers[prefix])}"
    return prefix + hashlib.sha256(text.encode()).hexdigest()[:24]


def repeat_ids(seed: str) -> None:
    """From now on derive IDs from `seed`, each prefix counted by itself, so that a run can be
    repeated name by name. Each process on a state folder needs its own seed."""
    global _seed
    _seed = seed


def derived_id(prefix: str, key: bytes, *parts: object) -> str:
    """An ID that depends on `key` and `parts` alone, so that the same request gives the same."""
    digest = hashlib.sha256(key + "/".join(str(part) for part in parts).encode())
    return prefix + digest.hexdigest()[:32]
