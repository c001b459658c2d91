"""`encrypted_content` of reasoning items: what a client sends back must be what it was given.

The content is signed with the state folder's key, not encrypted: a simulated model's reasoning is
not a secret. docs/fidelity.md says so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from rft_service.strict_json import dumps

SIGNATURE_BYTES = 32


class ReasoningSigner:
    """Signs and verifies reasoning summaries for one state folder."""

    def __init__(self, key: str) -> None:
        self._key = hashlib.sha256(b"reasoning/" + key.encode()).digest()

    def sign(self, summary: list[dict[str, Any]]) -> str:
        body = dumps(summary).encode()
        return base64.b64encode(self._signature(body) + body).decode()

    def verify(self, content: str) -> list[dict[str, Any]]:
        """The summary that was signed. Raises ValueError if the content was changed or comes from
        another state folder."""
        decoded = base64.b64decode(content.encode("ascii"), validate=True)
        signature, body = decoded[:SIGNATURE_BYTES], decoded[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(body)):
            raise ValueError("the signature does not match")
        summary: list[dict[str, Any]] = json.loads(body)
        return summary

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)
