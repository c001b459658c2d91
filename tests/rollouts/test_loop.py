"""One rollout: what is sent, what is kept, and what becomes of failures."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest
from fastapi import FastAPI, Request, Response

from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.rollouts import RolloutRecord, StopReason, run_rollout, trace_id_of
from buildhour_helpers.tools.serving import served

from .conftest import PAGE, Item, World, calls, outputs, row, says


def roll_out(
    world: World, tools_url: str = "", question: Item | None = None, **options: Any
) -> RolloutRecord:
    async def run() -> RolloutRecord:
        async with world.connected(tools_url) as (client, server):
            await server.forget("trace_1")
            asked = question or row()
            return await run_rollout(
                client, server, asked, model="sim", trace_id="trace_1", **options
            )

    return asyncio.run(run())


def tools_double(answer: Callable[[Item, str], Awaitable[Response]]) -> FastAPI:
    """A tool server whose every endpoint answers by one function of (body, path)."""
    app = FastAPI()

    async def handler(request: Request, path: str) -> Response:
        return await answer(await request.json() if await request.body() else {}, path)

    app.api_route("/{path:path}", methods=["POST", "DELETE"])(handler)
    return app


def as_json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")


def test_a_rollout_is_kept_whole(world: World) -> None:
    record = roll_out(world)
    assert (record.answer, record.reward, record.correct) == ("$100 million", 1.0, True)
    assert (record.stop_reason, record.error) == (StopReason.ANSWERED, None)
    kinds = [item.get("type", item.get("role")) for item in record.trace]
    call, output = "function_call", "function_call_output"
    first, second = [call, call, output, output], [call, output]
    assert kinds == ["system", "user", *first, *second, "reasoning", "message"]
    metrics = record.metrics
    assert (metrics.turns, metrics.tool_calls, metrics.tool_errors) == (3, 3, 0)
    assert metrics.tool_calls_by_name == {"cat": 1, "list": 1, "search": 1}
    assert (metrics.reasoning_tokens, metrics.output_tokens, metrics.total_tokens) == (12, 30, 330)
    assert metrics.simulated_latency_s == 1.5
    assert record.usage_cumulative["input_tokens"] == 300
    trace = world.traces.get("trace_1")
    assert trace is not None
    assert (trace.pages_read, trace.score) == ([PAGE], 1.0)


def test_the_requests_are_those_of_the_published_loop(world: World) -> None:
    parts = [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]
    question = row()
    question["messages"] = [{"role": "system", "content": parts}, *question["messages"][1:]]
    named = {"name": "answer", "strict": True, "schema": {"type": "object", "properties": {}}}
    form = {"type": "json_schema", "json_schema": named}
    roll_out(world, "", question, repeat=2, reasoning_effort="low", response_format=form)
    first, second, third = world.model.requests
    assert {key: first[key] for key in first if key not in ("input", "tools")} == {
        "model": "sim",
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"effort": "low", "summary": "auto"},
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "metadata": {"repeat": "2"},
        "text": {"format": {"type": "json_schema", **named}},
    }
    assert [tool["name"] for tool in first["tools"]] == ["search", "list", "cat"]
    assert all(tool["type"] == "function" and "parameters" in tool for tool in first["tools"])
    brief = {"role": "system", "content": "Be\nbrief."}
    assert first["input"] == [brief, *question["messages"][1:]]
    assert second["input"][: len(first["input"])] == first["input"]
    assert third["input"][: len(second["input"])] == second["input"]
    assert "reference_answer" not in json.dumps(world.model.requests)


def test_the_calls_of_one_turn_are_made_at_once_and_answered_in_order(world: World) -> None:
    both_are_in = asyncio.Event()
    arrived: list[str] = []

    async def answer(body: Item, path: str) -> Response:
        if path == "grade":
            return as_json({"score": 0.25})
        if path.startswith("traces"):
            return as_json({})
        arrived.append(path)
        if len(arrived) == 2:
            both_are_in.set()
        await both_are_in.wait()
        await asyncio.sleep(0.05 if path == "search" else 0)  # the first call ends last
        return as_json({"call_id": body["call_id"], "output": f"from {path}"})

    world.model.script = lambda body: (
        says("done") if outputs(body) else calls(("search", {"query": "x"}), ("list", {}))
    )
    with served(tools_double(answer)) as url:
        record = roll_out(world, url)
    assert [item["output"] for item in record.trace if "output" in item] == [
        "from search",
        "from list",
    ]
    assert (record.reward, record.correct) == (0.25, False)


def test_a_mistake_of_the_model_is_an_output_that_it_can_correct(world: World) -> None:
    def script(body: Item) -> list[Item]:
        seen = outputs(body)
        if not seen:
            return calls(("cat", {"path": "nowhere"}), ("cta", {"path": PAGE}))
        return says("100") if len(seen) > 2 else calls(("cat", {"path": PAGE}))

    world.model.script = script
    record = roll_out(world)
    missing, unknown, page = outputs({"input": record.trace})
    assert missing.startswith("Error: no page 'nowhere'")
    assert json.loads(unknown)["error"]["code"] == 404
    assert "net sales" in page
    assert (record.metrics.tool_errors, record.reward) == (1, 1.0)


def test_a_rollout_without_an_answer_ends_at_the_step_limit(world: World) -> None:
    world.model.script = lambda body: calls(("list", {"path": "/" * len(outputs(body))}))
    record = roll_out(world, max_steps=12)
    assert record.stop_reason is StopReason.STEP_LIMIT
    assert (record.answer, record.reward, record.metrics.turns) == (None, 0.0, 12)
    told = outputs({"input": record.trace})
    assert sum(output.startswith("Error: the budget of 10") for output in told) == 2


@pytest.mark.parametrize(("faults", "stop"), [(3, "answered"), (4, "tool_failed")])
def test_a_fault_of_a_tool_is_retried_three_times(world: World, faults: int, stop: str) -> None:
    seen: Counter[str] = Counter()

    async def answer(body: Item, path: str) -> Response:
        seen[path] += 1
        if path == "list" and seen[path] <= faults:
            return as_json({"error": "down"}, 503)
        return as_json({"output": "a page", "score": 1.0})

    world.model.script = lambda body: says("1") if outputs(body) else calls(("list", {}))
    with served(tools_double(answer)) as url:
        record = roll_out(world, url)
    assert record.stop_reason == stop
    assert seen["list"] == 4
    if stop == "tool_failed":
        assert (record.reward, record.correct) == (None, False)
        assert record.error is not None
        assert "/list answered 503" in record.error
        assert seen["grade"] == 0


@pytest.mark.parametrize("body", ["{}", "garbage", '{"output": 5}', "[]"])
def test_a_tool_that_answers_nonsense_fails_the_rollout(world: World, body: str) -> None:
    async def answer(_: Item, path: str) -> Response:
        return Response(body, media_type="application/json")

    world.model.script = lambda body: says("1") if outputs(body) else calls(("list", {}))
    with served(tools_double(answer)) as url:
        assert roll_out(world, url).stop_reason is StopReason.TOOL_FAILED


@pytest.mark.parametrize(
    ("body", "status"), [('{"score": "1"}', 200), ('{"score": NaN}', 200), ("no", 422), ("", 500)]
)
def test_a_grader_without_a_score_fails_the_rollout(world: World, body: str, status: int) -> None:
    """That the server keeps no traces (`roll_out` deletes one first) does not matter."""

    async def answer(_: Item, path: str) -> Response:
        return Response(body, status) if path == "grade" else as_json({}, 404)

    world.model.script = lambda _: says("1")
    with served(tools_double(answer)) as url:
        record = roll_out(world, url)
    assert (record.stop_reason, record.reward) == (StopReason.GRADER_FAILED, None)
    assert record.answer == "1"


def test_another_grader_may_take_the_place_of_the_servers(world: World) -> None:
    async def length(sample: Any, item: Any, trace_id: str) -> float:
        assert item["reference_answer"]
        assert "messages" not in item
        assert [tool["function"]["name"] for tool in sample["output_tools"]] == [
            "search",
            "list",
            "cat",
        ]
        assert sample["output_reasoning_summary"] == "It stands in the table."
        return len(sample["output_text"]) / 100

    assert roll_out(world, grade=length).reward == 0.12


def test_what_would_fail_every_rollout_is_raised_and_what_fails_one_is_kept(world: World) -> None:
    world.model.script = lambda _: 500
    record = roll_out(world)
    assert (record.stop_reason, record.reward) == (StopReason.MODEL_FAILED, None)
    world.model.script = lambda _: 404
    with pytest.raises(openai.NotFoundError, match="as the script says"):
        roll_out(world)
    world.model.script = lambda _: says("1")
    with pytest.raises(WorkshopError, match="no tool server answers"):
        roll_out(world, "http://127.0.0.1:1")

    async def refuse(_: Item, path: str) -> Response:
        return as_json({}, 401)

    with served(tools_double(refuse)) as url, pytest.raises(WorkshopError, match="refuses the key"):
        roll_out(world, url)


def test_a_trace_id_depends_on_all_that_makes_a_rollout() -> None:
    def made(run: str = "r", model: str = "m", repeat: int = 0, **changed: Any) -> str:
        return trace_id_of({**row(), **changed}, run=run, model=model, repeat=repeat)

    changes: list[dict[str, Any]] = [
        {}, {"run": "s"}, {"model": "n"}, {"repeat": 1}, {"question_id": "q2"}, {"tools": []},
        {"messages": [{"role": "user", "content": "else"}]},
    ]  # fmt: skip
    assert len({made(**change) for change in changes}) == len(changes)
    assert made() == made(gold_pages=[])
    assert made().startswith("trace_")
