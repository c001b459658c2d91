"""Checks before any handler: the Host header, the API key and the size of the body.

A service has one key, that of its state folder. One for a team has a file of further keys beside
it, each with the name of its holder: who created a job is then part of the job.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rft_service.errors import ApiError

MAX_BODY_BYTES = 32 * 2**20
MAX_UPLOAD_BYTES = 512 * 2**20

MIN_KEY_CHARACTERS = 20
OWNER = ""
"""The name of the holder of the state folder's own key: a service of one person names nobody."""

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_PORT = re.compile(r":\d{1,5}$")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


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


def read_keys(file: Path) -> dict[str, str]:
    """The holder of each key, from a file with a line `NAME KEY` for each; `#` begins a comment.

    Raises OSError, or ValueError that names the line but never a key.
    """
    holders = dict[str, str]()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"{file}, line {number}"
        if len(words) != 2 or not _NAME.fullmatch(words[0]):
            raise ValueError(
                f"{where}: write a name of letters, digits, '.', '_' and '-', a space and a key"
            )
        name, key = words
        if len(key) < MIN_KEY_CHARACTERS or not key.isascii():
            raise ValueError(
                f"{where}: a key has at least {MIN_KEY_CHARACTERS} ASCII characters; make one with "
                '`python -c "import secrets; print(secrets.token_urlsafe(24))"`'
            )
        if key in holders or name in holders.values():
            raise ValueError(f"{where}: the name or the key is used twice; give each its own")
        holders[key] = name
    if not holders:
        raise ValueError(f"{file}: holds no key; write a line `NAME KEY` for each person")
    return holders


class Keys:
    """The keys that open a service, and who holds each."""

    def __init__(self, own: str, holders: Mapping[str, str] | None = None) -> None:
        self._holders = {own: OWNER, **(holders or {})}

    def __iter__(self) -> Iterator[str]:
        return iter(self._holders)

    def find(self, given: str) -> str | None:
        """The key that was given, if it is one of these. Each is compared in constant time."""
        found = None
        for key in self._holders:
            if hmac.compare_digest(given.encode(), key.encode()):
                found = key
        return found

    def holder(self, authorization: bytes) -> str | None:
        """The name of the holder of an Authorization header's key; None if it is not a key."""
        scheme, _, given = authorization.decode("latin-1").partition(" ")
        key = self.find(given) if scheme == "Bearer" else None
        return None if key is None else self._holders[key]


class Gate:
    """ASGI middleware: refuses requests that must not reach a handler.

    `hosts` are the names by which the service may be called. Any other Host header is refused, so
    that a web page cannot reach the service through a host name that resolves to its address (DNS
    rebinding). There are no CORS headers: a page of another origin can read nothing. The holder of
    the request's key becomes `scope["user"]`. An upload has at most `upload_bytes`.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: Keys,
        hosts: Collection[str] = LOOPBACK_HOSTS,
        upload_bytes: int = MAX_UPLOAD_BYTES,
    ) -> None:
        self.app = app
        self._keys = keys
        self._hosts = frozenset(host.lower() for host in hosts)
        self._upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            headers = dict(scope["headers"])
            scope = {**scope, "user": self._checked(headers)}
            is_upload = headers.get(b"content-type", b"").startswith(b"multipart/")
            limit = self._upload_bytes if is_upload else MAX_BODY_BYTES
            receive = _bounded(receive, headers, limit)
        except ApiError as error:
            challenge = {"www-authenticate": "Bearer"} if error.status == 401 else None
            await error.response(challenge)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _checked(self, headers: dict[bytes, bytes]) -> str:
        """The holder of the request's key. Raises ApiError 403 or 401."""
        host = headers.get(b"host", b"").decode("latin-1")
        if _PORT.sub("", host).lower() not in self._hosts:
            known = " or ".join(sorted(self._hosts - {"[::1]"}))
            raise ApiError(403, f"The Host header must be {known}.", code="invalid_host")
        credential = headers.get(b"authorization", b"")
        holder = self._keys.holder(credential)
        if holder is None:
            given = "Incorrect API key provided." if credential else "No API key provided."
            fix = "Send the service's key as 'Authorization: Bearer KEY'."
            raise ApiError(401, f"{given} {fix}", code="invalid_api_key")
        return holder


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
