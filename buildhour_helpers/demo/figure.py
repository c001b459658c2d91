"""The demo's figure: the curve of the job, and both models on the same held-out questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..analysis.statistics import Interval
    from .result import DemoResult

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#777777"
"""Okabe and Ito's colours, told apart with any colour vision."""

BARS = (
    ("reward", "mean reward", "{:.2f}"),
    ("tool_calls", "tool calls", "{:.1f}"),
    ("reasoning_tokens", "reasoning tokens", "{:.0f}"),
)


def draw(result: DemoResult, folder: Path) -> Path:
    """Write `figure.svg` and `figure.png` into `folder`; returns the SVG's path."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    grid = figure.add_gridspec(1, 1 + len(BARS), width_ratios=(3, *[0.8] * len(BARS)))
    _curve(figure.add_subplot(grid[0]), result)
    for place, (name, label, number) in enumerate(BARS, 1):
        pair = (result.baseline.measures[name], result.tuned.measures[name])
        _bars(figure.add_subplot(grid[place]), pair, label, number)
    path = folder / "figure.svg"
    figure.savefig(path, metadata={"Date": None})
    figure.savefig(path.with_suffix(".png"), dpi=150)
    return path


def alt_text(result: DemoResult) -> str:
    """What the figure shows, in words, for whoever cannot see it."""
    train = [(p.step, p.train_reward_mean) for p in result.curve if p.train_reward_mean is not None]
    before, after = result.baseline.measures, result.tuned.measures
    return (
        f"Left: mean reward of the training rollouts goes from {train[0][1]:.2f} at step "
        f"{train[0][0]} to {train[-1][1]:.2f} at step {train[-1][0]}, with validation "
        f"reward beside it and the checkpoint of step {result.checkpoint_step} marked. "
        f"Right: on held-out questions the reward goes from {before['reward'].value:.2f} to "
        f"{after['reward'].value:.2f}, tool calls from {before['tool_calls'].value:.1f} to "
        f"{after['tool_calls'].value:.1f}, reasoning tokens from "
        f"{before['reasoning_tokens'].value:.0f} to {after['reasoning_tokens'].value:.0f}."
    )


def _curve(axes: Axes, result: DemoResult) -> None:
    train = [(point.step, point.train_reward_mean) for point in result.curve]
    validation = [(point.step, point.valid_reward_mean) for point in result.curve]
    _line(axes, train, "-", GREY, "training rollouts")
    _line(axes, validation, "o-", ORANGE, "validation")
    axes.axvline(result.checkpoint_step, color=BLUE, linestyle=":", label="checkpoint taken")
    axes.set(xlabel="training step", ylabel="mean reward", ylim=(0, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title("The job: live tools and grader, simulated model", fontsize=10)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)


def _line(
    axes: Axes, points: Sequence[tuple[int, float | None]], style: str, color: str, label: str
) -> None:
    """A line through the points that have a value."""
    known = [(step, value) for step, value in points if value is not None]
    axes.plot(*zip(*known, strict=True), style, color=color, linewidth=1.3, label=label)


def _bars(axes: Axes, pair: tuple[Interval, Interval], label: str, number: str) -> None:
    means = [measured.value for measured in pair]
    below = [m.value - m.low for m in pair]
    above = [m.high - m.value for m in pair]
    axes.bar([0, 1], means, 0.7, yerr=[below, above], capsize=4, color=[GREY, BLUE])
    for place, measured in enumerate(pair):
        text = number.format(measured.value)
        above_bar = (place, measured.high)
        axes.annotate(text, above_bar, (0, 3), textcoords="offset points", ha="center")
    axes.set_xticks([0, 1], ["before", "after"])
    axes.set_title(label, fontsize=9)
    axes.margins(y=0.15)
    axes.spines[["top", "right"]].set_visible(False)
