"""The numbers of one tool output, described by how they relate to the question.

A number is compared by its label (row label, JSON key, clause), its heading (column, record,
sentence) and its year, and by how well each phrase of the question names it. `operands` puts the
numbers of several outputs together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rft_service.engines.simulated.perception import NumberSpan, perceive
from rft_service.engines.simulated.phrases import JOINED, ROLES, YEAR_ROLES, Phrase
from rft_service.engines.simulated.question import Question
from rft_service.engines.simulated.weights import Column, Vector
from rft_service.engines.simulated.words import stems

PHRASE_ROLES = (*ROLES, JOINED, *(f"year_{role}" for role in YEAR_ROLES))
LEAST_NAMING = 0.3  # below it a phrase does not name a number at all
_TOTAL = frozenset(stems("total net aggregate overall sum"))


class _Numbers:
    """What the features below are made of. All arrays have n entries, one for each number."""

    def __init__(self, spans: Sequence[NumberSpan], question: Question) -> None:
        topic = question.topic - question.name_stems or question.topic
        self.spans, self.question, self.asked = spans, question, question.years
        self.two_years = len(question.years) > 1
        self.row = np.array([span.row for span in spans], dtype=np.int64)
        self.column = np.array([span.column for span in spans], dtype=np.int64)
        self.unit = np.array([span.unit for span in spans])
        self.is_year = np.array([span.is_year for span in spans], dtype=bool)
        self.in_table = self.row >= 0
        in_label = np.array([len(span.label & topic) for span in spans])
        in_heading = np.array([len(span.heading & topic) for span in spans])
        in_either = np.array([len((span.label | span.heading) & topic) for span in spans])
        self.label_recall = in_label / max(1, len(topic))
        self.label_precision = in_label / [max(1, len(span.label)) for span in spans]
        self.heading_recall = in_heading / max(1, len(topic))
        self.cover = np.where(self.is_year, 0.0, in_either / max(1, len(topic)))
        self.position = np.array([_label_position(span, question) for span in spans])
        column_match = [_column_match(s, question) if s.row >= 0 else 0.0 for s in spans]
        self.heading_match = np.where(self.in_table, column_match, self.heading_recall)
        self.heading_best = self._best_of_form(self.heading_match)
        best_recall = self._best_of_form(self.label_recall)
        self.is_label_best = (self.label_recall > 0) & (self.label_recall == best_recall)
        self.is_heading_best = (self.heading_match > 0) & (self.heading_match == self.heading_best)
        last: dict[int, tuple[int, int]] = {}  # row and column, by table
        for span in spans:
            row, column = last.get(span.table, (0, 0))
            last[span.table] = (max(row, span.row), max(column, span.column))
        self.last_row, self.last_column = np.array([last[s.table] for s in spans]).reshape(-1, 2).T
        self.named = np.array([_naming(span, question.phrases) for span in spans], dtype=float)
        self.named = self.named.reshape(len(spans), len(question.phrases))
        self.things = [n for n, phrase in enumerate(question.phrases) if phrase.is_thing]
        self.called, self.most_called = self._words_called()

    def _best_of_form(self, values: Vector) -> Vector:
        """The best value among table cells for cells, and among prose for numbers in prose."""
        eligible = np.where(self.is_year, 0.0, values)
        in_tables, in_prose = eligible[self.in_table], eligible[~self.in_table]
        best: Vector = np.where(
            self.in_table, in_tables.max(initial=0.0), in_prose.max(initial=0.0)
        )
        return best

    def of_year(self, year: int) -> list[bool]:
        return [year in span.years for span in self.spans]

    def is_best_of_year(self, year: int) -> Column:
        """Whether no number of this year is named better, by whichever thing of the question."""
        if not self.things or not self.spans:
            return False
        return _are_best(self.named[:, self.things].max(axis=1) * self.of_year(year))

    def _words_called(self) -> tuple[Vector, Vector]:
        """How many words of the question are in a number's column heading but in no row label of
        its table: with them the question picks a column. Second, the most for any column."""
        labels: dict[int, set[str]] = {}
        for span in self.spans:
            labels.setdefault(span.table, set()).update(span.label)
        words = self.question.word_set
        called = [
            float(span.row >= 0 and len((span.heading - labels[span.table]) & words))
            for span in self.spans
        ]
        most = dict.fromkeys(labels, 0.0)
        for span, count in zip(self.spans, called, strict=True):
            most[span.table] = max(most[span.table], count)
        return np.array(called), np.array([most[span.table] for span in self.spans])


# The features and what they mean, in the order of the weights' vectors.
_FEATURES: dict[str, Callable[[_Numbers], Column]] = {
    "in_table": lambda n: n.in_table,
    "in_prose": lambda n: ~n.in_table,
    "is_year": lambda n: n.is_year,
    "is_percent": lambda n: [span.percent for span in n.spans],
    "is_negative": lambda n: [span.value < 0 for span in n.spans],
    "has_unit": lambda n: n.unit != 1.0,
    # The question's topic and the label: share of the topic, share of the label.
    "label_recall": lambda n: n.label_recall,
    "label_precision": lambda n: n.label_precision,
    "label_best": lambda n: n.in_table & n.is_label_best,
    "label_exact": lambda n: [
        s.row >= 0 and bool(s.label) and s.label <= n.question.word_set for s in n.spans
    ],
    # Where in the question the label's words are: what is named first is often an operand's role.
    "label_early": lambda n: (n.position >= 0) & (n.position < 0.4),
    "label_late": lambda n: n.position > 0.6,
    "heading_recall": lambda n: n.heading_recall,
    "heading_match": lambda n: n.in_table * n.heading_match,
    "heading_best": lambda n: n.in_table & n.is_heading_best,
    "heading_missed": lambda n: n.in_table & (n.heading_match < n.heading_best),
    "clause_best": lambda n: ~n.in_table & n.is_label_best,
    "sentence_best": lambda n: ~n.in_table & n.is_heading_best,
    "total_column": lambda n: [s.row >= 0 and bool(s.heading & _TOTAL) for s in n.spans],
    "total_row": lambda n: [bool(span.label & _TOTAL) for span in n.spans],
    # By order in the question, then by time: "in 2012 compared with 2011".
    "year_first_named": lambda n: bool(n.asked) and n.of_year(n.asked[0]),
    "year_last_named": lambda n: n.two_years and n.of_year(n.asked[-1]),
    "year_later": lambda n: n.two_years and n.of_year(max(n.asked)),
    "year_earlier": lambda n: n.two_years and n.of_year(min(n.asked)),
    "year_none": lambda n: [not span.years for span in n.spans],
    "year_other": lambda n: (
        bool(n.asked)
        and [bool(s.years) and not any(year in s.years for year in n.asked) for s in n.spans]
    ),
    "first_column": lambda n: n.in_table & (n.column == 1),
    "last_column": lambda n: n.in_table & (n.column == n.last_column),
    "first_row": lambda n: n.row == 0,
    "last_row": lambda n: n.in_table & (n.row == n.last_row),
    "unit_as_asked": lambda n: (n.question.unit != 0.0) & (n.unit == n.question.unit),
    "in_question": lambda n: [span.text in n.question.text for span in n.spans],
    # Whether the question picks the number's column, or another of the same table.
    "column_called": lambda n: (n.called == n.most_called) & (n.called > 0),
    "column_uncalled": lambda n: n.called < n.most_called,
    "best_of_earlier": lambda n: n.two_years and n.is_best_of_year(min(n.asked)),
    "best_of_later": lambda n: n.two_years and n.is_best_of_year(max(n.asked)),
    "best_of_year": lambda n: len(n.asked) == 1 and n.is_best_of_year(n.asked[0]),
}
# Last, whether a number is the one that a phrase of this role names best.
NUMBER_FEATURES = (*_FEATURES, *(f"best_{role}" for role in PHRASE_ROLES))


@dataclass(frozen=True, eq=False)
class NumberTable:
    """The numbers of one output and their relation to one question. All arrays have n entries.

    `features` is [n, NUMBER_FEATURES]. `cover` is the share of the question's topic that a
    number's label and heading name, `positions` where in the question the label is. `named` is
    [n, phrases]: how well each phrase of the question names a number, from 0 to 1; `things` are
    the indices of the phrases that name a thing. `cells` is [n, 6]: table, row, column, segment,
    year (0 for none) and whether it is a percentage. `amounts` are in ones, without sign. The
    `..._so_far` arrays hold the greatest up to each number. `first_in_record` is the index of the
    first number that is in a row under a heading, n if there is none.
    """

    spans: tuple[NumberSpan, ...]
    features: Vector
    cover: Vector
    cover_so_far: Vector
    positions: Vector
    named: Vector
    named_so_far: Vector
    things: list[int]
    cells: npt.NDArray[np.int64]
    segments: npt.NDArray[np.int64]
    amounts: Vector
    first_in_record: int


@lru_cache(maxsize=1024)
def number_table(text: str, question: Question) -> NumberTable:
    """The table of an output's numbers. Cached: the rollouts of a group read the same pages."""
    spans = perceive(text).numbers
    numbers = _Numbers(spans, question)
    features = np.zeros((len(spans), len(NUMBER_FEATURES)))
    for column, feature in enumerate(_FEATURES.values()):
        features[:, column] = feature(numbers)
    features[:, len(_FEATURES) :] = _best_by_role(numbers.named, spans, question)
    cells = [
        (s.table, s.row, s.column, s.segment, s.years[0] if s.years else 0, s.percent)
        for s in spans
    ]
    cell_array = np.array(cells, dtype=np.int64).reshape(len(spans), 6)
    in_record = (index for index, span in enumerate(spans) if span.row >= 0 and span.heading)
    return NumberTable(
        spans=spans,
        features=features,
        cover=numbers.cover,
        cover_so_far=np.maximum.accumulate(numbers.cover),
        positions=numbers.position,
        named=numbers.named,
        named_so_far=np.maximum.accumulate(numbers.named[:, numbers.things]),
        things=numbers.things,
        cells=cell_array,
        segments=np.ascontiguousarray(cell_array[:, 3]),
        amounts=np.abs([span.value * span.unit for span in spans]),
        first_in_record=next(in_record, len(spans)),
    )


def _column_match(span: NumberSpan, question: Question) -> float:
    """The share of a heading's words, apart from years, that the question names."""
    words = {word for word in span.heading if not word.isdigit()}
    return len(words & question.word_set) / len(words) if words else 0.0


def _label_position(span: NumberSpan, question: Question) -> float:
    """Where in the question a label's words are, on average, from 0 to 1; -1 if nowhere."""
    found = [index for index, word in enumerate(question.words) if word in span.label]
    return sum(found) / (len(found) * max(1, len(question.words) - 1)) if found else -1.0


def _naming(span: NumberSpan, phrases: Sequence[Phrase]) -> list[float]:
    """How well each phrase names a number: mainly the share of the phrase that is in its label,
    heading or years, and for the rest the fit of the label alone."""
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
            if span.row < 0:  # prose: the clause around the number counts more than its sentence
                value = 0.6 * value + 0.4 * shared / len(words)
            else:  # a cell: a label of other words besides ("net sales" for "sales") fits less
                value = (2 * value + shared / len(label)) / 3
        found.append(value)
    return found


def _best_by_role(named: Vector, spans: Sequence[NumberSpan], question: Question) -> Vector:
    """Whether a number is named best of its output by a phrase of each role [n, PHRASE_ROLES].
    Numbers of other years than those asked for do not count."""
    rows = np.zeros((len(spans), len(PHRASE_ROLES)))
    asked = set(question.years)
    timely = np.array([not asked or not s.years or bool(asked & set(s.years)) for s in spans])
    for index, phrase in enumerate(question.phrases):
        if phrase.role in PHRASE_ROLES:
            best = _are_best(named[:, index] * timely)
            rows[:, PHRASE_ROLES.index(phrase.role)] += best
    return np.minimum(rows, 1.0)


def _are_best(scores: Vector) -> npt.NDArray[np.bool_]:
    """Which scores are the highest, if that is high enough to mean something."""
    highest = scores.max(initial=0.0)
    best: npt.NDArray[np.bool_] = (scores == highest) & (highest >= LEAST_NAMING)
    return best
