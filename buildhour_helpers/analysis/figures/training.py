"""A job over its steps, from the `data` of its metrics events (`jobs.step_of`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from buildhour_helpers.analysis.figures.chart import (
    BLUE,
    ORANGE,
    TOOL_COLOURS,
    VERMILION,
    Chart,
    panels,
    percent,
    styled,
)
from buildhour_helpers.analysis.statistics import Floats

Steps = Sequence[Mapping[str, Any]]

WINDOW = 5  # steps that the smoothed line and its band look over


def column(steps: Steps, name: str) -> Floats:
    """A number of every step, NaN where the step has none. `name` may be a path: `a.b.c`."""
    return np.array([_at(step, name) for step in steps], dtype=np.float64)


def _at(step: Mapping[str, Any], name: str) -> float:
    value: Any = step
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return np.nan if value is None else float(value)


@styled
def training_curves(steps: Steps, *, note: str = "") -> Chart:
    """Reward, tool calls and reasoning tokens over the steps.

    The line is the mean over five neighbouring steps, the band their least and greatest value,
    the dots the steps themselves. Validation has a mark where a step was validated.
    """
    _need(steps)
    train = column(steps, "train_mean_reward")
    valid = column(steps, "full_valid_mean_reward")
    calls = column(steps, "tool_calls_per_rollout")
    tokens = column(steps, "reasoning_tokens_mean")
    measured = valid if np.isfinite(valid).sum() > 1 else train
    what = "validation" if measured is valid else "training"
    first, last = _ends(measured)
    chart = Chart(f"{what.capitalize()} reward went from {first:.2f} to {last:.2f}", note=note)
    chart.set_size_inches(9.5, 3.4)
    axes = panels(chart, 3)
    _curve(axes[0], steps, train, "Mean reward", label="train")
    shown = np.isfinite(valid)
    if shown.any():
        at = column(steps, "step")[shown]
        axes[0].plot(at, valid[shown], "s--", color=ORANGE, label="validation")
    axes[0].legend(loc="best")
    _curve(axes[1], steps, calls, "Tool calls per rollout")
    _curve(axes[2], steps, tokens, "Reasoning tokens per rollout")
    for axis in axes[1:]:
        axis.set_ylim(bottom=0)
    chart.describe(
        f"Three curves over {len(steps)} steps. Training reward from {_from_to(train)}, "
        f"tool calls per rollout from {_from_to(calls)}, "
        f"reasoning tokens per rollout from {_from_to(tokens)}."
    )
    return chart


def _curve(axis: Axes, steps: Steps, values: Floats, title: str, label: str = "") -> None:
    at = column(steps, "step")
    mean, low, high = smoothed(values)
    axis.fill_between(at, low, high, color=BLUE, alpha=0.15, linewidth=0)
    axis.plot(at, values, ".", color=BLUE, alpha=0.5, markersize=4)
    axis.plot(at, mean, color=BLUE, label=label or None)
    axis.set_title(title)
    _step_axis(axis)


def smoothed(values: Floats, window: int = WINDOW) -> tuple[Floats, Floats, Floats]:
    """Mean, least and greatest over a centred window, which is shorter at both ends."""
    half = window // 2
    parts = [values[max(0, i - half) : i + half + 1] for i in range(len(values))]
    known = [part[np.isfinite(part)] for part in parts]
    rows = [(p.mean(), p.min(), p.max()) if len(p) else (np.nan,) * 3 for p in known]
    mean, low, high = np.array(rows, dtype=np.float64).T
    return mean, low, high


@styled
def tool_mix(steps: Steps, *, note: str = "") -> Chart:
    """Tool calls per rollout, stacked by tool."""
    _need(steps)
    names = sorted({name for step in steps for name in step["tool_calls_by_name"]})
    rollouts = column(steps, "usage.train.rollouts")
    mix = {name: _known(column(steps, f"tool_calls_by_name.{name}")) / rollouts for name in names}
    total = sum(mix.values(), start=np.zeros(len(steps)))
    first, last = _ends(total)
    chart = Chart(f"Tool calls per rollout went from {first:.1f} to {last:.1f}", note=note)
    axis = chart.subplots()
    base = np.zeros(len(steps))
    for name, colour in zip(mix, TOOL_COLOURS * len(mix), strict=False):
        axis.bar(column(steps, "step"), mix[name], 0.9, bottom=base, color=colour, label=name)
        base = base + mix[name]
    axis.set_ylabel("calls per rollout")
    axis.legend(ncols=len(mix), loc="lower left", bbox_to_anchor=(0, 1))
    _step_axis(axis)
    parts = ", ".join(f"{name} from {_from_to(values)}" for name, values in mix.items())
    chart.describe(f"Stacked bars over {len(steps)} steps: {parts} calls per rollout.")
    return chart


@styled
def unusable_rollouts(steps: Steps, *, note: str = "") -> Chart:
    """What a step could not learn from: groups without variance, and discarded rollouts."""
    _need(steps)
    flat = column(steps, "mean_unresponsive_rewards")
    discarded = column(steps, "errors.train_discarded") / column(steps, "usage.train.rollouts")
    finding = (
        f"{percent(float(np.nanmean(flat)))} of groups had no variance, "
        f"{percent(float(np.nanmean(discarded)))} of rollouts were discarded"
    )
    chart = Chart(finding, note=note)
    axis = chart.subplots()
    at = column(steps, "step")
    axis.plot(at, flat, "o-", color=BLUE, markersize=3, label="groups without variance")
    axis.plot(at, discarded, "s--", color=VERMILION, markersize=3, label="discarded rollouts")
    axis.set_ylim(-0.02, 1.02)
    axis.yaxis.set_major_formatter(PercentFormatter(1.0))
    axis.set_ylabel("share of the step")
    axis.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    _step_axis(axis)
    chart.describe(
        f"Two lines over {len(steps)} steps: groups without variance from {_from_to(flat)}, "
        f"discarded rollouts from {_from_to(discarded)}, as shares."
    )
    return chart


def _step_axis(axis: Axes) -> None:
    axis.set_xlabel("training step")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _known(values: Floats) -> Floats:
    return np.nan_to_num(values)


def _ends(values: Floats) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return (float(known[0]), float(known[-1])) if len(known) else (np.nan, np.nan)


def _from_to(values: Floats) -> str:
    first, last = _ends(values)
    return f"{first:.2f} to {last:.2f}"


def _need(steps: Steps) -> None:
    if not steps:
        raise ValueError("no steps to draw; the job has no metrics event yet")
