"""`encrypted_content` of reasoning items: what the client hands back must be what it was given.

The content is signed with the state folder's key, not encrypted: a simulated model's reasoning is
no secret. docs/fidelity.md says so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from rft_service.strict_json import dumps

MAC_BYTES = 32


class Seal:
    """Signs and checks reasoning for one state folder."""

    def __init__(self, key: str) -> None:
        self._key = hashlib.sha256(b"reasoning/" + key.encode()).digest()

    def close(self, summary: list[dict[str, Any]]) -> str:
        body = dumps(summary).encode()
        return base64.b64encode(self._mac(body) + body).decode()

    def open(self, content: str) -> list[dict[str, Any]]:
        """What `close` was given. Raises ValueError if it was tampered with or is another's."""
        sealed = base64.b64decode(content.encode("ascii"), validate=True)
        mac, body = sealed[:MAC_BYTES], sealed[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise ValueError("the signature does not match")
        summary: list[dict[str, Any]] = json.loads(body)
        return summary

    def _mac(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()
