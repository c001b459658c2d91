"""A customer's server with one tool and one grader, whose faults a test can order."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rft_service.graders.specs import parse_grader
from rft_service.rl.hyperparameters import Hyperparameters
from rft_service.store.job_spec import JobSpec, Tool

KEY = "customers-secret-key-1234"
EQUAL = {
    "type": "string_check",
    "name": "equal",
    "input": "{{sample.output_text}}",
    "reference": "{{item.reference_answer}}",
    "operation": "eq",
}
Answer = Callable[[dict[str, Any]], Response | None]


@dataclass
class Customer:
    """What was asked, and how the next questions are to be answered.

    `tool` and `grader` may be set to functions of the request's body that give a response in place
    of the proper one, or None for the proper one.
    """

    tool: Answer = lambda body: None
    grader: Answer = lambda body: None
    delay_s: float = 0.0
    tool_bodies: list[dict[str, Any]] = field(default_factory=list)
    grader_bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)

    def app(self) -> Starlette:
        routes = [
            Route("/lookup", self.lookup, methods=["POST"]),
            Route("/grade", self.grade, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    async def lookup(self, request: Request) -> Response:
        body = await self._read(request)
        self.tool_bodies.append(body)
        if answer := self.tool(body):
            return answer
        key = json.loads(body["arguments"])["key"]
        return JSONResponse(tool_answer(body, f"value {key}"))

    async def grade(self, request: Request) -> Response:
        body = await self._read(request)
        self.grader_bodies.append(body)
        if answer := self.grader(body):
            return answer
        reference = body["item"]["reference_answer"]
        return JSONResponse({"score": 1.0 if reference in body["sample"]["output_text"] else 0.0})

    async def _read(self, request: Request) -> dict[str, Any]:
        self.keys[request.headers.get("authorization", "")] += 1
        body: dict[str, Any] = await request.json()
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return body


def tool_answer(body: dict[str, Any], output: str) -> dict[str, Any]:
    return {
        "type": "function_call_output",
        "call_id": body["call_id"],
        "id": body["id"],
        "output": output,
    }


LOOKUP = {
    "type": "function",
    "function": {
        "name": "lookup",
        "description": "Look a key up.",
        "parameters": {
            "type": "object",
            "properties": {"key": {"type": "string"}},
            "required": ["key"],
        },
    },
}


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "system", "content": "Look things up."},
            {"role": "user", "content": f"What is the value of key{number}"},
        ],
        "tools": [LOOKUP],
        "reference_answer": f"value key{number}",
        **more,
    }


def jsonl(rows: list[Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def method(url: str, *, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """`method` of a job against a customer's server; `more` goes into `reinforcement`."""
    headers = {"Authorization": f"Bearer {KEY}"} if headers is None else headers
    reinforcement: dict[str, Any] = {
        "tools": [{"name": "lookup", "server_url": f"{url}/lookup", "headers": headers}],
        "grader": {
            "type": "endpoint",
            "name": "exact",
            "url": f"{url}/grade",
            "headers": headers,
        },
        "max_episode_steps": 4,
        "hyperparameters": {"batch_size": 5, "eval_interval": 2},
    }
    reinforcement.update(more)
    return {"type": "reinforcement", "reinforcement": reinforcement}


def job_spec(model: str) -> JobSpec:
    """A job on rows of `row`, for what is tested without a service."""
    return JobSpec(
        model=model,
        training_file="file-1",
        validation_file="file-1",
        suffix="",
        seed=0,
        metadata={},
        tools=[Tool(name="lookup", server_url="http://127.0.0.1:9/lookup")],
        grader=parse_grader(EQUAL),
        max_episode_steps=4,
        response_format=None,
        hyperparameters=Hyperparameters(),
    )
