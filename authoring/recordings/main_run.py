"""Lesson 06: the main job from beginning to end.

The base model and the tuned checkpoint on all held-out questions, every step of the job between
them, and every saved checkpoint, measured again on validation and held-out questions. The rollouts
are too many for a JSON file: they are stored slim in two JSONL files beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from authoring.recordings.runs import JobRun, mean_reward, roll_out, run_job
from buildhour_helpers import jobs
from buildhour_helpers.analysis.summaries import question_means
from buildhour_helpers.demo.plan import DemoOptions, Plan, make_plan
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.recordings import RUNS, save_records
from buildhour_helpers.tasks import Question

ALL = 1_000_000
REPEATS = 3


def record(
    folder: Path,
    progress: Callable[[str], None],
    *,
    seed: int = 0,
    steps: int | None = None,
    held_out: int = ALL,
    validation: int | None = None,
    out: Path = RUNS,
) -> dict[str, Any]:
    """Run it, write `main_run.before.jsonl.gz` and `main_run.after.jsonl.gz` into `out`.

    Smaller numbers give a quick look.
    """
    plan = make_plan(DemoOptions(seed=seed, steps=steps or DemoOptions.steps, questions=held_out))
    validated = plan.validation[:validation]
    with stage(folder, None, seed, 32) as up:
        progress("the base model on held-out questions")
        before = roll_out(up, folder / "before.jsonl", plan.test, repeats=REPEATS)
        progress(f"a job of {plan.steps} steps")
        run = job(up, folder, plan, validated)
        chosen = jobs.best(run.checkpoints)
        progress(f"the checkpoint of step {chosen.step} on held-out questions")
        after = roll_out(up, folder / "after.jsonl", plan.test, chosen.model, repeats=REPEATS)
        progress("every checkpoint on validation and held-out questions")
        kept = [_checkpoint(up, folder, one, plan, validated) for one in run.checkpoints]
    for name, records in (("before", before), ("after", after)):
        save_records(records, out / f"main_run.{name}.jsonl.gz")
    found: dict[str, Any] = rounded_off(
        {
            "seed": seed,
            "model": "simulated",
            "prompt": plan.prompt,
            "questions": {
                "train": len(plan.train),
                "validation": len(validated),
                "held_out": len(plan.test),
            },
            "repeats": REPEATS,
            "hyperparameters": plan.hyperparameters(),
            "steps": run.steps,
            "warnings": [text for level, text in run.messages if level == "warn"],
            "checkpoints": kept,
            "chosen_step": chosen.step,
        }
    )
    return found


def job(
    up: Stage,
    folder: Path,
    plan: Plan,
    validated: Sequence[Question],
    stop_after: int | None = None,
) -> JobRun:
    return run_job(
        up,
        folder,
        train=plan.train,
        validation=validated,
        hyperparameters=plan.hyperparameters(),
        name="main",
        seed=plan.options.seed,
        stop_after=stop_after,
    )


def _checkpoint(
    up: Stage,
    folder: Path,
    checkpoint: jobs.Checkpoint,
    plan: Plan,
    validated: Sequence[Question],
) -> dict[str, Any]:
    """A checkpoint's reward as the job measured it, and measured again on two sets of questions;
    on validation also per question, so that candidates can be compared in pairs."""
    measured = {
        name: roll_out(
            up,
            folder / f"step-{checkpoint.step}-{name}.jsonl",
            questions,
            checkpoint.model,
            repeats=repeats,
            run=name,
        )
        for name, questions, repeats in (
            ("validation", validated, REPEATS),
            ("held_out", plan.test, 1),
        )
    }
    return {
        "step": checkpoint.step,
        "job_said": checkpoint.valid_reward_mean,
        **{name: mean_reward(records) for name, records in measured.items()},
        "validation_rewards": question_means(measured["validation"], "reward"),
    }
