"""Several measurements under each other, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from buildhour_helpers.analysis.figures.chart import BLUE, GREEN, Chart, need, styled
from buildhour_helpers.analysis.statistics import Interval


@styled
def intervals(
    measured: Mapping[str, Interval],
    finding: str,
    *,
    unit: str = "mean reward",
    line: tuple[str, float] | None = None,
    note: str = "",
) -> Chart:
    """A point with its whiskers for each of the named measurements, the first on top.

    `line` is a name and a value, drawn across all of them: zero, or what there is to reach.
    """
    need(measured, "nothing was measured")
    chart = Chart(finding, note=note, height=1.4 + 0.42 * len(measured))
    axis = chart.subplots()
    for place, interval in enumerate(measured.values()):
        axis.plot([interval.low, interval.high], [place, place], color=BLUE, linewidth=2)
        axis.plot(interval.value, place, "o", color=BLUE, markersize=7)
    words = [f"{name}: {interval}" for name, interval in measured.items()]
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
