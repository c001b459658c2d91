"""A scripted double of `/v1/responses`, and the real tool server, both over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from openai import AsyncOpenAI

from buildhour_helpers.reports import Report
from buildhour_helpers.rollouts.endpoints import ToolServer
from buildhour_helpers.tools import DEFINITIONS, ReportTools, TraceStore
from buildhour_helpers.tools.app import create_app
from buildhour_helpers.tools.serving import served
from rft_wire.client import EndpointLimits

KEY = "a-key"
PAGE = "ACME/2012/page_9.pdf"

Item = dict[str, Any]
Script = Callable[[Item], list[Item] | int]
"""From a request's body to the output items of the turn, or to the status of an error."""


def calls(*made: tuple[str, Item]) -> list[Item]:
    """A turn that makes these tool calls at once."""
    return [
        {
            "type": "function_call",
            "id": f"fc_{place}",
            "call_id": f"call_{place}_{name}_{len(json.dumps(arguments))}",
            "name": name,
            "arguments": json.dumps(arguments),
            "status": "completed",
        }
        for place, (name, arguments) in enumerate(made)
    ]


def says(text: str) -> list[Item]:
    """A turn that ends the rollout with an answer."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    reasoning = {"type": "reasoning", "id": "rs", "encrypted_content": "gAAA"}
    reasoning["summary"] = [{"type": "summary_text", "text": "It stands in the table."}]
    message = {"type": "message", "id": "msg", "role": "assistant", "status": "completed"}
    return [reasoning, {**message, "content": content}]


def outputs(body: Item) -> list[str]:
    """The tool outputs that a request carries."""
    return [item["output"] for item in body["input"] if item.get("type") == "function_call_output"]


def search_read_answer(body: Item) -> list[Item]:
    """Search and list at once, read the page, answer with a number of it."""
    seen = len(outputs(body))
    if seen == 0:
        return calls(("search", {"query": "net sales"}), ("list", {"path": "ACME/2012"}))
    if seen == 2:
        return calls(("cat", {"path": PAGE}))
    wrong = "repeat" in body["metadata"] and int(body["metadata"]["repeat"]) % 2
    return says("90" if wrong else "$100 million")


@dataclass
class Model:
    """The double of the service. `most_at_once` is how many requests were ever in flight."""

    script: Script = search_read_answer
    delay_s: float = 0.0
    requests: list[Item] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def respond(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.delay_s)
        self.at_once -= 1
        output = self.script(body)
        if isinstance(output, int):
            error = {"error": {"message": "as the script says", "type": "x", "code": None}}
            return Response(json.dumps(error), output, media_type="application/json")
        answer = {
            "id": "resp_1",
            "object": "response",
            "status": "completed",
            "model": body["model"],
            "output": output,
            "usage": {
                "input_tokens": 100,
                "output_tokens": 10,
                "output_tokens_details": {"reasoning_tokens": 4},
                "total_tokens": 110,
            },
            "simulated_latency_s": 0.5,
        }
        return Response(json.dumps(answer), media_type="application/json")

    def app(self) -> FastAPI:
        app = FastAPI()
        app.post("/v1/responses")(self.respond)
        return app


@dataclass
class World:
    """Where the model and the tools answer."""

    model: Model
    api_url: str
    tools_url: str
    traces: TraceStore

    @asynccontextmanager
    async def connected(self, tools_url: str = "") -> AsyncIterator[tuple[AsyncOpenAI, ToolServer]]:
        server = ToolServer(tools_url or self.tools_url, KEY, EndpointLimits(first_pause_s=0.0))
        client = AsyncOpenAI(base_url=self.api_url, api_key="sk-test", max_retries=0)
        async with client, server:
            yield client, server


@pytest.fixture(scope="package")
def _running() -> Iterator[World]:
    table = (("$ millions", "2012", "2011"), ("net sales", "100", "90"))
    report = Report(PAGE, ("The net sales of the year.",), table, ())
    traces = TraceStore()
    functions = ReportTools({PAGE: report}).functions()
    model = Model()
    with (
        served(create_app(functions, key=KEY, traces=traces)) as tools_url,
        served(model.app()) as api_url,
    ):
        yield World(model, f"{api_url}/v1", tools_url, traces)


@pytest.fixture
def world(_running: World) -> World:
    _running.model.__init__()  # type: ignore[misc]  # every test starts from the default script
    return _running


def row(number: int = 1) -> Item:
    """A dataset row about the one page."""
    question = f"What were the net sales of ACME in 2012? ({number})"
    return {
        "messages": [
            {"role": "system", "content": "Use the tools."},
            {"role": "user", "content": question},
        ],
        "tools": DEFINITIONS,
        "question_id": f"q{number}",
        "reference_answer": "$100 million",
        "answer_value": 100.0,
        "answer_kind": "amount",
        "gold_pages": [PAGE],
    }
