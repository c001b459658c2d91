"""What one run of the demo works on: its questions and the length of its job, from the seed."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.reports import load
from buildhour_helpers.reports.store import REPORTS_FILE, SHIPPED, Reports
from buildhour_helpers.tasks import BEST_PROMPT, Question, load_questions
from buildhour_helpers.tasks.questions import QUESTIONS_FILE

BATCH_SIZE = 16
EVAL_INTERVAL = 5
VALIDATION_QUESTIONS = 100
REPEATS = 3
LEAST_ROWS = 10
"""The service takes no file with fewer rows."""


@dataclass(frozen=True)
class DemoOptions:
    """What the command line sets, with the same defaults; without a penalty the model's counts."""

    seed: int = 0
    steps: int = 40
    questions: int = 100
    reports: Path | None = None
    concurrency: int = 32
    json_path: Path | None = None
    reasoning_token_penalty: float | None = None


@dataclass(frozen=True)
class Plan:
    """The questions of each split that are used, and how long the job trains on them."""

    options: DemoOptions
    reports: int
    prompt: str
    train: tuple[Question, ...]
    validation: tuple[Question, ...]
    test: tuple[Question, ...]
    epochs: int
    batch_size: int = BATCH_SIZE
    eval_interval: int = EVAL_INTERVAL

    @property
    def steps(self) -> int:
        return self.epochs * ceil(len(self.train) / self.batch_size)

    def hyperparameters(self) -> dict[str, Any]:
        """Those of the job; what is left out is "auto"."""
        penalty = self.options.reasoning_token_penalty
        return {
            "n_epochs": self.epochs,
            "batch_size": self.batch_size,
            "eval_interval": self.eval_interval,
            **({} if penalty is None else {"reasoning_token_penalty": penalty}),
        }

    def in_words(self) -> dict[str, str]:
        """The settings of the run, as its report lists them."""
        epochs = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        return {
            "seed": str(self.options.seed),
            "reports": f"{self.reports:,} pages",
            "questions": f"{len(self.train)} train, {len(self.validation)} validation, "
            f"{len(self.test)} held-out",
            "training": f"{self.steps} steps of {self.batch_size} rows, {epochs}, "
            f"validated every {self.eval_interval} steps",
            "evaluation": f"{REPEATS} rollouts per held-out question, {self.options.concurrency} "
            "at once",
            "prompt": self.prompt,
        }


def make_plan(options: DemoOptions) -> Plan:
    """Choose from each split by the seed. Raises WorkshopError naming the file that is wrong."""
    try:
        reports = load(options.reports)
        questions = {
            split: _shuffled(load_questions(options.reports, split), options.seed)
            for split in ("train", "validation", "test")
        }
    except (OSError, ValueError) as error:
        raise WorkshopError(str(error)) from error
    for found in questions.values():
        _check_pages(found, reports, options.reports or SHIPPED)
    for split, found in questions.items():
        if len(found) < LEAST_ROWS:
            folder = options.reports or "data"
            raise WorkshopError(
                f"{folder}: {len(found)} questions in the split {split!r}, and at least "
                f"{LEAST_ROWS} are needed; import more of the dataset"
            )
    train, epochs = _rows_and_epochs(questions["train"], options.steps)
    return Plan(
        options=options,
        reports=len(reports),
        prompt=BEST_PROMPT,
        train=train,
        validation=questions["validation"][:VALIDATION_QUESTIONS],
        test=questions["test"][: options.questions],
        epochs=epochs,
    )


def _check_pages(questions: Iterable[Question], reports: Reports, folder: Path) -> None:
    for question in questions:
        for page in question.gold_pages:
            if page not in reports:
                raise WorkshopError(
                    f"{folder / QUESTIONS_FILE}, question {question.id}: its page {page} is not "
                    f"in {REPORTS_FILE}; import both files again, or restore them from git"
                )


def _shuffled(questions: list[Question], seed: int) -> tuple[Question, ...]:
    return tuple(random.Random(f"demo/{seed}").sample(questions, len(questions)))


def _rows_and_epochs(
    questions: tuple[Question, ...], steps: int
) -> tuple[tuple[Question, ...], int]:
    """As few epochs as reach `steps`, over as few rows as those epochs need."""
    most_steps = ceil(len(questions) / BATCH_SIZE)
    epochs = ceil(steps / most_steps)
    rows = max(LEAST_ROWS, ceil(steps / epochs) * BATCH_SIZE)
    return questions[:rows], epochs
