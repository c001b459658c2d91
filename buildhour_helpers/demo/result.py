"""The demo's result: two models on the same held-out questions, and the job between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from buildhour_helpers.analysis.summaries import Comparison, Summary

DIGITS = 6
"""Results are rounded to these, so that they do not depend on a platform's last bit of a sum."""

ONE_JOB = (
    "Brackets: 95% bootstrap intervals over the questions, for this one job; "
    "another seed gives other numbers."
)
"""What the intervals of a single run leave out."""


@dataclass(frozen=True)
class Column:
    """A measure of the table: its name in a summary, its label, how a number is written."""

    name: str
    label: str
    number: str


COLUMNS = (
    Column("reward", "mean reward", ".3f"),
    Column("accuracy", "accuracy (reward of 1)", ".3f"),
    Column("tool_calls", "tool calls per rollout", ".2f"),
    Column("turns", "turns per rollout", ".2f"),
    Column("reasoning_tokens", "reasoning tokens per rollout", ".0f"),
    Column("latency_s", "simulated latency, s", ".2f"),
)


@dataclass(frozen=True)
class JobSummary:
    """What the job did in all, training and validation together, and the penalty that it trained
    with (per 1,000 reasoning tokens)."""

    id: str
    steps: int
    rollouts: int
    discarded: int
    tool_calls: int
    reasoning_token_penalty: float
    wall_s: float


@dataclass(frozen=True)
class CurvePoint:
    """One training step; `valid_reward_mean` is None where nothing was validated."""

    step: int
    train_reward_mean: float | None
    valid_reward_mean: float | None
    tool_calls_mean: float | None


@dataclass(frozen=True)
class DemoResult:
    """What a run of the demo found; `questions` counts those of each split.

    `comparison` is tuned against baseline, paired by question.
    """

    seed: int
    reports: int
    questions: dict[str, int]
    baseline: Summary
    tuned: Summary
    checkpoint_step: int
    comparison: Comparison
    job: JobSummary
    curve: tuple[CurvePoint, ...]

    def to_json(self) -> dict[str, Any]:
        """The keys that `--json` documents."""
        reward = self.comparison.difference["reward"]
        found = {
            "seed": self.seed,
            "reports": self.reports,
            "questions": self.questions,
            "baseline": self.baseline.to_json(),
            "tuned": {**self.tuned.to_json(), "checkpoint_step": self.checkpoint_step},
            "difference": {"mean_reward": reward.value, "ci95": [reward.low, reward.high]},
            "job": {**vars(self.job), "wall_s": round(self.job.wall_s, 1)},
            "curve": [vars(point) for point in self.curve],
        }
        rounded: dict[str, Any] = rounded_off(found)
        return rounded

    def table(self) -> list[tuple[str, str, str, str]]:
        """Label, before, after and difference of each measure, as text."""
        return [
            (
                column.label,
                format(self.baseline.measures[column.name], column.number),
                format(self.tuned.measures[column.name], column.number),
                format(self.comparison.difference[column.name], f"+{column.number}"),
            )
            for column in COLUMNS
        ]

    def text_table(self) -> str:
        """The table for a terminal, in columns under a heading."""
        rows = [("", "before", "after", "difference"), *self.table()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )

    def headline(self) -> str:
        """The finding in one sentence, whichever way it went."""
        before, after = self.baseline.measures, self.tuned.measures
        reward = self.comparison.difference["reward"]
        clear = "clear of zero" if reward.is_clear_of_zero else "which is not clear of zero"
        return (
            f"On {self.questions['test']} held-out questions the mean reward went from "
            f"{before['reward'].value:.3f} to {after['reward'].value:.3f} (difference "
            f"{reward.value:+.3f}, 95% interval {reward.low:+.3f} to {reward.high:+.3f}, {clear}), "
            f"with {before['tool_calls'].value:.1f} tool calls per rollout before and "
            f"{after['tool_calls'].value:.1f} after."
        )


def rounded_off(value: Any) -> Any:
    """The same JSON with every float rounded to DIGITS."""
    if isinstance(value, dict):
        return {key: rounded_off(part) for key, part in value.items()}
    if isinstance(value, list):
        return [rounded_off(part) for part in value]
    return round(value, DIGITS) if isinstance(value, float) else value
