"""Calls to an owner's tools and graders, with the limits and retries of the real service."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp

MAX_BYTES = 1_000_000  # of a request, and of an answer
MAX_CONNECT_S = 30.0  # to open a connection


@dataclass(frozen=True)
class EndpointLimits:
    """How long to wait and how often to retry; the defaults are those of the real service, which
    does not say how long a job waits for an endpoint that is down."""

    timeout_s: float = 600.0
    retries: int = 3
    first_pause_s: float = 0.5  # before the first retry; doubled before each further one
    patience_s: float = 600.0  # of a job, for an endpoint that is down


@dataclass(frozen=True)
class Reply:
    """An answer below 500. `body` is None where it was larger than MAX_BYTES."""

    status: int
    body: bytes | None
    latency_s: float


@dataclass(frozen=True)
class Fault:
    """No usable answer after every retry. `reason` completes "the tool ..."; it names no header."""

    reason: str
    latency_s: float
    unreachable: bool = False  # nothing listens there
    may_be_down: bool = False  # 5xx, a time-out or no connection


class _RetryableError(Exception):
    """One try that failed in a way that may pass."""

    def __init__(self, reason: str, unreachable: bool = False, may_be_down: bool = True) -> None:
        super().__init__(reason)
        self.unreachable = unreachable
        self.may_be_down = may_be_down


class EndpointClient:
    """Calls tools and graders: bounded, retried, and a failure is a value, never an exception.

    5xx, a time-out and a dropped connection are retried; a 4xx is an answer. An asynchronous
    context manager that belongs to the event loop that entered it. aiohttp is used because it is
    several times faster than httpx here.
    """

    def __init__(self, limits: EndpointLimits | None = None) -> None:
        self.limits = limits or EndpointLimits()
        self._connect_s = min(MAX_CONNECT_S, self.limits.timeout_s)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=256, ttl_dns_cache=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=self.limits.timeout_s, sock_connect=self._connect_s
            ),
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
        """POST a JSON body."""
        return await self.request("POST", url, headers, body, retry_429=retry_429)

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        retry_429: bool = False,
        before_last_try: Callable[[], Awaitable[None]] | None = None,
    ) -> Reply | Fault:
        """Send a request, and again after a fault that may pass, with growing pauses."""
        started = time.perf_counter()
        for attempt in range(self.limits.retries + 1):
            if attempt:
                await asyncio.sleep(self.limits.first_pause_s * 2 ** (attempt - 1))
                if before_last_try and attempt == self.limits.retries:
                    await before_last_try()
            try:
                status, answer = await self._once(method, url, headers, body, retry_429)
            except _RetryableError as error:
                failed = error
                continue
            latency_s = time.perf_counter() - started
            if 300 <= status < 400:
                return Fault(f"answered {status}, a redirect; give its final URL", latency_s)
            return Reply(status, answer, latency_s)
        reason = f"{failed} (tried {self.limits.retries + 1} times)"
        latency_s = time.perf_counter() - started
        return Fault(reason, latency_s, failed.unreachable, failed.may_be_down)

    async def _once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        retry_429: bool,
    ) -> tuple[int, bytes | None]:
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                if response.status >= 500:
                    raise _RetryableError(f"answered {response.status}")
                if retry_429 and response.status == 429:
                    raise _RetryableError("answered 429", may_be_down=False)
                return response.status, await _read(response)
        except aiohttp.ConnectionTimeoutError:
            reason = f"cannot be reached (no connection within {self._connect_s:g} s)"
            raise _RetryableError(reason, unreachable=True) from None
        except TimeoutError:
            raise _RetryableError(f"did not answer in {self.limits.timeout_s:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise _RetryableError(f"cannot be reached ({_reason(error)})", True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _RetryableError(f"dropped the connection ({type(error).__name__})") from None


def _reason(error: aiohttp.ClientConnectorError) -> str:
    """Why there is no connection, in the system's words: event loops add theirs."""
    number = error.os_error.errno
    if number is not None and number > 0:
        return os.strerror(number)
    return error.os_error.strerror or str(error.os_error)


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """The body, or None if it is larger than MAX_BYTES."""
    if response.content_length is not None:
        return await response.read() if response.content_length <= MAX_BYTES else None
    parts, size = list[bytes](), 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            return None
    return b"".join(parts)
