"""A service with a model that a test can foresee, a customer's server, and the openai client."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

from rft_service.api.security import api_key
from rft_service.app import Settings, create_app
from rft_service.engines.simulated import SimulatedEngine
from rft_wire.client import EndpointLimits

from .customer import Customer, jsonl, method, row
from .doubles import DoubleEngine, LookupModel, keyword_judge
from .servers import served

LIMITS = EndpointLimits(timeout_s=60.0, first_pause_s=0.01)


@dataclass
class Running:
    """A service that answers, and a client for it."""

    url: str
    key: str
    home: Path
    client: OpenAI

    def upload(self, rows: list[Any], name: str = "rows.jsonl") -> str:
        file = (name, io.BytesIO(jsonl(rows)))
        return self.client.files.create(file=file, purpose="fine-tune").id

    def job(
        self,
        url: str,
        rows: int | list[dict[str, Any]] = 20,
        model: str = "sim-agent-mini",
        **more: Any,
    ) -> FineTuningJob:
        """A job against the customer at `url`; `more` goes into `method.reinforcement`."""
        training = [row(n) for n in range(rows)] if isinstance(rows, int) else rows
        return self.client.fine_tuning.jobs.create(
            model=model,
            training_file=self.upload(training, "train.jsonl"),
            validation_file=self.upload([row(n) for n in range(100, 110)], "valid.jsonl"),
            seed=7,
            suffix="test",
            method=method(url, **more),  # type: ignore[arg-type]
        )

    def wait(self, job_id: str, *statuses: str) -> FineTuningJob:
        """The job once it has one of the statuses (by default: has ended)."""
        wanted = statuses or ("succeeded", "failed", "cancelled")
        for _ in range(2_000):
            job = self.client.fine_tuning.jobs.retrieve(job_id)
            if job.status in wanted:
                return job
            time.sleep(0.05)  # often enough: each question takes a job's time
        raise AssertionError(f"the job is still {job.status}")

    def events(self, job_id: str) -> list[FineTuningJobEvent]:
        """All events, oldest first."""
        return list(self.client.fine_tuning.jobs.list_events(job_id, limit=100))[::-1]

    def messages(self, job_id: str, level: str = "") -> list[str]:
        """What the events say, or those of one level."""
        return [one.message for one in self.events(job_id) if level in ("", one.level)]

    def steps(self, job_id: str) -> list[Any]:
        """The metrics of each step."""
        return [event.data for event in self.events(job_id) if event.type == "metrics"]

    def rollouts(self, job_id: str, **query: Any) -> list[dict[str, Any]]:
        path = f"/fine_tuning/jobs/{job_id}/rollouts"
        options: Any = {"params": {"limit": 100, **query}}
        page: Any = self.client.get(path, cast_to=object, options=options)
        return list(page["data"])

    def weights(self, model: str | None) -> Any:
        return self.client.get(f"/models/{model}/weights", cast_to=object)


Start = Callable[..., Running]


@contextmanager
def running(home: Path, **settings: Any) -> Iterator[Running]:
    """A service on a state folder; `settings` replace the tests' own."""
    model, port = settings.pop("model", LookupModel), settings.pop("port", 0)
    make_engine = settings.pop("engine", lambda folder: DoubleEngine(folder, model))
    values = {
        "engine": make_engine(home / "weights"),
        "judge": keyword_judge,
        "limits": LIMITS,
        "concurrency": 8,
    }
    with served(create_app(Settings(home=home, **{**values, **settings})), port) as url:
        key = api_key(home)
        client = OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        yield Running(url, key, home, client)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a service on the test's state folder, as often as it is called."""
    with ExitStack() as services:

        def starter(**settings: Any) -> Running:
            home = settings.pop("home", tmp_path / "service")
            return services.enter_context(running(home, **settings))

        yield starter


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service that the tests of a module share."""
    with running(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def service(shared: Running) -> Iterator[Running]:
    """The shared service; jobs that the test leaves unfinished are cancelled at its end."""
    yield shared
    jobs = shared.client.fine_tuning.jobs
    for job in jobs.list(limit=20).data:
        if job.finished_at is None:
            jobs.cancel(job.id)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with the simulated model, which chooses every argument itself."""
    with running(tmp_path_factory.mktemp("simulated"), engine=SimulatedEngine) as service:
        yield service


@pytest.fixture
def customer() -> Customer:
    return Customer()


@pytest.fixture
def customer_url(customer: Customer) -> Iterator[str]:
    with served(customer.app()) as url:
        yield url
