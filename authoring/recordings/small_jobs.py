"""What the recordings share: a job on a stage of its own, told as numbers."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from openai import OpenAI

from buildhour_helpers import jobs
from buildhour_helpers.demo.stage import Stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.graders import specs
from buildhour_helpers.rollouts import RolloutRecord, evaluate
from buildhour_helpers.rollouts.endpoints import ToolServer
from buildhour_helpers.rollouts.loop import MAX_STEPS
from buildhour_helpers.tasks import (
    BEST_PROMPT,
    Question,
    build_rows,
    load_questions,
    write_rows,
)
from buildhour_helpers.tasks.questions import Split
from buildhour_helpers.tools.schemas import DEFINITIONS

WALL_TIME = ("timing", "tool_execution_latency")
"""What of a step's numbers differs from run to run."""


@dataclass(frozen=True)
class JobRun:
    """A job that has ended. `steps` are the data of its metrics events, but for wall times;
    `said` the level and text of every other event."""

    id: str
    steps: list[dict[str, Any]]
    said: list[tuple[str, str]]
    checkpoints: list[jobs.Checkpoint]
    model: str | None


def questions(split: Split, count: int, seed: int) -> list[Question]:
    """So many questions of a split, chosen by the seed; a smaller choice begins a larger one."""
    found = load_questions(split=split)
    return random.Random(f"recordings/{seed}").sample(found, len(found))[:count]


def rows_of(chosen: Sequence[Question]) -> list[dict[str, Any]]:
    return build_rows(chosen, BEST_PROMPT, DEFINITIONS)


def run_job(
    stage: Stage,
    folder: Path,
    *,
    train: Sequence[Question],
    validation: Sequence[Question],
    hyperparameters: Mapping[str, Any],
    grader: Mapping[str, Any] | None = None,
    name: str = "job",
    seed: int = 0,
    stop_after: int | None = None,
) -> JobRun:
    """Run a job from the base model to its end; the tool server's `/grade` grades by default.

    With `stop_after` it is cancelled after so many steps: then there are only those. Raises
    WorkshopError in the service's words where it fails.
    """
    client, tools = stage.client(), stage.tools
    files = [
        jobs.upload(client, write_rows(rows_of(chosen), folder / f"{name}-{split}.jsonl"))
        for split, chosen in (("train", train), ("validation", validation))
    ]
    job_id = jobs.launch(
        client,
        model=BASE_MODEL,
        training_file=files[0],
        validation_file=files[1],
        tools=jobs.tool_endpoints(tools.url, tools.key),
        grader=grader or specs.endpoint(f"{tools.url}/grade", tools.key),
        max_episode_steps=MAX_STEPS,
        hyperparameters=hyperparameters,
        suffix=name,
        seed=seed,
    ).id
    if stop_after:
        steps = (step for event in jobs.follow(client, job_id) if (step := jobs.step_of(event)))
        first = [without_wall_time(step) for step in islice(steps, stop_after)]
        client.fine_tuning.jobs.cancel(job_id)
        return JobRun(job_id, first, [], [], None)
    model = jobs.wait(client, job_id, progress=False).fine_tuned_model
    events = list(jobs.follow(client, job_id))
    return JobRun(
        id=job_id,
        steps=[without_wall_time(step) for event in events if (step := jobs.step_of(event))],
        said=[(event.level, event.message) for event in events if event.type != "metrics"],
        checkpoints=jobs.checkpoints(client, job_id),
        model=model,
    )


def without_wall_time(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step's numbers without those that differ from run to run."""
    return {name: value for name, value in step.items() if name not in WALL_TIME}


def roll_out(
    stage: Stage,
    file: Path,
    chosen: Sequence[Question],
    model: str,
    *,
    repeats: int = 3,
    run: str = "held-out",
) -> list[RolloutRecord]:
    """A model on the questions, graded by the tool server; the records are in `file`."""
    tools = stage.tools

    async def rolled_out() -> list[RolloutRecord]:
        async with stage.async_client() as client:
            return await evaluate(
                rows_of(chosen),
                model=model,
                file=file,
                run=run,
                repeats=repeats,
                client=client,
                server=ToolServer(tools.url, tools.key),
                progress=False,
            )

    return asyncio.run(rolled_out())


def weights(client: OpenAI, model: str | None) -> dict[str, float]:
    """All that a model is, by the service's extension `/models/{model}/weights`."""
    saved = client.get(f"/models/{model}/weights", cast_to=object)
    assert isinstance(saved, dict)
    named: dict[str, float] = saved["weights"]
    return named


def distance(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """How far two sets of weights lie apart: the Euclidean norm of their difference."""
    names = one.keys() | other.keys()
    return math.sqrt(sum((one.get(name, 0.0) - other.get(name, 0.0)) ** 2 for name in names))
