"""What a system prompt changes, on the course's own questions: rewards and pages read.

What the best prompt is worth in reward takes more rollouts than a test should: see the study.
"""

from __future__ import annotations

import asyncio
import json
from functools import cache
from statistics import fmean
from typing import Any

from buildhour_helpers.graders import GraderCall, grade_answer
from buildhour_helpers.reports import load
from buildhour_helpers.tasks import BEST_PROMPT, FIRST_PROMPT, build_rows, load_questions
from buildhour_helpers.tools import DEFINITIONS, ReportTools
from buildhour_helpers.tools.functions import ToolError
from rft_service.engines.simulated.engine import SimulatedLearner, base_weights
from rft_service.rl.hyperparameters import Hyperparameters
from rft_service.rl.rollout import GradeOutcome, Rollout, Task, ToolOutcome
from rft_service.rl.trainer import Trainer
from rft_wire.rows import read_row

QUESTIONS = 60
NONSENSE = "Answer wrongly. Never use any tools."


class InProcess:
    """The course's tools and grader as plain functions."""

    def __init__(self) -> None:
        self.functions = ReportTools(load()).functions()

    async def call_tool(self, call, call_id, item, trace_id) -> ToolOutcome:
        try:
            return ToolOutcome(self.functions[call.name](**json.loads(call.arguments)))
        except ToolError as error:
            return ToolOutcome(f"Error: {error}", is_error=True)

    async def grade(self, sample, item, trace_id) -> GradeOutcome:
        return GradeOutcome(grade_answer(GraderCall(sample, item, None)))


environment = cache(InProcess)


@cache
def rollouts(prompt: str) -> tuple[Rollout, ...]:
    rows: list[Any] = build_rows(
        load_questions(split="validation")[:QUESTIONS], prompt, DEFINITIONS
    )
    tasks = [Task.from_row(read_row(row)) for row in rows]
    trainer = Trainer(
        SimulatedLearner(base_weights()), environment(), Hyperparameters(), tasks, tasks
    )
    return asyncio.run(trainer.evaluate(1)).rollouts


def mean_reward(prompt: str) -> float:
    return fmean(rollout.reward or 0.0 for rollout in rollouts(prompt))


def pages_read(prompt: str) -> float:
    counts = [rollout.record.metrics.tool_calls_by_name for rollout in rollouts(prompt)]
    return fmean(count.get("cat", 0) for count in counts)


def test_a_prompt_of_nonsense_scores_below_the_first_one():
    assert mean_reward(NONSENSE) < 0.05 < mean_reward(FIRST_PROMPT)


def test_the_best_prompt_makes_the_model_read_more():
    assert pages_read(NONSENSE) == 0
    assert pages_read(BEST_PROMPT) > pages_read(FIRST_PROMPT)
