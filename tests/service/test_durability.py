"""What was acknowledged stays, and a job goes on from its last step, whatever happens."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.fine_tuning import FineTuningJob

from .conftest import Running, Start
from .customer import Customer, row
from .processes import Process
from .servers import served

SMALL = {"batch_size": 5, "compute_multiplier": 0.5, "eval_interval": 2, "n_epochs": 4}


def curve(service: Running, job_id: str) -> list[tuple[Any, ...]]:
    """The numbers of every metrics event, times aside."""
    keys = ("step", "train_mean_reward", "full_valid_mean_reward", "tool_calls_per_rollout")
    return [tuple(numbers[key] for key in keys) for numbers in service.steps(job_id)]


def checkpoints(service: Running, job_id: str) -> dict[int, str]:
    """The IDs of the checkpoints that are kept, by step."""
    listed = service.client.fine_tuning.jobs.checkpoints.list(job_id, limit=100)
    return {one.step_number: one.id for one in listed}


@pytest.fixture(scope="module")
def calm(shared: Running) -> tuple[Any, Any]:
    """The weights and the curve of a job that nothing disturbs."""
    with served(Customer().app()) as url:
        job = shared.wait(shared.job(url, hyperparameters=SMALL).id)
    return outcome(shared, job)


def outcome(service: Running, job: FineTuningJob) -> tuple[Any, Any]:
    assert job.status == "succeeded", job.error
    return service.weights(job.fine_tuned_model), curve(service, job.id)


def test_a_job_killed_at_many_moments_ends_with_the_same_weights(
    tmp_path: Path, customer: Customer, customer_url: str
) -> None:
    many = {**SMALL, "n_epochs": 8}
    with Process(tmp_path / "calm") as process:
        job = process.service.wait(process.service.job(customer_url, hyperparameters=many).id)
        calm = outcome(process.service, job)
        kept = checkpoints(process.service, job.id).keys()
    moments = random.Random(11)
    told = Told()
    customer.delay_s = 0.01  # a kill then falls into a step, while calls are under way
    with Process(tmp_path / "killed") as process:
        job_id = process.service.job(customer_url, hyperparameters=many).id
        kill_later(process, job_id, customer, moments, told)
    for _ in range(6):
        with Process(tmp_path / "killed") as process:
            told.check(process.service, job_id)
            kill_later(process, job_id, customer, moments, told)
    customer.delay_s = 0.0
    with Process(tmp_path / "killed") as last:
        job = last.service.wait(job_id)
        told.check(last.service, job_id)
        assert outcome(last.service, job) == calm
        assert checkpoints(last.service, job_id).keys() == kept


def kill_later(
    process: Process, job_id: str, customer: Customer, moments: random.Random, told: Told
) -> None:
    """Kill a service in the midst of a job, once it has called the tool some more times."""
    calls = len(customer.tool_bodies) + moments.randrange(1, 60)
    while len(customer.tool_bodies) < calls:
        time.sleep(0.001)
    told.note(process.service, job_id)
    assert process.service.client.fine_tuning.jobs.retrieve(job_id).status == "running"
    process.kill()


@dataclass
class Told:
    """All that a service has told of, and that therefore has to stay."""

    ids: set[str] = field(default_factory=set)
    checkpoints: dict[int, str] = field(default_factory=dict)  # IDs by step

    def note(self, service: Running, job_id: str) -> None:
        self.ids |= seen(service, job_id)
        self.checkpoints |= checkpoints(service, job_id)

    def check(self, service: Running, job_id: str) -> None:
        """A checkpoint may make room for a better one, but is never made twice."""
        assert self.ids <= seen(service, job_id)
        for step, name in checkpoints(service, job_id).items():
            assert self.checkpoints.get(step, name) == name


def seen(service: Running, job_id: str) -> set[str]:
    """IDs of the files, jobs and events that a service lists."""
    return {
        *(file.id for file in service.client.files.list()),
        *(job.id for job in service.client.fine_tuning.jobs.list()),
        *(event.id for event in service.client.fine_tuning.jobs.list_events(job_id, limit=100)),
    }


def test_pause_and_resume_end_with_the_same_weights(
    service: Running, customer: Customer, customer_url: str, calm: tuple[Any, Any]
) -> None:
    job_id = service.job(customer_url, hyperparameters=SMALL).id
    jobs = service.client.fine_tuning.jobs
    customer.delay_s = 0.01
    for _ in range(3):
        wait_for_a_step_after(service, job_id, len(curve(service, job_id)))
        assert jobs.pause(job_id).status == "paused"
        before = curve(service, job_id)
        assert jobs.retrieve(job_id).status == "paused"
        assert curve(service, job_id) == before
        assert jobs.resume(job_id).status == "queued"
    customer.delay_s = 0.0
    assert outcome(service, service.wait(job_id)) == calm


def test_a_job_goes_on_although_the_model_that_it_began_with_is_deleted(
    service: Running, customer: Customer, customer_url: str
) -> None:
    base = service.wait(service.job(customer_url, rows=10).id).fine_tuned_model
    assert base is not None
    short = {**SMALL, "n_epochs": 2}
    calm = service.wait(service.job(customer_url, model=base, hyperparameters=short).id)
    customer.delay_s = 0.05
    job_id = service.job(customer_url, model=base, hyperparameters=short).id
    service.wait(job_id, "running")
    service.client.fine_tuning.jobs.pause(job_id)
    service.client.models.delete(base)
    customer.delay_s = 0.0
    service.client.fine_tuning.jobs.resume(job_id)
    done = service.wait(job_id)
    assert outcome(service, done) == outcome(service, calm)


def test_cancel_ends_a_job_at_any_stage(
    service: Running, customer: Customer, customer_url: str
) -> None:
    customer.delay_s = 0.05
    jobs = service.client.fine_tuning.jobs
    running, queued = (service.job(customer_url, hyperparameters=SMALL) for _ in range(2))
    service.wait(running.id, "running")
    for job in (queued, running):
        cancelled = jobs.cancel(job.id)
        assert cancelled.status == "cancelled"
        assert cancelled.finished_at is not None
        for again in (jobs.cancel, jobs.pause, jobs.resume):
            with pytest.raises(openai.ConflictError, match="is cancelled"):
                again(job.id)
    customer.delay_s = 0.0
    assert service.wait(service.job(customer_url, rows=10).id).status == "succeeded"
    assert jobs.retrieve(running.id).status == "cancelled"


def test_ten_jobs_run_in_order(start: Start, customer_url: str) -> None:
    service = start()
    small = {"batch_size": 10, "compute_multiplier": 0.25}
    made = [service.job(customer_url, rows=10, hyperparameters=small).id for _ in range(10)]
    assert {service.wait(job_id).status for job_id in made} == {"succeeded"}
    with sqlite3.connect(f"file:{service.home}/service.sqlite?mode=ro", uri=True) as database:
        order = database.execute(
            "SELECT job_id FROM events WHERE message LIKE '%started'"
            " OR message LIKE '%successfully completed' ORDER BY seq"
        ).fetchall()
    assert [name for (name,) in order] == [job_id for job_id in made for _ in range(2)]
    listed = [job.id for job in service.client.fine_tuning.jobs.list(limit=3)]
    assert listed == made[::-1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB of its own; needs Linux and the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("cannot mount a small disk here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_pause_and_a_cancel_outlive_a_kill(
    tmp_path: Path, customer: Customer, customer_url: str, calm: tuple[Any, Any]
) -> None:
    customer.delay_s = 0.01
    with Process(tmp_path) as process:
        service, jobs = process.service, process.service.client.fine_tuning.jobs
        paused, running, queued = (
            service.job(customer_url, hyperparameters=SMALL) for _ in range(3)
        )
        wait_for_a_checkpoint(service, paused.id)
        jobs.pause(paused.id)
        wait_for_a_checkpoint(service, running.id)
        for job in (queued, running):
            jobs.cancel(job.id)
        left = checkpoint_weights(service, running.id)
        process.kill()
    with Process(tmp_path) as process:
        service, jobs = process.service, process.service.client.fine_tuning.jobs
        assert {jobs.retrieve(job.id).status for job in (queued, running)} == {"cancelled"}
        assert checkpoint_weights(service, running.id) == left
        assert curve(service, queued.id) == []
        assert jobs.retrieve(paused.id).status == "paused"
        customer.delay_s = 0.0
        jobs.resume(paused.id)
        assert outcome(service, service.wait(paused.id)) == calm


def wait_for_a_checkpoint(service: Running, job_id: str) -> None:
    while not checkpoints(service, job_id):
        assert service.client.fine_tuning.jobs.retrieve(job_id).finished_at is None
        time.sleep(0.01)


def checkpoint_weights(service: Running, job_id: str) -> dict[str, Any]:
    models = service.client.fine_tuning.jobs.checkpoints.list(job_id, limit=100)
    names = [one.fine_tuned_model_checkpoint for one in models]
    assert names
    return {name: service.weights(name) for name in names}


def test_a_disk_that_fills_pauses_the_job_and_the_database_opens(
    small_disk: Path, customer_url: str
) -> None:
    with Process(small_disk) as process:
        service = process.service
        job_id = service.job(customer_url, hyperparameters={**SMALL, "n_epochs": 100}).id
        service.wait(job_id, "running")
        fill(small_disk / "filler")
        assert service.wait(job_id, "paused", "failed").status == "paused"
        told = service.events(job_id)[-1].message
        assert "disk that holds the service's state folder is full. Free some room" in told
        with pytest.raises(openai.InternalServerError, match="is full"):
            service.upload([row(n) for n in range(20_000)])
        steps = curve(service, job_id)
    with sqlite3.connect(small_disk / "service.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    (small_disk / "filler").unlink()
    with Process(small_disk) as process:
        service, jobs = process.service, process.service.client.fine_tuning.jobs
        assert curve(service, job_id) == steps
        assert jobs.resume(job_id).status == "queued"
        wait_for_a_step_after(service, job_id, len(steps))
        jobs.cancel(job_id)
        again = service.job(customer_url, rows=10)
        assert service.wait(again.id).status == "succeeded"


def wait_for_a_step_after(service: Running, job_id: str, step: int) -> None:
    while len(curve(service, job_id)) <= step:
        assert service.client.fine_tuning.jobs.retrieve(job_id).finished_at is None
        time.sleep(0.01)


def fill(path: Path) -> None:
    """Write a file until the disk has no room left."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_a_file_in_use_cannot_be_deleted(
    service: Running, customer: Customer, customer_url: str
) -> None:
    customer.delay_s = 0.05
    job = service.job(customer_url, hyperparameters=SMALL)
    with pytest.raises(openai.ConflictError, match=f"in use by the job {job.id}"):
        service.client.files.delete(job.training_file)
    service.client.fine_tuning.jobs.cancel(job.id)
    service.client.files.delete(job.training_file)
    with pytest.raises(openai.NotFoundError):
        service.client.files.retrieve(job.training_file)


def test_an_interrupted_upload_leaves_nothing(start: Start, tmp_path: Path) -> None:
    home = tmp_path / "service"
    (home / "files").mkdir(parents=True)
    (home / "files" / "file-half").write_bytes(b'{"mess')
    service = start(home=home)
    assert service.client.files.list().data == []
    assert list((home / "files").iterdir()) == []
