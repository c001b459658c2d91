"""Checks before any handler: the Host header, the API key and the size of the body."""

from __future__ import annotations

import hmac
import os
import re
import secrets
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rft_service.errors import ApiError

MAX_BODY_BYTES = 32 * 2**20
MAX_UPLOAD_BYTES = 512 * 2**20

_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)


def api_key(home: Path) -> str:
    """The state folder's key, random, created on first use and readable by its owner only."""
    path = home / "api_key"
    try:
        key = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        key = ""
    if not key:
        key = "sk-local-" + secrets.token_urlsafe(24)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(key + "\n")
    return key


class Gate:
    """ASGI middleware: refuses requests that must not reach a handler.

    Any Host but loopback is refused, so that a web page cannot reach the service through a host
    name that resolves to 127.0.0.1 (DNS rebinding). There are no CORS headers: a page of another
    origin can read nothing.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app = app
        self._credential = b"Bearer " + key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            headers = dict(scope["headers"])
            self._check(headers)
            is_upload = headers.get(b"content-type", b"").startswith(b"multipart/")
            limit = MAX_UPLOAD_BYTES if is_upload else MAX_BODY_BYTES
            receive = _bounded(receive, headers, limit)
        except ApiError as error:
            challenge = {"www-authenticate": "Bearer"} if error.status == 401 else None
            await error.response(challenge)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _check(self, headers: dict[bytes, bytes]) -> None:
        host = headers.get(b"host", b"").decode("latin-1")
        if not _LOOPBACK.fullmatch(host):
            raise ApiError(
                403, "The Host header must be 127.0.0.1 or localhost.", code="invalid_host"
            )
        credential = headers.get(b"authorization", b"")
        if not hmac.compare_digest(credential, self._credential):
            given = "Incorrect API key provided." if credential else "No API key provided."
            fix = "Send the service's key as 'Authorization: Bearer KEY'."
            raise ApiError(401, f"{given} {fix}", code="invalid_api_key")


def _bounded(receive: Receive, headers: dict[bytes, bytes], limit: int) -> Receive:
    """`receive`, for a body of at most `limit` bytes. Raises ApiError 413 if it declares more."""
    try:
        declared = int(headers.get(b"content-length", b"0"))
    except ValueError:
        raise ApiError(400, "The Content-Length header is not a number.") from None
    too_large = f"The request body is larger than {limit // 2**20} MiB."
    if declared > limit:
        raise ApiError(413, too_large, code="request_too_large")
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413, too_large)  # FastAPI passes this kind on
        return message

    return counted
