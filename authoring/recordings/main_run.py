"""Lesson 06: five jobs from beginning to end, on reports and on a second task.

The base model and the chosen checkpoint of each job on all held-out questions, and on the parts
catalogue. Of the first job also every step and every saved checkpoint, measured again. The rollouts
of the base model and of the first job are in two JSONL files beside it, slim.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from authoring.parallel import run_parts
from authoring.recordings import parts
from authoring.recordings.runs import JobRun, mean_reward, roll_out, run_job
from buildhour_helpers import jobs
from buildhour_helpers.analysis.summaries import by_question, question_means
from buildhour_helpers.demo.plan import DemoOptions, Plan, make_plan
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.recordings import RUNS, save_records
from buildhour_helpers.rollouts import RolloutRecord, evaluate
from buildhour_helpers.rollouts.endpoints import ToolServer
from buildhour_helpers.tasks import Question

SEEDS = (201, 202, 203, 204, 205)
"""Those of the study in docs/results.md. The first is the job that the lesson follows."""
ALL = 1_000_000
REPEATS = 3
CONCURRENCY = 32
COSTS = ("tool_calls", "turns", "reasoning_tokens", "latency_s")


@dataclass(frozen=True)
class Measured:
    """A model on the held-out questions and on the second task, and the job that made it."""

    held_out: list[RolloutRecord]
    parts: list[RolloutRecord]
    run: JobRun | None = None
    checkpoints: tuple[dict[str, Any], ...] = ()


def record(
    folder: Path,
    progress: Callable[[str], None],
    *,
    seeds: Sequence[int] = SEEDS,
    steps: int | None = None,
    held_out: int = ALL,
    validation: int | None = None,
    out: Path = RUNS,
) -> dict[str, Any]:
    """Run it, write `main_run.before.jsonl.gz` and `main_run.after.jsonl.gz` into `out`.

    Smaller numbers give a quick look.
    """
    options = [
        DemoOptions(seed=seed, steps=steps or DemoOptions.steps, questions=held_out)
        for seed in seeds
    ]
    plan = make_plan(options[0])
    work: list[tuple[Any, ...]] = [(base, folder, plan)]
    work += [(tuned, folder, plan, one, validation, one is options[0]) for one in options]
    found = []
    for name, measured in zip(("base", *seeds), run_parts(work), strict=True):
        progress(f"{name}: reward {fmean(_rewards(measured.held_out)):.3f}")
        found.append(measured)
    before, *after = found
    for name, records in (("before", before.held_out), ("after", after[0].held_out)):
        save_records(records, out / f"main_run.{name}.jsonl.gz")
    first = after[0].run
    assert first
    recorded: dict[str, Any] = rounded_off(
        {
            "seed": seeds[0],
            "model": "simulated",
            "prompt": plan.prompt,
            "questions": {
                "train": len(plan.train),
                "validation": len(plan.validation[:validation]),
                "held_out": len(plan.test),
            },
            "repeats": REPEATS,
            "hyperparameters": plan.hyperparameters(),
            "steps": first.steps,
            "warnings": [text for level, text in first.messages if level == "warn"],
            "checkpoints": list(after[0].checkpoints),
            "chosen_step": jobs.best(first.checkpoints).step,
            "base": _side(before, plan.test),
            "jobs": [
                {"seed": seed, "chosen_step": _chosen(one), **_side(one, plan.test)}
                for seed, one in zip(seeds, after, strict=True)
            ],
        }
    )
    return recorded


def base(folder: Path, plan: Plan) -> Measured:
    """The base model's rollouts."""
    folder /= "base"
    folder.mkdir()
    with stage(folder, None, plan.options.seed, CONCURRENCY) as up:
        return _measured(up, folder, plan.test, BASE_MODEL)


def tuned(
    folder: Path,
    first: Plan,
    options: DemoOptions,
    validation: int | None,
    with_checkpoints: bool,
) -> Measured:
    """A job of this seed, and the rollouts of its chosen checkpoint; all jobs answer the held-out
    questions of the first plan."""
    plan, folder = make_plan(options), folder / f"seed-{options.seed}"
    folder.mkdir()
    validated = plan.validation[:validation]
    with stage(folder, None, options.seed, CONCURRENCY) as up:
        run = job(up, folder, plan, validated)
        chosen = jobs.best(run.checkpoints)
        found = _measured(up, folder, first.test, chosen.model)
        kept = tuple(
            _checkpoint(up, folder, one, first.test, validated)
            for one in run.checkpoints
            if with_checkpoints
        )
    return Measured(found.held_out, found.parts, run, kept)


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
        name="demo",
        seed=plan.options.seed,
        stop_after=stop_after,
    )


def _measured(up: Stage, folder: Path, asked: Sequence[Question], model: str) -> Measured:
    """A model's rollouts on the held-out questions and on the parts catalogue."""
    held_out = roll_out(up, folder / "held-out.jsonl", asked, model, repeats=REPEATS)
    return Measured(held_out, on_parts(up, folder / "parts.jsonl", model))


def on_parts(up: Stage, file: Path, model: str, count: int | None = None) -> list[RolloutRecord]:
    """A model's rollouts on the second task, or on its first rows."""

    async def rolled_out(url: str) -> list[RolloutRecord]:
        async with up.async_client() as client:
            return await evaluate(
                parts.rows()[:count],
                model=model,
                file=file,
                run="parts",
                repeats=REPEATS,
                concurrency=CONCURRENCY,
                client=client,
                server=ToolServer(url, parts.KEY),
                progress=False,
            )

    with parts.served() as url:
        return asyncio.run(rolled_out(url))


def _checkpoint(
    up: Stage,
    folder: Path,
    checkpoint: jobs.Checkpoint,
    test: Sequence[Question],
    validated: Sequence[Question],
) -> dict[str, Any]:
    """A checkpoint's reward as the job measured it, and measured again on two sets of questions;
    on validation also reward and costs by question, so that candidates can be compared in pairs."""
    measured = {
        name: roll_out(
            up,
            folder / f"step-{checkpoint.step}-{name}.jsonl",
            questions,
            checkpoint.model,
            repeats=REPEATS,
            run=name,
        )
        for name, questions in (("validation", validated), ("held_out", test))
    }
    return {
        "step": checkpoint.step,
        "job_said": checkpoint.valid_reward_mean,
        **{name: mean_reward(records) for name, records in measured.items()},
        **{
            f"validation_{name}": list(question_means(measured["validation"], name).values())
            for name in ("reward", *COSTS)
        },
    }


def _side(measured: Measured, asked: Sequence[Question]) -> dict[str, Any]:
    """A model's held-out rewards by question, how many pages it found and read correctly, and
    the rewards of the second task by question."""
    gold = {question.id: set(question.gold_pages) for question in asked}
    found = [one for one in measured.held_out if pages_read(one) & gold[one.question_id]]
    return {
        "rewards": list(question_means(measured.held_out, "reward").values()),
        "rollouts": len(measured.held_out),
        "found": len(found),
        "found_and_right": sum(one.correct for one in found),
        "right": sum(one.correct for one in measured.held_out),
        "parts_rewards": list(question_means(measured.parts, "reward").values()),
        **{
            f"parts_{name}": fmean(question_means(measured.parts, name).values())
            for name in ("tool_calls", "turns", "reasoning_tokens")
        },
        "parts_answered": fmean(one.answer is not None for one in measured.parts),
        "parts_questions": len(by_question(measured.parts)),
    }


def pages_read(record: RolloutRecord) -> set[str]:
    """The pages that a rollout opened with cat."""
    calls = (item for item in record.trace if item.get("type") == "function_call")
    return {
        str(json.loads(call["arguments"]).get("path", "")).strip("/")
        for call in calls
        if call["name"] == "cat"
    }


def _chosen(measured: Measured) -> int:
    assert measured.run
    return jobs.best(measured.run.checkpoints).step


def _rewards(records: Iterable[RolloutRecord]) -> list[float]:
    return [record.reward or 0.0 for record in records]
