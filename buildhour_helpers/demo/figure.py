"""The first chart: the curve of a job, and the models side by side on held-out questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from buildhour_helpers.analysis.figures import Chart
from buildhour_helpers.analysis.figures.chart import AFTER, BEFORE, BLUE, GREY, ORANGE, styled
from buildhour_helpers.analysis.figures.training import penalty_in_words
from buildhour_helpers.analysis.statistics import Interval
from buildhour_helpers.demo.result import CurvePoint, DemoResult

BARS = (
    ("reward", "mean reward", ".2f"),
    ("tool_calls", "tool calls per rollout", ".1f"),
    ("reasoning_tokens", "reasoning tokens per rollout", ".0f"),
)
NOTE = "simulated model; live tools and grader"


@styled
def draw(result: DemoResult) -> Chart:
    """The job of a demo, and the model before and after it."""
    before, after = result.baseline.measures, result.tuned.measures
    gain = result.comparison.difference["reward"]
    verdict = "" if gain.is_clear_of_zero else ", not clear of zero"
    said = note(result.job.reasoning_token_penalty, "whiskers: 95% over questions, one job")
    chart = Chart(f"Reward on held-out questions: {gain:+.2f}{verdict}", note=said)
    bars = [(before[name], after[name]) for name, _, _ in BARS]
    draw_panels(chart, [result.curve], result.checkpoint_step, bars, ("before", "after"))
    chart.describe(_in_words(result))
    return chart


def note(penalty: float | None, *others: str) -> str:
    """What stands under a figure of jobs that trained with this penalty."""
    return "; ".join(filter(None, (NOTE, penalty_in_words(penalty), *others)))


def save(chart: Chart, folder: Path) -> Path:
    """Write `figure.svg` and `figure.png` into `folder`; returns the SVG's path."""
    path = folder / "figure.svg"
    path.write_bytes(chart.svg())
    path.with_suffix(".png").write_bytes(chart.png())
    return path


def _in_words(result: DemoResult) -> str:
    """The alternative text."""
    train = [(p.step, p.train_reward_mean) for p in result.curve if p.train_reward_mean is not None]
    before, after = result.baseline.measures, result.tuned.measures
    changes = ", ".join(
        f"{label} from {before[name].value:{number}} to {after[name].value:{number}}"
        for name, label, number in BARS
    )
    curve = (
        f"mean reward of the training rollouts goes from {train[0][1]:.2f} at step {train[0][0]} "
        f"to {train[-1][1]:.2f} at step {train[-1][0]}"
        if train
        else "no training rollout has a reward"
    )
    return (
        f"Left: {curve}, with validation reward beside it and the checkpoint of step "
        f"{result.checkpoint_step} marked. Right: on held-out questions {changes}."
    )


def draw_panels(
    chart: Chart,
    curves: Sequence[Sequence[CurvePoint]],
    checkpoint_step: int | None,
    bars: Sequence[Sequence[Interval]],
    names: Sequence[str],
    dots: Sequence[Sequence[float]] | None = None,
) -> None:
    """The curves of one or more jobs, and beside them the bars of each measure.

    `dots` are the single jobs' means of each measure, drawn on the last bar.
    """
    grid = chart.add_gridspec(1, 1 + len(BARS), width_ratios=(2.4, *[1] * len(BARS)))
    _curves(chart.add_subplot(grid[0]), curves, checkpoint_step)
    for column, (of, (_, label, number)) in enumerate(zip(bars, BARS, strict=True), 1):
        axes = chart.add_subplot(grid[column])
        _bars(axes, of, names, label, number)
        if dots:
            of_jobs = dots[column - 1]
            # Side by side in the order of the jobs, so that equal ones do not hide each other.
            at = len(of) - 1 + np.linspace(-0.22, 0.22, len(of_jobs))
            axes.plot(at, of_jobs, "o", color="white", markeredgecolor="black", markersize=4)


def _curves(
    axes: Axes, curves: Sequence[Sequence[CurvePoint]], checkpoint_step: int | None
) -> None:
    for number, curve in enumerate(curves):
        labels = ("training rollouts", "validation") if number == 0 else ("", "")
        train = [(point.step, point.train_reward_mean) for point in curve]
        validation = [(point.step, point.valid_reward_mean) for point in curve]
        # Every training step is noisy; where there are several jobs, their validation stands out.
        _line(axes, train, "-", BLUE, labels[0], alpha=1 if len(curves) == 1 else 0.4)
        _line(axes, validation, "s--", ORANGE, labels[1], zorder=3)
    if checkpoint_step is not None:
        axes.axvline(checkpoint_step, color=GREY, linestyle=":", label="checkpoint taken")
    axes.set(xlabel="training step", ylabel="mean reward", ylim=(0, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(loc="upper left")


def _line(
    axes: Axes,
    points: Sequence[tuple[int, float | None]],
    style: str,
    color: str,
    label: str,
    **look: Any,
) -> None:
    """A line through the points that have a value."""
    known = [(step, value) for step, value in points if value is not None]
    at, values = zip(*known, strict=True) if known else ((), ())
    axes.plot(at, values, style, color=color, linewidth=1.2, markersize=4, label=label, **look)


def _bars(
    axes: Axes, bars: Sequence[Interval], names: Sequence[str], label: str, number: str
) -> None:
    """A bar with its whiskers for each side, its value under its name."""
    positions = range(len(bars))
    means = [bar.value for bar in bars]
    ends = [[bar.value - bar.low for bar in bars], [bar.high - bar.value for bar in bars]]
    colors = (GREY, BEFORE, AFTER)[-len(bars) :]
    axes.bar(positions, means, 0.7, yerr=ends, capsize=4, color=colors)
    ticks = [f"{bar.value:{number}}\n{name}" for name, bar in zip(names, bars, strict=True)]
    axes.set_xticks(positions, ticks, fontsize=7)
    axes.set_ylabel(label)
