"""Several seeds of the demo on all held-out questions: first prompt, best prompt, tuned agent.

The base model answers the same request alike, whatever the seed, so its two prompts are measured
once; each seed then shuffles the training questions, samples the rollouts and trains.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openai
from tqdm.auto import tqdm

from authoring.parallel import Part, run_parts
from authoring.recordings.runs import triple
from buildhour_helpers.analysis.summaries import Comparison, compare, summarise, varying_share
from buildhour_helpers.demo.plan import REPEATS, DemoOptions, Plan, make_plan
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.run import check_graded, check_writable, run_folder
from buildhour_helpers.demo.stage import stage
from buildhour_helpers.demo.work import BASE_MODEL, Trained, Work
from buildhour_helpers.errors import Interrupted, WorkshopError, writing
from buildhour_helpers.home import repository
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.tasks import FIRST_PROMPT

ALL_QUESTIONS = 1_000_000


@dataclass(frozen=True)
class StudyOptions:
    """What the command line sets. None stands for the default."""

    seeds: tuple[int, ...]
    out: Path
    steps: int | None = None
    questions: int | None = None
    reports: Path | None = None
    concurrency: int = 32
    reasoning_token_penalty: float | None = None

    def command(self) -> str:
        """The command that gives these figures again."""
        words = ["python", "-m", "authoring.study", "--seeds", *map(str, self.seeds)]
        words += ["--steps", str(self.steps)] if self.steps else []
        words += ["--questions", str(self.questions)] if self.questions else []
        words += ["--reports", str(self.reports)] if self.reports else []
        if self.reasoning_token_penalty is not None:
            words += ["--reasoning-token-penalty", f"{self.reasoning_token_penalty:g}"]
        root = repository()
        out = self.out.relative_to(root) if self.out.is_relative_to(root) else self.out
        return shlex.join([*words, "--out", out.as_posix()])

    def demo(self, seed: int) -> DemoOptions:
        questions = self.questions or ALL_QUESTIONS
        steps = self.steps or DemoOptions.steps
        return DemoOptions(
            seed=seed,
            steps=steps,
            questions=questions,
            reports=self.reports,
            concurrency=self.concurrency,
            reasoning_token_penalty=self.reasoning_token_penalty,
        )


@dataclass(frozen=True)
class SeedRun:
    """One seed's job and its rollouts on the held-out questions."""

    seed: int
    trained: Trained
    records: list[RolloutRecord]


def run(options: StudyOptions) -> dict[str, Any]:
    """Measure, and write the figures to `options.out`; returns them.

    As many jobs run at once as the machine has pairs of cores, each on servers of its own: that
    changes no figure but wall time. Raises WorkshopError with the fix, or Interrupted when
    Ctrl-C came.
    """
    check_writable(options.out)
    plan = make_plan(options.demo(options.seeds[0]))
    folder = run_folder("study", options.seeds[0])
    parts: list[Part] = [(evaluate_base, options, folder, p) for p in (FIRST_PROMPT, plan.prompt)]
    parts += [(run_seed, options, folder, seed) for seed in options.seeds]
    try:
        first, best, *runs = tqdm(run_parts(parts), "study", len(parts), unit="part")
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped by Ctrl-C; running jobs are cancelled; the records so far are in {folder}"
        ) from None
    for records in (first, best, *(one.records for one in runs)):
        check_graded(records)
    figures: dict[str, Any] = rounded_off(_figures(options, plan, first, best, runs))
    text = json.dumps(figures, indent=1) + "\n"
    with writing(options.out):
        options.out.write_text(text, encoding="utf-8", newline="\n")
    print(f"Figures: {options.out}\nRecords: {folder}")
    return figures


def evaluate_base(options: StudyOptions, folder: Path, prompt: str) -> list[RolloutRecord]:
    """The base model's rollouts on the held-out questions."""
    name = "first-prompt" if prompt == FIRST_PROMPT else "best-prompt"
    with _on_stage(options, folder / name, options.seeds[0]) as work:
        return work.evaluate(name, BASE_MODEL, work.plan.test, prompt)


def run_seed(options: StudyOptions, folder: Path, seed: int) -> SeedRun:
    """A job of this seed, and its model's rollouts on the held-out questions."""
    with _on_stage(options, folder / f"seed-{seed}", seed) as work:
        trained = work.train()
        plan = work.plan
        records = work.evaluate(f"tuned-{seed}", trained.checkpoint.model, plan.test, plan.prompt)
    return SeedRun(seed, trained, records)


@contextmanager
def _on_stage(options: StudyOptions, folder: Path, seed: int) -> Iterator[Work]:
    """Separate servers for one part; the held-out questions are those of the first seed."""
    folder.mkdir()
    test = make_plan(options.demo(options.seeds[0])).test
    plan = replace(make_plan(options.demo(seed)), test=test)
    with stage(folder, options.reports, seed, options.concurrency) as servers:
        work = Work(plan, folder, servers)
        try:
            yield work
        except KeyboardInterrupt:
            work.cancel()
            raise
        except openai.APIError as error:
            raise WorkshopError(f"{error.message} (logs: {folder / 'logs'})") from error


def _figures(
    options: StudyOptions,
    plan: Plan,
    first: Sequence[RolloutRecord],
    best: Sequence[RolloutRecord],
    runs: Sequence[SeedRun],
) -> dict[str, Any]:
    tuned = [record for one in runs for record in one.records]
    return {
        "command": options.command(),
        "model": "simulated",
        "reports": plan.reports,
        "questions": {
            "train": len(plan.train),
            "validation": len(plan.validation),
            "test": len(plan.test),
        },
        "repeats": REPEATS,
        "first_prompt": _side(first),
        "best_prompt": {**_side(best), "varying_share": varying_share(best)},
        "tuned": _side(_as_one(tuned)),
        "prompt_against_first": _comparison(compare(first, best)),
        "tuned_against_best": _comparison(compare(best, tuned)),
        "seeds": [
            {
                "seed": one.seed,
                "checkpoint_step": one.trained.checkpoint.step,
                **_side(one.records),
                "against_best": _comparison(compare(best, one.records)),
                "job": vars(one.trained.job),
                "curve": [vars(point) for point in one.trained.curve],
            }
            for one in runs
        ],
    }


def _as_one(records: Sequence[RolloutRecord]) -> list[RolloutRecord]:
    """The rollouts of several seeds as those of one model."""
    return [replace(record, model="tuned, all seeds") for record in records]


def _side(records: Sequence[RolloutRecord]) -> dict[str, Any]:
    summary = summarise(records)
    measures = {name: triple(interval) for name, interval in summary.measures.items()}
    return {"model": summary.model, "rollouts": summary.rollouts, "measures": measures}


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "difference": {name: triple(found) for name, found in comparison.difference.items()},
        "change": {name: triple(found) for name, found in comparison.change.items()},
    }
