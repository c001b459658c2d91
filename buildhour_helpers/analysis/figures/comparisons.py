"""Measurements with intervals, a grader beside a human, and the score and accuracy of jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from buildhour_helpers.analysis.figures.chart import (
    BLUE,
    COLOURS,
    GREEN,
    GREY,
    ORANGE,
    Chart,
    need,
    panels,
    percent,
    styled,
)
from buildhour_helpers.analysis.statistics import Agreement, Interval

LEAST_ARROW = 0.05  # a shorter one would be all head
TRUSTED = 0.8  # Spearman's rho from which the course lets a grader train

BEFORE_MARK: dict[str, Any] = {
    "marker": "|", "color": GREY, "markersize": 14, "markeredgewidth": 2, "linestyle": "",
}  # fmt: skip
RUN_MARK: dict[str, Any] = {"marker": "o", "markersize": 4, "alpha": 0.6, "linestyle": ""}
MEAN_MARK: dict[str, Any] = {
    "marker": "o", "markersize": 9, "markerfacecolor": "none", "markeredgewidth": 1.5,
    "linestyle": "",
}  # fmt: skip


@styled
def intervals(
    measured: Mapping[str, Interval],
    finding: str,
    *,
    unit: str = "mean reward",
    line: tuple[str, float] | None = None,
    seeds: Mapping[str, Sequence[float]] | None = None,
    note: str = "",
) -> Chart:
    """A point with its whiskers for each of the named measurements, the first on top.

    `line` is a name and a value, drawn across all of them: zero, or what there is to reach. `seeds`
    has the values of the single jobs by the same names: a dot each, below the whiskers.
    """
    need(measured, "nothing was measured")
    chart = Chart(finding, note=note, height=1.4 + 0.42 * len(measured))
    axis = chart.subplots()
    for row, interval in enumerate(measured.values()):
        axis.plot([interval.low, interval.high], [row, row], color=BLUE, linewidth=2)
        axis.plot(interval.value, row, "o", color=BLUE, markersize=7)
    words = [f"{name}: {interval}" for name, interval in measured.items()]
    if seeds:
        for row, name in enumerate(measured):
            axis.plot(seeds[name], [row + 0.25] * len(seeds[name]), color=ORANGE, **RUN_MARK)
        words.append("a small dot for each seed")
    if line:
        name, value = line
        axis.axvline(value, color=GREEN, linestyle="--", linewidth=1.5)
        beyond_middle = value > fmean(axis.get_xlim())
        axis.annotate(
            name,
            (value, 1.02),
            xycoords=("data", "axes fraction"),
            ha="right" if beyond_middle else "left",
        )
        words.append(f"a dashed line at {value:.3f}, {name}")
    axis.set_yticks(range(len(measured)), list(measured))
    axis.set_ylim(len(measured) - 0.5, -0.5)
    axis.set_xlabel(f"{unit}, with its 95% interval")
    axis.grid(visible=False, axis="y")
    axis.grid(visible=True, axis="x")
    chart.describe("; ".join(words) + ".")
    return chart


@styled
def against_length(
    tokens: Mapping[str, float],
    reward: Mapping[str, Interval],
    total_tokens: Mapping[str, Interval],
    finding: str,
    *,
    note: str = "",
) -> Chart:
    """Designs of a tool by the length of its results: what they do to the agent's mean reward, and
    to the tokens of a whole rollout. All three are by design; `tokens` are those of one result.
    """
    need(tokens, "no design was given")
    chart = Chart(finding, note=note, height=3.8)
    words = []
    for axis, measured, title in zip(
        panels(chart, 2),
        (reward, total_tokens),
        ("mean reward", "total tokens per rollout"),
        strict=True,
    ):
        for name, length in tokens.items():
            found = measured[name]
            axis.plot([length, length], [found.low, found.high], color=BLUE, linewidth=2)
            axis.plot(length, found.value, "o", color=BLUE, markersize=7)
            at = (length, found.high)
            axis.annotate(name, at, (0, 5), textcoords="offset points", ha="center")
        axis.set_xscale("log")
        axis.margins(x=0.22)
        axis.set_title(f"{title}, with its 95% interval")
        axis.set_xlabel("tokens in one result (log scale)")
        top = max(measured[name].high for name in tokens)
        axis.set_ylim(0, 1.15 * top)
        axis.xaxis.set_major_formatter(_thousands)
        axis.yaxis.set_major_formatter(_thousands)
    for name, length in tokens.items():
        words.append(
            f"{name}: {length:,.0f} tokens a result, reward {reward[name]:.2f}, "
            f"{total_tokens[name]:,.0f} tokens a rollout"
        )
    chart.describe(f"Two panels over the length of a result. {'; '.join(words)}.")
    return chart


def _thousands(value: float, _place: float) -> str:
    return f"{value:,.10g}"


@styled
def sample_efficiency(
    curves: Mapping[str, Sequence[Sequence[tuple[float, float]]]],
    finding: str,
    *,
    before: float,
    note: str = "",
) -> Chart:
    """Reward against all rollouts spent, for at most four variants of a job.

    `curves` has for each variant a curve for each seed, of the same length: (rollouts spent so far,
    mean reward). A dot for each seed, and a line through the means. `before` is the reward of the
    model that all jobs start from.
    """
    need(curves, "no variant was given")
    chart = Chart(finding, note=note, height=4.6)
    axis = chart.subplots()
    words = [f"before training {before:.2f}, a dashed line"]
    for (name, of_seeds), colour, marker in zip(curves.items(), COLOURS, "os^D", strict=False):
        points = [point for curve in of_seeds for point in curve]
        axis.plot(*zip(*points, strict=True), marker, color=colour, markersize=4, alpha=0.5)
        means = [tuple(map(fmean, zip(*at, strict=True))) for at in zip(*of_seeds, strict=True)]
        axis.plot(
            *zip(*means, strict=True), marker, linestyle="-", color=colour, markersize=8, label=name
        )
        told = ", ".join(f"{reward:.2f} after {spent:,.0f} rollouts" for spent, reward in means)
        words.append(f"{name}: {told}")
    axis.axhline(before, color=GREY, linestyle="--", linewidth=1)
    axis.set_xlim(left=0)
    axis.set_xlabel("rollouts spent, the pilot's included")
    axis.set_ylabel("mean reward on held-out questions")
    axis.legend(loc="lower right")
    chart.describe(f"A dot for each seed, lines through their means. {'; '.join(words)}.")
    return chart


@styled
def grader_agreement(found: Agreement, *, note: str = "") -> Chart:
    """The confusion table of a grader's scores against a human's."""
    verdict = "ranks much as the human does" if found.spearman >= TRUSTED else "does not rank well"
    finding = f"The grader {verdict}: rank correlation {found.spearman:.2f}"
    chart = Chart(finding, note=note, width=6.4, height=4.4)
    axis = chart.subplots()
    axis.grid(visible=False)
    axis.imshow(found.counts, cmap="Blues", vmin=0, vmax=max(1, found.counts.max() * 1.3))
    labels = [f"{level:g}" for level in found.levels]
    axis.set_xticks(range(len(labels)), labels)
    axis.set_yticks(range(len(labels)), labels)
    axis.set_xlabel("grader's score")
    axis.set_ylabel("human's score")
    dark = found.counts.max() * 0.65
    for row, counts in enumerate(found.counts):
        for column, count in enumerate(counts):
            colour = "white" if count > dark else "black"
            axis.text(column, row, str(count), ha="center", va="center", color=colour)
    total = int(found.counts.sum())
    axis.set_title(f"{percent(found.exact)} of {total} answers scored alike")
    chart.describe(
        f"A table of {total} answers by the human's and the grader's score: "
        f"{percent(found.exact)} on the diagonal, {found.too_generous} scored too high "
        "by the grader."
    )
    return chart


@styled
def score_and_accuracy(
    before: Mapping[str, Any], after: Sequence[Mapping[str, Any]], *, note: str = ""
) -> Chart:
    """Each grader's job before and after: the grader's own score, and the true accuracy.

    `before` and each of `after` have `scores` by grader and `accuracy`, a mean with the ends of
    its interval each; a run of `after` also names its `grader`. Several seeds of one grader
    are a dot each, and a ring and an arrow stand for their mean.
    """
    need(after, "no run of a grader's job was given")
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for run in after:
        runs.setdefault(run["grader"], []).append(run)
    moves = {name: _moves(name, before, found) for name, found in runs.items()}
    excess = {name: own.gain - true.gain for name, (own, true) in moves.items()}
    most = max(excess, key=lambda name: excess[name])
    finding = f"With the {most} grader, the score rose {excess[most]:.2f} more than the accuracy"
    chart = Chart(finding, note=note, height=2.0 + 0.55 * len(runs))
    axes = panels(chart, 2, sharey=True)
    for axis, side, title in zip(
        axes, (0, 1), ("What the job's own grader says", "What is true"), strict=True
    ):
        for row, (name, pair) in enumerate(moves.items()):
            _arrow(axis, row, pair[side], ORANGE if name == most else BLUE)
        axis.set_title(title)
        axis.set_xlabel("mean score" if side == 0 else "accuracy")
        axis.set_xlim(0, 1)
        axis.grid(visible=False, axis="y")
        axis.grid(visible=True, axis="x")
    axes[0].set_yticks(range(len(runs)), list(runs))
    axes[0].set_ylim(len(runs) - 0.5, -0.5)
    axes[0].set_ylabel("grader of the job")
    chart.legend(handles=_marks(), loc="outside lower left", ncols=3)
    words = [f"{name}: own score {own}, accuracy {true}" for name, (own, true) in moves.items()]
    chart.describe(f"Arrows from before the job to after it. {'; '.join(words)}.")
    return chart


@dataclass(frozen=True)
class _Move:
    """A measure before a job, and after each run of it."""

    start: float
    ends: tuple[float, ...]

    @property
    def gain(self) -> float:
        return fmean(self.ends) - self.start

    def __str__(self) -> str:
        return f"{self.start:.2f} to {fmean(self.ends):.2f}"


def _moves(
    name: str, before: Mapping[str, Any], found: Sequence[Mapping[str, Any]]
) -> tuple[_Move, _Move]:
    """Of a grader's own score and of true accuracy."""
    return (
        _Move(before["scores"][name][0], tuple(run["scores"][name][0] for run in found)),
        _Move(before["accuracy"][0], tuple(run["accuracy"][0] for run in found)),
    )


def _arrow(axis: Axes, row: int, move: _Move, colour: str) -> None:
    end = fmean(move.ends)
    axis.plot(move.start, row, **BEFORE_MARK)
    axis.plot(move.ends, [row] * len(move.ends), color=colour, **RUN_MARK)
    axis.plot(end, row, markeredgecolor=colour, **MEAN_MARK)
    if abs(move.gain) >= LEAST_ARROW:
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 2, "shrinkA": 0, "shrinkB": 6}
        axis.annotate("", xy=(end, row), xytext=(move.start, row), arrowprops=arrow)


def _marks() -> list[Line2D]:
    """What the legend explains."""
    return [
        Line2D([], [], label="before", **BEFORE_MARK),
        Line2D([], [], label="a run of the job", color=BLUE, **RUN_MARK),
        Line2D([], [], label="mean of the runs", markeredgecolor=BLUE, **MEAN_MARK),
    ]
