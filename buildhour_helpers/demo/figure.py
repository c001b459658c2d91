"""The figures: the curve of a job, and the models side by side on the same held-out questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..analysis.statistics import Interval
from .result import CurvePoint, DemoResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#777777"
"""Okabe and Ito's colours, told apart with any colour vision."""

BARS = (
    ("reward", "mean reward", "{:.2f}"),
    ("tool_calls", "tool calls", "{:.1f}"),
    ("reasoning_tokens", "reasoning tokens", "{:.0f}"),
)


def draw(result: DemoResult, folder: Path) -> Path:
    """Write `figure.svg` and `figure.png` into `folder`; returns the SVG's path."""
    bars = [(result.baseline.measures[name], result.tuned.measures[name]) for name, _, _ in BARS]
    figure = _panels([result.curve], result.checkpoint_step, bars, ("before", "after"))
    path = folder / "figure.svg"
    _save_svg(figure, path)
    figure.savefig(path.with_suffix(".png"), dpi=150)
    return path


def draw_study(study: Mapping[str, Any], path: Path) -> Path:
    """Draw the figures of a study (the JSON that it wrote) into `path`, an SVG."""
    curves = [[CurvePoint(**point) for point in seed["curve"]] for seed in study["seeds"]]
    sides = [study[name]["measures"] for name in ("first_prompt", "best_prompt", "tuned")]
    bars = [tuple(Interval(*side[name]) for side in sides) for name, _, _ in BARS]
    figure = _panels(curves, None, bars, ("first\nprompt", "best\nprompt", "tuned"))
    _save_svg(figure, path)
    return path


def _save_svg(figure: Figure, path: Path) -> None:
    """The same figure gives the same bytes."""
    with rc_context({"svg.hashsalt": "buildhour"}):
        figure.savefig(path, metadata={"Date": None})


def _panels(
    curves: Sequence[Sequence[CurvePoint]],
    checkpoint_step: int | None,
    bars: Sequence[Sequence[Interval]],
    names: Sequence[str],
) -> Figure:
    """The curves of one or more jobs, and beside them the bars of each measure."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    grid = figure.add_gridspec(1, 1 + len(BARS), width_ratios=(3, *[0.9] * len(BARS)))
    _curves(figure.add_subplot(grid[0]), curves, checkpoint_step)
    for place, (of, (_, label, number)) in enumerate(zip(bars, BARS, strict=True), 1):
        _bars(figure.add_subplot(grid[place]), of, names, label, number)
    return figure


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


def _curves(
    axes: Axes, curves: Sequence[Sequence[CurvePoint]], checkpoint_step: int | None
) -> None:
    for number, curve in enumerate(curves):
        labels = ("training rollouts", "validation") if number == 0 else ("", "")
        train = [(point.step, point.train_reward_mean) for point in curve]
        validation = [(point.step, point.valid_reward_mean) for point in curve]
        _line(axes, train, "-", GREY, labels[0])
        _line(axes, validation, "o-", ORANGE, labels[1])
    if checkpoint_step is not None:
        axes.axvline(checkpoint_step, color=BLUE, linestyle=":", label="checkpoint taken")
    axes.set(xlabel="training step", ylabel="mean reward", ylim=(0, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title("The job: live tools and grader, simulated model", fontsize=10)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)


def _line(
    axes: Axes, points: Sequence[tuple[int, float | None]], style: str, color: str, label: str
) -> None:
    """A line through the points that have a value."""
    known = [(step, value) for step, value in points if value is not None]
    axes.plot(*zip(*known, strict=True), style, color=color, linewidth=1.3, label=label)


def _bars(
    axes: Axes, bars: Sequence[Interval], names: Sequence[str], label: str, number: str
) -> None:
    places = range(len(bars))
    means = [bar.value for bar in bars]
    ends = [[bar.value - bar.low for bar in bars], [bar.high - bar.value for bar in bars]]
    colors = [GREY] * (len(bars) - 1) + [BLUE]
    axes.bar(places, means, 0.7, yerr=ends, capsize=4, color=colors)
    for place, bar in zip(places, bars, strict=True):
        text = number.format(bar.value)
        axes.annotate(
            text, (place, bar.high), (0, 3), textcoords="offset points", ha="center", fontsize=8
        )
    axes.set_xticks(places, names, fontsize=8)
    axes.set_title(label, fontsize=9)
    axes.margins(y=0.15)
    axes.spines[["top", "right"]].set_visible(False)
