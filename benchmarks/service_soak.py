"""One long job: the service's memory at its start, middle and end, and its recovery after a kill.

    python benchmarks/service_soak.py [--rollouts 50000] [--marks 3]

The job is the course's own (its reports, tools and grader, the simulated model), as many epochs of
640 rows as it takes. Then the service is killed with SIGKILL in the middle of a second job and
started again: how long until it answers, and until the next step is stored.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from openai import OpenAI

from buildhour_helpers.tasks import BEST_PROMPT, build_rows, load_questions
from buildhour_helpers.tools.schemas import DEFINITIONS

GROUP, BATCH, MAX_EPOCHS = 8, 16, 100


@contextmanager
def process(*command: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A module as a process, killed at the end; with the line of JSON that it printed."""
    arguments = [sys.executable, "-m", *command, "--json"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield child, json.loads(child.stdout.readline())
        finally:
            child.kill()


def client_of(at: dict[str, Any]) -> OpenAI:
    return OpenAI(base_url=at["base_url"], api_key=at["api_key"])


def launch(client: OpenAI, tools: dict[str, Any], epochs: int) -> str:
    """Start a job of the course's own; its ID."""
    headers = {"Authorization": f"Bearer {tools['tools_key']}"}
    url = tools["tools_url"]
    files = [
        client.files.create(
            file=(f"{split}.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode()),
            purpose="fine-tune",
        ).id
        for split in ("train", "validation")
        if (rows := build_rows(load_questions(split=split), BEST_PROMPT, DEFINITIONS))
    ]
    reinforcement = {
        "tools": [
            {"name": name, "server_url": f"{url}/{name}", "headers": headers}
            for name in ("search", "list", "cat")
        ],
        "grader": {"type": "endpoint", "name": "grade", "url": f"{url}/grade", "headers": headers},
        "max_episode_steps": 12,
        "hyperparameters": {"n_epochs": epochs, "batch_size": BATCH, "eval_interval": 1000},
    }
    method: Any = {"type": "reinforcement", "reinforcement": reinforcement}
    job = client.fine_tuning.jobs.create(
        model="sim-agent-mini",
        training_file=files[0],
        validation_file=files[1],
        seed=1,
        method=method,
    )
    return job.id


def steps_done(client: OpenAI, job_id: str) -> int:
    events = client.fine_tuning.jobs.list_events(job_id, limit=20).data
    done = [event.data["step"] for event in events if event.type == "metrics"]
    return int(max(done, default=0))


def soak(home: Path, tools: dict[str, Any], rollouts: int, count: int) -> None:
    """Run the long job and print the service's memory `count` times, evenly spread."""
    epochs = min(MAX_EPOCHS, math.ceil(rollouts / (640 * GROUP)))
    total = epochs * 640 // BATCH
    with process("rft_service", "--home", str(home)) as (child, at):
        client, watched = client_of(at), psutil.Process(child.pid)
        job_id = launch(client, tools, epochs)
        started = time.perf_counter()
        marks = [1 + (total - 1) * number // (count - 1) for number in range(count)]
        print(f"{'step':>8s}{'rollouts':>12s}{'memory MB':>12s}{'seconds':>10s}")
        while marks:
            time.sleep(0.5)
            done = steps_done(client, job_id)
            if done >= marks[0]:
                marks.pop(0)
                memory = watched.memory_info().rss / 1e6
                seconds = time.perf_counter() - started
                print(
                    f"{done:8d}{done * BATCH * GROUP:12d}{memory:12.0f}{seconds:10.0f}", flush=True
                )
            if client.fine_tuning.jobs.retrieve(job_id).status == "failed":
                raise SystemExit("the job failed")
    size = (home / "service.sqlite").stat().st_size / 1e6
    print(f"the database has {size:.0f} MB")


def recovery(home: Path, tools: dict[str, Any]) -> None:
    """Kill the service in the middle of a step, start it again, and print how long things take."""
    with process("rft_service", "--home", str(home)) as (_, at):
        job_id = launch(client_of(at), tools, 1)
        while steps_done(client_of(at), job_id) < 3:
            time.sleep(0.1)
    started = time.perf_counter()
    with process("rft_service", "--home", str(home)) as (_, at):
        answers_s = time.perf_counter() - started
        client = client_of(at)
        before = steps_done(client, job_id)
        while steps_done(client, job_id) == before:
            time.sleep(0.05)
        step_s = time.perf_counter() - started
    print(f"after a kill: answers in {answers_s:.1f} s, stores the next step in {step_s:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rollouts", type=int, default=50_000)
    parser.add_argument("--marks", type=int, default=3, help="start, middle and end; or more")
    options = parser.parse_args()
    with (
        process("buildhour_helpers.tools") as (_, tools),
        tempfile.TemporaryDirectory() as folder,
    ):
        soak(Path(folder) / "soak", tools, options.rollouts, max(2, options.marks))
        recovery(Path(folder) / "recovery", tools)


if __name__ == "__main__":
    main()
