"""Calls to the customer's endpoints: bounded, retried, and never an exception.

What an endpoint does wrong comes back as a value, because it decides the fate of one rollout and
must not stop a job. aiohttp carries the calls: it is several times faster than httpx here.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Annotated, Self
from urllib.parse import urlsplit

import aiohttp
from pydantic import AfterValidator

MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class EndpointLimits:
    """How long to wait and how often to try again; the defaults are those of the real service."""

    timeout_s: float = 600.0
    retries: int = 3
    first_pause_s: float = 0.5  # before the first retry; doubled for each one after it


@dataclass(frozen=True)
class Reply:
    """An answer below 500. `body` is None where it was larger than MAX_BYTES."""

    status: int
    body: bytes | None
    latency_s: float


@dataclass(frozen=True)
class Fault:
    """No usable answer, after every retry: why, in words that name no header."""

    reason: str
    latency_s: float


class _TryAgainError(Exception):
    """A fault that may pass: 5xx, a time-out, a dropped connection."""


class EndpointClient:
    """A pool of connections to endpoints; belongs to the event loop that entered it."""

    def __init__(self, limits: EndpointLimits) -> None:
        self.limits = limits

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=256, ttl_dns_cache=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self.limits.timeout_s),
            auto_decompress=False,
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, retry_429: bool = False
    ) -> Reply | Fault:
        """POST a JSON body, again after a passing fault, with growing pauses."""
        started = time.perf_counter()
        for attempt in range(self.limits.retries + 1):
            if attempt:
                await asyncio.sleep(self.limits.first_pause_s * 2 ** (attempt - 1))
            try:
                status, answer = await self._post_once(url, headers, body, retry_429)
            except _TryAgainError as error:
                reason = str(error)
                continue
            latency_s = time.perf_counter() - started
            if 300 <= status < 400:
                return Fault(f"answered {status}, a redirect; give its final URL", latency_s)
            return Reply(status, answer, latency_s)
        tries = f"{self.limits.retries + 1} times"
        return Fault(f"{reason} (tried {tries})", time.perf_counter() - started)

    async def _post_once(
        self, url: str, headers: Mapping[str, str], body: bytes, retry_429: bool
    ) -> tuple[int, bytes | None]:
        try:
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as response:
                if response.status >= 500 or (retry_429 and response.status == 429):
                    raise _TryAgainError(f"answered {response.status}")
                return response.status, await _read(response)
        except TimeoutError:
            raise _TryAgainError(f"did not answer in {self.limits.timeout_s:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise _TryAgainError(f"cannot be reached ({error.os_error})") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _TryAgainError(f"dropped the connection ({type(error).__name__})") from None


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """The body, or None if it is larger than MAX_BYTES."""
    if response.content_length is not None:
        return await response.read() if response.content_length <= MAX_BYTES else None
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            return None
    return b"".join(parts)


def _sendable(headers: dict[str, str]) -> dict[str, str]:
    """Raises ValueError, which says nothing of the values, if these are no HTTP headers."""
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
            raise ValueError(f"{name!r} is not a header's name")
        if name.lower() in ("content-length", "transfer-encoding"):
            raise ValueError(f"{name!r} is set by the service itself")
        if not re.fullmatch(r"[\t\x20-\x7e\x80-\uffff]*", value):
            raise ValueError(f"the value of {name!r} holds a control character")
    return headers


def _reachable(url: str) -> str:
    """Raises ValueError if this is no URL that can be called."""
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        raise ValueError(f"{url!r} holds a space or a control character")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"{url!r} must begin with http:// or https://")
    if not parts.hostname or parts.port == 0:
        raise ValueError(f"{url!r} names no host or port")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the URL must not carry a user name or password; send a header instead")
    return url


Url = Annotated[str, AfterValidator(_reachable)]
"""An endpoint's URL in a request."""

Headers = Annotated[dict[str, str], AfterValidator(_sendable)]
"""An endpoint's headers in a request."""


async def probe(url: str, timeout_s: float = 5.0) -> str | None:
    """Why nothing listens at a URL's host and port, or None. Sends no request."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except TimeoutError:
        return f"no connection within {timeout_s:g} s"
    except OSError as error:
        return error.strerror or str(error)
    writer.close()
    return None
