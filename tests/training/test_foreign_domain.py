"""A job of a domain that has nothing to do with reports: a catalogue of spare parts.

Ten rows are enough for the model to learn two tools and a grader that it has never heard of, and
what it learns holds for parts that it was not trained on.
"""

from __future__ import annotations

import random
from pathlib import Path
from statistics import fmean

from authoring.recordings import parts
from rft_service.engines.simulated import SimulatedEngine
from tests.service.conftest import running

ROWS, EPOCHS, SEED = 10, 20, 7


def test_ten_rows_of_the_parts_catalogue_raise_the_reward_by_half(tmp_path: Path) -> None:
    rows = parts.rows()
    random.Random(SEED).shuffle(rows)
    key = {"Authorization": f"Bearer {parts.KEY}"}
    names = [tool["function"]["name"] for tool in parts.TOOLS]
    with running(tmp_path, engine=SimulatedEngine) as service, parts.served() as url:
        tools = [{"name": n, "server_url": f"{url}/{n}", "headers": key} for n in names]
        grader = {"type": "endpoint", "name": "code", "url": f"{url}/grade", "headers": key}
        settings = {"n_epochs": EPOCHS, "batch_size": ROWS, "eval_interval": EPOCHS}
        reinforcement = {"tools": tools, "grader": grader, "hyperparameters": settings}
        job = service.client.fine_tuning.jobs.create(
            model="sim-agent-mini",
            training_file=service.upload(rows[:ROWS]),
            validation_file=service.upload(rows[ROWS : ROWS + 30]),
            seed=SEED,
            method={"type": "reinforcement", "reinforcement": reinforcement},  # type: ignore[arg-type]
        )
        assert service.wait(job.id).status == "succeeded"
        steps = service.steps(job.id)
    first, *_, last = rewards = [step["train_mean_reward"] for step in steps]
    assert fmean(rewards[-4:]) > first + 0.5
    assert last > 0.9
    assert steps[-1]["full_valid_mean_reward"] > 0.8
