"""Identifiers with OpenAI's prefixes: random for stored things, hashed where they must repeat."""

from __future__ import annotations

import hashlib
import secrets


def random_id(prefix: str) -> str:
    """A new ID, `prefix` and 24 hexadecimal digits, such as `file-1f0c...`."""
    return prefix + secrets.token_hex(12)


def derived_id(prefix: str, key: bytes, *parts: object) -> str:
    """An ID that depends on `key` and `parts` alone, so that the same request gives the same."""
    digest = hashlib.sha256(key + "/".join(str(part) for part in parts).encode())
    return prefix + digest.hexdigest()[:32]
