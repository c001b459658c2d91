"""The numbers a question can be answered with: features of a first and of a second operand.

A number is described by how its row, column, sentence and page speak to the question, and a
second one also by how it stands to the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .brief import Brief, read_brief
from .fill import letters_of_name
from .memory import Memory, Output
from .perception import NumberSpan, perceive
from .weights import Vector
from .words import stems, years_in

STATIC_FEATURES = (
    "in_table",
    "in_prose",
    "is_year",
    "is_percent",
    "is_negative",
    "has_unit",
    "label_recall",
    "label_precision",
    "label_best",
    "label_exact",
    "label_early",
    "label_late",
    "heading_recall",
    "heading_match",
    "heading_best",
    "heading_missed",
    "clause_best",
    "sentence_best",
    "total_row",
    "year_first_named",
    "year_last_named",
    "year_later",
    "year_earlier",
    "year_none",
    "year_other",
    "first_column",
    "last_column",
    "first_row",
    "last_row",
    "unit_as_asked",
    "in_question",
)
PAGE_FEATURES = ("page_cover", "page_best", "page_year", "page_name", "page_last", "page_path")
FIRST_FEATURES = (*STATIC_FEATURES, *PAGE_FEATURES)
SECOND_FEATURES = (
    *FIRST_FEATURES,
    "same_page",
    "same_row",
    "same_column",
    "next_column",
    "previous_column",
    "next_row",
    "previous_row",
    "same_sentence",
    "same_year",
    "year_before",
    "year_after",
    "other_year_named",
    "same_label_words",
    "new_words",
    "new_words_best",
    "label_later",
    "same_heading",
    "both_percent",
    "smaller",
    "greater_ten_times",
    "same_number",
)
_PLACE = {name: place for place, name in enumerate(SECOND_FEATURES)}
_TOTAL = frozenset(stems("total net aggregate overall sum"))


@dataclass(frozen=True)
class NumberTable:
    """The numbers of one output as one question sees them. All arrays have n entries;
    `features` is [n, static]; `cover` is the share of the question's topic that a number's label
    and heading speak of, `positions` where in the question its label stands."""

    spans: tuple[NumberSpan, ...]
    features: Vector
    cover: Vector
    positions: Vector
    segments: npt.NDArray[np.int64]


@lru_cache(maxsize=1024)
def number_table(text: str, prompt: str, question: str) -> NumberTable:
    """Static features of an output's numbers, cached by output and question."""
    view, brief = perceive(text), read_brief(prompt, question)
    spans = tuple(view.numbers)
    rows = np.zeros((len(spans), len(STATIC_FEATURES)))
    topic = brief.topic - brief.name_stems or brief.topic
    recall = [len(span.label & topic) / max(1, len(topic)) for span in spans]
    match = [_heading_match(span, brief, topic) for span in spans]
    seen = _Seen(_best_by_place(spans, recall), _best_by_place(spans, match), _table_shapes(spans))
    for place, span in enumerate(spans):
        _set_static(rows[place], span, brief, topic, recall[place], match[place], seen)
    both = [len((s.label | s.heading) & topic) / max(1, len(topic)) for s in spans]
    cover = np.array([0.0 if s.is_year else c for s, c in zip(spans, both, strict=True)])
    positions = np.array([label_position(span, brief) for span in spans])
    segments = np.array([span.segment for span in spans], dtype=np.int64)
    return NumberTable(spans, rows, cover, positions, segments)


@dataclass(frozen=True)
class _Seen:
    """What is known of an output's numbers together: the best label and heading match in tables
    (True) and in prose (False), and each table's last row and column."""

    label_best: dict[bool, float]
    heading_best: dict[bool, float]
    shapes: dict[int, tuple[int, int]]


def _heading_match(span: NumberSpan, brief: Brief, topic: frozenset[str]) -> float:
    """The share of a column's words, years aside, that the question names; in prose, the share of
    the question's topic that the sentence names."""
    if span.row < 0:
        return len(span.heading & topic) / max(1, len(topic))
    words = {word for word in span.heading if not word.isdigit()}
    return len(words.intersection(brief.words)) / len(words) if words else 0.0


def label_position(span: NumberSpan, brief: Brief) -> float:
    """Where in the question a label's words stand, on average, from 0 to 1; -1 if nowhere."""
    places = [place for place, word in enumerate(brief.words) if word in span.label]
    return sum(places) / (len(places) * max(1, len(brief.words) - 1)) if places else -1.0


def _best_by_place(spans: Sequence[NumberSpan], recall: Sequence[float]) -> dict[bool, float]:
    """The best value among table cells (True) and among numbers in prose (False)."""
    best = {True: 0.0, False: 0.0}
    for span, value in zip(spans, recall, strict=True):
        if not span.is_year:
            best[span.row >= 0] = max(best[span.row >= 0], value)
    return best


def _table_shapes(spans: Sequence[NumberSpan]) -> dict[int, tuple[int, int]]:
    """Last row and last column that carry a number, by table."""
    shapes: dict[int, tuple[int, int]] = {}
    for span in spans:
        row, column = shapes.get(span.table, (0, 0))
        shapes[span.table] = (max(row, span.row), max(column, span.column))
    return shapes


def _set_static(
    row: Vector,
    span: NumberSpan,
    brief: Brief,
    topic: frozenset[str],
    recall: float,
    match: float,
    seen: _Seen,
) -> None:
    in_table = span.row >= 0
    label = span.label
    years, asked = span.years, brief.years
    shared = [year for year in asked if year in years]
    last_row, last_column = seen.shapes[span.table]
    is_best = recall > 0 and recall == seen.label_best[in_table]
    position = label_position(span, brief)
    heading_best = seen.heading_best[in_table]
    values = {
        "in_table": in_table,
        "in_prose": not in_table,
        "is_year": span.is_year,
        "is_percent": span.percent,
        "is_negative": span.value < 0,
        "has_unit": span.unit != 1.0,
        "label_recall": recall,
        "label_precision": len(label & topic) / max(1, len(label)),
        "label_best": in_table and is_best,
        "label_exact": in_table and bool(label) and label <= frozenset(brief.words),
        "label_early": 0 <= position < 0.4,
        "label_late": position > 0.6,
        "heading_recall": len(span.heading & topic) / max(1, len(topic)),
        "heading_match": in_table and match,
        "heading_best": in_table and 0 < match == heading_best,
        "heading_missed": in_table and match < heading_best,
        "clause_best": not in_table and is_best,
        "sentence_best": not in_table and 0 < match == heading_best,
        "total_row": bool(label & _TOTAL),
        "year_first_named": bool(asked) and asked[0] in years,
        "year_last_named": len(asked) > 1 and asked[-1] in years,
        "year_later": len(asked) > 1 and max(asked) in years,
        "year_earlier": len(asked) > 1 and min(asked) in years,
        "year_none": not years,
        "year_other": bool(years) and bool(asked) and not shared,
        "first_column": in_table and span.column == 1,
        "last_column": in_table and span.column == last_column,
        "first_row": in_table and span.row == 0,
        "last_row": in_table and span.row == last_row,
        "unit_as_asked": brief.unit != 0.0 and span.unit == brief.unit,
        "in_question": span.text in brief.question,
    }
    row[:] = list(values.values())


@dataclass(frozen=True)
class NumberPool:
    """All numbers within the attention window, over all outputs. `first` is [n, FIRST_FEATURES];
    `page` gives each number's output; `cover_best` the best cover of any."""

    spans: tuple[NumberSpan, ...]
    first: Vector
    page: npt.NDArray[np.int64]
    cover: Vector
    positions: Vector

    @property
    def cover_best(self) -> float:
        return float(self.cover.max()) if len(self.spans) else 0.0


def page_features(memory: Memory) -> Vector:
    """PAGE_FEATURES of each output [outputs, 6]: how the whole of it speaks to the question."""
    brief = memory.brief
    wanted = brief.topic | brief.name_stems
    rows = np.zeros((len(memory.outputs), len(PAGE_FEATURES)))
    covers = [len(o.view.words & wanted) / max(1, len(wanted)) for o in memory.outputs]
    best = max(covers, default=0.0)
    for place, (output, cover) in enumerate(zip(memory.outputs, covers, strict=True)):
        year, name, path = _origin(output, brief)
        last = place == len(memory.outputs) - 1
        rows[place] = (cover, cover == best, year, name, last, path)
    return rows


def _origin(output: Output, brief: Brief) -> tuple[bool, bool, bool]:
    """Whether the call behind an output names a year asked for, or a name, or a path at all."""
    texts = sorted(output.call.texts)
    year = any(y in brief.years for text in texts for y in years_in(text))
    paths = [text for text in texts if "/" in text]
    name = any(
        head in brief.names or letters_of_name(head, brief)
        for text in paths
        if (head := text.partition("/")[0].lower())
    )
    return year, name, bool(paths)


def number_pool(memory: Memory, windows: Sequence[int], pages: Vector) -> NumberPool:
    """The numbers of all outputs whose segment lies within each output's window."""
    spans: list[NumberSpan] = []
    blocks: list[Vector] = []
    origins: list[npt.NDArray[np.int64]] = []
    covers: list[Vector] = []
    positions: list[Vector] = []
    for place, (output, window) in enumerate(zip(memory.outputs, windows, strict=True)):
        table = number_table(output.text, memory.brief.prompt, memory.brief.question)
        if not table.spans:
            continue
        seen = int(np.searchsorted(table.segments, window))
        block = np.empty((seen, len(FIRST_FEATURES)))
        block[:, : len(STATIC_FEATURES)] = table.features[:seen]
        block[:, len(STATIC_FEATURES) :] = pages[place]
        spans += table.spans[:seen]
        blocks.append(block)
        covers.append(table.cover[:seen])
        positions.append(table.positions[:seen])
        origins.append(np.full(seen, place))
    if not spans:
        empty = np.zeros((0, len(FIRST_FEATURES)))
        return NumberPool((), empty, np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
    return NumberPool(
        tuple(spans),
        np.concatenate(blocks),
        np.concatenate(origins),
        np.concatenate(covers),
        np.concatenate(positions),
    )


def second_features(pool: NumberPool, first: int, brief: Brief) -> Vector:
    """Features of every number as a partner of number `first` [n, SECOND_FEATURES]."""
    rows = np.zeros((len(pool.spans), len(SECOND_FEATURES)))
    rows[:, : len(FIRST_FEATURES)] = pool.first
    anchor, page = pool.spans[first], pool.page[first]
    named = set(brief.years)
    anchor_year = anchor.years[0] if anchor.years else 0
    rest = frozenset(brief.words) - anchor.label
    fresh = [len(span.label & rest) / max(1, len(span.label)) for span in pool.spans]
    fresh_best = max((f for f, s in zip(fresh, pool.spans, strict=True) if s.row >= 0), default=0.0)
    later = pool.positions > pool.positions[first]
    for place, span in enumerate(pool.spans):
        same_page = pool.page[place] == page
        same_table = same_page and span.table == anchor.table and anchor.row >= 0
        year = span.years[0] if span.years else 0
        values = (
            same_page,
            same_table and span.row == anchor.row,
            same_table and span.column == anchor.column,
            same_table and span.row == anchor.row and span.column == anchor.column + 1,
            same_table and span.row == anchor.row and span.column == anchor.column - 1,
            same_table and span.column == anchor.column and span.row == anchor.row + 1,
            same_table and span.column == anchor.column and span.row == anchor.row - 1,
            same_page and span.row < 0 and span.segment == anchor.segment,
            bool(year) and year == anchor_year,
            bool(year) and year == anchor_year - 1,
            bool(year) and year == anchor_year + 1,
            bool(year) and year != anchor_year and year in named,
            span.label == anchor.label,
            fresh[place],
            span.row >= 0 and 0 < fresh[place] == fresh_best,
            later[place],
            same_table and span.heading == anchor.heading,
            span.percent and anchor.percent,
            abs(span.value * span.unit) < abs(anchor.value * anchor.unit),
            abs(span.value * span.unit) > 10 * abs(anchor.value * anchor.unit),
            place == first,
        )
        rows[place, len(FIRST_FEATURES) :] = values
    return rows
