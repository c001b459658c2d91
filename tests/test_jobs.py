"""Jobs from the client's side, against a scripted double of the fine-tuning API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from openai import AsyncOpenAI, OpenAI

from buildhour_helpers import jobs
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.graders import specs
from buildhour_helpers.tools.serving import served

Object = dict[str, Any]


@dataclass
class Service:
    """A job that makes `pace` events each time that its status is asked, 250 in all.

    `pace_while_paged` is how many more it makes after each page of events.
    """

    pace: int = 60
    pace_while_paged: int = 0
    total: int = 250
    end: str = "succeeded"
    events: list[Object] = field(default_factory=list)
    created: list[Object] = field(default_factory=list)
    uploads: int = 0

    def job(self) -> Object:
        ended = len(self.events) >= self.total
        return {
            "id": "ftjob-1",
            "object": "fine_tuning.job",
            "created_at": 1,
            "model": "sim",
            "status": self.end if ended else "running",
            "error": {"code": "x", "message": "nothing to learn"} if self.end == "failed" else None,
        }

    def add_events(self, pace: int) -> None:
        for _ in range(min(pace, self.total - len(self.events))):
            step = len(self.events) + 1
            data = {"step": step, "total_steps": self.total}
            self.events.append(
                {
                    "id": f"ftevent-{step}",
                    "object": "fine_tuning.job.event",
                    "created_at": step,
                    "level": "info",
                    "message": f"Step {step}/{self.total} , train mean reward=0.42",
                    "type": "metrics",
                    "data": data,
                }
            )

    def page(self, after: str | None, limit: int) -> Object:
        newest_first = self.events[::-1]
        ids = [event["id"] for event in newest_first]
        start = ids.index(after) + 1 if after else 0
        data = newest_first[start : start + limit]
        self.add_events(self.pace_while_paged)
        return {"object": "list", "data": data, "has_more": start + limit < len(ids)}

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/v1/files")
        async def upload(request: Request) -> Object:
            assert b"fine-tune" in await request.body()
            self.uploads += 1
            return {"id": f"file-{self.uploads}", "object": "file"}

        @app.post("/v1/fine_tuning/jobs")
        async def create(request: Request) -> Object:
            self.created.append(await request.json())
            return {**self.job(), "method": self.created[-1]["method"]}

        @app.get("/v1/fine_tuning/jobs/ftjob-1")
        async def retrieve() -> Object:
            self.add_events(self.pace)
            return self.job()

        @app.get("/v1/fine_tuning/jobs/ftjob-1/events")
        async def events(after: str | None = None, limit: int = 20) -> Object:
            return self.page(after, limit)

        @app.get("/v1/fine_tuning/jobs/ftjob-1/checkpoints")
        async def checkpoints() -> Object:
            rewards = {30: 0.5, 20: 0.6, 10: 0.6, 5: None}
            data = [
                {
                    "id": f"ftckpt-{step}",
                    "object": "fine_tuning.job.checkpoint",
                    "created_at": step,
                    "fine_tuning_job_id": "ftjob-1",
                    "fine_tuned_model_checkpoint": f"ft:sim:ckpt-step-{step}",
                    "step_number": step,
                    "metrics": {"train_mean_reward": 0.4, "full_valid_mean_reward": reward},
                }
                for step, reward in rewards.items()
            ]
            return {"object": "list", "data": data, "has_more": False}

        return app


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def base_url(service: Service) -> Iterator[str]:
    with served(service.app()) as url:
        yield f"{url}/v1"


@pytest.fixture
def client(base_url: str) -> OpenAI:
    return OpenAI(base_url=base_url, api_key="sk-test", max_retries=0)


def test_a_job_is_launched_with_live_tools_and_an_endpoint_grader(
    service: Service, client: OpenAI, tmp_path: Path
) -> None:
    (tmp_path / "rows.jsonl").write_text("{}\n", encoding="utf-8")
    files = [jobs.upload(client, tmp_path / "rows.jsonl") for _ in range(2)]
    job = jobs.launch(
        client,
        model="sim",
        training_file=files[0],
        validation_file=files[1],
        tools=jobs.tool_endpoints("http://127.0.0.1:1", "a-key"),
        grader=specs.endpoint("http://127.0.0.1:1/grade", "a-key"),
        hyperparameters={"batch_size": 4, "reasoning_effort": "low"},
        max_episode_steps=7,
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
        seed=3,
    )
    assert job.id == "ftjob-1"
    headers = {"Authorization": "Bearer a-key"}
    grader = {"type": "endpoint", "name": "endpoint", "url": "http://127.0.0.1:1/grade"}
    reinforcement = {
        "tools": [
            {"name": name, "server_url": f"http://127.0.0.1:1/{name}", "headers": headers}
            for name in ("search", "list", "cat")
        ],
        "grader": {**grader, "headers": headers},
        "max_episode_steps": 7,
        "hyperparameters": {"batch_size": 4, "reasoning_effort": "low"},
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
    }
    assert service.created == [
        {
            "model": "sim",
            "training_file": "file-1",
            "validation_file": "file-2",
            "suffix": "agent-rft",
            "seed": 3,
            "method": {"type": "reinforcement", "reinforcement": reinforcement},
        }
    ]


@pytest.mark.parametrize(("pace", "pace_while_paged"), [(60, 0), (120, 9)])
def test_every_event_comes_once_and_in_order_also_one_that_comes_between_two_pages(
    service: Service, client: OpenAI, pace: int, pace_while_paged: int
) -> None:
    service.pace, service.pace_while_paged = pace, pace_while_paged
    seen = [event.id for event in jobs.follow(client, "ftjob-1", poll_s=0)]
    assert seen == [f"ftevent-{step}" for step in range(1, 251)]


def test_following_takes_up_where_it_left_off(service: Service, client: OpenAI) -> None:
    first = jobs.follow(client, "ftjob-1", poll_s=0)
    seen = [next(first).id for _ in range(75)]
    first.close()
    seen += [event.id for event in jobs.follow(client, "ftjob-1", after=seen[-1], poll_s=0)]
    assert seen == [f"ftevent-{step}" for step in range(1, 251)]


def test_following_pauses_between_its_questions(
    client: OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("buildhour_helpers.jobs.time.sleep", pauses.append)
    list(jobs.follow(client, "ftjob-1", poll_s=0.25))
    assert pauses == [0.25] * 4


def test_interrupting_a_follower_leaves_the_job_alone(
    service: Service, client: OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("buildhour_helpers.jobs.time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        jobs.wait(client, "ftjob-1", progress=False)
    monkeypatch.undo()
    assert jobs.wait(client, "ftjob-1", poll_s=0, progress=False).status == "succeeded"


def test_waiting_ends_where_the_service_pauses_the_job(service: Service, client: OpenAI) -> None:
    service.end = "paused"
    told = "The job has been paused: http://127.0.0.1:1/search answered 500"
    service.events.append(
        {
            "id": "ftevent-0",
            "object": "fine_tuning.job.event",
            "created_at": 0,
            "level": "warn",
            "message": told,
            "type": "message",
            "data": {},
        }
    )
    service.total = 60
    with pytest.raises(WorkshopError, match=told):
        jobs.wait(client, "ftjob-1", poll_s=0, progress=False)


def test_following_in_an_event_loop_does_not_block_it(base_url: str) -> None:
    async def run() -> tuple[list[str], int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        async with AsyncOpenAI(base_url=base_url, api_key="sk-test") as client:
            ticking = asyncio.create_task(tick())
            followed = jobs.follow_async(client, "ftjob-1", poll_s=0.01)
            seen = [event.id async for event in followed]
            ticking.cancel()
        return seen, ticks

    seen, ticks = asyncio.run(run())
    assert seen == [f"ftevent-{step}" for step in range(1, 251)]
    assert ticks > 20


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_a_job_that_did_not_succeed_says_why(service: Service, client: OpenAI, end: str) -> None:
    service.end = end
    with pytest.raises(WorkshopError, match=f"ftjob-1 {end}: (nothing to learn|see its events)"):
        jobs.wait(client, "ftjob-1", poll_s=0, progress=False)


def test_waiting_shows_the_steps(client: OpenAI, capsys: pytest.CaptureFixture[str]) -> None:
    jobs.wait(client, "ftjob-1", poll_s=0)
    assert "250/250" in capsys.readouterr().err


def test_the_best_checkpoint_is_the_earliest_with_the_highest_validation(client: OpenAI) -> None:
    found = jobs.checkpoints(client, "ftjob-1")
    assert [one.step for one in found] == [5, 10, 20, 30]
    assert jobs.best(found) == jobs.Checkpoint(10, "ft:sim:ckpt-step-10", 0.4, 0.6)
    with pytest.raises(WorkshopError, match="eval_interval"):
        jobs.best(found[:1])
