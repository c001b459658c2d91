"""The demo's figures: two models on the same held-out questions, and the job between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DIGITS = 6
"""To which the figures are rounded, so that the last bit of a sum differs on no platform."""


@dataclass(frozen=True)
class Measured:
    """A mean over rollouts with its 95% bootstrap interval over questions."""

    mean: float
    ci95: tuple[float, float]


@dataclass(frozen=True)
class Measure:
    """A column of the table: its name in the records, its label, how a number is written."""

    name: str
    label: str
    number: str


MEASURES = (
    Measure("reward", "mean reward", "{:.3f}"),
    Measure("accuracy", "accuracy (reward 1)", "{:.3f}"),
    Measure("tool_calls", "tool calls per rollout", "{:.2f}"),
    Measure("reasoning_tokens", "reasoning tokens per rollout", "{:.0f}"),
    Measure("latency_s", "simulated latency, s", "{:.2f}"),
)


@dataclass(frozen=True)
class Side:
    """One model on the held-out questions. `measured` has an entry for each of MEASURES."""

    model: str
    measured: dict[str, Measured]
    rollouts: int
    checkpoint_step: int | None = None


@dataclass(frozen=True)
class Sizes:
    """How many questions of each split were used."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class JobSummary:
    """What the job did in all, training and validation together; `wall_s` in seconds."""

    id: str
    steps: int
    rollouts: int
    discarded: int
    tool_calls: int
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
    """Everything that a run of the demo found. `difference` is tuned less baseline, paired."""

    seed: int
    reports: int
    questions: Sizes
    baseline: Side
    tuned: Side
    difference: dict[str, Measured]
    job: JobSummary
    curve: tuple[CurvePoint, ...]

    def to_json(self) -> dict[str, Any]:
        """The keys that `--json` documents."""
        reward = self.difference["reward"]
        return {
            "seed": self.seed,
            "reports": self.reports,
            "questions": vars(self.questions),
            "baseline": _side_json(self.baseline),
            "tuned": {**_side_json(self.tuned), "checkpoint_step": self.tuned.checkpoint_step},
            "difference": {"mean_reward": _round(reward.mean), "ci95": _pair(reward)},
            "job": {**vars(self.job), "wall_s": round(self.job.wall_s, 1)},
            "curve": [{k: _round(v) for k, v in vars(point).items()} for point in self.curve],
        }

    def table(self) -> list[tuple[str, str, str, str]]:
        """Label, before, after and difference of each measure, as text."""
        return [
            (
                measure.label,
                _words(self.baseline.measured[measure.name], measure.number),
                _words(self.tuned.measured[measure.name], measure.number),
                _words(self.difference[measure.name], measure.number.replace(":", ":+")),
            )
            for measure in MEASURES
        ]

    def headline(self) -> str:
        """The finding in one sentence, whichever way it went."""
        before, after = self.baseline.measured, self.tuned.measured
        low, high = self.difference["reward"].ci95
        clear = "clear of" if low > 0 or high < 0 else "not clear of"
        return (
            f"On {self.questions.test} held-out questions the mean reward went from "
            f"{before['reward'].mean:.3f} to {after['reward'].mean:.3f} (difference "
            f"{self.difference['reward'].mean:+.3f}, 95% interval {low:+.3f} to {high:+.3f}, "
            f"{clear} zero), with {before['tool_calls'].mean:.1f} tool calls per rollout before "
            f"and {after['tool_calls'].mean:.1f} after."
        )


def _side_json(side: Side) -> dict[str, Any]:
    measured = side.measured
    return {
        "model": side.model,
        "mean_reward": _round(measured["reward"].mean),
        "ci95": _pair(measured["reward"]),
        "accuracy": _round(measured["accuracy"].mean),
        "tool_calls_mean": _round(measured["tool_calls"].mean),
        "reasoning_tokens_mean": _round(measured["reasoning_tokens"].mean),
        "latency_s_mean": _round(measured["latency_s"].mean),
        "rollouts": side.rollouts,
    }


def _round(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else round(value, DIGITS)


def _pair(measured: Measured) -> list[float]:
    return [round(end, DIGITS) for end in measured.ci95]


def _words(measured: Measured, number: str) -> str:
    low, high = (number.format(end) for end in measured.ci95)
    return f"{number.format(measured.mean)} [{low}, {high}]"
