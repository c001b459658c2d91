"""A grader beside a human."""

from __future__ import annotations

from buildhour_helpers.analysis.figures.chart import Chart, percent, styled
from buildhour_helpers.analysis.statistics import Agreement

TRUSTED = 0.8  # Spearman's rho from which the course lets a grader train


@styled
def grader_agreement(found: Agreement, *, note: str = "") -> Chart:
    """The confusion table of a grader's scores against a human's."""
    verdict = "ranks as the human does" if found.spearman >= TRUSTED else "does not rank well"
    finding = f"The grader {verdict}: rank correlation {found.spearman:.2f}"
    chart = Chart(finding, note=note, width=5.6, height=4.4)
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
