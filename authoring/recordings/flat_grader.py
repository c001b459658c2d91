"""Lesson 05: a zero-variance grader. Every rollout gets the same score, so nothing is learned.

The mistake is common: the prompt asks for the number alone, and the grader compares the answer with
a sentence, so that no answer ever matches. Beside it the same job with a working grader, and the
zero-variance grader with further seeds. The recording calls it "flat".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from authoring.recordings.runs import (
    JobRun,
    distance,
    mean_reward,
    questions,
    roll_out,
    run_job,
    weights,
)
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.graders import specs
from buildhour_helpers.rollouts import RolloutRecord

GRADER = specs.string_check(name="exact", reference=f"The final answer is: {specs.REFERENCE}")
SEEDS = (101, 102, 103, 104, 105)
STEPS, BATCH_SIZE = 6, 8
VALIDATION = 20
OF_A_STEP = ("step", "train_mean_reward", "full_valid_mean_reward", "mean_unresponsive_rewards")
"""What is recorded of each step."""


def record(
    folder: Path,
    progress: Callable[[str], None],
    *,
    seeds: Sequence[int] = SEEDS,
    steps: int = STEPS,
    validation: int = VALIDATION,
    held_out: int = 100,
) -> dict[str, Any]:
    """Train with both graders, and roll out before and after, for the first seed; with the
    zero-variance grader alone for the others."""
    runs: list[dict[str, Any]] = []
    for seed in seeds:
        graders = ("flat",) if runs else ("flat", "working")
        progress(f"seed {seed}: {' and '.join(graders)}")
        (folder / str(seed)).mkdir()
        runs.append(_measure(folder / str(seed), seed, graders, steps, validation, held_out))
    found: dict[str, Any] = rounded_off(
        {
            "model": "simulated",
            "grader": GRADER,
            **runs[0],
            "seeds": [
                {
                    "seed": run["seed"],
                    **{name: run["flat"][name] for name in ("weights_changed", "warnings")},
                }
                for run in runs
            ],
        }
    )
    return found


def _measure(
    folder: Path, seed: int, graders: Sequence[str], steps: int, validation: int, held_out: int
) -> dict[str, Any]:
    test = questions("test", held_out, seed)
    with stage(folder, None, seed, 32) as up:
        before = roll_out(up, folder / "before.jsonl", test)
        sides = {}
        for name in graders:
            grader = GRADER if name == "flat" else None
            run = job(up, folder, grader, seed=seed, steps=steps, validation=validation)
            assert run.model
            after = roll_out(up, folder / f"{name}.jsonl", test, run.model)
            sides[name] = _side(up, run, before, after)
    return {
        "seed": seed,
        "questions": [question.id for question in test],
        "repeats": len(before) // len(test),
        "before": mean_reward(before),
        **sides,
    }


def job(
    up: Stage,
    folder: Path,
    grader: Mapping[str, Any] | None,
    *,
    seed: int = 0,
    steps: int = STEPS,
    validation: int = VALIDATION,
    stop_after: int | None = None,
) -> JobRun:
    """The job, with the given grader or (None) the tool server's; everything else is the same."""
    return run_job(
        up,
        folder,
        train=questions("train", steps * BATCH_SIZE, seed),
        validation=questions("validation", validation, seed),
        hyperparameters={"batch_size": BATCH_SIZE, "eval_interval": 3},
        grader=grader,
        name="working" if grader is None else "flat",
        seed=seed,
        stop_after=stop_after,
    )


def _side(
    up: Stage, run: JobRun, before: Sequence[RolloutRecord], after: Sequence[RolloutRecord]
) -> dict[str, Any]:
    client = up.client()
    base, tuned = weights(client, BASE_MODEL), weights(client, run.model)
    same = sum(old.answer == new.answer for old, new in zip(before, after, strict=True))
    return {
        "steps": [{name: step[name] for name in OF_A_STEP} for step in run.steps],
        "warnings": [text for level, text in run.messages if level == "warn"],
        "weights": len(base),
        "weights_changed": sum(tuned.get(name) != value for name, value in base.items()),
        "distance_from_base": distance(base, tuned),
        "after": mean_reward(after),
        "same_answers": same,
        "rollouts": len(after),
    }
