"""Endpoints that are down for a while cost a job time: no step, no rollout, no digit."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rft_service.engines.simulated import SimulatedEngine
from rft_service.jobs.outages import JobClient, OutageError
from rft_service.store.database import Database
from rft_service.store.jobs import JobRecords
from rft_wire.client import EndpointLimits, Fault, Reply

from .conftest import LIMITS, Running, Start, running
from .customer import Customer, job_spec
from .doubles import DoubleEngine, LookupModel
from .servers import closed_port, served
from .test_durability import curve
from .test_faults import dropped

SMALL = {"batch_size": 5, "compute_multiplier": 0.5, "eval_interval": 2}
IMPATIENT = EndpointLimits(timeout_s=60.0, first_pause_s=0.01, patience_s=0.2)


class Late(Response):
    """An answer that comes after a second."""

    async def __call__(self, *connection: Any) -> None:
        await asyncio.sleep(1.0)
        await super().__call__(*connection)


@dataclass
class Outage:
    """Answers wrongly from one request on, and for a number of them; counts, and no clock."""

    answer: Callable[[], Response]
    begins_after: int
    lasts: int
    asked: int = 0

    def __call__(self, body: dict[str, Any]) -> Response | None:
        self.asked += 1
        is_down = 0 < self.asked - self.begins_after <= self.lasts
        return self.answer() if is_down else None


FAULTS = {
    "500": lambda: Response(status_code=500),
    "503": lambda: Response("starting", 503),
    "a dropped connection": dropped,
}
ENGINES = {"double": DoubleEngine, "simulated": SimulatedEngine}


def result(service: Running, job_id: str) -> tuple[Any, ...]:
    """All that a job leaves, but for times and names."""
    job = service.wait(job_id)
    assert job.status == "succeeded", job.error
    found = [
        [(r["row"], r["sample"], r["reward"], r["trace"], r["stop_reason"]) for r in of_step]
        for of_step in (service.rollouts(job_id, step=step, phase="train") for step in (1, 2, 3, 4))
    ]
    assert all(found)
    return curve(service, job_id), service.weights(job.fine_tuned_model), found


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Any, ...]]:
    """What a job that nothing disturbs leaves, by the engine that it is trained on."""

    @cache
    def of(engine: str) -> tuple[Any, ...]:
        home = tmp_path_factory.mktemp(engine)
        with served(Customer().app()) as url, running(home, engine=ENGINES[engine]) as service:
            return result(service, service.job(url, hyperparameters=SMALL).id)

    return of


@pytest.mark.parametrize(
    ("engine", "where", "fault", "begins_after"),
    [
        ("double", "tool", "500", 0),
        ("double", "tool", "a dropped connection", 30),
        ("double", "grader", "503", 30),
        ("double", "grader", "a dropped connection", 0),
        ("simulated", "tool", "503", 30),
        ("simulated", "grader", "500", 0),
    ],
)
def test_an_outage_in_a_step_costs_time_and_not_a_digit(
    start: Start, customer: Customer, customer_url: str, calm: Callable[[str], Any],
    engine: str, where: str, fault: str, begins_after: int,
) -> None:  # fmt: skip
    service = start(engine=ENGINES[engine])
    outage = Outage(FAULTS[fault], begins_after, lasts=70)
    setattr(customer, where, outage)
    job_id = service.job(customer_url, hyperparameters=SMALL).id
    assert result(service, job_id) == calm(engine)
    assert outage.asked > begins_after + 70
    messages = service.messages(job_id)
    assert not [message for message in messages if "discarded" in message]
    path = {"tool": "lookup", "grader": "grade"}[where]
    waiting = [message for message in messages if message.startswith("Waiting for ")]
    assert f"Waiting for {customer_url}/{path}: it " in waiting[0]
    assert f"{customer_url}/{path} answers again." in messages


def test_a_server_that_is_started_again_costs_time_and_not_a_digit(
    start: Start, customer: Customer, calm: Callable[[str], Any]
) -> None:
    service = start(engine=SimulatedEngine)
    port = closed_port()
    with served(customer.app(), port) as url:
        customer.delay_s = 0.01  # so that the server ends within a step
        job_id = service.job(url, hyperparameters=SMALL).id
        wait_for(service, job_id, "Step 1/4")
    wait_for(service, job_id, f"Waiting for {url}/")
    assert "cannot be reached (Connection refused)" in " ".join(service.messages(job_id))
    assert service.client.fine_tuning.jobs.retrieve(job_id).status == "running"
    with served(customer.app(), port):
        assert result(service, job_id) == calm("simulated")


def wait_for(service: Running, job_id: str, words: str) -> None:
    while not any(words in message for message in service.messages(job_id)):
        assert service.client.fine_tuning.jobs.retrieve(job_id).finished_at is None
        time.sleep(0.01)


DOWN = {
    "500": ("tool", FAULTS["500"], "answered 500 (tried 4 times)"),
    "a dropped connection": (
        "grader", dropped, "dropped the connection (ClientPayloadError) (tried 4 ",
    ),
    "nothing": ("tool", lambda: Late(), "did not answer in 0.3 s (tried 4 times)"),
}  # fmt: skip


@pytest.mark.parametrize("fault", DOWN)
def test_an_endpoint_that_stays_down_pauses_the_job_which_goes_on_after_a_resume(
    start: Start,
    customer: Customer,
    customer_url: str,
    calm: Callable[[str], Any],
    fault: str,
) -> None:
    # Only silence has to time out: with so short a limit a busy machine may look silent, too.
    limits = replace(IMPATIENT, timeout_s=0.3) if fault == "nothing" else IMPATIENT
    service = start(limits=limits)
    where, answer, words = DOWN[fault]
    setattr(customer, where, lambda body: answer())
    job_id = service.job(customer_url, hyperparameters=SMALL).id
    paused = service.wait(job_id, "paused", "failed")
    assert paused.status == "paused", paused.error
    last = service.events(job_id)[-1]
    assert last.level == "warn"
    path = {"tool": "lookup", "grader": "grade"}[where]
    assert f"The job has been paused: {customer_url}/{path} {words}" in last.message
    assert "for 0.2 seconds. Start its server again at that address, or fix it" in last.message
    assert f"POST /v1/fine_tuning/jobs/{job_id}/resume" in last.message
    setattr(customer, where, lambda body: None)
    service.client.fine_tuning.jobs.resume(job_id)
    assert result(service, job_id) == calm("double")


def test_a_server_that_never_comes_back_pauses_the_job_and_the_next_one_runs(
    start: Start, customer: Customer, customer_url: str
) -> None:
    service = start(limits=IMPATIENT)
    customer.delay_s = 0.01
    with served(customer.app()) as url:
        job_id = service.job(url, hyperparameters=SMALL).id
        wait_for(service, job_id, "Step 1/4")
    next_one = service.job(customer_url, hyperparameters=SMALL)
    assert service.wait(job_id, "paused", "failed").status == "paused"
    assert service.wait(next_one.id).status == "succeeded"


@pytest.mark.parametrize("verb", ["pause", "cancel"])
def test_pause_and_cancel_work_while_a_job_waits(
    service: Running, customer: Customer, customer_url: str, verb: str
) -> None:
    customer.tool = lambda body: Response(status_code=503)
    job_id = service.job(customer_url, hyperparameters=SMALL).id
    wait_for(service, job_id, "Waiting for ")
    expected = {"pause": "paused", "cancel": "cancelled"}[verb]
    assert getattr(service.client.fine_tuning.jobs, verb)(job_id).status == expected
    customer.tool = lambda body: None
    assert service.wait(service.job(customer_url, rows=10).id).status == "succeeded"
    assert service.client.fine_tuning.jobs.retrieve(job_id).status == expected
    if verb == "pause":
        service.client.fine_tuning.jobs.resume(job_id)
        assert service.wait(job_id).status == "succeeded"


def test_a_server_that_is_up_and_down_all_the_time_pauses_the_job(
    service: Running, customer: Customer, customer_url: str
) -> None:
    """It answers one request, fails at the next forty, and so on."""
    asked = list[int]()

    def mostly_down(body: dict[str, Any]) -> Response | None:
        asked.append(1)
        return None if len(asked) % 41 == 1 else Response(status_code=502)

    customer.tool = mostly_down
    job_id = service.job(customer_url, hyperparameters=SMALL).id
    assert service.wait(job_id, "paused", "failed", "succeeded").status == "paused"
    assert "for the 11th time in one step" in service.messages(job_id)[-1]


def test_a_job_that_was_being_validated_waits_for_servers_that_start_beside_the_service(
    tmp_path: Path, customer: Customer
) -> None:
    port = closed_port()
    with served(customer.app(), port) as url, running(tmp_path) as service:
        done = service.wait(service.job(url, hyperparameters=SMALL).id)
    with closing(Database(tmp_path / "service.sqlite")) as database:  # as if killed so early
        records = JobRecords(database)
        job_id = records.create(records.get(done.id).spec, None).id
    with running(tmp_path) as service:
        wait_for(service, job_id, f"Waiting for {url}/lookup: it cannot be reached")
        with served(customer.app(), port):
            assert service.wait(job_id).status == "succeeded"


def test_a_full_disk_pauses_the_job_which_goes_on_after_a_resume(
    start: Start, customer_url: str, calm: Callable[[str], Any]
) -> None:
    FullDisk.saves = 0
    service = start(model=FullDisk)
    job_id = service.job(customer_url, hyperparameters=SMALL).id
    paused = service.wait(job_id, "paused", "failed")
    assert paused.status == "paused", paused.error
    last = service.events(job_id)[-1]
    assert last.level == "warn"
    assert "state folder is full. Free some room, then resume the job (POST" in last.message
    service.client.fine_tuning.jobs.resume(job_id)
    assert result(service, job_id) == calm("double")


class FullDisk(LookupModel):
    """A model whose third state finds no room."""

    saves = 0

    async def save(self, name: str) -> str:
        type(self).saves += 1
        if type(self).saves == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return await super().save(name)


class Tools:
    """Two tools on one server; what they were asked, and how they are to answer."""

    def __init__(self) -> None:
        self.asked = list[str]()
        self.broken = set[str]()
        self.slow_s = 0.0

    async def answer(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body["argument"])
        if body["argument"] in self.broken:
            return Response(status_code=500)
        await asyncio.sleep(self.slow_s)
        return JSONResponse({"output": "fine"})

    def app(self) -> Starlette:
        return Starlette(
            routes=[Route(f"/{name}", self.answer, methods=["POST"]) for name in ("one", "two")]
        )


async def calls(url: str, *made: tuple[str, str], at_once: bool) -> list[Reply | Fault]:
    """The replies to calls (tool, argument)."""
    replies = list[Reply | Fault]()
    async with JobClient(LIMITS, job_spec("sim-agent-mini")) as client:

        async def call(tool: str, argument: str) -> Reply | Fault:
            return await client.post(f"{url}/{tool}", {}, b'{"argument": "%s"}' % argument.encode())

        async def work() -> None:
            if at_once:
                replies.extend(await asyncio.gather(*(call(*one) for one in made)))
            else:
                replies.extend([await call(*one) for one in made])

        await client.attempt(work())
    return replies


@pytest.mark.parametrize(
    ("made", "at_once", "slow_s"),
    [
        ([("one", "good"), ("one", "bad")], False, 0.0),
        ([("one", "good"), ("two", "bad"), ("one", "good"), ("two", "bad")], False, 0.0),
        ([("one", "bad"), ("one", "good")], True, 0.5),
        ([("two", "bad"), ("two", "bad"), ("one", "good")], True, 0.0),
    ],
)
def test_a_request_that_fails_where_others_are_answered_is_a_fault_and_no_outage(
    made: list[tuple[str, str]], at_once: bool, slow_s: float
) -> None:
    tools = Tools()
    tools.broken, tools.slow_s = {"bad"}, slow_s
    with served(tools.app()) as url:
        replies = asyncio.run(calls(url, *made, at_once=at_once))
    for (_, argument), reply in zip(made, replies, strict=True):
        assert isinstance(reply, Fault if argument == "bad" else Reply)
    if not at_once:
        assert tools.asked.count("bad") == 4 * sum(argument == "bad" for _, argument in made)


def test_a_server_that_fails_every_request_is_an_outage() -> None:
    tools = Tools()
    tools.broken = {"bad", "worse"}
    with served(tools.app()) as url, pytest.raises(OutageError, match=r"/\w+ answered 500"):
        asyncio.run(calls(url, ("one", "bad"), ("two", "worse"), at_once=True))
