"""The tools and the grader as the client calls them: over HTTP, with retries.

The rules are those of the service in a job: a 4xx is shown to the model. A 5xx, a time-out or a
dropped connection is retried; if it persists, `EndpointFault` ends the rollout.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from openai import AsyncOpenAI

from buildhour_helpers.errors import WorkshopError
from rft_wire.client import EndpointClient, EndpointLimits, Fault

Item = Mapping[str, Any]
Grader = Callable[[Mapping[str, Any], Item, str], Awaitable[float]]
"""Scores (sample, item, trace_id). Raises EndpointFault if there is no score."""


class EndpointFault(Exception):  # noqa: N818  (the API's word: a fault, not a mistake)
    """A tool or a grader that gave nothing usable, even after retries."""


class ToolServer(EndpointClient):
    """A tool server: `{url}/{tool}` for each tool, and `{url}/grade`.

    An asynchronous context manager that belongs to the event loop that entered it. `url` and `key`
    default to $BUILDHOUR_TOOLS_URL and $BUILDHOUR_TOOLS_KEY.
    """

    def __init__(
        self, url: str | None = None, key: str | None = None, limits: EndpointLimits | None = None
    ) -> None:
        super().__init__(limits)
        self.url = (url or os.environ.get("BUILDHOUR_TOOLS_URL", "")).rstrip("/")
        if not self.url:
            raise WorkshopError("no tool server: pass its URL, or call session.start() first")
        key = key or os.environ.get("BUILDHOUR_TOOLS_KEY", "")
        self._headers = {"Authorization": f"Bearer {key}"}

    async def call(self, call: Item, item: Item, trace_id: str) -> str:
        """Make a tool call (a `function_call` item); returns the output for the model."""
        body = {
            "type": "function_call",
            "id": call.get("id"),
            "call_id": call["call_id"],
            "name": call["name"],
            "arguments": call["arguments"],
            "trace_id": trace_id,
            "item": item,
        }
        status, answer = await self._send("POST", quote(call["name"], safe=""), body)
        output = _field(answer, "output")
        if isinstance(output, str):
            return output
        if status >= 400:
            error = {"code": status, "message": answer.decode("utf-8", "replace")[:2_000]}
            return json.dumps({"error": error}, ensure_ascii=False)
        raise EndpointFault(f"{self.url}/{call['name']} answered {status} without an output")

    async def grade(self, sample: Mapping[str, Any], item: Item, trace_id: str) -> float:
        """Have an answer graded. `sample` is built by `rft_wire.build_sample`."""
        body = {"sample": sample, "item": item, "trace_id": trace_id}
        status, answer = await self._send("POST", "grade", body)
        score = _field(answer, "score")
        if status >= 400 or not isinstance(score, int | float) or not math.isfinite(score):
            said = answer.decode("utf-8", "replace")[:200]
            raise EndpointFault(f"{self.url}/grade answered {status} without a score: {said}")
        return float(score)

    async def forget(self, trace_id: str) -> None:
        """Let a rollout that was cut off start again. A server without traces may refuse this."""
        with suppress(EndpointFault):
            await self._send("DELETE", f"traces/{trace_id}", None)

    async def _send(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        """Send a request; returns an answer below 500. Raises EndpointFault after the retries."""
        data = None if body is None else json.dumps(body).encode()
        reply = await self.request(method, f"{self.url}/{path}", self._headers, data)
        if isinstance(reply, Fault):
            if reply.unreachable:
                raise WorkshopError(f"no tool server answers at {self.url}; start it again")
            raise EndpointFault(f"{self.url}/{path} {reply.reason}")
        if reply.status in (401, 403):
            raise WorkshopError(f"{self.url} refuses the key; set BUILDHOUR_TOOLS_KEY")
        if reply.body is None:
            raise EndpointFault(f"{self.url}/{path} answered with more than 1 MB")
        return reply.status, reply.body


def graded_by_service(client: AsyncOpenAI, spec: Mapping[str, Any]) -> Grader:
    """A grader that the service runs itself (`fine_tuning/alpha/graders/run`)."""

    async def grade(sample: Mapping[str, Any], item: Item, trace_id: str) -> float:
        result = await client.fine_tuning.alpha.graders.run(
            grader=spec,  # type: ignore[arg-type]  # a plain dict, as it goes over the wire
            model_sample=sample["output_text"],
            item=dict(item),
            extra_body={"trace_id": trace_id},
        )
        return result.reward

    return grade


def _field(body: bytes, name: str) -> Any:
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return answer.get(name) if isinstance(answer, dict) else None
