"""The numbers of one output as one question sees them.

A number is described by how its row, column and sentence speak to the question, and by which of
the question's phrases names it. What follows from several outputs together is in `operands`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rft_service.engines.simulated.perception import NumberSpan, perceive
from rft_service.engines.simulated.phrases import JOINED, ROLES, YEAR_ROLES, Phrase
from rft_service.engines.simulated.prompt import Brief, read_brief
from rft_service.engines.simulated.weights import Vector
from rft_service.engines.simulated.words import stems

PHRASE_ROLES = (*ROLES, JOINED, *(f"year_{role}" for role in YEAR_ROLES))
_FOUND_TOGETHER = (  # by comparing the numbers of an output with each other
    "column_called",
    "column_uncalled",
    "best_of_earlier",
    "best_of_later",
    "best_of_year",
    *(f"best_{role}" for role in PHRASE_ROLES),
)
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
    *_FOUND_TOGETHER,
)
_FOUND_ALONE = len(STATIC_FEATURES) - len(_FOUND_TOGETHER)
_YEAR_PLACES = [STATIC_FEATURES.index(f"best_of_{name}") for name in ("earlier", "later", "year")]
_COLUMN_PLACES = [STATIC_FEATURES.index(f"column_{name}") for name in ("called", "uncalled")]
LEAST_NAMING = 0.3  # below it a phrase does not name a number at all
_TOTAL = frozenset(stems("total net aggregate overall sum"))


@dataclass(frozen=True, eq=False)
class NumberTable:
    """The numbers of one output as one question sees them. All arrays have n entries.

    `features` is [n, STATIC_FEATURES]; `cover` is the share of the question's topic that a number's
    label and heading speak of, `positions` where in the question its label stands; `named` [n,
    phrases] how well each phrase of the question names it, from 0 to 1, and `things` the places
    of the phrases that name more than a year. `places` has table, row, column, segment, year
    (0 for none) and whether it is a percentage; `amounts` are without sign, in ones. What ends in
    `so_far` is the greatest up to each number. `first_in_record` is the place of the first
    number that stands in a row under a heading, n where there is none.
    """

    spans: tuple[NumberSpan, ...]
    features: Vector
    cover: Vector
    cover_so_far: Vector
    positions: Vector
    named: Vector
    named_so_far: Vector
    things: list[int]
    places: npt.NDArray[np.int64]
    segments: npt.NDArray[np.int64]
    amounts: Vector
    first_in_record: int


@lru_cache(maxsize=1024)
def number_table(text: str, prompt: str, question: str) -> NumberTable:
    """Static features of an output's numbers, cached by output and question."""
    view, brief = perceive(text), read_brief(prompt, question)
    spans = tuple(view.numbers)
    topic = brief.topic - brief.name_stems or brief.topic
    recall = [len(span.label & topic) / max(1, len(topic)) for span in spans]
    match = [_heading_match(span, brief, topic) for span in spans]
    seen = _Seen(_best_by_place(spans, recall), _best_by_place(spans, match), _table_shapes(spans))
    positions = [label_position(span, brief) for span in spans]
    each = zip(spans, recall, match, positions, strict=True)
    static = [_static(span, brief, topic, r, m, position, seen) for span, r, m, position in each]
    both = [len((s.label | s.heading) & topic) / max(1, len(topic)) for s in spans]
    cover = np.array([0.0 if s.is_year else c for s, c in zip(spans, both, strict=True)])
    named = np.array([_naming(span, brief.phrases) for span in spans], dtype=float)
    named = named.reshape(len(spans), len(brief.phrases))
    things = [place for place, phrase in enumerate(brief.phrases) if _is_thing(phrase)]
    rows = np.zeros((len(spans), len(STATIC_FEATURES)))
    rows[:, :_FOUND_ALONE] = np.array(static, dtype=float).reshape(len(spans), _FOUND_ALONE)
    rows[:, -len(PHRASE_ROLES) :] = _best_by_role(named, spans, brief)
    rows[:, _YEAR_PLACES] = _best_by_year(named, things, spans, brief)
    rows[:, _COLUMN_PLACES] = _columns_called(spans, brief)
    places = np.array([_place(span) for span in spans], dtype=np.int64).reshape(len(spans), 6)
    in_record = (n for n, span in enumerate(spans) if span.row >= 0 and span.heading)
    return NumberTable(
        spans=spans,
        features=rows,
        cover=cover,
        cover_so_far=np.maximum.accumulate(cover),
        positions=np.array(positions),
        named=named,
        named_so_far=np.maximum.accumulate(named[:, things]),
        things=things,
        places=places,
        segments=np.ascontiguousarray(places[:, 3]),
        amounts=np.abs([span.value * span.unit for span in spans]),
        first_in_record=next(in_record, len(spans)),
    )


def _place(span: NumberSpan) -> tuple[int, ...]:
    year = span.years[0] if span.years else 0
    return span.table, span.row, span.column, span.segment, year, span.percent


def _naming(span: NumberSpan, phrases: Sequence[Phrase]) -> list[float]:
    """How well each phrase names a number: the share of the phrase that its label, heading and year
    say; in prose also the share that its clause says, in a table the share of its label that the
    phrase says."""
    if span.is_year:
        return [0.0] * len(phrases)
    label = span.label
    said = label.union(span.heading, map(str, span.years))
    found = []
    for phrase in phrases:
        words = phrase.words
        value = len(said & words) / len(words)
        if label and value and not phrase.is_year:
            shared = len(label & words)
            if span.row < 0:  # its clause says more of it than the rest of the sentence
                value = 0.6 * value + 0.4 * shared / len(words)
            else:
                value = (2 * value + shared / len(label)) / 3
        found.append(value)
    return found


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


def _best_by_year(
    named: Vector, things: Sequence[int], spans: Sequence[NumberSpan], brief: Brief
) -> Vector:
    """Whether no number of the same year is named better by any phrase [n, 3]: of the earlier
    and of the later of the years asked for, and of the year where it is but one."""
    rows = np.zeros((len(spans), 3))
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
    words = brief.word_set
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


def _static(
    span: NumberSpan,
    brief: Brief,
    topic: frozenset[str],
    recall: float,
    match: float,
    position: float,
    seen: _Seen,
) -> tuple[float, ...]:
    """STATIC_FEATURES of one number, those aside that its output's numbers have together."""
    in_table = span.row >= 0
    label = span.label
    years, asked = span.years, brief.years
    shared = [year for year in asked if year in years]
    last_row, last_column = seen.shapes[span.table]
    is_best = recall > 0 and recall == seen.label_best[in_table]
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
        "label_exact": in_table and bool(label) and label <= brief.word_set,
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
    return tuple(values.values())


def _is_thing(phrase: Phrase) -> bool:
    return phrase.role in ROLES and phrase.role not in ("verb", "opening")
