"""The model learns tools, a grader and a dataset that it has never heard of.

The customer here is a parts catalogue in a process of its own: it shares no code with the service,
and what the service knows of it came over HTTP.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import pytest
from openai import OpenAI

from buildhour_helpers.jobs import follow, step_of

from .parts_catalogue import rows

ROOT = Path(__file__).parents[2]


def started(*command: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


@pytest.fixture
def catalogue_url() -> Iterator[str]:
    process, told = started("tests.foreign.parts_catalogue")
    yield told["url"]
    process.terminate()
    process.wait()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[OpenAI]:
    process, told = started("rft_service", "--home", str(tmp_path), "--json")
    yield OpenAI(base_url=told["base_url"], api_key=told["api_key"])
    process.terminate()
    process.wait()


def upload(client: OpenAI, folder: Path, name: str, count: int) -> str:
    path = folder / f"{name}.jsonl"
    lines = [json.dumps(row) + "\n" for row in rows(count, seed=name)]
    path.write_text("".join(lines), encoding="utf-8")
    return client.files.create(file=path, purpose="fine-tune").id


def test_the_reward_of_a_foreign_job_rises(client, catalogue_url, tmp_path):
    job = client.fine_tuning.jobs.create(
        model="sim-agent-mini",
        training_file=upload(client, tmp_path, "train", 16),
        validation_file=upload(client, tmp_path, "validation", 10),
        seed=7,
        method={
            "type": "reinforcement",
            "reinforcement": {
                "tools": [{"name": "lookup_parts", "server_url": f"{catalogue_url}/lookup_parts"}],
                "grader": {"type": "endpoint", "name": "parts", "url": f"{catalogue_url}/grade"},
                "max_episode_steps": 6,
                "hyperparameters": {"n_epochs": 20, "batch_size": 16, "eval_interval": 20},
            },
        },
    )
    steps = [data for event in follow(client, job.id) if (data := step_of(event))]
    ended = client.fine_tuning.jobs.retrieve(job.id)
    assert ended.status == "succeeded", ended.error
    rewards = [step["train_mean_reward"] for step in steps]
    assert len(rewards) == 20
    assert fmean(rewards[-4:]) > fmean(rewards[:4]) + 0.15
