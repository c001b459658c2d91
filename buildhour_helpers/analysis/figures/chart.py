"""What every figure has: the style, a title that states the finding, and alt text."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("workshop.mplstyle")

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY = "#CC79A7", "#56B4E9", "#777777"
BEFORE, AFTER = ORANGE, BLUE
TOOL_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, GREY)

P = ParamSpec("P")


class Chart(Figure):
    """A matplotlib figure that says in a sentence what it shows.

    It needs no pyplot: a notebook shows it as a PNG, with the sentence as its alternative text.
    """

    def __init__(self, finding: str, *, note: str = "", width: float = 7.2, height: float = 4.0):
        super().__init__(figsize=(width, height))
        self.finding = finding
        self._description = ""
        self.suptitle(finding, x=0.01, ha="left", fontsize=11, fontweight="bold", wrap=True)
        if note:
            self.supxlabel(note, x=0.99, ha="right", fontsize=7, color=GREY, fontstyle="italic")

    def describe(self, description: str) -> None:
        """Set what is drawn, in words and with its numbers: the alt text, after the finding."""
        self._description = description

    def alt_text(self) -> str:
        """The figure in words: the finding, and the numbers that are drawn."""
        return f"{self.finding}. {self._description}"

    def png(self) -> bytes:
        """The picture as PNG."""
        out = io.BytesIO()
        with style.context(STYLE):
            self.savefig(out, format="png", metadata={"Description": self.alt_text()})
        return out.getvalue()

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        return self.png(), {"alt": self.alt_text()}


def styled(draw: Callable[P, Chart]) -> Callable[P, Chart]:
    """Draw under the workshop's style, whatever style is set outside."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Chart:
        with style.context(STYLE):
            return draw(*args, **kwargs)

    return drawn


def panels(chart: Chart, count: int) -> list[Axes]:
    """Small multiples side by side."""
    return list(chart.subplots(1, count, squeeze=False)[0])


def percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def signed(value: float) -> str:
    return f"{value:+.2f}"
