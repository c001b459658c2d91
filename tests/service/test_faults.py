"""Faults injected into live jobs: shown to the model, retried, or the rollout discarded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from rft_service.graders.run import RateLimit
from rft_wire.client import EndpointClient, EndpointLimits, Fault, Reply

from .conftest import Running, Start
from .customer import KEY, Customer, row, tool_answer
from .servers import closed_port


def trained(service: Running, job_id: str, *steps: int) -> list[dict[str, Any]]:
    """The training rollouts of some steps, or of the first."""
    return [r for n in steps or (1,) for r in service.rollouts(job_id, step=n, phase="train")]


def one_step(service: Running, url: str, rows: Any = 10, **more: Any) -> Any:
    """A finished job of two steps with small groups."""
    hyperparameters = {"batch_size": 5, "compute_multiplier": 0.25, "eval_interval": 2}
    job = service.job(url, rows=rows, hyperparameters=hyperparameters, **more)
    return service.wait(job.id)


def once_per_rollout(answer: Callable[[], Response]) -> Callable[[dict[str, Any]], Any]:
    """Answers wrongly the first time that a rollout asks."""
    seen = set[str]()

    def fault(body: dict[str, Any]) -> Response | None:
        first = body["trace_id"] not in seen
        seen.add(body["trace_id"])
        return answer() if first else None

    return fault


def dropped() -> Response:
    async def nothing() -> Any:
        yield b'{"out'
        raise ConnectionResetError

    return StreamingResponse(nothing(), headers={"content-length": "100"})


def without_length(content: bytes) -> Response:
    """A body whose size only its end tells."""

    async def parts() -> Any:
        for start in range(0, len(content), 100_000):
            yield content[start : start + 100_000]

    return StreamingResponse(parts())


SHOWN: dict[str, tuple[Callable[[dict[str, Any]], Response], str]] = {
    "404 without output": (
        lambda body: JSONResponse({"detail": "no such page"}, 404),
        '{"error": {"code": 404, "message": "{\\"detail\\":',
    ),
    "422 with output": (
        lambda body: JSONResponse({"output": "Error: bad path"}, 422),
        "Error: bad path",
    ),
    "429": (
        lambda body: Response("slow down", 429),
        '{"error": {"code": 429, "message": "slow down"}}',
    ),
    "1 MB and more": (
        lambda body: JSONResponse(tool_answer(body, "x" * 1_000_001)),
        '{"error": {"code": 413, "message": "the tool\'s output',
    ),
    "1 MB and more without a length": (
        lambda body: without_length(b"x" * 1_000_001),
        '{"error": {"code": 413, "message": "the tool\'s output',
    ),
    "an Error: output": (
        lambda body: JSONResponse(tool_answer(body, "Error: empty query")),
        "Error: empty query",
    ),
}


@pytest.mark.parametrize("fault", SHOWN)
def test_the_model_is_shown_its_mistake(
    service: Running, customer: Customer, customer_url: str, fault: str
) -> None:
    customer.tool, told = SHOWN[fault]
    job = one_step(service, customer_url)
    assert job.status == "succeeded"
    found = trained(service, job.id)
    assert all(rollout["reward"] == 0.0 for rollout in found)
    output = next(item["output"] for item in found[0]["trace"] if "output" in item)
    assert len(output) < 3_000
    assert output.startswith(told)
    data = service.steps(job.id)[0]
    assert data["tool_errors"] == 10
    assert len(customer.tool_bodies) == len({b["trace_id"] for b in customer.tool_bodies})


RETRIED = {
    "500": lambda: Response(status_code=500),
    "503": lambda: Response(status_code=503),
    "a dropped connection": dropped,
}


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ("tool", "500"),
        ("tool", "a dropped connection"),
        ("grader", "503"),
        ("grader", "a dropped connection"),
    ],
)
def test_a_passing_fault_is_tried_again(
    service: Running, customer: Customer, customer_url: str, where: str, fault: str
) -> None:
    setattr(customer, where, once_per_rollout(RETRIED[fault]))
    job = one_step(service, customer_url)
    assert job.status == "succeeded"
    assert all(rollout["error"] is None for rollout in trained(service, job.id))
    asked = customer.tool_bodies if where == "tool" else customer.grader_bodies
    assert len(asked) == 2 * len({body["trace_id"] for body in asked})


DISCARDED = {
    "a redirect": (lambda body: RedirectResponse("/elsewhere"), "answered 307, a redirect"),
    "garbage": (lambda body: Response("<html>"), "answered 200 with"),
    "a wrong shape": (lambda body: JSONResponse(["x"]), "answered 200 with"),
    "no body": (lambda body: Response(), "answered 200 with"),
}
GRADERS_OWN = {
    "4xx": (lambda body: Response("who are you", 403), "answered 403: who are you"),
    "429 always": (lambda body: Response(status_code=429), "answered 429 (tried 4 times)"),
    "NaN": (lambda body: Response('{"score": NaN}'), "no usable JSON (NaN is not JSON)"),
    "infinity": (lambda body: Response('{"score": 1e999}'), "out of range"),
    "a score of 7": (
        lambda body: JSONResponse({"score": 7}),
        "the score 7, which is not from 0 to 1",
    ),
    "a boolean": (lambda body: JSONResponse({"score": True}), "no number in `score`"),
    "1 MB and more": (lambda body: Response("x" * 1_000_001), "more than 1 MB"),
    "1 MB and more without a length": (
        lambda body: without_length(b"x" * 1_000_001),
        "more than 1 MB",
    ),
}
TOOLS_OWN = {
    "another call's answer": (
        lambda body: JSONResponse({**tool_answer(body, "x"), "call_id": "call_other"}),
        "another call's `call_id`",
    ),
}
CASES = [
    *(("tool", name) for name in {**DISCARDED, **TOOLS_OWN}),
    *(("grader", name) for name in ("a redirect", "garbage", *GRADERS_OWN)),
]


@pytest.mark.parametrize(("where", "fault"), CASES)
def test_a_lasting_fault_discards_rollouts_and_ends_the_job(
    service: Running, customer: Customer, customer_url: str, where: str, fault: str
) -> None:
    answer, words = {**DISCARDED, **TOOLS_OWN, **GRADERS_OWN}[fault]
    setattr(customer, where, answer)
    hyperparameters = {"batch_size": 5, "compute_multiplier": 0.25, "eval_interval": 9}
    job = service.wait(service.job(customer_url, hyperparameters=hyperparameters).id)
    assert job.status == "failed"
    assert job.error is not None
    assert job.error.code == "no_usable_rollouts"
    assert "3 steps in a row had no usable rollout" in job.error.message
    told = service.messages(job.id, "warn")
    assert "10 of 10 rollouts were discarded: 10 x the" in told[0]
    assert words in told[0]
    assert "no rollout was usable" in told[1]
    data = service.steps(job.id)[0]
    assert data["train_mean_reward"] is None
    assert data["errors"]["train_discarded"] == 10
    assert data["errors"]["by_reason"] == {f"{where}_failed": 10}
    asked = customer.tool_bodies if where == "tool" else customer.grader_bodies
    tries = 4 if "tried 4 times" in words else 1
    assert len(asked) == tries * len({body["trace_id"] for body in asked})


def test_what_would_be_sent_is_bounded_too(
    service: Running, customer: Customer, customer_url: str
) -> None:
    rows = [row(0, notes="x" * 1_000_000), *(row(n) for n in range(1, 10))]
    job = one_step(service, customer_url, rows)
    assert job.status == "succeeded"
    both_steps = [
        *trained(service, job.id),
        *service.rollouts(job.id, step=2, phase="train"),
    ]
    large = [rollout for rollout in both_steps if rollout["row"] == 0]
    assert len(large) == 2
    for rollout in large:
        output = next(
            i["output"] for i in rollout["trace"] if i.get("type") == "function_call_output"
        )
        assert output == '{"error": {"code": 413, "message": "the tool call is larger than 1 MB"}}'
        assert rollout["error"] == "the grader's request is larger than 1 MB"
    assert not any("notes" in body["item"] for body in customer.tool_bodies)
    assert not any("notes" in body["item"] for body in customer.grader_bodies)


def test_half_a_character_in_a_graders_error_costs_the_rollouts_only(
    service: Running, customer_url: str
) -> None:
    source = (
        "def grade(sample, item):\n"
        "    if item['reference_answer'] == 'value key1': raise ValueError('\\ud800')\n"
        "    return 1"
    )
    grader = {"type": "python", "name": "own", "source": source}
    job = one_step(service, customer_url, grader=grader)
    assert job.status == "succeeded"
    told = "2 of 10 rollouts were discarded: 2 x line 2: ValueError: ?"
    assert told in " ".join(service.messages(job.id, "warn"))


def test_each_pause_before_a_retry_is_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def fault() -> Reply | Fault:
        async with EndpointClient(EndpointLimits()) as client:
            return await client.post(f"http://127.0.0.1:{closed_port()}", {}, b"{}")

    monkeypatch.setattr("rft_wire.client.asyncio.sleep", sleep)
    found = asyncio.run(fault())
    assert isinstance(found, Fault)
    assert "tried 4 times" in found.reason
    assert slept == [0.5, 1.0, 2.0]


def test_a_tool_that_fails_for_some_rows_costs_their_rollouts_only(
    service: Running, customer: Customer, customer_url: str
) -> None:

    def fails_for_two_rows(body: dict[str, Any]) -> Response | None:
        key = body["item"]["messages"][-1]["content"].split()[-1]
        return Response(status_code=502) if key in ("key1", "key2") else None

    customer.tool = fails_for_two_rows
    job = one_step(service, customer_url)
    assert job.status == "succeeded"
    discarded = [
        r
        for step in (1, 2)
        for r in service.rollouts(job.id, step=step, phase="train")
        if r["error"]
    ]
    assert len(discarded) == 4
    assert all(r["reward"] is None and r["stop_reason"] == "tool_failed" for r in discarded)


def test_a_tool_that_is_dead_for_less_than_the_retries_last_costs_nothing(
    start: Start, customer: Customer, customer_url: str
) -> None:
    service = start(limits=EndpointLimits(timeout_s=60.0, first_pause_s=0.1))  # 0.7 s in all
    back_at = list[float]()

    def dead_for_a_while(body: dict[str, Any]) -> Response | None:
        if not back_at:
            back_at.append(time.monotonic() + 0.5)
        return Response(status_code=502) if time.monotonic() < back_at[0] else None

    customer.tool = dead_for_a_while
    job = one_step(service, customer_url)
    assert job.status == "succeeded"
    assert len(customer.tool_bodies) > len({body["trace_id"] for body in customer.tool_bodies})
    assert not any(
        r["error"] for step in (1, 2) for r in service.rollouts(job.id, step=step, phase="train")
    )


async def _turns(limit: RateLimit, count: int) -> None:
    await asyncio.gather(*(limit.turn() for _ in range(count)))


def test_a_grader_rate_limit_spaces_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))

    monkeypatch.setattr("rft_service.graders.run.time.monotonic", lambda: 100.0)
    monkeypatch.setattr("rft_service.graders.run.asyncio.sleep", sleep)
    asyncio.run(_turns(RateLimit(per_second=50), 4))
    assert slept == [0.02, 0.04, 0.06]


def test_a_job_runs_with_a_grader_rate_limit(service: Running, customer_url: str) -> None:
    grader = {"type": "endpoint", "url": f"{customer_url}/grade", "rate_limit": 500}
    assert one_step(service, customer_url, grader=grader).status == "succeeded"


def test_a_grader_without_variance_teaches_nothing_and_says_so(
    service: Running, customer: Customer, customer_url: str
) -> None:
    customer.grader = lambda body: JSONResponse({"score": 0.5})
    job = one_step(service, customer_url)
    assert job.status == "succeeded"
    told = service.messages(job.id, "warn")
    assert "Step 1: no group's rewards differed (zero variance), so nothing was learned" in told
    assert told[-1].startswith("The job learned nothing")
    data = service.steps(job.id)[0]
    assert data["mean_unresponsive_rewards"] == 1.0


@pytest.mark.parametrize("steps", [1, 2])
def test_a_short_job_without_a_usable_rollout_fails_too(
    service: Running, customer: Customer, customer_url: str, steps: int
) -> None:
    customer.grader = lambda body: Response("who are you", 401)
    hyperparameters = {"batch_size": 10 // steps, "compute_multiplier": 0.25}
    job = service.wait(service.job(customer_url, rows=10, hyperparameters=hyperparameters).id)
    assert job.status == "failed"
    assert job.error is not None
    assert job.error.code == "no_usable_rollouts"
    assert job.error.message.startswith("no step had a usable rollout; the events before")
    assert "who are you" in service.messages(job.id, "warn")[0]


def test_tools_that_refuse_most_calls_are_a_warning_with_their_words(
    service: Running, customer: Customer, customer_url: str
) -> None:
    asked = set[str]()

    def wrong_key_for_most(body: dict[str, Any]) -> Response | None:
        asked.add(body["trace_id"])
        return None if len(asked) <= 4 else JSONResponse({"detail": f"bad key {KEY}"}, 401)

    customer.tool = wrong_key_for_most
    told = service.messages(one_step(service, customer_url).id, "warn")
    refusals = [text for text in told if "tool calls were answered with 4xx" in text]
    assert [text.partition(":")[0] for text in refusals] == ["Step 1", "Step 2"]
    assert refusals[0] == (
        "Step 1: 6 of 10 tool calls were answered with 4xx, most often: "
        '{"error": {"code": 401, "message": "{\\"detail\\":\\"bad key [not shown]\\"}"}}'
    )


def test_a_refusal_now_and_then_is_the_models_own_affair(
    service: Running, customer: Customer, customer_url: str
) -> None:
    asked = set[str]()

    def every_other(body: dict[str, Any]) -> Response | None:
        asked.add(body["trace_id"])
        return Response("no such page", 404) if len(asked) % 2 else None

    customer.tool = every_other
    told = service.messages(one_step(service, customer_url).id, "warn")
    assert not [text for text in told if "4xx" in text]


def test_an_echoed_key_is_not_repeated(
    service: Running, customer: Customer, customer_url: str
) -> None:
    customer.tool = lambda body: Response(f"bad key Bearer {KEY}", 401)
    customer.grader = lambda body: Response(f"bad key {KEY}", 401)
    job = service.wait(service.job(customer_url).id)
    assert job.status == "failed"
    everything = str(service.events(job.id)) + str(trained(service, job.id))
    assert "[not shown]" in everything
    assert KEY not in everything


@pytest.mark.parametrize("kind", ["cut short", "of a wrong type"])
def test_no_half_of_an_echoed_key_is_repeated(
    service: Running, customer: Customer, customer_url: str, kind: str
) -> None:
    if kind == "cut short":
        customer.tool = lambda body: Response("x" * (2_000 - len(KEY) // 2) + KEY, 401)
        customer.grader = lambda body: Response("x" * (200 - len(KEY) // 2) + KEY, 401)
    else:
        customer.tool = lambda body: JSONResponse({**tool_answer(body, "x"), "type": KEY})
    job = service.wait(service.job(customer_url).id)
    assert job.status == "failed"
    everything = str(service.events(job.id)) + str(trained(service, job.id))
    assert KEY[: len(KEY) // 2] not in everything


def test_a_step_without_a_usable_rollout_is_a_warning_only(
    service: Running, customer: Customer, customer_url: str
) -> None:
    asked = set[str]()

    def wrong_at_first(body: dict[str, Any]) -> Response | None:
        asked.add(body["trace_id"])
        return Response("<html>") if len(asked) <= 10 else None

    customer.tool = wrong_at_first
    job = one_step(service, customer_url)
    assert job.status == "succeeded"
    told = service.messages(job.id, "warn")
    assert "Step 1: no rollout was usable, so nothing was learned" in told
    data = service.steps(job.id)
    assert data[0]["train_mean_reward"] is None
    assert data[1]["train_mean_reward"] is not None
    assert "train mean reward=n/a" in next(
        event.message for event in service.events(job.id) if event.type == "metrics"
    )
