"""Rollouts to read in a notebook: one as a conversation, or two side by side."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from IPython.display import HTML, display

from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.tasks.questions import Question, load_questions
from rft_traces import Outcome, Trace, pair_html, style, table_html, trace_html
from rft_wire.records import RolloutRecord

ANY = "any"
NOTHING, NONE = "nothing", -1  # in the menu of the second rollout
MOST_LISTED = 500  # rollouts in the two menus; a filter finds the others
WITHOUT_KERNEL = "A trace viewer: it needs a running kernel. The table below does not."
COPY = (
    "navigator.clipboard.writeText(this.dataset.json)"
    ".then(() => { this.textContent = 'Copied'; }, () => { this.textContent = 'Not allowed'; })"
)

Row = RolloutRecord | Mapping[str, Any]


def read_traces(file: Path) -> list[Trace]:
    """The rollouts of a file: JSON lines, or one JSON list, of records or of like objects.

    Raises WorkshopError naming file and line.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        fix = "give the records of an evaluation"
        raise WorkshopError(f"{file}: {error.strerror or error}; {fix}") from None
    is_list = text.lstrip().startswith("[")
    parts = [(1, text)] if is_list else enumerate(io.StringIO(text), 1)
    traces = list[Trace]()
    for number, part in parts:
        if not part.strip():
            continue
        try:
            found = json.loads(part)
            traces += [trace_of(row) for row in (found if is_list else [found])]
        except (ValueError, AttributeError) as error:
            fix = "a line is one rollout as a JSON object with `trace`"
            raise WorkshopError(f"{file}, line {number}: {error}; {fix}") from None
    return traces


def trace_of(row: Row) -> Trace:
    """A record, or a JSON object like one, as a trace. Raises ValueError for another shape.

    A row without its reference answer gets it from the shipped questions, if it is one of them.
    """
    trace = Trace.of(row.to_json() if isinstance(row, RolloutRecord) else row)
    question = None if trace.reference else shipped_questions().get(trace.question_id)
    if question and question.text in trace.question:
        return replace(trace, reference=question.answer_text)
    return trace


@functools.cache
def shipped_questions() -> Mapping[str, Question]:
    """By ID; none where the data is missing."""
    try:
        return {question.id: question for question in load_questions()}
    except (OSError, ValueError):
        return {}


class TraceViewer:
    """Filter rollouts by question, outcome and tool; read one, or two side by side.

    Takes a records file, records, or JSON objects of such a shape. Put it last in a cell. The
    filters are `question` (part of its ID or text), `outcome` and `tool`; the menus `left` and
    `right` choose what is shown.
    """

    def __init__(self, rows: Path | str | Iterable[Row]) -> None:
        is_file = isinstance(rows, Path | str)
        self.traces = read_traces(Path(rows)) if is_file else [trace_of(row) for row in rows]  # type: ignore[arg-type, union-attr]
        tools = sorted({name for trace in self.traces for name in trace.tools})
        self.question = widgets.Text(description="Question", placeholder="any: part of ID or text")
        self.outcome = widgets.Dropdown(description="Outcome", options=[ANY, *map(str, Outcome)])
        self.tool = widgets.Dropdown(description="Tool", options=[ANY, *tools])
        self.count = widgets.Label()
        wide = widgets.Layout(width="48%", min_width="18rem")
        self.left = widgets.Dropdown(description="Rollout", layout=wide)
        self.right = widgets.Dropdown(description="Beside", options=[(NOTHING, NONE)], layout=wide)
        self.shown = widgets.HTML()
        wrap = widgets.Layout(flex_flow="row wrap")
        self.box = widgets.VBox(
            [
                widgets.HBox([self.question, self.outcome, self.tool, self.count], layout=wrap),
                widgets.HBox([self.left, self.right], layout=wrap),
                self.shown,
            ]
        )
        for filtering in (self.question, self.outcome, self.tool):
            filtering.observe(self._filter, "value")
        for choosing in (self.left, self.right):
            choosing.observe(self._draw, "value")
        self._filter()

    def found(self) -> list[Trace]:
        """The rollouts that pass the filters."""
        part = self.question.value.strip().lower()
        return [
            trace
            for trace in self.traces
            if part in f"{trace.question_id} {trace.question}".lower()
            and self.outcome.value in (ANY, trace.outcome)
            and (self.tool.value == ANY or self.tool.value in trace.tools)
        ]

    def _filter(self, _change: Any = None) -> None:
        found = self.found()
        kept = (self.left.value, self.right.value)
        listed = [(label(trace), index) for index, trace in self._listed(found)]
        self.left.options = listed
        self.right.options = [(NOTHING, NONE), *listed]
        indices = [index for _, index in listed]
        self.left.value = kept[0] if kept[0] in indices else next(iter(indices), None)
        self.right.value = kept[1] if kept[1] in indices else NONE
        more = f", the first {MOST_LISTED} listed" if len(found) > MOST_LISTED else ""
        self.count.value = f"{len(found)} of {len(self.traces)} rollouts{more}"
        self._draw()

    def _listed(self, found: Sequence[Trace]) -> list[tuple[int, Trace]]:
        kept = {id(trace) for trace in found[:MOST_LISTED]}
        return [(index, trace) for index, trace in enumerate(self.traces) if id(trace) in kept]

    def _draw(self, _change: Any = None) -> None:
        if self.left.value is None:
            self.shown.value = "<p>No rollout passes the filters.</p>"
            return
        one = self.traces[self.left.value]
        if self.right.value == NONE:
            drawn = trace_html(one, title=label(one), level=4, copy=True, onclick=COPY)
        else:
            drawn = pair_html(one, self.traces[self.right.value], ("Left", "Right"), level=4)
        self.shown.value = f"<style>{style()}</style>{drawn}"

    def static_html(self) -> str:
        """What there is to read without a kernel: a table of the rollouts, folded."""
        table = table_html(self.traces)
        about = f"<summary>The same {len(self.traces)} rollouts as a table</summary>"
        return f"<style>{style()}</style><details>{about}{table}</details>"

    def _ipython_display_(self) -> None:
        display(with_plain_text(self.box, WITHOUT_KERNEL), raw=True)  # type: ignore[no-untyped-call]
        display(HTML(self.static_html()))  # type: ignore[no-untyped-call]


def side_by_side(left: Row, right: Row, titles: tuple[str, str] = ("Before", "After")) -> HTML:
    """Two rollouts as two columns, similar steps in the same row. It needs no kernel."""
    pair = pair_html(trace_of(left), trace_of(right), titles, level=4)
    return HTML(f"<style>{style()}</style>{pair}")  # type: ignore[no-untyped-call]


def label(trace: Trace) -> str:
    """A rollout's name in a menu."""
    reward = "discarded" if trace.reward is None else f"reward {trace.reward:g}"
    repeat = "" if trace.repeat is None else f", repeat {trace.repeat}"
    model = f", {trace.model.rpartition(':')[2]}" if trace.model else ""
    return f"{trace.question_id}{repeat}{model}: {reward}"


def with_plain_text(box: widgets.Widget, text: str) -> dict[str, Any]:
    """A widget's display data, with a sentence to show if widgets cannot be displayed."""
    bundle: dict[str, Any] = {**box._repr_mimebundle_(), "text/plain": text}
    return bundle
