"""Errors in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

import errno
import logging
import re
import sqlite3
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rft_service.strict_json import AsciiJSONResponse as JSONResponse

log = logging.getLogger(__name__)

_BRANCH = re.compile(r"(constrained-|literal\[|list\[|dict\[).*|str|int|float|bool")


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
        return error_body(self.message, kind=self.kind, param=self.param, code=self.code)


def error_body(
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def bad_request(message: str, param: str | None = None, code: str = "invalid_value") -> ApiError:
    return ApiError(400, message, param=param, code=code)


def not_found(what: str, name: str, param: str | None = None) -> ApiError:
    return ApiError(404, f"No such {what}: {name!r}.", param=param, code="not_found")


def conflict(message: str, param: str | None = None) -> ApiError:
    return ApiError(409, message, param=param, code="conflict")


def is_disk_full(error: BaseException) -> bool:
    """Whether an exception says that the state folder's disk has no room left."""
    if isinstance(error, sqlite3.OperationalError):
        return "disk is full" in str(error) or "disk I/O error" in str(error)
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


DISK_FULL = "the disk that holds the service's state folder is full: free some room and try again"


def first_problem(error: RequestValidationError) -> ApiError:
    """The first thing that pydantic found wrong, as one 400 that names the parameter."""
    problem = error.errors()[0]
    param = ".".join(str(part) for part in problem["loc"][1:] if not _is_branch(part)) or None
    if param is None and problem["type"] != "json_invalid":
        return bad_request("Send a JSON object, with 'Content-Type: application/json'.")
    if problem["type"] == "extra_forbidden":
        return bad_request(f"Unknown parameter: '{param}'.", param, "unknown_parameter")
    if problem["type"] == "missing":
        return bad_request(
            f"Missing required parameter: '{param}'.", param, "missing_required_parameter"
        )
    if problem["type"] == "json_invalid":
        reason = problem.get("ctx", {}).get("error", "malformed")
        return bad_request(f"The request body is not valid JSON: {reason}.", None, "invalid_json")
    reason = problem["msg"].removeprefix("Value error, ")
    return bad_request(f"Invalid value for '{param}': {reason}.", param)


def _is_branch(part: int | str) -> bool:
    """Whether a part of pydantic's path is no name but the type that it tried in a union."""
    return isinstance(part, str) and bool(_BRANCH.fullmatch(part))


def install(app: FastAPI) -> None:
    """Answer every failure of a handler in OpenAI's shape."""

    async def api_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ApiError)
        return JSONResponse(error.body(), error.status)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        problem = first_problem(error)
        return JSONResponse(problem.body(), problem.status)

    async def http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        message = {
            404: f"Unknown request URL: {request.method} {request.url.path}.",
            405: f"{request.method} is not allowed for {request.url.path}.",
        }.get(error.status_code, str(error.detail))
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        return JSONResponse(
            error_body(message, code=code), error.status_code, headers=error.headers
        )

    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)
    app.add_middleware(Crashes)


class Crashes:
    """ASGI middleware: a failure that no handler foresaw is answered with a 500.

    An exception handler of Starlette's for all exceptions would raise them again, at which the
    server drops a connection that the client goes on using.
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
            await crashed(f"{scope['method']} {scope['path']}", error)(scope, receive, send)


def crashed(what: str, error: Exception) -> JSONResponse:
    """The answer to a request that the service failed at."""
    if is_disk_full(error):
        return JSONResponse(error_body(DISK_FULL, kind="server_error", code="disk_full"), 500)
    log.error("%s failed", what, exc_info=error)
    message = "The service had an error while processing the request; its log says which."
    return JSONResponse(error_body(message, kind="server_error", code="server_error"), 500)
