"""`python -m authoring.architecture`: draw the figure of docs/architecture.md."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from buildhour_helpers.analysis.figures.chart import BLUE, GREEN, GREY, ORANGE
from buildhour_helpers.home import repository

FIGURE = Path("docs/figures/architecture.svg")
WIDTH, HEIGHT = 2.9, 0.92  # of a box

Box = tuple[str, str, float, float, str]
BOXES: dict[str, Box] = {
    "question": ("question", "data/questions.jsonl", 0, 4.5, BLUE),
    "row": ("dataset row", "buildhour_helpers.tasks", 0, 3, BLUE),
    "job": ("job", "rft_service.api, jobs", 5.3, 3, ORANGE),
    "rollout": ("rollout", "rft_service.rl", 5.3, 1.5, ORANGE),
    "engine": ("engine", "rft_service.engines", 10.6, 1.5, ORANGE),
    "tools": ("tools and grader", "buildhour_helpers.tools, graders", 0, 1.5, BLUE),
    "record": ("event and stored rollout", "rft_service.store", 5.3, 0, ORANGE),
    "chart": ("chart", "buildhour_helpers.analysis", 0, 0, BLUE),
    "page": ("job page", "rft_service.pages", 10.6, 0, ORANGE),
}
Arrow = tuple[str, str, str]
ARROWS: tuple[Arrow, ...] = (
    ("question", "row", "build_rows"),
    ("row", "job", "HTTP: upload, create job"),
    ("job", "rollout", "groups of rollouts"),
    ("rollout", "tools", "HTTP: calls, answer"),
    ("rollout", "engine", "sample, update, save"),
    ("rollout", "record", "one step, stored whole"),
    ("record", "chart", "HTTP: events"),
    ("record", "page", "SQLite"),
)


def draw() -> Path:
    """Draw the figure; returns its file. The same code gives the same bytes."""
    with plt.rc_context({"svg.hashsalt": "architecture", "font.size": 9, "svg.fonttype": "path"}):
        figure, axes = plt.subplots(figsize=(11.2, 5.2))
        for title, module, x, y, color in BOXES.values():
            shape = FancyBboxPatch(
                (x, y), WIDTH, HEIGHT, boxstyle="round,pad=0.06", facecolor="white", edgecolor=color
            )
            axes.add_patch(shape)
            axes.text(x + WIDTH / 2, y + 0.6, title, ha="center", va="center", weight="bold")
            axes.text(x + WIDTH / 2, y + 0.25, module, ha="center", va="center", size=7.5)
        for source, target, label in ARROWS:
            _arrow(axes, BOXES[source], BOXES[target], label)
        axes.text(1.45, 5.75, "helper package: your side", ha="center", color=BLUE)
        axes.text(9.4, 4.3, "service: the provider's side", ha="center", color=ORANGE)
        axes.axvline(4.1, color=GREEN, linestyle=":", linewidth=1)
        axes.text(4.2, 5.1, "the two sides meet only over HTTP", color=GREEN, size=8)
        axes.set(xlim=(-0.3, 13.8), ylim=(-0.3, 6.1))
        axes.axis("off")
        path = repository() / FIGURE
        figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
        plt.close(figure)
    return path


def _arrow(axes: Axes, source: Box, target: Box, label: str) -> None:
    (_, _, x1, y1, _), (_, _, x2, y2, _) = source, target
    if x1 == x2:
        start, end = (x1 + WIDTH / 2, y1 - 0.08), (x2 + WIDTH / 2, y2 + HEIGHT + 0.08)
        at, alignment = (start[0] + 0.1, (start[1] + end[1]) / 2), "left"
    else:
        right = x2 > x1
        start = (x1 + WIDTH + 0.08 if right else x1 - 0.08, y1 + HEIGHT / 2)
        end = (x2 - 0.08 if right else x2 + WIDTH + 0.08, y2 + HEIGHT / 2)
        at, alignment = ((start[0] + end[0]) / 2, start[1] + 0.14), "center"
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": GREY})
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # over the dotted line
    axes.text(*at, label, ha=alignment, va="center", size=7, bbox=ground)


if __name__ == "__main__":
    print(draw())
