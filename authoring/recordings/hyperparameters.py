"""Lesson 05: what each hyperparameter does, from jobs over several seeds.

A pilot of the base model finds the training rows whose rewards vary. Each job trains on some of
them from the base weights, changes one setting, and ends with the same validation, so that jobs can
be compared in pairs by seed and by question. A seed shuffles the rows and samples the rollouts.

One more job has a model as its grader, for what such a grader costs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from openai import OpenAI

from authoring.parallel import Part, run_parts
from authoring.recordings.runs import (
    LAST_STEP_ONLY,
    JobRun,
    distance,
    questions,
    roll_out,
    run_job,
    weights,
)
from buildhour_helpers.analysis.summaries import by_question
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.graders import specs
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.tasks.questions import Split

SEEDS = (11, 12, 13, 14, 15)
ALL_QUESTIONS = 1_000_000
PILOT_QUESTIONS, PILOT_REPEATS = 480, 3
ROWS, BATCH_SIZE = 80, 10
VALIDATION, EVAL_SAMPLES = 100, 2


@dataclass(frozen=True)
class Variant:
    """A job: the settings that differ from the baseline, and its number of training rows."""

    changed: Mapping[str, Any] = field(default_factory=dict)
    rows: int = ROWS

    @property
    def name(self) -> str:
        """ "n_epochs 2", "160 rows" or "baseline"."""
        changed = [f"{key} {value}" for key, value in self.changed.items()]
        changed += [f"{self.rows} rows"] if self.rows != ROWS else []
        return ", ".join(changed) or "baseline"

    def hyperparameters(self) -> dict[str, Any]:
        baseline = {
            "n_epochs": 1,
            "batch_size": BATCH_SIZE,
            "eval_interval": LAST_STEP_ONLY,
            "eval_samples": EVAL_SAMPLES,
        }
        return {**baseline, **self.changed}


VARIANTS = (
    Variant(),
    Variant({"n_epochs": 2}),
    Variant(rows=2 * ROWS),
    Variant({"compute_multiplier": 2}),
    Variant({"compute_multiplier": 0.5}),
    Variant({"batch_size": 20}),
    Variant({"learning_rate_multiplier": 0.25}),
    Variant({"learning_rate_multiplier": 4}),
    Variant({"reasoning_token_penalty": 0}),
    Variant({"reasoning_token_penalty": 0.3}),
)


def record(
    folder: Path,
    progress: Callable[[str], None],
    *,
    seeds: Sequence[int] = SEEDS,
    variants: Sequence[Variant] = VARIANTS,
    pilot_questions: int = PILOT_QUESTIONS,
    at_once: int | None = None,
) -> dict[str, Any]:
    """The pilot, the base model's validation, and a job per variant and seed."""
    progress("pilot")
    pilot, before = run_parts(
        [(measure_base, folder, "train", pilot_questions), (measure_base, folder, "validation")],
        at_once,
    )
    varying = [name for name, rewards in pilot["rewards"].items() if len(set(rewards)) > 1]
    judge = specs.score_model()
    parts: list[Part] = [
        *((run_variant, folder, one, seed, varying) for seed in seeds for one in variants),
        (run_variant, folder, Variant(), seeds[0], varying, judge),
    ]
    jobs = []
    for part, row in zip(parts, run_parts(parts, at_once), strict=True):
        progress(f"seed {part[3]}, {part[2].name}: {row['usage']['train']['rollouts']} rollouts")
        jobs.append(row)
    *compared, judged = jobs
    found: dict[str, Any] = rounded_off(
        {
            "model": "simulated",
            "seeds": list(seeds),
            "baseline": Variant().hyperparameters(),
            "pilot": {
                "questions": len(pilot["rewards"]),
                "repeats": PILOT_REPEATS,
                "usage": pilot["usage"],
                "varying": varying,
            },
            "validation": {
                "questions": list(before["rewards"]),
                "base_rewards": [fmean(rewards) for rewards in before["rewards"].values()],
                "base_usage": before["usage"],
            },
            "variants": [
                {
                    "name": one.name,
                    "changed": dict(one.changed),
                    "rows": one.rows,
                    "jobs": compared[index :: len(variants)],
                }
                for index, one in enumerate(variants)
            ],
            "model_grader": {"grader": judge, **judged},
        }
    )
    return found


def measure_base(folder: Path, split: Split, count: int = VALIDATION) -> dict[str, Any]:
    """The base model on questions of a split: the rewards of each question, and what it took."""
    own = folder / f"base-{split}"
    own.mkdir()
    asked = questions(split, count, 0)
    with stage(own, None, 0, 32) as up:
        records = roll_out(up, own / "records.jsonl", asked, repeats=PILOT_REPEATS)
    grouped = by_question(records)
    return {
        "rewards": {name: [one.reward for one in repeats] for name, repeats in grouped.items()},
        "usage": usage_of(records),
    }


def usage_of(records: Sequence[RolloutRecord]) -> dict[str, int]:
    """What rollouts used, with the names of a metrics event."""
    found = [one.metrics for one in records]
    output = sum(one.output_tokens for one in found)
    return {
        "rollouts": len(found),
        "prompt_tokens": sum(one.total_tokens for one in found) - output,
        "completion_tokens": output,
        "reasoning_tokens": sum(one.reasoning_tokens for one in found),
        "tool_calls": sum(one.tool_calls for one in found),
        "turns": sum(one.turns for one in found),
    }


def run_variant(
    folder: Path,
    variant: Variant,
    seed: int,
    varying: Sequence[str],
    grader: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The job of one variant and seed, on separate servers."""
    own = folder / f"{seed}-{variant.name}-{'judge' if grader else 'rule'}".replace(" ", "-")
    own.mkdir()
    with stage(own, None, seed, 32) as up:
        done = job(up, own, variant, seed=seed, varying=varying, grader=grader)
        return {"seed": seed, **_row(up.client(), done)}


def job(
    up: Stage,
    folder: Path,
    variant: Variant,
    *,
    seed: int,
    varying: Sequence[str],
    grader: Mapping[str, Any] | None = None,
    stop_after: int | None = None,
) -> JobRun:
    """The job, with the given grader or (None) the tool server's."""
    allowed = set(varying)
    rows = [one for one in questions("train", ALL_QUESTIONS, seed) if one.id in allowed]
    return run_job(
        up,
        folder,
        train=rows[: variant.rows],
        validation=questions("validation", VALIDATION, 0),
        hyperparameters=variant.hyperparameters(),
        grader=grader,
        name="job",
        seed=seed,
        stop_after=stop_after,
    )


def _row(client: OpenAI, done: JobRun) -> dict[str, Any]:
    """What a job used and what it achieved."""
    steps = done.steps
    usage: dict[str, Counter[str]] = {"train": Counter(), "valid": Counter()}
    for step in steps:
        for phase, used in step["usage"].items():
            usage[phase].update(used)
    updates = [step["update"] for step in steps if step["update"]]
    return {
        "steps": len(steps),
        "usage": {phase: dict(used) for phase, used in usage.items()},
        "grader_tokens": sum(sum(s["model_graders_token_usage"].values()) for s in steps),
        "zero_variance_groups": fmean(step["mean_unresponsive_rewards"] for step in steps),
        "distance_from_base": distance(weights(client, BASE_MODEL), weights(client, done.model)),
        "entropy": [updates[0]["entropy"], updates[-1]["entropy"]],
        "kl_to_base": updates[-1]["kl_to_base"],
        "train_rewards": [step["train_mean_reward"] for step in steps],
        "rewards": last_validation(client, done),
    }


def last_validation(client: OpenAI, done: JobRun) -> list[float]:
    """The mean reward of each row in the last validation, in the order of the rows."""
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
