"""Lesson 02: which training questions teach, and what it costs to find them.

A pilot of the base model, four rollouts of each training question, says which questions vary. Then
jobs train on many questions that vary, on a few, on a few that never scored, and on the questions
as they come, which needs no pilot. Each seed shuffles the questions and trains anew; it is charged
for as many questions of the pilot as it had to look at. Every eighth step is measured on the same
validation questions, so that reward can be drawn against all rollouts spent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

from authoring.parallel import run_parts
from authoring.recordings.runs import JobRun, questions, rewards_of, roll_out, run_job
from buildhour_helpers.analysis.summaries import question_means
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.tasks import Question

SEEDS = (11, 12, 13, 14, 15)
ALL, PILOT_REPEATS = 640, 4
FEW, MANY = 32, 128
BATCH_SIZE, GROUP_SIZE, EVERY = 16, 8, 8
HELD_OUT, REPEATS = 100, 2


@dataclass(frozen=True)
class Variant:
    """A job: its training questions, its steps, and the pilot's rollouts that chose them."""

    name: str
    questions: tuple[Question, ...]
    steps: int
    pilot_rollouts: int = 0

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return {
            "n_epochs": BATCH_SIZE * self.steps // len(self.questions),
            "batch_size": BATCH_SIZE,
            "eval_interval": EVERY,
            "eval_samples": REPEATS,
        }


def record(
    folder: Path, progress: Callable[[str], None], *, seeds: Sequence[int] = SEEDS
) -> dict[str, Any]:
    """The pilot, the base model on the held-out questions, and each seed's job of each variant."""
    held_out = questions("validation", HELD_OUT, 0)
    with stage(folder, None, 0, 32) as up:
        progress("pilot")
        pilot = rewards_of(run_pilot(up, folder, ALL))
        base = roll_out(up, folder / "base.jsonl", held_out, repeats=REPEATS)
    parts = [(run_variant, folder, one, s) for s in seeds for one in variants(pilot, s)]
    found: dict[str, list[dict[str, Any]]] = {}
    for (_, _, variant, seed), job in zip(parts, run_parts(parts), strict=True):
        progress(f"seed {seed}: {variant.name}: {[one['reward'] for one in job['curve']]}")
        found.setdefault(variant.name, []).append(job)
    run: dict[str, Any] = rounded_off(
        {
            "model": "simulated",
            "seeds": list(seeds),
            "batch_size": BATCH_SIZE,
            "group_size": GROUP_SIZE,
            "held_out": HELD_OUT,
            "repeats": REPEATS,
            "pilot_repeats": PILOT_REPEATS,
            "pilot": pilot,
            "base": fmean(question_means(base, "reward").values()),
            "variants": found,
        }
    )
    return run


def run_pilot(up: Stage, folder: Path, count: int) -> list[RolloutRecord]:
    """The base model on the first `count` training questions of the pilot."""
    return roll_out(
        up,
        folder / "pilot.jsonl",
        questions("train", count, 0),
        repeats=PILOT_REPEATS,
        run="pilot",
    )


def variants(pilot: Mapping[str, str], seed: int) -> tuple[Variant, ...]:
    """The jobs of a seed, which looks at the pilot's questions in a separate order."""
    asked = questions("train", ALL, seed)

    def first(count: int, wanted: Callable[[set[str]], bool]) -> tuple[tuple[Question, ...], int]:
        """The first `count` questions of a kind, and what it costs to look for them."""
        of_kind = (at for at, one in enumerate(asked) if wanted(set(pilot[one.id].split())))
        places = list(islice(of_kind, count))
        return tuple(asked[at] for at in places), PILOT_REPEATS * (places[-1] + 1)

    many, cost_of_many = first(MANY, lambda rewards: len(rewards) > 1)
    few, cost_of_few = first(FEW, lambda rewards: len(rewards) > 1)
    never, cost_of_never = first(FEW, lambda rewards: rewards == {"0"})
    return (
        Variant("as they come", tuple(asked[: 3 * MANY]), 3 * EVERY),
        Variant(f"{MANY} that vary", many, 2 * EVERY, cost_of_many),
        Variant(f"{FEW} that vary", few, 2 * EVERY, cost_of_few),
        Variant(f"{FEW} that never score", never, EVERY, cost_of_never),
    )


def run_variant(folder: Path, variant: Variant, seed: int) -> dict[str, Any]:
    """A job on separate servers: what it cost, and its curve on the held-out questions."""
    own = folder / f"{seed}-{variant.name.replace(' ', '-')}"
    own.mkdir()
    with stage(own, None, seed, 32) as up:
        job = train(up, own, variant, seed)
    return {
        "seed": seed,
        "pilot_rollouts": variant.pilot_rollouts,
        "zero_variance": zero_variance_share(job),
        "train_rollouts": sum(step["usage"]["train"]["rollouts"] for step in job.steps),
        "curve": [
            {"step": step["step"], "reward": step["full_valid_mean_reward"]}
            for step in job.steps
            if step["full_valid_mean_reward"] is not None
        ],
    }


def train(
    up: Stage, folder: Path, variant: Variant, seed: int, stop_after: int | None = None
) -> JobRun:
    """Run a variant's job, or only its first steps."""
    return run_job(
        up,
        folder,
        train=variant.questions,
        validation=questions("validation", HELD_OUT, 0),
        hyperparameters=variant.hyperparameters,
        name="job",
        seed=seed,
        stop_after=stop_after,
    )


def zero_variance_share(run: JobRun) -> float:
    """The share of a job's groups whose rewards were all the same."""
    return fmean(step["mean_unresponsive_rewards"] for step in run.steps)
