"""What every request passes before any handler: Host, key and size of the body."""

from __future__ import annotations

import hmac
import json
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
    """The state folder's key, made at random the first time; readable by its owner alone."""
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
    """ASGI middleware: refuses what must not reach a handler.

    Any Host but loopback is refused, so that a web page cannot reach the service by rebinding a
    name of its own to 127.0.0.1. There are no CORS headers: a page of another origin reads nothing.
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
            await _refuse(send, error)
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
            cure = "Send the service's key as 'Authorization: Bearer KEY'."
            raise ApiError(401, f"{given} {cure}", code="invalid_api_key")


def _declared_length(headers: dict[bytes, bytes]) -> int:
    try:
        return int(headers.get(b"content-length", b"0"))
    except ValueError:
        raise ApiError(400, "The Content-Length header is not a number.") from None


def _too_large(limit: int) -> ApiError:
    message = f"The request body is larger than {limit // 2**20} MiB."
    return ApiError(413, message, code="request_too_large")


def _bounded(receive: Receive, headers: dict[bytes, bytes], limit: int) -> Receive:
    """Pass a streamed body on, up to `limit` bytes."""
    if _declared_length(headers) > limit:
        raise _too_large(limit)
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413, _too_large(limit).message)
        return message

    return counted


async def _refuse(send: Send, error: ApiError) -> None:
    body = json.dumps(error.body()).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
