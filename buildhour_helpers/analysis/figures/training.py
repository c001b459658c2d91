"""A job over its steps, from the `data` of its metrics events (`jobs.step_of`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from buildhour_helpers.analysis.figures.chart import (
    BLUE,
    GREY,
    ORANGE,
    Chart,
    need,
    panels,
    percent,
    percent_tick,
    styled,
)
from buildhour_helpers.analysis.statistics import Floats

Steps = Sequence[Mapping[str, Any]]

WINDOW = 5  # steps that the smoothed line and its band look over
MOST_TOOLS = 6  # with a separate panel; the rest are added up
COLUMNS = 4  # of panels beside each other


def column(steps: Steps, name: str) -> Floats:
    """A number of every step, NaN if the step has none. `name` may be a path: `a.b.c`."""
    return np.array([_at(step, name) for step in steps], dtype=np.float64)


def _at(step: Mapping[str, Any], name: str) -> float:
    value: Any = step
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return np.nan if value is None else float(value)


@styled
def training_curves(steps: Steps, *, note: str = "") -> Chart:
    """Reward, tool calls and reasoning tokens over the steps, in training and in validation.

    The line is the mean over five neighbouring steps, the band their least and greatest value,
    the dots the steps themselves. Validation has a mark at each validated step. The note ends with
    the penalty on reasoning tokens, which training had and these rewards have not.
    """
    _need_steps(steps)
    penalty = penalty_in_words(steps[0].get("reasoning_token_penalty"))
    note = "; ".join(filter(None, (note, penalty)))
    train = column(steps, "train_mean_reward")
    valid = column(steps, "full_valid_mean_reward")
    chart = Chart(_reward_in_words(train, valid), note=note, height=3.4)
    curves = {
        "Mean reward": (train, valid),
        "Tool calls per rollout": (
            column(steps, "tool_calls_per_rollout"),
            _per_rollout(steps, "tool_calls"),
        ),
        "Reasoning tokens per rollout": (
            column(steps, "reasoning_tokens_mean"),
            _per_rollout(steps, "reasoning_tokens"),
        ),
    }
    words = []
    for axis, (title, (trained, validated)) in zip(panels(chart, 3), curves.items(), strict=True):
        _curve(axis, steps, trained, validated)
        axis.set_ylabel(title.lower())
        # From 0, so that a curve that is followed live does not jump as it grows.
        axis.set_ylim(bottom=float(np.fmin.reduce([*trained, *validated], initial=0.0)))
        of_validation = f" (validation {_from_to(validated)})" if _has_any(validated) else ""
        words.append(f"{title.lower()} from {_from_to(trained)}{of_validation}")
    chart.axes[0].legend(loc="best")
    under = f", trained with a {penalty}" if penalty else ""
    chart.describe(f"Three curves over {len(steps)} steps{under}: {', '.join(words)}.")
    return chart


def penalty_in_words(penalty: float | None) -> str:
    """The penalty on reasoning tokens that a job trained with, for a note; nothing if unknown."""
    return "" if penalty is None else f"penalty of {penalty:g} per 1,000 reasoning tokens"


def _reward_in_words(train: Floats, valid: Floats) -> str:
    """The finding: how the reward went, in validation if that was measured twice."""
    what, measured = "Validation", valid
    if np.isfinite(valid).sum() < 2:
        what, measured = "Training", train
    if not _has_any(measured):
        return "No reward yet"
    first, last = _ends(measured)
    return f"{what} reward went from {first:.2f} to {last:.2f}"


def _per_rollout(steps: Steps, name: str) -> Floats:
    """A sum over a step's validation as a mean per rollout, NaN if there was none."""
    rollouts = column(steps, "usage.valid.rollouts")
    return column(steps, f"usage.valid.{name}") / np.where(rollouts > 0, rollouts, np.nan)


def _curve(axis: Axes, steps: Steps, train: Floats, valid: Floats) -> None:
    at, shown = column(steps, "step"), np.isfinite(valid)
    mean, low, high = smoothed(train)
    axis.plot(at, train, ".", color=BLUE, alpha=0.5, markersize=4, label="training, each step")
    axis.plot(at, mean, color=BLUE, label=f"mean of {WINDOW} steps")
    axis.fill_between(
        at, low, high, color=BLUE, alpha=0.15, linewidth=0, label="their lowest and highest"
    )
    if shown.any():
        axis.plot(at[shown], valid[shown], "s--", color=ORANGE, markersize=4, label="validation")
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
def training_gaps(curves: Mapping[str, Steps], limit: float = 0.1, *, note: str = "") -> Chart:
    """Training and validation reward of several jobs side by side; a gap above `limit` has a bar.

    The training line is the mean over five neighbouring steps, and the gap is measured from it. A
    step needs `step`, `train_mean_reward` and, if it was validated, `full_valid_mean_reward`.
    """
    need(curves, "no job was given")
    gaps = {name: reward_gaps(steps) for name, steps in curves.items()}
    for name, found in gaps.items():
        need(found, f"{name} has no step with a training and a validation reward")
    listed = ", ".join(f"{name} {found[-1][1]:+.2f}" for name, found in gaps.items())
    chart = Chart(f"Training minus validation reward at the end: {listed}", note=note)
    axes = panels(chart, len(curves), sharey=True)
    words = []
    for axis, (name, steps) in zip(axes, curves.items(), strict=True):
        at, train = column(steps, "step"), smoothed(column(steps, "train_mean_reward"))[0]
        valid = column(steps, "full_valid_mean_reward")
        shown, wide = np.isfinite(valid), train - valid > limit
        axis.plot(at, train, color=BLUE, label=f"training, mean of {WINDOW} steps")
        axis.plot(at[shown], valid[shown], "s--", color=ORANGE, label="validation")
        axis.vlines(
            at[wide], valid[wide], train[wide], color=GREY, linewidth=4, alpha=0.6,
            zorder=1, label=f"gap above {limit:g}",
        )  # fmt: skip
        axis.set_title(name)
        axis.set_ylim(0, 1)
        _step_axis(axis)
        words.append(
            f"{name}: gap {', '.join(f'{gap:+.2f} at {step}' for step, gap in gaps[name])}"
        )
    axes[0].set_ylabel("mean reward")
    axes[0].legend(loc="upper left")
    chart.describe(f"Training and validation reward over the steps. {'; '.join(words)}.")
    return chart


def reward_gaps(steps: Steps) -> list[tuple[int, float]]:
    """Each validated step with its training reward, smoothed, minus its validation reward."""
    _need_steps(steps)
    train = smoothed(column(steps, "train_mean_reward"))[0]
    gaps = train - column(steps, "full_valid_mean_reward")
    return [
        (int(step["step"]), round(float(gap), 9))
        for step, gap in zip(steps, gaps, strict=True)
        if np.isfinite(gap)
    ]


@styled
def tool_mix(steps: Steps, *, note: str = "") -> Chart:
    """Calls per rollout of all tools and of each: a panel for the most called, one for the rest."""
    _need_steps(steps)
    mix = calls_per_rollout(steps)
    need(mix, "the job has made no tool call yet")
    total = sum(mix.values(), start=np.zeros(len(steps)))
    rows = -(-(len(mix) + 1) // COLUMNS)
    chart = Chart(_mix_in_words(mix, total), note=note, height=0.8 + 2.2 * rows)
    axes = chart.subplots(rows, min(COLUMNS, len(mix) + 1), sharey=True, squeeze=False).flat
    at = column(steps, "step")
    for axis, (name, values) in zip(axes, {"all tools": total, **mix}.items(), strict=False):
        colour = GREY if values is total else BLUE
        axis.fill_between(at, values, color=colour, alpha=0.15, linewidth=0)
        axis.plot(at, values, ".-", color=colour, markersize=3)
        axis.set_title(name)
        axis.set_ylim(bottom=0)
        _step_axis(axis)
    for axis in chart.axes[::COLUMNS]:
        axis.set_ylabel("calls per rollout")
    for empty in chart.axes[len(mix) + 1 :]:
        empty.remove()
    parts = ", ".join(f"{name} from {_from_to(values)}" for name, values in mix.items())
    chart.describe(
        f"A curve over {len(steps)} steps for all tools and for each: {parts} calls per rollout."
    )
    return chart


def _mix_in_words(mix: Mapping[str, Floats], total: Floats) -> str:
    """The finding: how many calls there are, and which tools changed most."""
    first, last = _ends(total)
    changes = {name: float(values[-1] - values[0]) for name, values in mix.items()}
    moved = sorted(changes, key=lambda name: -abs(changes[name]))[:3]
    listed = ", ".join(f"{name} {changes[name]:+.1f}" for name in moved if changes[name])
    told = f"Tool calls per rollout went from {first:.1f} to {last:.1f}"
    return f"{told}: {listed}" if listed else told


def calls_per_rollout(steps: Steps) -> dict[str, Floats]:
    """The tools by how much they were called, those beyond `MOST_TOOLS` added up as one."""
    rollouts = column(steps, "usage.train.rollouts")
    names = sorted({name for step in steps for name in step["tool_calls_by_name"]})
    calls = {
        name: np.array([step["tool_calls_by_name"].get(name, 0) for step in steps]) / rollouts
        for name in names
    }
    names.sort(key=lambda name: -calls[name].sum())
    mix = {name: calls[name] for name in names[:MOST_TOOLS]}
    if rest := names[MOST_TOOLS:]:
        mix[f"{len(rest)} others"] = sum((calls[name] for name in rest), np.zeros(len(steps)))
    return mix


@styled
def unusable_rollouts(steps: Steps, *, note: str = "") -> Chart:
    """What a step could not learn from: zero-variance groups, and discarded rollouts."""
    _need_steps(steps)
    flat = column(steps, "mean_unresponsive_rewards")
    discarded = column(steps, "errors.train_discarded") / column(steps, "usage.train.rollouts")
    finding = (
        f"{percent(float(np.nanmean(flat)))} of groups had no variance, "
        f"{percent(float(np.nanmean(discarded)))} of rollouts were discarded"
    )
    chart = Chart(finding, note=note)
    axis = chart.subplots()
    at = column(steps, "step")
    axis.plot(at, flat, "o-", color=BLUE, markersize=3, label="zero-variance groups")
    axis.plot(at, discarded, "s--", color=ORANGE, markersize=3, label="discarded rollouts")
    axis.set_ylim(-0.02, 1.02)
    axis.yaxis.set_major_formatter(percent_tick)
    axis.set_ylabel("share of the step")
    axis.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    _step_axis(axis)
    chart.describe(
        f"Two lines over {len(steps)} steps: zero-variance groups from {_from_to(flat)}, "
        f"discarded rollouts from {_from_to(discarded)}, as shares."
    )
    return chart


@styled
def token_metrics(steps: Steps, *, note: str = "") -> Chart:
    """The reward, and what only a run on tokens has: entropy, the gap between sampler and learner,
    failed calls, tokens written, and rollouts that were cut off. A step without an update has no
    gap and no entropy."""
    _need_steps(steps)
    at, rewards = column(steps, "step"), column(steps, "train_mean_reward")
    valid = column(steps, "full_valid_mean_reward")
    curves = {TOKEN_LABELS[name]: values for name, values in token_columns(steps).items()}
    chart = Chart(_reward_in_words(rewards, np.array([])), note=note, height=4.8)
    axes = chart.subplots(2, 3, squeeze=False).flat
    words = []
    for axis, (title, values) in zip(axes, curves.items(), strict=True):
        axis.plot(at, values, "o-", color=BLUE, markersize=3, label="training")
        axis.set_ylabel(title)
        axis.set_xlim(at[0] - 0.5, at[-1] + 0.5)
        axis.set_ylim(0, max(1e-5, 1.1 * float(np.nanmax(values, initial=0.0))))
        axis.ticklabel_format(axis="y", style="sci", scilimits=(-3, 4))
        _step_axis(axis)
        first, last = _ends(values) if _has_any(values) else (np.nan, np.nan)
        words.append(f"{title.replace(chr(10), ' ')} from {first:.3g} to {last:.3g}")
    if _has_any(valid):
        chart.axes[0].plot(at, valid, "s", color=ORANGE, markersize=4, label="validation")
        chart.axes[0].legend(loc="lower right")
        words[0] += f" (validation {_from_to(valid)})"
    chart.describe(f"Six curves over {len(steps)} steps: {', '.join(words)}.")
    return chart


TOKEN_LABELS = {
    "reward": "mean reward",
    "entropy": "entropy,\nnats per token",
    "gap": "log-prob. gap,\nnats",
    "failed calls": "failed share\nof tool calls",
    "tokens": "tokens written\nper rollout",
    "cut off": "share of rollouts\ncut off",
}


def token_columns(steps: Steps) -> dict[str, Floats]:
    """What `token_metrics` draws: a value of every step, NaN where there was no update."""
    rollouts = np.array([sum(step["stop_reasons"]["train"].values()) for step in steps])
    cut_off = np.array([step["stop_reasons"]["train"].get("length_limit", 0) for step in steps])
    calls = np.rint(column(steps, "tool_calls_per_rollout") * rollouts)
    return {
        "reward": column(steps, "train_mean_reward"),
        "entropy": column(steps, "update.entropy"),
        "gap": column(steps, "update.logprob_gap"),
        "failed calls": column(steps, "tool_errors") / np.maximum(calls, 1),
        "tokens": column(steps, "completion_tokens_mean"),
        "cut off": cut_off / np.maximum(rollouts, 1),
    }


def _step_axis(axis: Axes) -> None:
    axis.set_xlabel("training step")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _has_any(values: Floats) -> bool:
    return bool(np.isfinite(values).any())


def _ends(values: Floats) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return float(known[0]), float(known[-1])


def _from_to(values: Floats) -> str:
    if not _has_any(values):
        return "none yet"
    digits = 0 if np.nanmax(values, initial=0.0) >= 100 else 2
    first, last = _ends(values)
    return f"{first:.{digits}f} to {last:.{digits}f}"


def _need_steps(steps: Steps) -> None:
    need(steps, "the job has no metrics event yet")
