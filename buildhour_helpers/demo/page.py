"""The demo's report: one HTML file with its charts in it, and what it says of the simulation."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import platform, python_version
from typing import Any

from jinja2 import Environment, PackageLoader

from buildhour_helpers.analysis import figures
from buildhour_helpers.analysis.figures import Chart
from buildhour_helpers.analysis.figures.training import penalty_in_words
from buildhour_helpers.analysis.summaries import by_question, question_means
from buildhour_helpers.demo import figure
from buildhour_helpers.demo.plan import Plan
from buildhour_helpers.demo.result import ONE_JOB, DemoResult
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.tasks import Question
from buildhour_helpers.tasks.splits import company
from rft_traces import Trace, pair_html, style

PACKAGES = ("agent-rft-workshop", "openai", "numpy", "fastapi", "bm25s", "matplotlib")
"""Whose versions the report names, beside Python's."""

REAL = (
    "Real: the training and the wire. The job was launched through the unmodified openai client; "
    "every rollout called the tools and the grader over HTTP; the weights changed by nothing but "
    "the rewards that came back; no held-out question was trained on{companies}."
)
SIMULATED = (
    "Simulated: the model. A small stochastic agent with some 2,700 weights takes the place of a "
    "language model, so its gain does not predict a large model's; its latency is computed from "
    "its tokens."
)
GENERATED = "Generated: the reports, pages of fictional companies written by a seeded program."


@dataclass(frozen=True)
class Example:
    """One question with a rollout of each model."""

    question: Question
    before: Trace
    after: Trace


def write(
    result: DemoResult,
    plan: Plan,
    charts: Sequence[Chart],
    example: Example | None,
    file: Path,
) -> Path:
    """Render the report into `file`; the charts are in reading order."""
    templates = Environment(loader=PackageLoader("buildhour_helpers.demo", "."), autoescape=True)
    text = templates.get_template("report.html").render(
        result=result,
        headline=result.headline(),
        rows=result.table(),
        one_job=ONE_JOB,
        pictures=[
            (chart.finding, base64.b64encode(chart.svg()).decode(), chart.alt_text())
            for chart in charts
        ],
        simulated=simulated_in_words(plan),
        settings={**plan.in_words(), "training reward": in_training(result)},
        versions={
            "Python": f"{python_version()} on {platform(terse=True)}",
            **{name: version(name) for name in PACKAGES},
        },
        example=example,
        pair=pair_html(example.before, example.after) if example else "",
        trace_style=style(),
    )
    file.write_text(text, encoding="utf-8", newline="\n")
    return file


def in_training(result: DemoResult) -> str:
    penalty = penalty_in_words(result.job.reasoning_token_penalty)
    return f"the grader's reward minus a {penalty}; all rewards shown are without it"


def simulated_in_words(plan: Plan) -> list[str]:
    """What was simulated in the run and what was real, a paragraph each."""
    apart = {company(q) for q in plan.train}.isdisjoint(company(q) for q in plan.test)
    real = REAL.format(companies=", nor any question about its company" if apart else "")
    return [SIMULATED, *([] if plan.options.reports else [GENERATED]), real]


def draw_charts(
    result: DemoResult,
    steps: Sequence[Mapping[str, Any]],
    before: Sequence[RolloutRecord],
    after: Sequence[RolloutRecord],
) -> list[Chart]:
    """The charts of the report in reading order: the result, the job, then the rollouts."""
    return [
        figure.draw(result),
        figures.training_curves(steps, note=figure.NOTE),
        figures.tool_mix(steps, note=figure.NOTE),
        figures.unusable_rollouts(steps, note=figure.NOTE),
        figures.reward_variance(before),
        figures.question_deltas(before, after),
        figures.reward_against_latency(before, after),
        figures.tool_transitions(before, after),
        figures.distributions({"before": before, "after": after}),
    ]


def most_gained(
    questions: Sequence[Question],
    before: Sequence[RolloutRecord],
    after: Sequence[RolloutRecord],
) -> Example | None:
    """The question that gained most reward: its worst rollout before, its best one after.

    None where no question was graded on both sides.
    """
    was, became = question_means(before, "reward"), question_means(after, "reward")
    both = [question for question in questions if question.id in was and question.id in became]
    if not both:
        return None
    shown = max(both, key=lambda question: became[question.id] - was[question.id])
    worst = min(by_question(before)[shown.id], key=_reward)
    best = max(by_question(after)[shown.id], key=_reward)
    return Example(shown, _trace(worst), _trace(best))


def _reward(record: RolloutRecord) -> float:
    return record.reward or 0.0


def _trace(record: RolloutRecord) -> Trace:
    return Trace.of(record.to_json())
