"""Jobs from the client's side, against a scripted double of the fine-tuning API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from openai import OpenAI

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

    def job(self) -> Object:
        ended = len(self.events) >= self.total
        job = {"id": "ftjob-1", "object": "fine_tuning.job", "created_at": 1, "model": "sim"}
        error = {"code": "x", "message": "nothing to learn"} if self.end == "failed" else None
        return {**job, "status": self.end if ended else "running", "error": error}

    def add_event(self, message: str = "Step , train mean reward=0.42", type: str = "") -> None:
        step = len(self.events) + 1
        event = {"id": f"ftevent-{step}", "object": "fine_tuning.job.event", "created_at": step}
        data = {"step": step, "total_steps": self.total}
        level = "warn" if type else "info"
        self.events.append(
            {**event, "message": message, "level": level, "type": type or "metrics", "data": data}
        )

    def add_events(self, pace: int) -> None:
        for _ in range(min(pace, self.total - len(self.events))):
            self.add_event()

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
            return {"id": "file-1", "object": "file"}

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
                for step, reward in {30: 0.5, 20: 0.6, 10: 0.6, 5: None}.items()
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
    file = jobs.upload(client, tmp_path / "rows.jsonl")
    url, settings = "http://127.0.0.1:1", {"batch_size": 4, "reasoning_effort": "low"}
    answer = {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}
    job = jobs.launch(
        client,
        model="sim",
        training_file=file,
        validation_file=file,
        tools=jobs.tool_endpoints(url, "a-key"),
        grader=specs.endpoint(f"{url}/grade", "a-key"),
        hyperparameters=settings,
        max_episode_steps=7,
        response_format=answer,
        seed=3,
    )
    assert job.id == "ftjob-1"
    headers = {"Authorization": "Bearer a-key"}
    grader = {"type": "endpoint", "name": "endpoint", "url": f"{url}/grade", "headers": headers}
    reinforcement = {
        "tools": [
            {"name": name, "server_url": f"{url}/{name}", "headers": headers}
            for name in ("search", "list", "cat")
        ],
        "grader": grader,
        "max_episode_steps": 7,
        "hyperparameters": settings,
        "response_format": answer,
    }
    (sent,) = service.created
    assert sent == {
        "model": "sim",
        "training_file": "file-1",
        "validation_file": "file-1",
        "suffix": "agent-rft",
        "seed": 3,
        "method": {"type": "reinforcement", "reinforcement": reinforcement},
    }


@pytest.mark.parametrize(("pace", "pace_while_paged"), [(60, 0), (120, 9)])
def test_every_event_comes_once_and_in_order_also_one_that_comes_between_two_pages(
    service: Service, client: OpenAI, pace: int, pace_while_paged: int
) -> None:
    """Following takes up where it left off."""
    service.pace, service.pace_while_paged = pace, pace_while_paged
    first = jobs.follow(client, "ftjob-1", poll_s=0)
    seen = [next(first).id for _ in range(75)]
    first.close()
    seen += [event.id for event in jobs.follow(client, "ftjob-1", after=seen[-1], poll_s=0)]
    assert seen == [f"ftevent-{step}" for step in range(1, 251)]


def test_waiting_pauses_between_its_questions_and_shows_the_steps(
    client: OpenAI, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An interrupted one leaves the job alone."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("buildhour_helpers.jobs.time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        jobs.wait(client, "ftjob-1", progress=False)
    pauses: list[float] = []
    monkeypatch.setattr("buildhour_helpers.jobs.time.sleep", pauses.append)
    assert jobs.wait(client, "ftjob-1", poll_s=0.25).status == "succeeded"
    assert set(pauses) == {0.25}
    assert "250/250" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("failed", "ftjob-1 failed: nothing to learn"),
        ("cancelled", "ftjob-1 cancelled: see its events"),
        ("paused", "The job has been paused: http://127.0.0.1:1/search answered 500"),
    ],
)
def test_a_job_that_does_not_succeed_says_why(
    service: Service, client: OpenAI, end: str, said: str
) -> None:
    service.end, service.total = end, 60
    if end == "paused":
        service.add_event(said, type="message")
    with pytest.raises(WorkshopError, match=said):
        jobs.wait(client, "ftjob-1", poll_s=0, progress=False)


def test_the_best_checkpoint_is_the_earliest_with_the_highest_validation(client: OpenAI) -> None:
    found = jobs.checkpoints(client, "ftjob-1")
    assert [one.step for one in found] == [5, 10, 20, 30]
    assert jobs.best(found) == jobs.Checkpoint(10, "ft:sim:ckpt-step-10", 0.4, 0.6)
    with pytest.raises(WorkshopError, match="eval_interval"):
        jobs.best(found[:1])
