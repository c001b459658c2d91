"""What training changed in several jobs, a pair of dots for each seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from buildhour_helpers.analysis.figures.chart import AFTER, BEFORE, GREY, Chart, need, styled


@styled
def before_and_after(
    jobs: Mapping[str, Sequence[tuple[float, float]]],
    finding: str,
    *,
    unit: str = "mean reward on held-out rows",
    note: str = "",
) -> Chart:
    """A row for each name; in it a line from before to after for each of its jobs."""
    need(jobs, "no job was given")
    chart = Chart(finding, note=note, height=1.5 + 0.62 * len(jobs))
    axis = chart.subplots()
    words = []
    for row, (name, pairs) in enumerate(jobs.items()):
        for number, (before, after) in enumerate(pairs):
            height = row + 0.12 * (number - (len(pairs) - 1) / 2)
            axis.plot([before, after], [height, height], color=GREY, linewidth=0.8, zorder=1)
            axis.plot(before, height, "o", color=BEFORE, markersize=5, markerfacecolor="white")
            axis.plot(after, height, "o", color=AFTER, markersize=5)
        firsts, lasts = zip(*pairs, strict=True)
        words.append(
            f"{name}: {fmean(firsts):.2f} before and {fmean(lasts):.2f} after "
            f"({', '.join(f'{last:.2f}' for last in lasts)} by seed)"
        )
    axis.plot([], [], "o", color=BEFORE, markerfacecolor="white", label="before training")
    axis.plot([], [], "o", color=AFTER, label="after training")
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    axis.set_yticks(range(len(jobs)), list(jobs))
    axis.set_ylim(len(jobs) - 0.5, -0.5)
    axis.set_xlabel(unit)
    axis.grid(visible=False, axis="y")
    axis.grid(visible=True, axis="x")
    chart.describe("; ".join(words) + ".")
    return chart
