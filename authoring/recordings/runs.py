"""What the recordings share: run a job, roll out a model, and turn both into numbers."""

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
from buildhour_helpers.analysis.statistics import Interval
from buildhour_helpers.analysis.summaries import by_question, summarise
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
from buildhour_helpers.tools.schemas import DEFINITIONS, Definition

NOT_RECORDED = ("timing", "tool_execution_latency")
"""The metrics of a step that differ from run to run."""
LAST_STEP_ONLY = 10_000
"""An `eval_interval` beyond the last step, which is always validated."""


@dataclass(frozen=True)
class JobRun:
    """A job that has ended. `steps` are the data of its metrics events without wall times;
    `messages` the level and text of all other events."""

    id: str
    steps: list[dict[str, Any]]
    messages: list[tuple[str, str]]
    checkpoints: list[jobs.Checkpoint]
    model: str | None


def questions(split: Split, count: int, seed: int) -> list[Question]:
    """`count` questions of a split, sampled by the seed; a smaller sample begins a larger one."""
    found = load_questions(split=split)
    return random.Random(f"recordings/{seed}").sample(found, len(found))[:count]


def run_job(
    up: Stage,
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

    With `stop_after` it is cancelled after that many steps, and only those are returned. Raises
    WorkshopError with the service's message if the job fails.
    """
    client, tools = up.client(), up.tools
    files = [
        jobs.upload(
            client,
            write_rows(
                build_rows(chosen, BEST_PROMPT, DEFINITIONS), folder / f"{name}-{split}.jsonl"
            ),
        )
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
        messages=[(event.level, event.message) for event in events if event.type != "metrics"],
        checkpoints=jobs.checkpoints(client, job_id),
        model=model,
    )


def without_wall_time(step: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name not in NOT_RECORDED}


def roll_out(
    up: Stage,
    file: Path,
    asked: Sequence[Question],
    model: str = BASE_MODEL,
    *,
    repeats: int = 3,
    run: str = "held-out",
    prompt: str = BEST_PROMPT,
    tools: Sequence[Definition] = DEFINITIONS,
    server: ToolServer | None = None,
) -> list[RolloutRecord]:
    """Roll out a model on the questions, graded by the tool server (the stage's by default).

    The records are also in `file`.
    """

    async def rolled_out() -> list[RolloutRecord]:
        async with up.async_client() as client:
            return await evaluate(
                build_rows(asked, prompt, tools),
                model=model,
                file=file,
                run=run,
                repeats=repeats,
                client=client,
                server=server or ToolServer(up.tools.url, up.tools.key),
                progress=False,
            )

    return asyncio.run(rolled_out())


def rewards_of(records: Sequence[RolloutRecord]) -> dict[str, str]:
    """The rewards of each question's repeats, in order: "0 1 0.5". One short line per question."""
    return {
        question: " ".join(f"{record.reward:g}" for record in repeats)
        for question, repeats in by_question(records).items()
    }


def triple(interval: Interval) -> list[float]:
    """Value, low end and high end."""
    return [interval.value, interval.low, interval.high]


def mean_reward(records: Sequence[RolloutRecord]) -> list[float]:
    """The mean reward, and the two ends of its 95% interval over questions."""
    return triple(summarise(records).measures["reward"])


def weights(client: OpenAI, model: str | None) -> dict[str, float]:
    """A model's weights by name, from the service's extension `/models/{model}/weights`."""
    saved = client.get(f"/models/{model}/weights", cast_to=object)
    assert isinstance(saved, dict)
    named: dict[str, float] = saved["weights"]
    return named


def distance(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """The Euclidean norm of the difference of two sets of weights."""
    names = one.keys() | other.keys()
    return math.sqrt(sum((one.get(name, 0.0) - other.get(name, 0.0)) ** 2 for name in names))
