"""Several seeds of a job: first prompt, best prompt, tuned agent; small jobs; the demo itself.

The base model answers the same request alike, whatever the seed, so its two prompts are measured
once; each seed then shuffles the training questions, samples the rollouts and trains.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openai
from tqdm.auto import tqdm

from authoring.parallel import Part, run_parts
from authoring.recordings.runs import LAST_STEP_ONLY, questions, triple
from buildhour_helpers import demo
from buildhour_helpers.analysis.summaries import (
    by_question,
    compare,
    summarise,
    varying_share,
)
from buildhour_helpers.demo.plan import REPEATS, DemoOptions, make_plan
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.run import check_graded, check_writable, run_folder
from buildhour_helpers.demo.stage import stage
from buildhour_helpers.demo.work import BASE_MODEL, Trained, Work
from buildhour_helpers.errors import Interrupted, WorkshopError, writing
from buildhour_helpers.recordings import RUNS
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.tasks import BEST_PROMPT, FIRST_PROMPT, Question

ALL_QUESTIONS = 1_000_000
SMALL_ROWS, SMALL_BATCH = 128, 13
"""Of a small job: ten steps, each row once."""
CANDIDATES = 4  # training questions per held-out one, among which rows that vary are looked for


@dataclass(frozen=True)
class StudyOptions:
    """What the command line sets; without a penalty the model's counts."""

    seeds: tuple[int, ...]
    name: str = "study"
    folder: Path = RUNS
    steps: int = DemoOptions.steps
    questions: int = ALL_QUESTIONS
    reports: Path | None = None
    concurrency: int = 32
    reasoning_token_penalty: float | None = None

    def demo(self, seed: int) -> DemoOptions:
        return DemoOptions(
            seed=seed,
            steps=self.steps,
            questions=self.questions,
            reports=self.reports,
            concurrency=self.concurrency,
            reasoning_token_penalty=self.reasoning_token_penalty,
        )


@dataclass(frozen=True)
class SeedRun:
    """One seed's job and its rollouts on held-out questions."""

    seed: int
    trained: Trained
    records: list[RolloutRecord]


def run(options: StudyOptions) -> dict[str, Any]:
    """Measure the two prompts and a job per seed on all held-out questions; returns the figures.

    As many jobs run at once as the machine has pairs of cores, each with separate servers: that
    changes no figure but wall time. Raises WorkshopError with the fix, or Interrupted when
    Ctrl-C came.
    """
    plan = make_plan(options.demo(options.seeds[0]))
    with _measuring(options, options.name) as folder:
        parts: list[Part] = [
            (evaluate_base, options, folder, "first-prompt", FIRST_PROMPT, plan.test),
            (evaluate_base, options, folder, "best-prompt", BEST_PROMPT, plan.test),
            *((run_seed, options, folder, seed) for seed in options.seeds),
        ]
        first, best, *runs = tqdm(run_parts(parts), options.name, len(parts), unit="part")
    splits = {name: len(getattr(plan, name)) for name in ("train", "validation", "test")}
    figures = {
        "model": "simulated",
        "reports": plan.reports,
        "questions": splits,
        "repeats": REPEATS,
        "steps": plan.steps,
        "first_prompt": _side(first),
        "best_prompt": {**_side(best), "varying_share": varying_share(best)},
        "prompt_against_first": _comparison(first, best),
        **_seeds(best, runs),
    }
    return _write(options, options.name, figures)


def run_small(options: StudyOptions) -> dict[str, Any]:
    """A job of ten steps per seed, on training rows whose rewards vary, measured on validation.

    One at a time, so that wall times can be compared. Only the last step is validated, so nothing
    is chosen on the questions that it is measured on.
    """
    name = "study_small"
    train = questions("train", CANDIDATES * options.questions, seed=0)
    plan = make_plan(options.demo(options.seeds[0]))
    with _measuring(options, name) as folder:
        on_train, before = run_parts(
            [
                (evaluate_base, options, folder, "train", BEST_PROMPT, train),
                (evaluate_base, options, folder, "validation", BEST_PROMPT, plan.validation),
            ]
        )
        varying = {
            question
            for question, repeats in by_question(on_train).items()
            if len({record.reward for record in repeats}) > 1
        }
        parts: list[Part] = [(run_small_seed, options, folder, s, varying) for s in options.seeds]
        runs = list(tqdm(run_parts(parts, at_once=1), name, len(parts), unit="job"))
    figures = {
        "model": "simulated",
        "questions": {"train": len(train), "validation": len(plan.validation)},
        "repeats": REPEATS,
        "rows": min(SMALL_ROWS, len(varying)),
        "rows_that_vary": len(varying),
        "best_prompt": _side(before),
        **_seeds(before, runs),
    }
    return _write(options, name, figures)


def run_demo(options: StudyOptions) -> dict[str, Any]:
    """What `buildhour demo` prints and how long it takes, at its default size and seed."""
    name = "study_demo"
    chosen = DemoOptions(
        steps=min(options.steps, DemoOptions.steps),
        questions=min(options.questions, DemoOptions.questions),
    )
    with _measuring(options, name):
        ((figures, wall_s),) = run_parts([(timed_demo, chosen)])
    return _write(options, name, {**figures, "wall_s": round(wall_s, 1)})


def timed_demo(options: DemoOptions) -> tuple[dict[str, Any], float]:
    started = time.monotonic()
    figures = demo.run(options).to_json()
    return figures, time.monotonic() - started


def evaluate_base(
    options: StudyOptions, folder: Path, name: str, prompt: str, asked: Sequence[Question]
) -> list[RolloutRecord]:
    """The base model's rollouts on some questions."""
    with _on_stage(options, folder / name, options.seeds[0]) as work:
        records = work.evaluate(name, BASE_MODEL, asked, prompt)
    check_graded(records)
    return records


def run_seed(options: StudyOptions, folder: Path, seed: int) -> SeedRun:
    """A job of this seed, and its best checkpoint's rollouts on the first seed's test questions."""
    test = make_plan(options.demo(options.seeds[0])).test
    with _on_stage(options, folder / f"seed-{seed}", seed) as work:
        return _trained(work, test)


def run_small_seed(options: StudyOptions, folder: Path, seed: int, varying: set[str]) -> SeedRun:
    """A small job of this seed, and its last model's rollouts on the validation questions."""
    validation = make_plan(options.demo(options.seeds[0])).validation
    with _on_stage(options, folder / f"seed-{seed}", seed) as work:
        rows = [one for one in questions("train", ALL_QUESTIONS, seed) if one.id in varying]
        work.plan = replace(
            work.plan,
            train=tuple(rows[:SMALL_ROWS]),
            validation=validation,
            epochs=1,
            batch_size=SMALL_BATCH,
            eval_interval=LAST_STEP_ONLY,
        )
        return _trained(work, validation)


def _trained(work: Work, asked: Sequence[Question]) -> SeedRun:
    seed = work.plan.options.seed
    trained = work.train()
    records = work.evaluate(f"tuned-{seed}", trained.checkpoint.model, asked, BEST_PROMPT)
    check_graded(records)
    # Summaries take each model for a job, so its name must differ from that of the other seeds.
    return SeedRun(seed, trained, [replace(one, model=f"seed {seed}") for one in records])


@contextmanager
def _on_stage(options: StudyOptions, folder: Path, seed: int) -> Iterator[Work]:
    """Separate servers for one part."""
    folder.mkdir()
    with stage(folder, options.reports, seed, options.concurrency) as servers:
        work = Work(make_plan(options.demo(seed)), folder, servers)
        try:
            yield work
        except KeyboardInterrupt:
            work.cancel()
            raise
        except openai.APIError as error:
            raise WorkshopError(f"{error.message} (logs: {folder / 'logs'})") from error


@contextmanager
def _measuring(options: StudyOptions, name: str) -> Iterator[Path]:
    """A folder for the records of the parts; Ctrl-C says where they are."""
    check_writable(options.folder / f"{name}.json")
    folder = run_folder(name, options.seeds[0])
    try:
        yield folder
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped by Ctrl-C; running jobs are cancelled; the records so far are in {folder}"
        ) from None


def _write(options: StudyOptions, name: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = rounded_off(dict(figures))
    file = options.folder / f"{name}.json"
    with writing(file):
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8", newline="\n")
    print(f"Figures: {file}", flush=True)
    return found


def _seeds(before: Sequence[RolloutRecord], runs: Sequence[SeedRun]) -> dict[str, Any]:
    """All jobs together, and each of them, against the rollouts before."""
    tuned = [record for one in runs for record in one.records]
    return {
        "tuned": _side(tuned),
        "tuned_against_best": _comparison(before, tuned),
        "seeds": [
            {
                "seed": one.seed,
                "checkpoint_step": one.trained.checkpoint.step,
                **_side(one.records),
                "against_best": _comparison(before, one.records),
                "job": vars(one.trained.job),
                "curve": [vars(point) for point in one.trained.curve],
            }
            for one in runs
        ],
    }


def _side(records: Sequence[RolloutRecord]) -> dict[str, Any]:
    summary = summarise(records)
    measures = {name: triple(interval) for name, interval in summary.measures.items()}
    return {"rollouts": summary.rollouts, "measures": measures}


def _comparison(before: Sequence[RolloutRecord], after: Sequence[RolloutRecord]) -> dict[str, Any]:
    found = compare(before, after)
    return {
        name: {measure: triple(interval) for measure, interval in of.items()}
        for name, of in (("difference", found.difference), ("change", found.change))
    }
