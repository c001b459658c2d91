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
from .phrases import JOINED, ROLES, YEAR_ROLES, Phrase
from .weights import Vector
from .words import stems, years_in

PHRASE_ROLES = (*ROLES, JOINED, *(f"year_{role}" for role in YEAR_ROLES))
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
    "column_called",
    "column_uncalled",
    "best_of_earlier",
    "best_of_later",
    "best_of_year",
    *(f"best_{role}" for role in PHRASE_ROLES),
)
PAGE_FEATURES = ("page_cover", "page_best", "page_year", "page_name", "page_last", "page_path")
FIRST_FEATURES = (*STATIC_FEATURES, *PAGE_FEATURES, "best_of_all")
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
    "same_phrase",
    "other_phrase",
    "both_percent",
    "smaller",
    "greater_ten_times",
)
_YEAR_PLACES = [STATIC_FEATURES.index(f"best_of_{name}") for name in ("earlier", "later", "year")]
_COLUMN_PLACES = [STATIC_FEATURES.index(f"column_{name}") for name in ("called", "uncalled")]
LEAST_NAMING = 0.3  # below it a phrase does not name a number at all
_TOTAL = frozenset(stems("total net aggregate overall sum"))


@dataclass(frozen=True)
class NumberTable:
    """The numbers of one output as one question sees them. All arrays have n entries;
    `features` is [n, static]; `cover` is the share of the question's topic that a number's label
    and heading speak of, `positions` where in the question its label stands; `named` [n, phrases]
    how well each phrase of the question names it, from 0 to 1."""

    spans: tuple[NumberSpan, ...]
    features: Vector
    cover: Vector
    positions: Vector
    named: Vector
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
    named = np.array([[_naming(span, p) for p in brief.phrases] for span in spans])
    named = named.reshape(len(spans), len(brief.phrases))
    rows[:, -len(PHRASE_ROLES) :] = _best_by_role(named, spans, brief)
    rows[:, _YEAR_PLACES] = _best_by_year(named, spans, brief)
    rows[:, _COLUMN_PLACES] = _columns_called(spans, brief)
    segments = np.array([span.segment for span in spans], dtype=np.int64)
    return NumberTable(spans, rows, cover, positions, named, segments)


def _naming(span: NumberSpan, phrase: Phrase) -> float:
    """How well a phrase names a number: the share of the phrase that its label, heading and year
    say; in prose also the share that its clause says, in a table the share of its label that the
    phrase says."""
    if span.is_year:
        return 0.0
    said = span.label | span.heading | frozenset(map(str, span.years))
    recall = len(said & phrase.words) / len(phrase.words)
    if phrase.is_year or not span.label:
        return recall
    if span.row < 0:  # its clause says more of it than the rest of the sentence
        return 0.6 * recall + 0.4 * len(span.label & phrase.words) / len(phrase.words)
    precision = len(span.label & phrase.words) / len(span.label)
    return (2 * recall + precision) / 3 if recall else 0.0


def _best_by_role(named: Vector, spans: Sequence[NumberSpan], brief: Brief) -> Vector:
    """Whether a number is the best named of its output by a phrase of each role [n, roles]; what
    is of another year than those asked for is left aside."""
    rows = np.zeros((len(spans), len(PHRASE_ROLES)))
    asked = set(brief.years)
    timely = np.array([not asked or not s.years or bool(asked & set(s.years)) for s in spans])
    for place, phrase in enumerate(brief.phrases):
        if phrase.role in PHRASE_ROLES:
            scores = named[:, place] * timely
            rows[:, PHRASE_ROLES.index(phrase.role)] += _are_best(scores)
    best: Vector = np.minimum(rows, 1.0)
    return best


def _best_by_year(named: Vector, spans: Sequence[NumberSpan], brief: Brief) -> Vector:
    """Whether no number of the same year is named better by any phrase [n, 3]: of the earlier
    and of the later of the years asked for, and of the year where it is but one."""
    rows = np.zeros((len(spans), 3))
    things = [place for place, phrase in enumerate(brief.phrases) if _is_thing(phrase)]
    if not things or not brief.years or not len(spans):
        return rows
    scores = named[:, things].max(axis=1)
    years = sorted(brief.years)
    wanted = [(0, years[0]), (1, years[-1])] if len(years) > 1 else [(2, years[0])]
    for column, year in wanted:
        rows[:, column] = _are_best(scores * [year in span.years for span in spans])
    return rows


def _are_best(scores: Vector) -> npt.NDArray[np.bool_]:
    """Which scores are the highest, if that is high enough to mean something."""
    highest = max(scores, default=0.0)
    are_best: npt.NDArray[np.bool_] = (scores == highest) & (highest >= LEAST_NAMING)
    return are_best


def _columns_called(spans: Sequence[NumberSpan], brief: Brief) -> Vector:
    """Whether the question says what a number's column has in its heading and no row of the table
    in its label, more so than for any other column; and whether it says so of another [n, 2]."""
    labels: dict[int, set[str]] = {}
    for span in spans:
        labels.setdefault(span.table, set()).update(span.label)
    words = frozenset(brief.words)
    called = np.zeros(len(spans))
    for place, span in enumerate(spans):
        if span.row >= 0:
            called[place] = len((span.heading - labels[span.table]) & words)
    tables = np.array([span.table for span in spans])
    rows = np.zeros((len(spans), 2))
    for table in labels:
        own = tables == table
        most = called[own].max()
        if most > 0:
            rows[own, 0] = called[own] == most
            rows[own, 1] = called[own] < most
    return rows


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
    row[: len(values)] = list(values.values())


@dataclass(frozen=True)
class NumberPool:
    """All numbers within the attention window, over all outputs. `first` is [n, FIRST_FEATURES];
    `page` gives each number's output, `phrases` the phrase that names it best (-1 for none);
    `cover_best` is the best cover of any, and `weakest_naming` how well the best number of that
    phrase is named that is named worst."""

    spans: tuple[NumberSpan, ...]
    first: Vector
    page: npt.NDArray[np.int64]
    cover: Vector
    positions: Vector
    phrases: npt.NDArray[np.int64]
    weakest_naming: float

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
    brief = memory.brief
    spans: list[NumberSpan] = []
    blocks: list[Vector] = []
    origins: list[npt.NDArray[np.int64]] = []
    covers: list[Vector] = []
    positions: list[Vector] = []
    named: list[Vector] = []
    for place, (output, window) in enumerate(zip(memory.outputs, windows, strict=True)):
        table = number_table(output.text, brief.prompt, brief.question)
        seen = int(np.searchsorted(table.segments, window))
        if not seen:
            continue
        spans += table.spans[:seen]
        blocks.append(np.hstack([table.features[:seen], np.tile(pages[place], (seen, 1))]))
        covers.append(table.cover[:seen])
        positions.append(table.positions[:seen])
        named.append(table.named[:seen])
        origins.append(np.full(seen, place))
    if not spans:
        return NumberPool(
            spans=(),
            first=np.zeros((0, len(FIRST_FEATURES))),
            page=np.zeros(0, dtype=np.int64),
            cover=np.zeros(0),
            positions=np.zeros(0),
            phrases=np.zeros(0, dtype=np.int64),
            weakest_naming=0.0,
        )
    phrases, best_of_all, weakest = _phrase_of_each(np.concatenate(named), brief.phrases)
    return NumberPool(
        spans=tuple(spans),
        first=np.column_stack([np.concatenate(blocks), best_of_all]),
        page=np.concatenate(origins),
        cover=np.concatenate(covers),
        positions=np.concatenate(positions),
        phrases=phrases,
        weakest_naming=weakest,
    )


def _phrase_of_each(
    named: Vector, phrases: Sequence[Phrase]
) -> tuple[npt.NDArray[np.int64], Vector, float]:
    """For each number the phrase of things (not years) that names it best, -1 for none, and
    whether no number is named better by it; and how well the worst named phrase is met."""
    things = [place for place, phrase in enumerate(phrases) if _is_thing(phrase)]
    if not things:
        return np.full(len(named), -1), np.zeros(len(named)), 0.0
    scores = named[:, things]
    chosen = scores.argmax(axis=1)
    own = scores[np.arange(len(scores)), chosen]
    met = scores.max(axis=0)
    counts = own >= LEAST_NAMING
    best: Vector = (counts & (own == met[chosen])).astype(float)
    return np.where(counts, chosen, -1), best, float(met.min())


def _is_thing(phrase: Phrase) -> bool:
    return phrase.role in ROLES and phrase.role not in ("verb", "opening")


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
    phrases = pool.phrases
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
            phrases[place] >= 0 and phrases[place] == phrases[first],
            phrases[place] >= 0 and phrases[place] != phrases[first],
            span.percent and anchor.percent,
            abs(span.value * span.unit) < abs(anchor.value * anchor.unit),
            abs(span.value * span.unit) > 10 * abs(anchor.value * anchor.unit),
        )
        rows[place, len(FIRST_FEATURES) :] = values
    return rows
