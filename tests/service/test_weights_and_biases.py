"""A job's `integrations` entry for Weights & Biases, in wandb's offline mode, and its faults."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rft_wire.metrics import numbers

from .conftest import Running, Start
from .customer import method, row
from .processes import Process

WANTED = {"project": "agents", "name": "first", "entity": "team", "tags": ["lookup", "small"]}


def launch(service: Running, url: str, **wanted: Any) -> str:
    return service.client.fine_tuning.jobs.create(
        model="sim-agent-mini",
        training_file=service.upload([row(n) for n in range(10)]),
        validation_file=service.upload([row(n) for n in range(100, 110)]),
        method=method(url),  # type: ignore[arg-type]
        integrations=[{"type": "wandb", "wandb": {**WANTED, **wanted}}],  # type: ignore[list-item]
    ).id


def said(service: Running, job_id: str) -> list[str]:
    """The job's events about Weights & Biases, once there is one."""
    for _ in range(6_000):
        found = [e for e in service.events(job_id) if e.message.startswith("Weights & Biases")]
        if found:
            return [f"{event.level}: {event.message}" for event in found]
        time.sleep(0.01)
    raise AssertionError("no event about Weights & Biases")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")


def test_a_jobs_metrics_are_in_an_offline_run(
    start: Start, customer_url: str, offline: None
) -> None:
    service = start()
    job_id = launch(service, customer_url)
    job = service.wait(job_id)
    assert job.status == "succeeded"
    assert job.integrations[0].to_dict() == {"type": "wandb", "wandb": WANTED}
    folder = service.home / "wandb"
    assert said(service, job_id) == [
        f"info: Weights & Biases: metrics go to the run first of the project agents (offline, in "
        f"{folder})."
    ]
    wanted = [(data["step"], numbers(data)) for data in service.steps(job_id)]
    assert {"train_mean_reward", "update/entropy"} <= set(wanted[0][1])
    for _ in range(3_000):  # the run is finished after the job, which does not wait for it
        if logged(folder) == wanted:
            return
        time.sleep(0.01)
    assert logged(folder) == wanted


def logged(folder: Path) -> list[tuple[int, dict[str, float]]]:
    """What the file of the one offline run holds: the steps and their numbers."""
    from wandb.proto import wandb_internal_pb2

    (file,) = folder.rglob("*.wandb")
    found = []
    for data in log_records(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            values = {
                item.key or item.nested_key[0]: json.loads(item.value_json)
                for item in record.history.item
            }
            mine = {key: value for key, value in values.items() if not key.startswith("_")}
            found.append((values["_step"], mine))
    return found


def log_records(data: bytes) -> Iterator[bytes]:
    """The records of a file in LevelDB's log format, after wandb's own header of seven bytes: in
    blocks of 32 KiB, each record in one part or several with checksum, length and type before."""
    place, parts = 7, b""
    while place + 7 <= len(data):
        if 32_768 - place % 32_768 < 7:  # the rest of a block, too short for a header
            place += 32_768 - place % 32_768
            continue
        size, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        parts += data[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # whole, or the last part
            yield parts
            parts = b""


class Faulty:
    """A wandb whose methods raise, as for a project that does not exist."""

    def __init__(self, at: str) -> None:
        self.at = at

    def Settings(self, **_: Any) -> None:  # noqa: N802  (wandb's own name)
        return None

    def setup(self, settings: Any) -> Any:
        return SimpleNamespace(settings=SimpleNamespace(mode="online"))

    def login(self, **_: Any) -> bool:
        return self.at != "login"

    def init(self, **_: Any) -> Any:
        self.fail("init")
        return SimpleNamespace(
            name="first",
            project="agents",
            url="https://wandb.example/first",
            offline=False,
            log=lambda *_, **__: self.fail("log"),
            finish=lambda **_: self.fail("finish"),
        )

    def fail(self, at: str) -> None:
        if self.at == at:
            raise RuntimeError(f"{at} failed\nwith details")


@pytest.mark.parametrize(
    ("wandb", "words"),
    [
        (None, "the package wandb is not installed where the service runs"),
        (Faulty("login"), "not logged in there; set WANDB_API_KEY"),
        (Faulty("init"), "RuntimeError: init failed."),
        (Faulty("log"), "RuntimeError: log failed."),
        (Faulty("finish"), "RuntimeError: finish failed."),
    ],
    ids=["not installed", "not logged in", "init", "log", "finish"],
)
def test_what_keeps_metrics_from_it_is_one_warning_and_the_job_goes_on(
    wandb: Any, words: str, start: Start, customer_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", wandb)  # None: not installed
    service = start()
    job_id = launch(service, customer_url)
    assert service.wait(job_id).status == "succeeded"
    for _ in range(3_000):
        if warnings := [line for line in said(service, job_id) if line.startswith("warn")]:
            break
        time.sleep(0.01)
    (warning,) = warnings
    assert warning.startswith("warn: Weights & Biases gets no metrics of this job: ")
    assert words in warning
    assert warning.count("\n") == 0


def test_wandb_itself_without_a_login_is_a_warning_and_never_asks(
    tmp_path: Path, customer_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Process(tmp_path / "state") as process:
        job_id = launch(process.service, customer_url)
        assert process.service.wait(job_id).status == "succeeded"
        (event,) = said(process.service, job_id)
    assert "the service is not logged in there; set WANDB_API_KEY" in event


def test_two_jobs_at_once_have_a_run_each(start: Start, customer_url: str, offline: None) -> None:
    service = start(jobs=2)
    jobs = [launch(service, customer_url, name=name) for name in ("one", "two")]
    assert [service.wait(job).status for job in jobs] == ["succeeded"] * 2
    runs = {" ".join(said(service, job)).split("the run ")[1].split()[0] for job in jobs}
    assert runs == {"one", "two"}
    assert len(list((service.home / "wandb").rglob("*.wandb"))) == 2


def test_numbers_are_found_by_their_path() -> None:
    data = {
        "step": 3,
        "text": "x",
        "none": None,
        "flag": True,
        "update": {"entropy": 0.5, "kl": None},
        "scores": {"graders": [{"name": "exact", "type": "endpoint", "mean": 1.0}]},
    }
    found = {"step": 3, "update/entropy": 0.5, "scores/graders/exact/mean": 1.0}
    assert numbers(data) == found
