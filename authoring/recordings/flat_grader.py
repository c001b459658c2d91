"""Lesson 05: a grader without variance. Every rollout gets the same score, so nothing is learnt.

The slip is a common one: the prompt asks for the bare number, and the grader compares the answer
with a sentence, so that no answer ever matches. Beside it the same job with the working grader, and
the flat grader again with other seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from authoring.recordings.small_jobs import JobRun, distance, questions, roll_out, run_job, weights
from buildhour_helpers.analysis.statistics import Interval
from buildhour_helpers.analysis.summaries import summarise
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.graders import specs
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.tasks import Question

GRADER = specs.string_check(name="exact", reference=f"The final answer is: {specs.REFERENCE}")
SEEDS = (101, 102, 103, 104, 105)
STEPS, BATCH_SIZE = 6, 8
VALIDATION = 20


def record(
    folder: Path,
    progress: Callable[[str], None],
    *,
    seeds: Sequence[int] = SEEDS,
    steps: int = STEPS,
    validation: int = VALIDATION,
    held_out: int = 100,
) -> dict[str, Any]:
    """Train with the flat grader and with the working one, and roll out before and after, for the
    first seed; with the flat one alone for the others."""
    runs: list[dict[str, Any]] = []
    for seed in seeds:
        arms = ("flat",) if runs else ("flat", "working")
        progress(f"seed {seed}: {' and '.join(arms)}")
        (folder / str(seed)).mkdir()
        runs.append(_of_seed(folder / str(seed), seed, arms, steps, validation, held_out))
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


def _of_seed(
    folder: Path, seed: int, arms: Sequence[str], steps: int, validation: int, held_out: int
) -> dict[str, Any]:
    test = questions("test", held_out, seed)
    with stage(folder, None, seed, 32) as up:
        before = roll_out(up, folder / "before.jsonl", test, BASE_MODEL)
        sides = {}
        for name in arms:
            grader = GRADER if name == "flat" else None
            run = job(up, folder, grader, seed=seed, steps=steps, validation=validation)
            assert run.model
            after = roll_out(up, folder / f"{name}.jsonl", test, run.model)
            sides[name] = _side(up, run, before, after)
    return {
        "seed": seed,
        "questions": _ids(test),
        "repeats": len(before) // len(test),
        "before": _reward(before),
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
    """The job, with the flat grader or (None) the working one; all else is alike."""
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
        "steps": run.steps,
        "warnings": [text for level, text in run.said if level == "warn"],
        "weights": len(base),
        "weights_changed": sum(tuned.get(name) != value for name, value in base.items()),
        "distance_from_base": distance(base, tuned),
        "after": _reward(after),
        "same_answers": same,
        "rollouts": len(after),
    }


def _reward(records: Sequence[RolloutRecord]) -> list[float]:
    """The mean reward on the held-out questions, and the two ends of its 95% interval."""
    interval: Interval = summarise(records).measures["reward"]
    return [interval.value, interval.low, interval.high]


def _ids(chosen: Sequence[Question]) -> list[str]:
    return [question.id for question in chosen]
