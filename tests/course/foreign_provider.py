"""A provider that is not this project's service: another key, another model's name, and only what
most of them have. Behind it a real service does the work.

It offers `/v1/responses`, `/v1/models` and `/v1/embeddings`. Everything else is 404: files, jobs,
the alpha graders; and so is any model but its own two, `sim-grader` among them.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from buildhour_helpers.servers import Server
from buildhour_helpers.tools.serving import served

KEY = "key-of-another-provider"
MODELS = {"foreign-1": "sim-agent-mini", "foreign-embedding": "sim-embedding"}
"""Its models' names, and what they are behind it."""
OWN = {behind: name for name, behind in MODELS.items()}
EXTENSION = "simulated_latency_s"
"""What this project's service adds to a response; another provider does not."""


@contextmanager
def foreign_provider(service: Server) -> Iterator[str]:
    """Its address, ending in /v1, while the block runs."""
    with served(provider(service)) as url:
        yield f"{url}/v1"


def provider(service: Server) -> FastAPI:
    """The provider's application, in front of a service."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    headers = {"Authorization": f"Bearer {service.key}"}

    @app.middleware("http")
    async def with_key(request: Request, handle: Any) -> Response:
        sent = request.headers.get("authorization", "")
        if not hmac.compare_digest(sent, f"Bearer {KEY}"):
            return refusal(401, "Incorrect API key provided.")
        answer: Response = await handle(request)
        return answer

    @app.post("/v1/responses")
    @app.post("/v1/embeddings")
    async def passed_on(request: Request) -> Response:
        body = await request.json()
        name = body.get("model")
        if name not in MODELS:
            return refusal(404, f"The model '{name}' does not exist.")
        url = service.url + request.url.path.removeprefix("/v1")
        body["model"] = MODELS[name]
        async with (
            aiohttp.ClientSession(headers=headers) as behind,
            behind.post(url, json=body) as answer,
        ):
            told = await answer.json()
        if "model" in told:
            told["model"] = OWN.get(told["model"], told["model"])
        told.pop(EXTENSION, None)
        return JSONResponse(told, answer.status)

    @app.get("/v1/models")
    async def models() -> Response:
        data = [
            {"id": name, "object": "model", "created": 0, "owned_by": "else"} for name in MODELS
        ]
        return JSONResponse({"object": "list", "data": data})

    @app.get("/v1/models/{name}")
    async def model(name: str) -> Response:
        if name not in MODELS:
            return refusal(404, f"The model '{name}' does not exist.")
        return JSONResponse({"id": name, "object": "model", "created": 0, "owned_by": "else"})

    @app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
    async def nothing(path: str) -> Response:
        return refusal(404, f"Unknown request URL: /{path}.")

    return app


def refusal(status: int, message: str) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    content = json.dumps({"error": error})
    return Response(content, status, media_type="application/json")
