"""Lesson 05: what each hyperparameter does. Small jobs that each change one setting.

Every job starts from the base model, trains on questions sampled by one seed, and ends with the
same validation, so that rows can be compared. With one seed per variant, differences of reward are
noisy, and the intervals say how much; counts, costs and the distance of the weights are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from openai import OpenAI

from authoring.recordings.runs import (
    LAST_STEP_ONLY,
    JobRun,
    distance,
    questions,
    run_job,
    triple,
    weights,
)
from buildhour_helpers.analysis.statistics import mean_interval
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.demo.work import BASE_MODEL

ROWS, BATCH_SIZE = 96, 16
VALIDATION, EVAL_SAMPLES = 50, 3
FEW_ROWS, MANY_EPOCHS = 10, 64
CURVE = ("step", "train_mean_reward", "full_valid_mean_reward")


@dataclass(frozen=True)
class Variant:
    """A job: the settings that differ from the default, and its number of training rows."""

    changed: Mapping[str, Any] = field(default_factory=dict)
    rows: int = ROWS

    @property
    def name(self) -> str:
        return "-".join(f"{key}-{value}" for key, value in self.changed.items()) or "default"

    def hyperparameters(self) -> dict[str, Any]:
        default = {
            "n_epochs": 1,
            "batch_size": BATCH_SIZE,
            "eval_interval": LAST_STEP_ONLY,
            "eval_samples": EVAL_SAMPLES,
        }
        return {**default, **self.changed}


VARIANTS = (
    Variant(),
    Variant({"batch_size": 8}),
    Variant({"batch_size": 32}),
    Variant({"compute_multiplier": 0.5}),
    Variant({"compute_multiplier": 2}),
    Variant({"learning_rate_multiplier": 0.25}),
    Variant({"learning_rate_multiplier": 4}),
    Variant({"reasoning_effort": "low"}),
    Variant({"reasoning_effort": "high"}),
    Variant({"reasoning_token_penalty": 0}),
    Variant({"eval_interval": 2}),
    Variant({"eval_samples": 1}),
    Variant({"n_epochs": 2}),
    Variant(
        {"n_epochs": MANY_EPOCHS, "batch_size": FEW_ROWS, "eval_interval": 8, "eval_samples": 2},
        FEW_ROWS,
    ),
)
"""The last one has as many rollouts as the main run, from a few rows repeated many times."""


def record(
    folder: Path,
    progress: Callable[[str], None],
    *,
    seed: int = 0,
    variants: tuple[Variant, ...] = VARIANTS,
    rows: int | None = None,
    validation: int = VALIDATION,
    workers: int = 2,
) -> dict[str, Any]:
    """Run the jobs, `workers` at once, each on its own servers. Fewer `rows` give a quick look."""

    def run(variant: Variant) -> dict[str, Any]:
        job_folder = folder / variant.name
        job_folder.mkdir(parents=True, exist_ok=True)
        with stage(job_folder, None, seed, 32) as up:
            done = job(up, job_folder, variant, seed=seed, rows=rows, validation=validation)
            return {
                "changed": dict(variant.changed),
                "rows": variant.rows,
                **_row(up.client(), done),
            }

    found = []
    with ThreadPoolExecutor(workers) as pool:
        for variant, row in zip(variants, pool.map(run, variants), strict=True):
            progress(f"{variant.name}: {row['rollouts']} rollouts")
            found.append(row)
    told: dict[str, Any] = rounded_off(
        {
            "seed": seed,
            "model": "simulated",
            "validation": validation,
            "base": Variant().hyperparameters(),
            "arms": found,
        }
    )
    return told


def job(
    up: Stage,
    folder: Path,
    variant: Variant,
    *,
    seed: int = 0,
    rows: int | None = None,
    validation: int = VALIDATION,
    stop_after: int | None = None,
) -> JobRun:
    """The job of one variant."""
    return run_job(
        up,
        folder,
        train=questions("train", variant.rows, seed)[:rows],
        validation=questions("validation", validation, seed),
        hyperparameters=variant.hyperparameters(),
        name="arm",
        seed=seed,
        stop_after=stop_after,
    )


def _row(client: OpenAI, done: JobRun) -> dict[str, Any]:
    """What a job cost and what it achieved, with a curve over its steps."""
    steps = done.steps
    train = [step["usage"]["train"] for step in steps]
    valid_rewards = last_validation(client, done)
    return {
        "steps": len(steps),
        "rollouts": sum(used["rollouts"] for used in train),
        "validation_rollouts": sum(step["usage"]["valid"]["rollouts"] for step in steps),
        "tool_calls": sum(used["tool_calls"] for used in train),
        "tokens": sum(used["completion_tokens"] for used in train),
        "groups_without_variance": fmean(step["mean_unresponsive_rewards"] for step in steps),
        "distance_from_base": distance(weights(client, BASE_MODEL), weights(client, done.model)),
        "reasoning_tokens_first_step": steps[0]["reasoning_tokens_mean"],
        "valid_reward": triple(mean_interval(valid_rewards)),
        "valid_rewards": valid_rewards,
        "checkpoints": len([step for step in steps if step["full_valid_mean_reward"] is not None]),
        "curve": [{name: step[name] for name in CURVE} for step in steps],
    }


def last_validation(client: OpenAI, done: JobRun) -> list[float]:
    """The mean reward of each row in the last validation, in the order of the rows. All variants
    share these rows, so two variants can be compared in pairs."""
    rewards: dict[int, list[float]] = {}
    for rollout in validation_rollouts(client, done):
        if rollout["reward"] is not None:
            rewards.setdefault(rollout["row"], []).append(rollout["reward"])
    return [fmean(of_row) for _, of_row in sorted(rewards.items())]


def validation_rollouts(client: OpenAI, done: JobRun) -> list[dict[str, Any]]:
    """The rollouts of the last step's validation from the service's extension."""
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
