"""Browser access to the pages: first by a link that carries the key, then by a cookie.

The cookie is not the key: it is derived from it, opens the pages and nothing else, and scripts
cannot read it. Browsers send cookies to every port of a host, so another server on this machine
could see it; that server could look at the pages, but not use the API. A request that changes
something must come from the pages themselves (`Origin`).
"""

from __future__ import annotations

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlencode

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rft_service.api.security import Keys
from rft_service.pages.html import page

OPEN = "/open"
PAGES = ("/", OPEN, "/stream")
FOLDERS = ("/finetune/", "/assets/")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


def link(root: str, key: str, path: str = "/") -> str:
    """The address that opens `path` in a browser; `root` is the service's, without `/v1`."""
    return f"{root}{OPEN}?{urlencode({'key': key, 'to': path})}"


def is_page(path: str) -> bool:
    return path in PAGES or path.startswith(FOLDERS)


class PageAccess:
    """ASGI middleware in front of the gate. For a page it turns the link or cookie into the header
    that the gate asks for; the gate then checks Host and key as it does for the API."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self.app = app
        self._keys = keys
        self._cookies = {key: cookie_of(key) for key in keys}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_page(scope["path"]):
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if scope["path"] == OPEN:
            await self._open(scope, receive, send)
        elif is_from_the_pages(scope["method"], headers) and (key := self._key_of(headers)):
            bearer = (b"authorization", f"Bearer {key}".encode())
            kept = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
            await self.app({**scope, "headers": [*kept, bearer]}, receive, guarded(send))
        elif b"authorization" not in headers and b"text/html" in headers.get(b"accept", b""):
            await page("locked.html", 401)(scope, receive, guarded(send))
        else:
            await self.app(scope, receive, guarded(send))

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Exchange the link's key for the cookie, and redirect to an address without the key."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        key, to = self._keys.find(query.get("key", [""])[0]), query.get("to", ["/"])[0]
        if key is None:
            await page("locked.html", 401)(scope, receive, guarded(send))
            return
        redirect = RedirectResponse(to if is_page(to) and not to.startswith("//") else "/", 303)
        headers = dict(scope["headers"])
        redirect.set_cookie(
            self._cookie_name(headers),
            self._cookies[key],
            path="/",
            httponly=True,
            samesite="strict",
            secure=headers.get(b"x-forwarded-proto") == b"https",  # set by a proxy with TLS
        )
        await redirect(scope, receive, guarded(send))

    def _key_of(self, headers: dict[bytes, bytes]) -> str | None:
        """The key whose cookie a request carries."""
        try:
            cookies = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
        except CookieError:
            return None
        cookie = cookies.get(self._cookie_name(headers))
        given = cookie.value.encode() if cookie else b""
        matching = [k for k, c in self._cookies.items() if hmac.compare_digest(given, c.encode())]
        return matching[0] if matching else None

    @staticmethod
    def _cookie_name(headers: dict[bytes, bytes]) -> str:
        """The cookie's name, with the port in it: two services need two cookies."""
        port = headers.get(b"host", b"").decode("latin-1").rpartition(":")[2]
        return f"buildhour_{port if port.isdigit() else 80}"


def cookie_of(key: str) -> str:
    """The cookie that opens the pages for the holder of a key."""
    return hmac.digest(key.encode(), b"the pages, and nothing else", hashlib.sha256).hex()


def is_from_the_pages(method: str, headers: dict[bytes, bytes]) -> bool:
    """Whether a request reads only, or was sent by a page of this service, behind a proxy with TLS
    or without."""
    if method in ("GET", "HEAD"):
        return True
    host = headers.get(b"host", b"")
    return headers.get(b"origin", b"") in (b"http://" + host, b"https://" + host)


def guarded(send: Send) -> Send:
    """`send`, with the headers that keep a browser to this host."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name for name, _ in HEADERS}
            kept = [pair for pair in message.get("headers", []) if pair[0] not in own]
            message = {**message, "headers": [*kept, *HEADERS]}
        await send(message)

    return with_headers
