"""Traces as HTML fragments with classes; `style()` is their style sheet.

Everything that a model, a tool or a dataset wrote is escaped. Nothing is styled or scripted
inline, so that a page may forbid both (Content-Security-Policy); only a notebook, which has no
script to listen for clicks, asks for an inline handler on the copy button. A notebook runs MathJax
over its outputs; two classes tell it to leave dollars alone.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from rft_traces.align import aligned
from rft_traces.trace import Trace

STYLE = Path(__file__).with_name("trace.css")
SUMMARY_LENGTH = 90  # characters of an output that its folded line shows


def style() -> str:
    """The style sheet of the fragments."""
    return STYLE.read_text(encoding="utf-8")


def trace_html(
    trace: Trace, *, title: str = "", level: int = 3, copy: bool = False, onclick: str = ""
) -> str:
    """One rollout as a conversation; its result comes first, and outputs are folded.

    `level` is that of its heading (h1 to h6). `copy` adds a button that carries the rollout's JSON
    in `data-json`: the page listens for clicks on `.copy-json`, or `onclick` is its handler.
    """
    return _template("trace.html").render(
        trace=trace, title=title, level=level, copy=copy, onclick=onclick
    )


def pair_html(
    left: Trace,
    right: Trace,
    titles: tuple[str, str] = ("Before", "After"),
    *,
    level: int = 3,
    copy: bool = False,
    onclick: str = "",
) -> str:
    """Two rollouts side by side, similar steps in the same row (`aligned`).

    `titles` name the sides. `copy` and `onclick` are those of `trace_html`, a button a side.
    """
    return _template("pair.html").render(
        sides=(left, right),
        titles=titles,
        rows=aligned(left.steps, right.steps),
        level=level,
        copy=copy,
        onclick=onclick,
    )


def table_html(traces: Sequence[Trace], *, most: int = 50, caption: str = "") -> str:
    """A table with a row per rollout, at most `most`; readable without a kernel."""
    return _template("table.html").render(
        traces=traces[:most],
        left_out=max(0, len(traces) - most),
        caption=caption or f"{len(traces)} rollouts",
    )


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rft_traces"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, summary=summary)
    environment.globals["all"] = all
    return environment


def _template(name: str) -> Template:
    return _environment().get_template(name)


def number(value: float | None, digits: int = 2) -> str:
    """A number without needless zeros; a dash if there is none."""
    if value is None:
        return "–"
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"


def summary(text: str) -> str:
    """The beginning of a text on one line, cut between words if it has any."""
    flat = " ".join(text.split())
    if len(flat) <= SUMMARY_LENGTH:
        return flat
    whole_words = flat[: SUMMARY_LENGTH + 1].rpartition(" ")[0]
    return f"{whole_words or flat[:SUMMARY_LENGTH]}…"
