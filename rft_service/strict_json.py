"""JSON as the service reads and writes it: bounded depth, finite numbers, ASCII out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from starlette.datastructures import QueryParams
from starlette.types import Scope

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


def _reject_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def loads(text: bytes) -> Any:
    """Parse UTF-8 JSON. Raises ValueError if it is malformed or too deep, or holds half a surrogate
    pair or a number that is not finite."""
    if depth_exceeds(text, MAX_DEPTH):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    value = json.loads(decoded, parse_float=_finite, parse_constant=_reject_constant)
    if _SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("half of a surrogate pair is not a character") from None
    return value


def dumps(value: Any) -> str:
    """Compact ASCII JSON. Raises ValueError at NaN and infinities."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def whole_characters(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair, which UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode()


_DATA = ("parameters", "schema", "output_schema")  # JSON Schemas, in which null is a value


def without_nulls(value: Any) -> Any:
    """A part of a request without its keys that are null, at any depth: null means absent."""
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: inner if key in _DATA else without_nulls(inner)
        for key, inner in value.items()
        if inner is not None
    }


Entry = Annotated[dict[str, Any], BeforeValidator(without_nulls)]
"""An object in a request whose keys are read later: an item, a message, a tool, a choice."""


class RequestModel(BaseModel):
    """An object in a request: an unknown key is an error, and null means absent, as clients write
    both."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: inner for key, inner in value.items() if inner is not None}


class AsciiJSONResponse(JSONResponse):
    def render(self, content: Any) -> bytes:
        return dumps(content).encode()


class _StrictRequest(Request):
    async def json(self) -> Any:
        try:
            return loads(await self.body())
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None


class StrictRoute(APIRoute):
    """A route that reads its JSON body with `loads`, and its query without empty parameters."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handler(_StrictRequest(_without_empty(request.scope), request.receive))

        return handle_strictly


def _without_empty(scope: Scope) -> Scope:
    """The scope of a request without the parameters of its query that are empty, which is how
    clients write null there. An empty value of `metadata[key]` is one to look for."""
    pairs = QueryParams(scope["query_string"]).multi_items()
    given = [(name, value) for name, value in pairs if value or name.endswith("]")]
    return {**scope, "query_string": urlencode(given).encode()}
