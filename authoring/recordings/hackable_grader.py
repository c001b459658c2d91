"""Lesson 04: a sloppy rubric is hacked. The jobs differ only in their grader.

Each job trains on the same questions with one of three graders; its best checkpoint by its own
validation reward is then rolled out on held-out questions, and every answer is scored by all three.
Nothing here tells a job what to find: all jobs run the same code with different grader specs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from authoring.parallel import run_parts
from authoring.recordings.runs import JobRun, questions, roll_out, run_job, triple
from buildhour_helpers import jobs
from buildhour_helpers.analysis.audit import habits
from buildhour_helpers.analysis.statistics import mean_interval
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
CURVE = ("step", "train_mean_reward", "full_valid_mean_reward", "tool_calls_per_rollout")

SLOPPY, FIXED, ENDPOINT = GRADERS = ("sloppy", "careful", "endpoint")
RUBRICS = {SLOPPY: specs.SLOPPY_RUBRIC, FIXED: specs.PARTIAL_CREDIT_RUBRIC}


def record(
    folder: Path,
    progress: Callable[[str], None],
    *,
    seeds: Sequence[int] = SEEDS,
    steps: int = STEPS,
    held_out: int = HELD_OUT,
) -> dict[str, Any]:
    """The base model, and for each seed the three jobs, on the same held-out questions."""
    runs = [(None, 0), *((grader, seed) for seed in seeds for grader in GRADERS)]
    results = run_parts([(measure, folder, *run, steps, held_out) for run in runs])
    found = []
    for (grader, seed), result in zip(runs, results, strict=True):
        progress(f"{grader or 'base'} (seed {seed}): {result['scores']}")
        found.append(result)
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
    folder: Path, grader: str | None, seed: int, steps: int = STEPS, held_out: int = HELD_OUT
) -> dict[str, Any]:
    """Train with a grader (None: not at all), and measure what the model then does."""
    folder = folder / f"{grader or 'base'}-{seed}"
    with stage(folder, None, seed, CONCURRENCY) as up:
        model, found = BASE_MODEL, {}
        if grader:
            run = job(up, folder, grader, seed, steps)
            best = jobs.best(run.checkpoints)
            model = best.model
            found = {
                "grader": grader,
                "seed": seed,
                "checkpoint_step": best.step,
                "curve": curve(run),
            }
        asked = {one.id: one for one in questions("test", held_out, seed=0)}
        file = folder / "held-out.jsonl"
        records = roll_out(up, file, list(asked.values()), model, repeats=REPEATS)
        scores = asyncio.run(scored(up, records, asked))
    return found | {
        "scores": {name: _of_questions(each) for name, each in scores.items()},
        "accuracy": _of_questions([float(record.correct) for record in records]),
        "habits": habits(records).to_json(),
        "examples": _examples(records, scores, asked),
    }


def job(
    up: Stage,
    folder: Path,
    grader: str,
    seed: int,
    steps: int = STEPS,
    stop_after: int | None = None,
) -> JobRun:
    """The job with this grader; everything else is the same."""
    return run_job(
        up,
        folder,
        train=questions("train", steps * BATCH_SIZE, seed),
        validation=questions("validation", VALIDATION, seed),
        hyperparameters={"batch_size": BATCH_SIZE, "eval_interval": EVAL_INTERVAL},
        grader=specs.score_model(grader, rubric=RUBRICS[grader]) if grader in RUBRICS else None,
        name=grader,
        seed=seed,
        stop_after=stop_after,
    )


def curve(run: JobRun) -> list[dict[str, Any]]:
    """Reward, by the job's own grader, and tool calls of each step."""
    return [{name: step[name] for name in CURVE} for step in run.steps]


async def scored(
    up: Stage, records: Sequence[RolloutRecord], asked: Mapping[str, Question]
) -> dict[str, list[float]]:
    """Each answer's score by each grader; the endpoint has already graded the rollouts."""
    scores = {ENDPOINT: [record.reward or 0.0 for record in records]}
    async with up.async_client() as client:
        for name, rubric in RUBRICS.items():
            grade = graded_by_service(client, specs.score_model(name, rubric=rubric))
            scores[name] = [
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
    return triple(mean_interval(means))


def _examples(
    records: Sequence[RolloutRecord],
    scores: Mapping[str, Sequence[float]],
    asked: Mapping[str, Question],
) -> list[dict[str, Any]]:
    """The first rollout of the first questions: calls, answer, and each grader's score."""
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
