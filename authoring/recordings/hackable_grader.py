"""Lesson 04: a sloppy rubric is hacked. Jobs that differ in their grader alone, over live HTTP.

Each job trains on the same questions with one of three graders; its best checkpoint by its own
validation reward is then rolled out on held-out questions, and every answer is scored by all three.
Nothing here tells a job what to find: the arms are one code with three grader specs.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import fmean
from typing import Any

from authoring.recordings.small_jobs import JobRun, questions, roll_out, run_job
from buildhour_helpers import jobs
from buildhour_helpers.analysis.audit import habits
from buildhour_helpers.analysis.statistics import Interval, mean_interval
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.graders import specs
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.rollouts.endpoints import graded_by_service
from buildhour_helpers.tasks import Question, build_row
from rft_wire import build_sample

SEEDS = (101, 102, 103, 104, 105)
STEPS, BATCH_SIZE, EVAL_INTERVAL = 20, 16, 5
VALIDATION, HELD_OUT, REPEATS = 32, 100, 3
EXAMPLES = 8
CONCURRENCY = 32
CORES_PER_JOB = 2  # the service and the tool server are a process each

SLOPPY, MENDED, ENDPOINT = ARMS = ("sloppy", "mended", "endpoint")
RUBRICS = {SLOPPY: specs.SLOPPY_RUBRIC, MENDED: specs.PARTIAL_CREDIT_RUBRIC}


def record(
    folder: Path,
    progress: Callable[[str], None],
    *,
    seeds: Sequence[int] = SEEDS,
    steps: int = STEPS,
    held_out: int = HELD_OUT,
) -> dict[str, Any]:
    """The base model, and for each seed the three jobs, on the same held-out questions.

    As many jobs run at once as the machine has pairs of cores, each on servers of its own: that
    changes no number.
    """
    runs = [(None, 0), *((arm, seed) for seed in seeds for arm in ARMS)]
    workers = max(1, (os.cpu_count() or 1) // CORES_PER_JOB)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(runs)), mp_context=context) as pool:
        waiting = [pool.submit(measure, folder, *run, steps, held_out) for run in runs]
        found = []
        for (arm, seed), one in zip(runs, waiting, strict=True):
            found.append(one.result())
            progress(f"{arm or 'base'} (seed {seed}): {found[-1]['scores']}")
    recorded: dict[str, Any] = rounded_off(
        {
            "model": "simulated",
            "rubrics": RUBRICS,
            "steps": steps,
            "held_out": held_out,
            "repeats": REPEATS,
            "before": found[0],
            "after": found[1:],
        }
    )
    return recorded


def measure(
    folder: Path, arm: str | None, seed: int, steps: int = STEPS, held_out: int = HELD_OUT
) -> dict[str, Any]:
    """Train with the arm's grader (None: not at all), and see what the model then does."""
    place = folder / f"{arm or 'base'}-{seed}"
    with stage(place, None, seed, CONCURRENCY) as up:
        model, found = BASE_MODEL, {}
        if arm:
            run = job(up, place, arm, seed, steps)
            best = jobs.best(run.checkpoints)
            model = best.model
            found = {"grader": arm, "seed": seed, "checkpoint_step": best.step, "curve": curve(run)}
        asked = questions("test", held_out, seed=0)
        records = roll_out(up, place / "held-out.jsonl", asked, model, repeats=REPEATS)
        scores = asyncio.run(scored(up, records, {one.id: one for one in asked}))
    return found | {
        "scores": {name: _of_questions(each) for name, each in scores.items()},
        "accuracy": _of_questions([float(record.correct) for record in records]),
        "habits": habits(records).to_json(),
        "examples": _examples(records, scores, {one.id: one for one in asked}),
    }


def job(
    up: Stage, folder: Path, arm: str, seed: int, steps: int = STEPS, stop_after: int | None = None
) -> JobRun:
    """A job with the arm's grader; all else is alike."""
    return run_job(
        up,
        folder,
        train=questions("train", steps * BATCH_SIZE, seed),
        validation=questions("validation", VALIDATION, seed),
        hyperparameters={"batch_size": BATCH_SIZE, "eval_interval": EVAL_INTERVAL},
        grader=specs.score_model(arm, rubric=RUBRICS[arm]) if arm in RUBRICS else None,
        name=arm,
        seed=seed,
        stop_after=stop_after,
    )


def curve(run: JobRun) -> list[dict[str, Any]]:
    """Reward, by the job's own grader, and tool calls of each step."""
    wanted = ("step", "train_mean_reward", "full_valid_mean_reward", "tool_calls_per_rollout")
    return [{name: step[name] for name in wanted} for step in run.steps]


async def scored(
    up: Stage, records: Sequence[RolloutRecord], asked: Mapping[str, Question]
) -> dict[str, list[float]]:
    """Each answer's score by each grader; by the endpoint the rollouts were graded already."""
    scores = {ENDPOINT: [record.reward or 0.0 for record in records]}
    async with up.async_client() as client:
        for arm, rubric in RUBRICS.items():
            grade = graded_by_service(client, specs.score_model(arm, rubric=rubric))
            scores[arm] = [
                await grade(
                    build_sample(record.answer or "", (), None),
                    build_row(asked[record.question_id], "", ()),
                    record.trace_id,
                )
                for record in records
            ]
    return scores


def _of_questions(scores: Sequence[float]) -> list[float]:
    """The mean, and the two ends of its 95% interval over questions."""
    means = [fmean(scores[n : n + REPEATS]) for n in range(0, len(scores), REPEATS)]
    found: Interval = mean_interval(means)
    return [found.value, found.low, found.high]


def _examples(
    records: Sequence[RolloutRecord],
    scores: Mapping[str, Sequence[float]],
    asked: Mapping[str, Question],
) -> list[dict[str, Any]]:
    """The first rollout of the first questions: its calls, its answer, what each grader gave."""
    return [
        {
            "question": asked[records[n].question_id].text,
            "reference": asked[records[n].question_id].answer_text,
            "calls": [
                f"{item['name']} {item['arguments']}"
                for item in records[n].trace
                if item.get("type") == "function_call"
            ],
            "answer": records[n].answer,
            "scores": {name: each[n] for name, each in scores.items()},
        }
        for n in range(0, EXAMPLES * REPEATS, REPEATS)
    ]
