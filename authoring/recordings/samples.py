"""Lesson 02: which training questions teach, and how many of them it takes.

A pilot of the base model sorts training questions into those whose repeats vary and those that
never score. Then jobs with the same number of steps train on a few of either, on many that vary, or
on many unsorted questions; each is measured on the same validation questions as the base model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authoring.recordings.runs import (
    LAST_STEP_ONLY,
    JobRun,
    questions,
    rewards_of,
    roll_out,
    run_job,
)
from buildhour_helpers.analysis.summaries import question_means, summarise
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.tasks import Question

SEED = 0
PILOT_QUESTIONS, PILOT_REPEATS = 480, 4  # so many that MANY of them vary
FEW, MANY = 32, 128
BATCH_SIZE, GROUP_SIZE, STEPS = 8, 8, 16
HELD_OUT, REPEATS = 80, 2


@dataclass(frozen=True)
class Variant:
    """A job of `STEPS` steps and the questions that it trains on."""

    name: str
    questions: tuple[Question, ...]

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return {
            "n_epochs": BATCH_SIZE * STEPS // len(self.questions),
            "batch_size": BATCH_SIZE,
            "eval_interval": LAST_STEP_ONLY,
        }


def record(folder: Path, progress: Callable[[str], None]) -> dict[str, Any]:
    """The pilot, and the job and the held-out rollouts of each variant."""
    held_out = questions("validation", HELD_OUT, SEED)
    with stage(folder, None, SEED, 32) as up:
        progress("pilot")
        pilot = rewards_of(run_pilot(up, folder, PILOT_QUESTIONS))
        progress("base model")
        before = roll_out(up, folder / "base.jsonl", held_out, repeats=REPEATS)
        found = {}
        for variant in variants(pilot):
            progress(variant.name)
            job = train(up, folder, variant)
            file = folder / f"{variant.name}.jsonl"
            after = roll_out(up, file, held_out, str(job.model), repeats=REPEATS)
            found[variant.name] = {
                "questions": len(variant.questions),
                "flat_groups": zero_variance_shares(job),
                "train_reward": [step["train_mean_reward"] for step in job.steps],
                "tool_calls": summarise(after).measures["tool_calls"].value,
                "rewards": question_means(after, "reward"),
            }
    run: dict[str, Any] = rounded_off(
        {
            "model": "simulated",
            "steps": STEPS,
            "batch_size": BATCH_SIZE,
            "group_size": GROUP_SIZE,
            "held_out": HELD_OUT,
            "repeats": REPEATS,
            "pilot": pilot,
            "base": {"rewards": question_means(before, "reward")},
            "arms": found,
        }
    )
    return run


def run_pilot(up: Stage, folder: Path, count: int) -> list[RolloutRecord]:
    """The base model on the first `count` pilot questions."""
    return roll_out(
        up,
        folder / "pilot.jsonl",
        questions("train", count, SEED),
        repeats=PILOT_REPEATS,
        run="pilot",
    )


def variants(pilot: Mapping[str, str]) -> tuple[Variant, ...]:
    """The jobs, chosen by the pilot's rewards of each question."""
    asked = {question.id: question for question in questions("train", PILOT_QUESTIONS, SEED)}
    varying = [asked[name] for name, rewards in pilot.items() if len(set(rewards.split())) > 1]
    never = [asked[name] for name, rewards in pilot.items() if set(rewards.split()) == {"0"}]
    return (
        Variant(f"{FEW} that vary", tuple(varying[:FEW])),
        Variant(f"{MANY} that vary", tuple(varying[:MANY])),
        Variant(f"{MANY} as they come", tuple(asked.values())[:MANY]),
        Variant(f"{FEW} that never score", tuple(never[:FEW])),
    )


def train(up: Stage, folder: Path, variant: Variant, stop_after: int | None = None) -> JobRun:
    """Run a variant's job, or only its first steps."""
    return run_job(
        up,
        folder,
        train=variant.questions,
        validation=questions("validation", 10, SEED),
        hyperparameters=variant.hyperparameters,
        name=variant.name.replace(" ", "-"),
        seed=SEED,
        stop_after=stop_after,
    )


def zero_variance_shares(run: JobRun) -> list[float]:
    """The share of zero-variance groups of each step."""
    return [step["mean_unresponsive_rewards"] for step in run.steps]
