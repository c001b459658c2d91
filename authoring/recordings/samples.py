"""Lesson 02: which training questions teach, and how many of them it takes.

A pilot of the base model sorts training questions into those whose repeats differ and those that
never score. Then jobs of equally many steps train on a few of either, on many that vary, or on many
questions taken as they come; each ends on the same validation questions, paired with the base
model's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authoring.recordings.small_jobs import JobRun, questions, roll_out, run_job
from buildhour_helpers.analysis.summaries import by_question, question_means, summarise
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.tasks import Question

SEED = 0
PILOT_QUESTIONS, PILOT_REPEATS = 480, 4  # so many that MANY of them vary
FEW, MANY = 32, 128
BATCH_SIZE, GROUP_SIZE, STEPS = 8, 8, 16
NEVER = 10_000  # an eval_interval beyond the last step, which is always validated
HELD_OUT, REPEATS = 80, 2


@dataclass(frozen=True)
class Arm:
    """A job and the questions that it trains on, `STEPS` steps whatever their number."""

    name: str
    questions: tuple[Question, ...]

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return {
            "n_epochs": BATCH_SIZE * STEPS // len(self.questions),
            "batch_size": BATCH_SIZE,
            "eval_interval": NEVER,
        }


def record(folder: Path, progress: Callable[[str], None]) -> dict[str, Any]:
    """The pilot, and the job and the held-out rollouts of each arm."""
    held_out = questions("validation", HELD_OUT, SEED)
    with stage(folder, None, SEED, 32) as servers:
        progress("pilot")
        pilot = rewards_of(run_pilot(servers, folder, PILOT_QUESTIONS))
        progress("base model")
        before = roll_out(servers, folder / "base.jsonl", held_out, BASE_MODEL, repeats=REPEATS)
        told = {}
        for arm in arms(pilot):
            progress(arm.name)
            job = train(servers, folder, arm)
            file = folder / f"{arm.name}.jsonl"
            after = roll_out(servers, file, held_out, str(job.model), repeats=REPEATS)
            told[arm.name] = {"questions": len(arm.questions), **_told(job, after)}
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
            "arms": told,
        }
    )
    return run


def run_pilot(servers: Stage, folder: Path, count: int) -> list[RolloutRecord]:
    """The base model on the first so many of the pilot's questions."""
    return roll_out(
        servers,
        folder / "pilot.jsonl",
        questions("train", count, SEED),
        BASE_MODEL,
        repeats=PILOT_REPEATS,
        run="pilot",
    )


def arms(pilot: Mapping[str, str]) -> tuple[Arm, ...]:
    """The jobs, by what the pilot's rewards say of each question, and by number."""
    asked = {question.id: question for question in questions("train", PILOT_QUESTIONS, SEED)}
    varying = [asked[name] for name, rewards in pilot.items() if len(set(rewards.split())) > 1]
    never = [asked[name] for name, rewards in pilot.items() if set(rewards.split()) == {"0"}]
    return (
        Arm(f"{FEW} that vary", tuple(varying[:FEW])),
        Arm(f"{MANY} that vary", tuple(varying[:MANY])),
        Arm(f"{MANY} as they come", tuple(asked.values())[:MANY]),
        Arm(f"{FEW} that never score", tuple(never[:FEW])),
    )


def train(servers: Stage, folder: Path, arm: Arm, stop_after: int | None = None) -> JobRun:
    """Run an arm's job, or its first steps."""
    return run_job(
        servers,
        folder,
        train=arm.questions,
        validation=questions("validation", 10, SEED),
        hyperparameters=arm.hyperparameters,
        name=arm.name.replace(" ", "-"),
        seed=SEED,
        stop_after=stop_after,
    )


def rewards_of(records: Sequence[RolloutRecord]) -> Mapping[str, str]:
    """The rewards of each question's repeats, in order: "0 1 0.5 0"."""
    return {
        name: " ".join(f"{record.reward:g}" for record in repeats)
        for name, repeats in by_question(records).items()
    }


def flat_groups(run: JobRun) -> list[float]:
    """Of each step, the share of groups that scored all alike, and so taught nothing."""
    return [step["mean_unresponsive_rewards"] for step in run.steps]


def _told(run: JobRun, after: Sequence[RolloutRecord]) -> dict[str, Any]:
    return {
        "flat_groups": flat_groups(run),
        "train_reward": [step["train_mean_reward"] for step in run.steps],
        "tool_calls": summarise(after).measures["tool_calls"].value,
        "rewards": question_means(after, "reward"),
    }
