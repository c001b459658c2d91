"""Errors in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

import errno
import logging
import re
import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rft_service.strict_json import AsciiJSONResponse as JSONResponse

log = logging.getLogger(__name__)

DISK_IS_FULL = "the disk that holds the service's state folder is full"
DISK_FULL = f"{DISK_IS_FULL}: free some room and try again"


class ApiError(Exception):
    """A request that is refused: HTTP status, a line for a person, and a code for a program."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.kind = kind

    def body(self) -> dict[str, Any]:
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": error}

    def response(self, headers: Mapping[str, str] | None = None) -> JSONResponse:
        return JSONResponse(self.body(), self.status, headers)


def bad_request(message: str, param: str | None = None, code: str = "invalid_value") -> ApiError:
    return ApiError(400, message, param=param, code=code)


def invalid_value(param: str, reason: str) -> ApiError:
    return bad_request(f"Invalid value for '{param}': {reason}.", param)


def missing_parameter(param: str, code: str = "invalid_value") -> ApiError:
    return bad_request(f"Missing required parameter: '{param}'.", param, code)


def unknown_parameter(param: str) -> ApiError:
    return bad_request(f"Unknown parameter: '{param}'.", param, "unknown_parameter")


def unsupported_parameter(param: str) -> ApiError:
    message = f"The parameter '{param}' is not offered by this service; leave it out."
    return bad_request(message, param, "unsupported_parameter")


def not_found(what: str, name: str, param: str | None = None) -> ApiError:
    return ApiError(404, f"No such {what}: {name!r}.", param=param, code="not_found")


def conflict(message: str, param: str | None = None) -> ApiError:
    return ApiError(409, message, param=param, code="conflict")


def is_disk_full(error: BaseException) -> bool:
    """Whether an exception says that the state folder's disk has no room left."""
    if isinstance(error, sqlite3.OperationalError):
        return "disk is full" in str(error) or "disk I/O error" in str(error)
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


# In a union, pydantic's path also holds the type that it tried, such as `list[str]`.
_UNION_BRANCH = re.compile(r"(constrained-|literal\[|list\[|dict\[).*|str|int|float|bool")


def _first_problem(error: RequestValidationError) -> ApiError:
    """The first thing that pydantic found wrong, as one 400 that names the parameter."""
    problem = error.errors()[0]
    path = [str(part) for part in problem["loc"][1:]]  # without "body" or "query"
    param = ".".join(part for part in path if not _UNION_BRANCH.fullmatch(part))
    match problem["type"]:
        case "json_invalid":
            reason = problem.get("ctx", {}).get("error", "malformed")
            message = f"The request body is not valid JSON: {reason}."
            return bad_request(message, None, "invalid_json")
        case _ if not param:
            return bad_request("Send a JSON object, with 'Content-Type: application/json'.")
        case "extra_forbidden":
            return unknown_parameter(param)
        case "missing":
            return missing_parameter(param, "missing_required_parameter")
    return invalid_value(param, reason_of(problem["msg"]))


_TAG = re.compile(r"Input tag ('.*') found using '(\w+)' does not match any of the expected tags: ")


def reason_of(message: str) -> str:
    """What pydantic says is wrong, in our words."""
    message = message.removeprefix("Value error, ").replace("Input should ", "must ", 1)
    message = message.replace("Unable to extract tag using discriminator", "it has no", 1)
    return _TAG.sub(r"the \2 is \1; use one of ", message)


def install(app: FastAPI) -> None:
    """Answer every failure of a handler in OpenAI's shape."""

    async def api_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ApiError)
        return error.response()

    async def invalid_request(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return _first_problem(error).response()

    async def http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        message = {
            404: f"Unknown request URL: {request.method} {request.url.path}.",
            405: f"{request.method} is not allowed for {request.url.path}.",
        }.get(error.status_code, str(error.detail))
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        return ApiError(error.status_code, message, code=code).response(error.headers)

    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(RequestValidationError, invalid_request)
    app.add_exception_handler(HTTPException, http_error)
    app.add_middleware(UnhandledErrors)


class UnhandledErrors:
    """ASGI middleware: answers an unhandled exception with a 500.

    Starlette raises an exception again after its handler for `Exception`, and the server then drops
    a connection that the client goes on using.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if has_begun:  # half an answer must not pass for a whole one
                raise
            message, code = DISK_FULL, "disk_full"
            if not is_disk_full(error):
                log.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
                message = "The service failed to process the request; its log says why."
                code = "server_error"
            answer = ApiError(500, message, code=code, kind="server_error").response()
            await answer(scope, receive, send)
