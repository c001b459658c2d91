"""What every figure has: the style, a title that states the finding, and alt text."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("workshop.mplstyle")

# After Okabe and Ito (2008), the orange darker so that it holds on white. Four are as many as
# colour-blind readers can distinguish at this contrast: a figure with more uses separate panels.
BLUE, ORANGE, GREEN, GREY = COLOURS = ("#0072B2", "#B86E00", "#009E73", "#626262")
BEFORE, AFTER = ORANGE, BLUE
WIDTH = 9.0  # inches; of all figures of a report

P = ParamSpec("P")

# matplotlib's style is one for the whole process, and a dashboard draws from its own thread.
_drawing = threading.RLock()


@contextmanager
def _workshop_style() -> Iterator[None]:
    with _drawing, style.context(STYLE):
        yield


class Chart(Figure):
    """A matplotlib figure that says in a sentence what it shows.

    It needs no pyplot: a notebook shows it as a PNG, with the sentence as its alternative text.
    """

    def __init__(self, finding: str, *, note: str = "", width: float = WIDTH, height: float = 4.0):
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
        return self._saved("png", {"Description": self.alt_text()})

    def svg(self) -> bytes:
        """The picture as SVG; the same figure gives the same bytes."""
        return self._saved("svg", {"Description": self.alt_text(), "Date": None})

    def _saved(self, kind: str, metadata: Mapping[str, str | None]) -> bytes:
        out = io.BytesIO()
        with _workshop_style():
            self.savefig(out, format=kind, metadata=metadata)
        return out.getvalue()

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        return self.png(), {"alt": self.alt_text()}


def styled(draw: Callable[P, Chart]) -> Callable[P, Chart]:
    """Draw in the workshop's style, whatever style is set globally."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Chart:
        with _workshop_style():
            return draw(*args, **kwargs)

    return drawn


def need(found: object, otherwise: str) -> None:
    """Raises ValueError that says what is missing if there is nothing to draw."""
    if not found:
        raise ValueError(f"nothing to draw: {otherwise}")


def panels(chart: Chart, count: int, *, sharey: bool = False) -> list[Axes]:
    """Small multiples side by side."""
    return list(chart.subplots(1, count, sharey=sharey, squeeze=False)[0])


def percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def percent_tick(share: float, _place: float) -> str:
    """A label of an axis, with the decimals that it needs and no others."""
    return f"{100 * share:g}%"
