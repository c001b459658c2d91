"""What arrives over HTTP: reading and checking requests, by hand because it is the hot path.

There are two kinds of mistake. A body that breaks the contract is the caller's fault and raises
`RequestError`, a 4xx. Wrong arguments from the model raise `ToolError`; the model reads it as the
tool's output and can correct itself.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from buildhour_helpers.tools.functions import ToolError

MOST_BYTES = 1_000_000
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


class RequestError(Exception):
    """A request that cannot be served: an HTTP status and one line that says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def authorise(request: Request, key: str) -> None:
    """Check the bearer key, in constant time. Raises RequestError 401."""
    sent = request.headers.get("authorization", "")
    if not hmac.compare_digest(sent.encode(), f"Bearer {key}".encode()):
        raise RequestError(401, "wrong or missing key; send the header 'Authorization: Bearer KEY'")


async def read_object(request: Request) -> dict[str, Any]:
    """The body, a JSON object of at most 1 MB. Raises RequestError 400 or 413."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise RequestError(413, f"the body is larger than {MOST_BYTES:,} bytes")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise RequestError(400, "the body must be a JSON object")
    return value


def text_field(body: Mapping[str, Any], field: str) -> str:
    """A field that must be a non-empty string. Raises RequestError 422."""
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise RequestError(422, f"{field}: must be a non-empty string")
    return value


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call as the service sends it. `arguments` is still what the model wrote."""

    name: str
    call_id: str
    trace_id: str
    arguments: str | dict[str, Any]
    id: str | None

    @classmethod
    def from_body(cls, body: Mapping[str, Any], name: str) -> ToolCall:
        """Read a call to the tool `name`. Raises RequestError 422 naming the field."""
        if body.get("name", name) != name:
            raise RequestError(422, f"name: this is the endpoint of {name!r}")
        arguments = body.get("arguments")
        if not isinstance(arguments, str | dict):
            raise RequestError(422, "arguments: must be a JSON string (or an object)")
        item_id = body.get("id")
        if item_id is not None and not isinstance(item_id, str):
            raise RequestError(422, "id: must be a string")
        return cls(
            name, text_field(body, "call_id"), text_field(body, "trace_id"), arguments, item_id
        )

    def reply(self, output: str) -> dict[str, Any]:
        """The body that answers this call."""
        answer = {"type": "function_call_output", "call_id": self.call_id, "output": output}
        return answer if self.id is None else {**answer, "id": self.id}


def read_arguments(
    written: str | Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments by name, checked against the tool's JSON Schema.

    Checks what the schemas of this course use (names, required, types, minimum, maximum).
    Raises ToolError, which says what to write instead.
    """
    try:
        arguments = json.loads(written) if isinstance(written, str) else written
    except (ValueError, RecursionError):
        arguments = None
    properties: Mapping[str, Any] = parameters["properties"]
    if not isinstance(arguments, Mapping):
        raise ToolError(f"the arguments are not a JSON object; give {_listed(properties)}")
    for name in parameters.get("required", ()):
        if name not in arguments:
            raise ToolError(f"{name} is missing; give {_listed(properties)}")
    for name, value in arguments.items():
        if name not in properties:
            raise ToolError(f"there is no parameter {name!r}; give {_listed(properties)}")
        _check(name, value, properties[name])
    return dict(arguments)


def _check(name: str, value: Any, schema: Mapping[str, Any]) -> None:
    kind = schema["type"]
    mistaken_for_number = isinstance(value, bool) and kind != "boolean"
    if not isinstance(value, _TYPES[kind]) or mistaken_for_number:
        raise ToolError(f"{name} must be of type {kind}, not {json.dumps(value)[:40]}")
    least, most = schema.get("minimum", value), schema.get("maximum", value)
    if kind in ("integer", "number") and not least <= value <= most:
        raise ToolError(f"{name} must be from {least} to {most}, not {value}")


def _listed(properties: Mapping[str, Any]) -> str:
    return " and ".join(f"{name} ({schema['type']})" for name, schema in properties.items())
