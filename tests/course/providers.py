"""Two providers that are not this project's service, each in front of one that does the work.

The foreign one has another key, other models' names, and only what most providers have: responses,
models and embeddings. Everything else is 404: files, jobs, the alpha graders, and `sim-grader`.

The strict one is as strict as OpenAI's where this project's service is more lenient: it refuses two
input items with one ID, hides reasoning summaries that were not asked for, ignores `metadata`, and
answers every fifth request for a response with 429.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from buildhour_helpers.servers import Server
from buildhour_helpers.tools.serving import served

KEY = "key-of-another-provider"
MODELS = {"foreign-1": "sim-agent-mini", "foreign-embedding": "sim-embedding"}
"""The foreign provider's models, and what they are behind it."""
OWN = {behind: name for name, behind in MODELS.items()}
EXTENSION = "simulated_latency_s"
"""What this project's service adds to a response; another provider does not."""
EVERY = 5
NOT_PASSED_ON = {"host", "content-length", "connection", "transfer-encoding", "content-encoding"}

Body = dict[str, Any]


@contextmanager
def strict_provider(service: Server) -> Iterator[str]:
    """Its address, ending in /v1, while the block runs."""
    with served(strict(service)) as url:
        yield f"{url}/v1"


@contextmanager
def foreign_provider(service: Server) -> Iterator[str]:
    """Its address, ending in /v1, while the block runs."""
    with served(foreign(service)) as url:
        yield f"{url}/v1"


def in_front_of(service: Server, handle: Callable[..., Any]) -> FastAPI:
    """An application that answers by `handle(request, ask)`; `ask` asks the service behind it."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    client = httpx.AsyncClient(timeout=120, trust_env=False)

    @app.api_route("/v1/{path:path}", methods=["GET", "POST", "DELETE"])
    async def answered(path: str, request: Request) -> Response:
        async def ask(content: bytes, key: str | None = None) -> httpx.Response:
            headers = kept(request.headers)
            if key:
                headers["authorization"] = f"Bearer {key}"
            url, params = f"{service.url}/{path}", list(request.query_params.multi_items())
            return await client.request(
                request.method, url, params=params, content=content, headers=headers
            )

        answer: Response = await handle(path, request, ask)
        return answer

    return app


def strict(service: Server) -> FastAPI:
    asked = itertools.count(1)

    async def handle(path: str, request: Request, ask: Any) -> Response:
        content, wants = await request.body(), {}
        if path == "responses":
            if next(asked) % EVERY == 0:
                return refusal(429, "Rate limit reached; try again.", {"retry-after-ms": "10"})
            wants = json.loads(content)
            if twice := repeated_ids(wants.get("input")):
                return refusal(400, f"Duplicate item found with id {twice[0]}.")
            wants.pop("metadata", None)
            content = json.dumps(wants).encode()
        answer = await ask(content)
        body = answer.content
        if path == "responses" and answer.status_code == 200:
            body = json.dumps(without_unasked_summaries(answer.json(), wants)).encode()
        return Response(body, answer.status_code, kept(answer.headers))

    return in_front_of(service, handle)


def foreign(service: Server) -> FastAPI:
    async def handle(path: str, request: Request, ask: Any) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return refusal(401, "Incorrect API key provided.")
        if path == "models":
            return JSONResponse({"object": "list", "data": list(map(model_object, MODELS))})
        folder, _, name = path.partition("/")
        if folder == "models" and name in MODELS:
            return JSONResponse(model_object(name))
        if path not in ("responses", "embeddings"):
            return refusal(404, f"Unknown request URL: /v1/{path}.")
        body = await request.json()
        name = body.get("model")
        if name not in MODELS:
            return refusal(404, f"The model '{name}' does not exist.")
        answer = await ask(json.dumps({**body, "model": MODELS[name]}).encode(), service.key)
        told = answer.json()
        if "model" in told:
            told["model"] = OWN.get(told["model"], told["model"])
        told.pop(EXTENSION, None)
        return JSONResponse(told, answer.status_code)

    return in_front_of(service, handle)


def model_object(name: str) -> Body:
    return {"id": name, "object": "model", "created": 0, "owned_by": "else"}


def repeated_ids(items: object) -> list[str]:
    """The IDs that several input items share."""
    ids = [item.get("id") for item in items] if isinstance(items, list) else []
    return [one for one, count in Counter(filter(None, ids)).items() if count > 1]


def without_unasked_summaries(response: Body, wants: Body) -> Body:
    if not (wants.get("reasoning") or {}).get("summary"):
        for item in response["output"]:
            if item["type"] == "reasoning":
                item["summary"] = []
    return response


def kept(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in NOT_PASSED_ON}


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, status, headers)
