"""A grader beside a human, and what jobs with different graders paid for and got."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from buildhour_helpers.analysis.figures.chart import (
    BLUE,
    GREY,
    ORANGE,
    Chart,
    need,
    panels,
    percent,
    styled,
)
from buildhour_helpers.analysis.statistics import Agreement

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
        for place, count in enumerate(counts):
            colour = "white" if count > dark else "black"
            axis.text(place, row, str(count), ha="center", va="center", color=colour)
    total = int(found.counts.sum())
    axis.set_title(f"{percent(found.exact)} of {total} answers scored alike")
    chart.describe(
        f"A table of {total} answers by the human's and the grader's score: "
        f"{percent(found.exact)} on the diagonal, {found.too_generous} scored too high "
        "by the grader."
    )
    return chart


@styled
def paid_and_earned(
    before: Mapping[str, Any], after: Sequence[Mapping[str, Any]], *, note: str = ""
) -> Chart:
    """Each grader's job twice: the score that it paid, and the true accuracy, before and after.

    `before` and each of `after` have `scores` by grader and `accuracy`, a mean with the ends of
    its interval each; a run of `after` also names its `grader`. Several seeds of one grader
    are a dot each, and a ring and an arrow stand for their mean.
    """
    need(after, "no run of a grader's job was given")
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for run in after:
        runs.setdefault(run["grader"], []).append(run)
    moves = {name: _moves(name, before, found) for name, found in runs.items()}
    unearned = {name: paid.gain - earned.gain for name, (paid, earned) in moves.items()}
    most = max(unearned, key=lambda name: unearned[name])
    finding = f"The job with the {most} grader was paid {unearned[most]:.2f} more than it earned"
    chart = Chart(finding, note=note, height=2.0 + 0.55 * len(runs))
    axes = panels(chart, 2, sharey=True)
    for axis, column, title in zip(
        axes, (0, 1), ("What the job's own grader says", "What is true"), strict=True
    ):
        for place, (name, pair) in enumerate(moves.items()):
            _arrow(axis, place, pair[column], ORANGE if name == most else BLUE)
        axis.set_title(title)
        axis.set_xlabel("mean score" if column == 0 else "accuracy")
        axis.set_xlim(0, 1)
        axis.grid(visible=False, axis="y")
        axis.grid(visible=True, axis="x")
    axes[0].set_yticks(range(len(runs)), list(runs))
    axes[0].set_ylim(len(runs) - 0.5, -0.5)
    axes[0].set_ylabel("grader of the job")
    chart.legend(handles=_marks(), loc="outside lower left", ncols=3)
    words = [f"{name}: own score {paid}, accuracy {true}" for name, (paid, true) in moves.items()]
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


def _arrow(axis: Axes, place: int, move: _Move, colour: str) -> None:
    end = fmean(move.ends)
    axis.plot(move.start, place, **BEFORE_MARK)
    axis.plot(move.ends, [place] * len(move.ends), color=colour, **RUN_MARK)
    axis.plot(end, place, markeredgecolor=colour, **MEAN_MARK)
    if abs(move.gain) >= LEAST_ARROW:
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 2, "shrinkA": 0, "shrinkB": 6}
        axis.annotate("", xy=(end, place), xytext=(move.start, place), arrowprops=arrow)


def _marks() -> list[Line2D]:
    """What the legend explains."""
    return [
        Line2D([], [], label="before", **BEFORE_MARK),
        Line2D([], [], label="a run of the job", color=BLUE, **RUN_MARK),
        Line2D([], [], label="mean of the runs", markeredgecolor=BLUE, **MEAN_MARK),
    ]
