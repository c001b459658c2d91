"""JSON as the service takes and gives it: bounded depth, finite numbers, ASCII out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

MAX_DEPTH = 64

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def depth_exceeds(text: bytes, limit: int) -> bool:
    """Whether arrays and objects of a JSON text nest deeper than `limit`."""
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in (b"[", b"{"):
            depth += 1
            if depth > limit:
                return True
        elif token in (b"]", b"}"):
            depth -= 1
    return False


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text} is out of range")
    return number


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def loads(text: bytes) -> Any:
    """Parse UTF-8 JSON. Raises ValueError: malformed, too deep, half a surrogate pair, or a number
    that is not finite."""
    if depth_exceeds(text, MAX_DEPTH):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    value = json.loads(decoded, parse_float=_finite, parse_constant=_no_constant)
    if _SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("half of a surrogate pair is no character") from None
    return value


def dumps(value: Any) -> str:
    """Compact ASCII JSON. Raises ValueError at NaN and infinities."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def whole_characters(text: str) -> str:
    """A text with a question mark for each half of a surrogate pair, which no UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode()


class AsciiJSONResponse(JSONResponse):
    """A JSON answer in ASCII."""

    def render(self, content: Any) -> bytes:
        return dumps(content).encode()


class _StrictRequest(Request):
    async def json(self) -> Any:
        try:
            return loads(await self.body())
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None


class StrictRoute(APIRoute):
    """A route that reads its JSON body with `loads`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(_StrictRequest(request.scope, request.receive))

        return strict
