"""The service as strict as OpenAI's where it is more lenient: what a lesson's cells must bear.

In front of a real service, this refuses two input items with one ID, hides reasoning summaries that
were not asked for, ignores `metadata`, and answers every fifth request for a response with 429.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response

from buildhour_helpers.servers import Server
from buildhour_helpers.tools.serving import served

EVERY = 5
NOT_PASSED_ON = {"host", "content-length", "connection", "transfer-encoding", "content-encoding"}


@contextmanager
def strict_provider(service: Server) -> Iterator[str]:
    """Its address, ending in /v1, while the block runs."""
    with served(provider(service)) as url:
        yield f"{url}/v1"


def provider(service: Server) -> FastAPI:
    """The strict application in front of a service."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    asked = itertools.count(1)
    client = httpx.AsyncClient(timeout=120, trust_env=False)

    @app.api_route("/v1/{path:path}", methods=["GET", "POST", "DELETE"])
    async def passed_on(path: str, request: Request) -> Response:
        content = await request.body()
        wants: dict[str, Any] = {}
        if path == "responses":
            if next(asked) % EVERY == 0:
                return refusal(429, "Rate limit reached; try again.", {"retry-after-ms": "10"})
            wants = json.loads(content)
            twice = repeated_ids(wants.get("input"))
            if twice:
                return refusal(400, f"Duplicate item found with id {twice[0]}.")
            wants.pop("metadata", None)
            content = json.dumps(wants).encode()
        answer = await client.request(
            request.method,
            f"{service.url}/{path}",
            params=list(request.query_params.multi_items()),
            content=content,
            headers=kept(request.headers),
        )
        body = answer.content
        if path == "responses" and answer.status_code == 200:
            body = json.dumps(without_unasked_summaries(answer.json(), wants)).encode()
        return Response(body, answer.status_code, kept(answer.headers))

    return app


def repeated_ids(items: object) -> list[str]:
    """The IDs that several input items share."""
    ids = [item.get("id") for item in items] if isinstance(items, list) else []
    return [one for one, count in Counter(filter(None, ids)).items() if count > 1]


def without_unasked_summaries(response: dict[str, Any], wants: dict[str, Any]) -> dict[str, Any]:
    if not (wants.get("reasoning") or {}).get("summary"):
        for item in response["output"]:
            if item["type"] == "reasoning":
                item["summary"] = []
    return response


def kept(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in NOT_PASSED_ON}


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    content = json.dumps({"error": error})
    return Response(content, status, headers, media_type="application/json")
