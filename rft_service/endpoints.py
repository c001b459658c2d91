"""Addresses of the customer's endpoints: which URLs and headers may be used, and a probe."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def _sendable(headers: dict[str, str]) -> dict[str, str]:
    """Raises ValueError, which says nothing of the values, if these are not HTTP headers."""
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
            raise ValueError(f"{name!r} is not a header's name")
        if name.lower() in ("content-length", "transfer-encoding"):
            raise ValueError(f"{name!r} is set by the service itself")
        if not re.fullmatch(r"[\t\x20-\x7e\x80-\uffff]*", value):
            raise ValueError(f"the value of {name!r} holds a control character")
    return headers


def _reachable(url: str) -> str:
    """Raises ValueError if this is not a URL that can be called."""
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
