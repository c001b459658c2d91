"""The tool server: a FastAPI endpoint for each tool and for the grader, behind one key.

| endpoint | what |
|---|---|
| `POST /search`, `/list`, `/cat` | a tool call; answers `{"type", "call_id", "id", "output"}` |
| `POST /grade` | an answer to grade; answers `{"score"}` |
| `GET /traces/{trace_id}` | what a rollout has done so far |
| `DELETE /traces/{trace_id}` | forget it, so that the rollout can start again |

A model's mistake is a 200 whose output begins with `Error:`; 4xx means a malformed request or a
wrong key; 5xx means a fault, which the service retries. The handlers are `async` and
call the tools directly: at 0.2 ms a call, a thread pool would cost more than the work.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, TextIO

from fastapi import FastAPI, Request, Response

from buildhour_helpers.graders.endpoint import Grade, GraderCall, checked_score, grade_answer
from buildhour_helpers.tools.calls import (
    RequestError,
    ToolCall,
    authorise,
    read_arguments,
    read_object,
    text_field,
)
from buildhour_helpers.tools.functions import Tool, ToolError
from buildhour_helpers.tools.schemas import DEFINITIONS, Definition
from buildhour_helpers.tools.state import CallRecord, Trace, TraceStore

Handler = Callable[[Request], Awaitable[Response]]

BUDGET = 10


def create_app(
    functions: Mapping[str, Tool],
    *,
    key: str,
    definitions: Iterable[Definition] = DEFINITIONS,
    grade: Grade = grade_answer,
    budget: int = BUDGET,
    traces: TraceStore | None = None,
    log: TextIO | None = None,
) -> FastAPI:
    """The server for these tools and this grader.

    `functions` holds a function for each definition, by name. `budget` is the number of tool
    calls that a rollout may make. `log` receives a JSON line for each call and each grade.
    """
    store = TraceStore() if traces is None else traces
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(RequestError, _refuse)
    for definition in definitions:
        name = definition["function"]["name"]
        handler = _tool_handler(definition, functions[name], store, budget, log)
        app.post(f"/{name}")(_guarded(handler, key))
    app.post("/grade")(_guarded(_grade_handler(grade, store, log), key))
    app.get("/traces/{trace_id}")(_guarded(_trace_handler(store), key))
    app.delete("/traces/{trace_id}")(_guarded(_forget_handler(store), key))
    return app


def _guarded(handler: Handler, key: str) -> Handler:
    """The handler, behind the key."""

    async def guarded(request: Request) -> Response:
        authorise(request, key)
        return await handler(request)

    return guarded


def _tool_handler(
    definition: Definition, function: Tool, store: TraceStore, budget: int, log: TextIO | None
) -> Handler:
    name: str = definition["function"]["name"]
    parameters: Mapping[str, Any] = definition["function"]["parameters"]

    def output(call: ToolCall, trace: Trace) -> str:
        """Charge the call to the rollout's budget, run the tool, keep the record."""
        written = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
        repeated = trace.has_made(call.call_id, name, written)
        if not repeated and len(trace.calls) >= budget:
            trace.refused += 1
            return (
                f"Error: the budget of {budget} tool calls is used up; "
                "answer now with what you have read"
            )
        started_at, started = time.time(), time.perf_counter()
        try:
            text, is_error = function(**read_arguments(call.arguments, parameters)), False
        except ToolError as mistake:
            text, is_error = f"Error: {mistake}", True
        latency_s = round(time.perf_counter() - started, 6)
        if not repeated:
            record = CallRecord(
                call.call_id, name, written, started_at, latency_s, len(text), is_error
            )
            trace.calls.append(record)
            _write(log, {"event": "call", "trace_id": trace.trace_id, **asdict(record)})
        return text

    async def handler(request: Request) -> Response:
        call = ToolCall.from_body(await read_object(request), name)
        return _json(call.reply(output(call, store.open(call.trace_id))))

    return handler


def _grade_handler(grade: Grade, store: TraceStore, log: TextIO | None) -> Handler:
    async def handler(request: Request) -> Response:
        body = await read_object(request)
        trace = store.get(text_field(body, "trace_id"))
        try:
            call = GraderCall.from_body(body, trace)
            score = checked_score(grade(call))
        except ValueError as error:
            raise RequestError(422, str(error)) from None
        if trace:
            trace.score = score
        record = {"trace_id": body["trace_id"], "answer": call.answer, "score": score}
        _write(log, {"event": "grade", "at": time.time(), **record})
        return _json({"score": score})

    return handler


def _trace_handler(store: TraceStore) -> Handler:
    async def handler(request: Request) -> Response:
        trace_id = request.path_params["trace_id"]
        trace = store.get(trace_id)
        if trace is None:
            raise RequestError(404, f"no trace {trace_id!r}; it made no call, or was long ago")
        return _json(trace.to_json())

    return handler


def _forget_handler(store: TraceStore) -> Handler:
    async def handler(request: Request) -> Response:
        store.forget(request.path_params["trace_id"])
        return Response(status_code=204)

    return handler


def _json(value: Mapping[str, Any], status: int = 200) -> Response:
    content = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Response(content, status, media_type="application/json")


async def _refuse(_: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, RequestError) else 500
    return _json({"error": {"message": str(error)}}, status)


def _write(log: TextIO | None, record: Mapping[str, Any]) -> None:
    if log is not None:
        log.write(json.dumps(record) + "\n")
