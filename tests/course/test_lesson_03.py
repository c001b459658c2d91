"""The tool server that lesson 03 gives away keeps the contract that it teaches."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from authoring.course.source import lessons, read

Space = dict[str, Any]
CALL = {"call_id": "call_1", "trace_id": "trace_a", "arguments": '{"path": "ACME/2012/page_1.pdf"}'}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Space:
    """What the taken cells define, without those that listen on a port."""
    monkeypatch.setenv("BUILDHOUR_TOOLS_URL", "unused")
    monkeypatch.setenv("BUILDHOUR_TOOLS_KEY", "unused")
    space: Space = {}
    (lesson,) = lessons(["03"])
    for cell in read(lesson).cells:
        if "take" in cell.metadata and "MY_URL" not in cell.source:
            exec(cell.source, space)
    return space


def answers(server: Space, *calls: tuple[str, Mapping[str, Any] | str]) -> list[httpx.Response]:
    """What the server says to calls of tools, by name, that arrive together."""

    async def sent() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {server['MY_KEY']}"}
        wire = httpx.ASGITransport(app=server["app"])
        async with httpx.AsyncClient(transport=wire, base_url="http://t", headers=headers) as web:
            posts = [
                web.post(name, content=body if isinstance(body, str) else json.dumps(body))
                for name, body in calls
            ]
            return await asyncio.gather(*posts)

    return asyncio.run(sent())


def test_a_call_is_answered_under_its_own_ids(server: Space) -> None:
    (answer,) = answers(server, ("read", {**CALL, "id": "fc_1"}))
    said = answer.json()
    assert (answer.status_code, said["call_id"], said["id"]) == (200, "call_1", "fc_1")
    assert said["output"] == server["PAGES"]["ACME/2012/page_1.pdf"]
    (same,) = answers(server, ("read", {**CALL, "arguments": json.loads(CALL["arguments"])}))
    assert same.json()["output"] == said["output"]  # arguments may be an object


@pytest.mark.parametrize("arguments", ["{}", "[1]", "no JSON", '{"path": "x", "more": 1}'])
def test_what_the_model_got_wrong_is_told_to_the_model(server: Space, arguments: str) -> None:
    (answer,) = answers(server, ("read", {**CALL, "arguments": arguments}))
    assert answer.status_code == 200
    assert answer.json()["output"].startswith("Error: ")


@pytest.mark.parametrize("field", ["call_id", "trace_id", "arguments"])
def test_a_body_that_breaks_the_contract_is_a_4xx_and_leaves_no_trace(
    server: Space, field: str
) -> None:
    lacking = {name: value for name, value in CALL.items() if name != field}
    bodies = ("no JSON", "[]", lacking, {**CALL, field: 7}, {**CALL, field: None})
    for answer in answers(server, *(("read", body) for body in bodies)):
        assert answer.status_code == 400
        assert field in answer.json()["error"]["message"]
    assert server["made"] == {}


def test_a_call_that_is_sent_again_counts_once(server: Space) -> None:
    answers(server, ("read", CALL), ("read", CALL), ("read", {**CALL, "call_id": "call_2"}))
    assert server["made"]["trace_a"] == {"call_1", "call_2"}


def test_the_budget_holds_for_calls_that_arrive_together(server: Space) -> None:
    calls = [("read", {**CALL, "call_id": f"call_{n}"}) for n in range(14)]
    said = [answer.json()["output"] for answer in answers(server, *calls)]
    assert sum(output.startswith("Error: no calls left") for output in said) == 4
    (other,) = answers(server, ("read", {**CALL, "trace_id": "trace_b"}))
    assert not other.json()["output"].startswith("Error:")


def test_a_slow_tool_stalls_no_other_rollout(server: Space) -> None:
    other_has_run = threading.Event()

    def slow() -> str:
        return "served meanwhile" if other_has_run.wait(timeout=20) else "stalled"

    def quick() -> str:
        other_has_run.set()
        return ""

    server["FUNCTIONS"].update(slow=slow, quick=quick)
    empty = {**CALL, "arguments": "{}"}
    waited, _ = answers(server, ("slow", empty), ("quick", {**empty, "trace_id": "trace_b"}))
    assert waited.json()["output"] == "served meanwhile"
