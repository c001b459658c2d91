"""A complete job on an engine that is not the simulated one: a model of tokens in its own process.

It proves the seam that a real engine is plugged into: exact tokens of earlier turns, their
log-probabilities, saved states under a URI, and a resumed job.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from tests.service.customer import Customer, method, row
from tests.service.processes import ROOT, Process
from tests.service.servers import closed_port, served

ENGINE = ("--engine", "tests.engines.token_engine")
EPOCHS = 4


@pytest.fixture
def token_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    folder = tmp_path / "states"
    folder.mkdir()
    command = [sys.executable, "-m", "tests.engines.token_server", str(folder)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url: str = json.loads(server.stdout.readline())["url"]
        monkeypatch.setenv("TOKEN_SERVER", url)
        yield url
    finally:
        server.kill()
        server.communicate()


def stats(url: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{url}/stats", timeout=10) as answer:
        found: dict[str, int] = json.load(answer)
        return found


def launch(process: Process, customer_url: str) -> str:
    service = process.service
    return service.client.fine_tuning.jobs.create(
        model="token-agent",
        training_file=service.upload([row(n) for n in range(20)]),
        validation_file=service.upload([row(n) for n in range(100, 110)]),
        seed=3,
        suffix="tokens",
        method=method(  # type: ignore[arg-type]
            customer_url,
            hyperparameters={"n_epochs": EPOCHS, "batch_size": 5, "eval_interval": 4},
        ),
    ).id


def steps_of(process: Process, job_id: str) -> list[dict[str, Any]]:
    return [event.data for event in process.service.events(job_id) if event.type == "metrics"]


def test_a_job_on_another_engine_learns_and_resumes_after_a_kill(
    tmp_path: Path, token_server: str
) -> None:
    home = tmp_path / "service"
    with served(Customer().app()) as customer_url:
        with Process(home, *ENGINE) as process:
            job_id = launch(process, customer_url)
            while len(steps_of(process, job_id)) < 3:
                status = process.service.client.fine_tuning.jobs.retrieve(job_id).status
                assert status in ("validating_files", "queued", "running")
                time.sleep(0.02)
            process.kill()
        with Process(home, *ENGINE) as process:
            client = process.service.client
            job = process.service.wait(job_id)
            assert job.status == "succeeded", job.error
            messages = [event.message for event in process.service.events(job_id)]
            assert any(message.startswith("Fine-tuning job resumed after") for message in messages)

            steps = steps_of(process, job_id)
            assert [data["step"] for data in steps] == list(range(1, 4 * EPOCHS + 1))
            rewards = [data["train_mean_reward"] for data in steps]
            assert fmean(rewards[-3:]) > fmean(rewards[:3]) + 0.3
            assert all(data["update"]["logprob_gap"] < 1e-9 for data in steps if data["update"])
            assert "model_latency_mean" in steps[0]["timing"]["rollouts"]

            listed: Any = client.get(
                f"/fine_tuning/jobs/{job_id}/rollouts?limit=100&step=1", cast_to=object
            )
            outputs = [
                item["output"]
                for rollout in listed["data"]
                for item in rollout["trace"]
                if item.get("type") == "function_call_output"
            ]
            assert any(output.startswith("Error: there is no tool 'find'") for output in outputs)

            answer = client.responses.create(
                model=job.fine_tuned_model or "",
                input="What is the value of key7",
                tools=[{"type": "function", "name": "lookup", "strict": False}],
            )
            assert [item.type for item in answer.output] == ["function_call"]
            assert client.models.retrieve("token-agent").owned_by == "system"
    counted = stats(token_server)
    assert counted["later_turns"] > 100
    # The last request has no previous turn, since an API client sends items and not tokens.
    assert counted["exact_extensions"] == counted["later_turns"]


def test_saved_states_that_nothing_needs_are_deleted(tmp_path: Path, token_server: str) -> None:
    with (
        served(Customer().app()) as customer_url,
        Process(tmp_path / "service", *ENGINE) as process,
    ):
        job_id = launch(process, customer_url)
        job = process.service.wait(job_id)
        client = process.service.client
        kept = list(client.fine_tuning.jobs.checkpoints.list(job_id))
        states = tmp_path / "states"
        assert len(list(states.iterdir())) == len(kept)  # the final model is the last checkpoint
        models = [one.fine_tuned_model_checkpoint for one in kept]
        for model in [job.fine_tuned_model or "", *models]:
            client.models.delete(model)
        assert len(list(states.iterdir())) == 1  # the job's own resume point


def test_an_outage_and_a_kill_cost_no_digit(tmp_path: Path, token_server: str) -> None:
    """On an engine whose states are somewhere else, too, the step is run again from the last."""
    customer = Customer()
    port = closed_port()
    with Process(tmp_path / "service", *ENGINE) as process:
        with served(customer.app(), port) as customer_url:
            calm = launch(process, customer_url)
            assert process.service.wait(calm).status == "succeeded"
            customer.delay_s = 0.01  # so that the outage falls into a step
            job_id = launch(process, customer_url)
            while len(steps_of(process, job_id)) < 2:
                time.sleep(0.01)
        messages: list[str] = []
        while not any(message.startswith("Waiting for ") for message in messages):
            messages = [event.message for event in process.service.events(job_id)]
            time.sleep(0.01)
        process.kill()
    customer.delay_s = 0.0
    with Process(tmp_path / "service", *ENGINE) as process, served(customer.app(), port):
        assert process.service.wait(job_id).status == "succeeded"
        assert numbers_of(process, job_id) == numbers_of(process, calm)
        messages = [event.message for event in process.service.events(job_id)]
        assert not any("discarded" in message for message in messages)


def numbers_of(process: Process, job_id: str) -> list[tuple[Any, ...]]:
    """What each step measured, but for times."""
    keys = ("step", "train_mean_reward", "full_valid_mean_reward", "tool_calls_per_rollout")
    return [
        (*(data[key] for key in keys), data["update"] and data["update"]["gradient_norm"])
        for data in steps_of(process, job_id)
    ]
