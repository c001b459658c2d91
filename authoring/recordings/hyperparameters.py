"""Lesson 05: what each hyperparameter does. Small jobs that differ from one another in one thing.

Every job starts from the base model, on questions that one seed chose, and ends with the same
validation, so that rows can be compared. One seed an arm: differences of reward are noisy, and the
intervals say how much; counts, costs and the way that the weights went are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from openai import OpenAI

from authoring.recordings.small_jobs import JobRun, distance, questions, run_job, weights
from buildhour_helpers.analysis.statistics import mean_interval
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.demo.work import BASE_MODEL

ROWS, BATCH_SIZE = 96, 16
NEVER = 10_000  # an eval_interval beyond the last step, which is always validated
VALIDATION, EVAL_SAMPLES = 50, 3
FEW_ROWS, MANY_EPOCHS = 10, 64
CURVE = ("step", "train_mean_reward", "full_valid_mean_reward")


@dataclass(frozen=True)
class Arm:
    """A job: what is set otherwise than in the others, and on how many training rows."""

    changed: Mapping[str, Any] = field(default_factory=dict)
    rows: int = ROWS

    @property
    def name(self) -> str:
        return "-".join(f"{key}-{value}" for key, value in self.changed.items()) or "default"

    def hyperparameters(self) -> dict[str, Any]:
        default = {
            "n_epochs": 1,
            "batch_size": BATCH_SIZE,
            "eval_interval": NEVER,
            "eval_samples": EVAL_SAMPLES,
        }
        return {**default, **self.changed}


ARMS = (
    Arm(),
    Arm({"batch_size": 8}),
    Arm({"batch_size": 32}),
    Arm({"compute_multiplier": 0.5}),
    Arm({"compute_multiplier": 2}),
    Arm({"learning_rate_multiplier": 0.25}),
    Arm({"learning_rate_multiplier": 4}),
    Arm({"reasoning_effort": "low"}),
    Arm({"reasoning_effort": "high"}),
    Arm({"eval_interval": 2}),
    Arm({"eval_samples": 1}),
    Arm({"n_epochs": 2}),
    Arm(
        {"n_epochs": MANY_EPOCHS, "batch_size": FEW_ROWS, "eval_interval": 8, "eval_samples": 2},
        FEW_ROWS,
    ),
)
"""The last one sees as many rollouts as the main run: a few rows many times, not many rows once."""


def record(
    folder: Path,
    progress: Callable[[str], None],
    *,
    seed: int = 0,
    arms: tuple[Arm, ...] = ARMS,
    rows: int | None = None,
    validation: int = VALIDATION,
    workers: int = 2,
) -> dict[str, Any]:
    """Run the jobs, `workers` at once, each on servers of its own. `rows` cuts the training rows
    short, for a quick look."""

    def run(arm: Arm) -> dict[str, Any]:
        place = folder / arm.name
        place.mkdir(parents=True, exist_ok=True)
        with stage(place, None, seed, 32) as up:
            done = job(up, place, arm, seed=seed, rows=rows, validation=validation)
            return {"changed": dict(arm.changed), "rows": arm.rows, **_row(up.client(), done)}

    found = []
    with ThreadPoolExecutor(workers) as pool:
        for arm, row in zip(arms, pool.map(run, arms), strict=True):
            progress(f"{arm.name}: {row['rollouts']} rollouts")
            found.append(row)
    told: dict[str, Any] = rounded_off(
        {
            "seed": seed,
            "model": "simulated",
            "validation": validation,
            "base": Arm().hyperparameters(),
            "arms": found,
        }
    )
    return told


def job(
    up: Stage,
    folder: Path,
    arm: Arm,
    *,
    seed: int = 0,
    rows: int | None = None,
    validation: int = VALIDATION,
    stop_after: int | None = None,
) -> JobRun:
    """The job of one arm."""
    return run_job(
        up,
        folder,
        train=questions("train", arm.rows, seed)[:rows],
        validation=questions("validation", validation, seed),
        hyperparameters=arm.hyperparameters(),
        name="arm",
        seed=seed,
        stop_after=stop_after,
    )


def _row(client: OpenAI, done: JobRun) -> dict[str, Any]:
    """What a job cost and what came of it, with every step's numbers for those who want them."""
    steps = done.steps
    train = [step["usage"]["train"] for step in steps]
    valid_rewards = last_validation(client, done)
    valid_reward = mean_interval(valid_rewards)
    return {
        "steps": len(steps),
        "rollouts": sum(used["rollouts"] for used in train),
        "validation_rollouts": sum(step["usage"]["valid"]["rollouts"] for step in steps),
        "tool_calls": sum(used["tool_calls"] for used in train),
        "tokens": sum(used["completion_tokens"] for used in train),
        "groups_without_variance": fmean(step["mean_unresponsive_rewards"] for step in steps),
        "distance_from_base": distance(weights(client, BASE_MODEL), weights(client, done.model)),
        "reasoning_tokens_first_step": steps[0]["reasoning_tokens_mean"],
        "valid_reward": [valid_reward.value, valid_reward.low, valid_reward.high],
        "valid_rewards": valid_rewards,
        "checkpoints": len([step for step in steps if step["full_valid_mean_reward"] is not None]),
        "curve": [{name: step[name] for name in CURVE} for step in steps],
    }


def last_validation(client: OpenAI, done: JobRun) -> list[float]:
    """The mean reward of each row in the last validation, in the order of the rows, which all arms
    share: so two arms can be compared in pairs."""
    rewards: dict[int, list[float]] = {}
    for rollout in validation_rollouts(client, done):
        if rollout["reward"] is not None:
            rewards.setdefault(rollout["row"], []).append(rollout["reward"])
    return [fmean(of_row) for _, of_row in sorted(rewards.items())]


def validation_rollouts(client: OpenAI, done: JobRun) -> list[dict[str, Any]]:
    """The rollouts of the last step's validation, by the service's extension."""
    path = f"/fine_tuning/jobs/{done.id}/rollouts"
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"step": len(done.steps), "phase": "valid", "limit": 100}
    while True:
        page = client.get(path, cast_to=object, options={"params": query})
        assert isinstance(page, dict)
        found += page["data"]
        if not page["has_more"]:
            return found
        query["after"] = page["data"][-1]["id"]
