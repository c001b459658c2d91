"""A drawing without data: the loop of Agent RFT, and who runs which part of it."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from buildhour_helpers.analysis.figures.chart import BLUE, GREY, ORANGE, Chart, styled

Point = tuple[float, float]
Drawn = dict[str, tuple[Point, str, str]]

BOX_WIDTH, BOX_HEIGHT = 2.3, 0.86
BETWEEN = 5.05  # the middle of the space between the first two columns of boxes
BOXES: Drawn = {
    "sample": ((3.2, 2.85), "1  Sample", "a group of rollouts\nfor each question"),
    "advantages": ((6.9, 2.85), "4  Advantages", "reward minus the\nmean of the group"),
    "update": ((10.1, 2.85), "5  Update", "make better actions\nmore likely"),
    "tools": ((3.2, 0.65), "2  Tools", "search, list, cat"),
    "grader": ((6.9, 0.65), "3  Grader", "one reward\nfor each rollout"),
}
"""Name -> centre, title and text."""


@styled
def agent_rft_loop() -> Chart:
    """The five steps of Agent RFT: three run in the service, two on the customer's side."""
    chart = Chart("Agent RFT is a loop of five steps; you run two of them", height=3.9)
    axis = chart.subplots()
    axis.set_axis_off()
    axis.set_xlim(-0.1, 11.6)
    axis.set_ylim(-0.1, 4.35)
    _zone(axis, (1.85, 2.2), 9.6, "training\nservice", BLUE)
    _zone(axis, (1.85, 0.0), 6.4, "your\nside", ORANGE)
    for centre, title, text in BOXES.values():
        _box(axis, centre, title, text)
    _arrow(axis, (1.15, 2.85), (2.0, 2.85), "")
    axis.text(0.55, 2.85, "questions", ha="center", va="center", fontsize=9)
    _arrow(axis, (2.9, 2.4), (2.9, 1.1), "calls", align="right")
    _arrow(axis, (3.5, 1.1), (3.5, 2.4), "results")
    _arrow(axis, (4.2, 2.4), (5.9, 1.1), "answers")
    _arrow(axis, (6.9, 1.1), (6.9, 2.4), "rewards")
    _arrow(axis, (8.07, 2.85), (8.92, 2.85), "")
    _arrow(axis, (10.1, 3.3), (3.2, 3.3), "", curve=0.13)
    axis.text(6.65, 4.02, "new weights, next step", ha="center", va="center", fontsize=9)
    chart.describe(
        "A flow chart of two zones. In the training service, step 1 samples a group of rollouts "
        "for each question, step 4 turns rewards into advantages (reward minus the mean of the "
        "group), and step 5 updates the weights so that better actions become more likely. On "
        "your side, step 2 runs the tools search, list and cat, and step 3 grades each rollout. "
        "Calls and results go between 1 and 2, answers from 1 to 3, rewards from 3 to 4, and new "
        "weights from 5 back to 1 for the next step."
    )
    return chart


def _zone(axis: Axes, corner: Point, width: float, name: str, colour: str) -> None:
    x, y = corner
    look: dict[str, Any] = {"facecolor": colour, "alpha": 0.1, "edgecolor": "none", "zorder": 0}
    shape = FancyBboxPatch((x, y), width, 1.3, boxstyle="round,pad=0.02", **look)
    axis.add_patch(shape)
    axis.text(BETWEEN, y + 0.65, name, ha="center", va="center", color=colour, fontweight="bold")


def _box(axis: Axes, centre: Point, title: str, text: str) -> None:
    x, y = centre
    corner = (x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2)
    look: dict[str, Any] = {"facecolor": "white", "edgecolor": GREY, "zorder": 2}
    axis.add_patch(FancyBboxPatch(corner, BOX_WIDTH, BOX_HEIGHT, boxstyle="round,pad=0.02", **look))
    axis.text(x, y + 0.24, title, ha="center", va="center", fontsize=10, fontweight="bold")
    axis.text(x, y - 0.13, text, ha="center", va="center", fontsize=8.5)


def _arrow(
    axis: Axes, start: Point, end: Point, label: str, *, align: str = "left", curve: float = 0.0
) -> None:
    look: dict[str, Any] = {
        "arrowstyle": "-|>", "color": "black", "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0,
        "connectionstyle": f"arc3,rad={curve}",
    }  # fmt: skip
    axis.annotate("", xy=end, xytext=start, arrowprops=look, zorder=3)
    if label:
        beside = 0.12 if align == "left" else -0.12
        x, y = (start[0] + end[0]) / 2 + beside, (start[1] + end[1]) / 2
        axis.text(x, y, label, ha=align, va="center", fontsize=9)
