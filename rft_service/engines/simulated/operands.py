"""All numbers read so far in one turn, and their features as a first and a second operand.

`numbers` describes those of one output; this puts together all outputs, each as far as it was
looked into. `actions` asks for a summary at every look and `answer` for the operands at most once a
turn, so the latter are computed only when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from rft_service.engines.simulated.memory import Memory, PastCall
from rft_service.engines.simulated.numbers import (
    LEAST_NAMING,
    NUMBER_FEATURES,
    NumberTable,
    number_table,
)
from rft_service.engines.simulated.perception import NumberSpan
from rft_service.engines.simulated.question import Question, abbreviates_name
from rft_service.engines.simulated.weights import Column, Vector
from rft_service.engines.simulated.words import years_in

PAGE_FEATURES = ("page_cover", "page_best", "page_year", "page_name", "page_last", "page_path")
FIRST_FEATURES = (*NUMBER_FEATURES, *PAGE_FEATURES, "best_of_all")


@dataclass(frozen=True)
class _Part:
    """What was read of one output: the first `seen` numbers of its table."""

    table: NumberTable
    seen: int
    output: int  # index in Memory.outputs


@dataclass(frozen=True, eq=False)
class NumberPool:
    """The n numbers within the windows of all outputs, in order. `pages` is [outputs,
    PAGE_FEATURES]; all other arrays have n entries."""

    parts: tuple[_Part, ...]
    pages: Vector

    def __len__(self) -> int:
        return sum(part.seen for part in self.parts)

    @cached_property
    def cover_best(self) -> float:
        """The best share of the question's topic that one number's label and heading name."""
        return max((float(p.table.cover_so_far[p.seen - 1]) for p in self.parts), default=0.0)

    @cached_property
    def weakest_naming(self) -> float:
        """How well the thing of the question that is found worst is named by its best number."""
        if not self.parts or not self.parts[0].table.things:
            return 0.0
        met = np.max([part.table.named_so_far[part.seen - 1] for part in self.parts], axis=0)
        return float(met.min())

    def best_is_of(self, years: frozenset[int]) -> bool:
        """Whether a number with the best cover belongs to one of the years."""
        best = self.cover_best
        return best > 0 and any(
            years.intersection(part.table.spans[index].years)
            for part in self.parts
            for index in np.flatnonzero(part.table.cover[: part.seen] >= best)
        )

    @cached_property
    def has_records(self) -> bool:
        """Whether a number is in a row or record under a heading."""
        return any(part.table.first_in_record < part.seen for part in self.parts)

    @cached_property
    def spans(self) -> tuple[NumberSpan, ...]:
        return tuple(span for part in self.parts for span in part.table.spans[: part.seen])

    @cached_property
    def page(self) -> npt.NDArray[np.int64]:
        """The index of the output that each number is from."""
        return np.repeat([p.output for p in self.parts], [p.seen for p in self.parts])

    @cached_property
    def first(self) -> Vector:
        """Each number as a first operand [n, FIRST_FEATURES]."""
        rows = np.zeros((len(self), len(FIRST_FEATURES)))
        if len(self):
            rows[:, : len(NUMBER_FEATURES)] = self.joined("features")
            rows[:, len(NUMBER_FEATURES) : -1] = self.pages[self.page]
            rows[:, -1] = self._best_named
        return rows

    @cached_property
    def _best_named(self) -> npt.NDArray[np.bool_]:
        """Whether the thing that names a number best names no other number better."""
        if not self._named.shape[1]:
            return np.zeros(len(self), dtype=bool)
        met = self._named.max(axis=0)
        best: npt.NDArray[np.bool_] = self.naming == met[self.nearest]
        return best & (self.naming >= LEAST_NAMING)

    @cached_property
    def _named(self) -> Vector:
        """How well each thing of the question names each number [n, things]."""
        return self.joined("named")[:, self.parts[0].table.things]

    @cached_property
    def nearest(self) -> npt.NDArray[np.int64]:
        """The index of the thing that names each number best; -1 if the question names none."""
        if not self._named.shape[1]:
            return np.full(len(self), -1)
        nearest: npt.NDArray[np.int64] = self._named.argmax(axis=1)
        return nearest

    @cached_property
    def naming(self) -> Vector:
        """How well the nearest thing names each number."""
        naming: Vector = self._named.max(axis=1, initial=0.0)
        return naming

    def joined(self, name: str) -> npt.NDArray[np.float64]:
        """One of NumberTable's arrays, over all outputs."""
        return np.concatenate([getattr(part.table, name)[: part.seen] for part in self.parts])

    def second(self, first: int, question: Question) -> Vector:
        """Every number as a partner of number `first` [n, SECOND_FEATURES]."""
        pairs = _Pairs(self, first, question)
        columns = [feature(pairs) for feature in _PAIR_FEATURES.values()]
        return np.concatenate([self.first, np.array(columns, dtype=float).T], axis=1)


class _Pairs:
    """What the features of second operands are made of. All arrays have n entries: each number
    beside the first operand, the anchor."""

    def __init__(self, pool: NumberPool, first: int, question: Question) -> None:
        self.spans, self.anchor, self.question = pool.spans, pool.spans[first], question
        self.table, self.row, self.column, self.segment, self.year, percent = pool.joined("cells").T
        self.anchor_year = self.year[first]
        self.same_page = pool.page == pool.page[first]
        self.same_table = (
            self.same_page & (self.table == self.anchor.table) & (self.anchor.row >= 0)
        )
        self.same_row = self.same_table & (self.row == self.anchor.row)
        self.same_column = self.same_table & (self.column == self.anchor.column)
        self.both_percent = (percent != 0) & self.anchor.percent
        # The share of a label that the question says beyond what the anchor's label covers.
        rest = question.word_set - self.anchor.label
        self.new_words = np.array([len(s.label & rest) / max(1, len(s.label)) for s in self.spans])
        positions = pool.joined("positions")
        self.is_later = positions > positions[first]
        self.phrase = np.where(pool.naming >= LEAST_NAMING, pool.nearest, -1)
        self.anchor_phrase = self.phrase[first]
        self.amounts = pool.joined("amounts")
        self.anchor_amount = self.amounts[first]


_PAIR_FEATURES: dict[str, Callable[[_Pairs], Column]] = {
    "same_page": lambda p: p.same_page,
    "same_row": lambda p: p.same_row,
    "same_column": lambda p: p.same_column,
    "next_column": lambda p: p.same_row & (p.column == p.anchor.column + 1),
    "previous_column": lambda p: p.same_row & (p.column == p.anchor.column - 1),
    "next_row": lambda p: p.same_column & (p.row == p.anchor.row + 1),
    "previous_row": lambda p: p.same_column & (p.row == p.anchor.row - 1),
    "same_sentence": lambda p: p.same_page & (p.row < 0) & (p.segment == p.anchor.segment),
    "same_year": lambda p: (p.year != 0) & (p.year == p.anchor_year),
    "year_before": lambda p: (p.year != 0) & (p.year == p.anchor_year - 1),
    "year_after": lambda p: (p.year != 0) & (p.year == p.anchor_year + 1),
    "other_year_named": lambda p: (
        (p.year != 0) & (p.year != p.anchor_year) & np.isin(p.year, p.question.years)
    ),
    "same_label_words": lambda p: [span.label == p.anchor.label for span in p.spans],
    "new_words": lambda p: p.new_words,
    "new_words_best": lambda p: (
        (p.row >= 0) & (p.new_words > 0) & (p.new_words == p.new_words[p.row >= 0].max(initial=0.0))
    ),
    "label_later": lambda p: p.is_later,
    "same_heading": lambda p: p.same_table & [s.heading == p.anchor.heading for s in p.spans],
    "same_phrase": lambda p: (p.phrase >= 0) & (p.phrase == p.anchor_phrase),
    "other_phrase": lambda p: (p.phrase >= 0) & (p.phrase != p.anchor_phrase),
    "both_percent": lambda p: p.both_percent,
    "smaller": lambda p: p.amounts < p.anchor_amount,
    "greater_ten_times": lambda p: p.amounts > 10 * p.anchor_amount,
}
SECOND_FEATURES = (*FIRST_FEATURES, *_PAIR_FEATURES)


@lru_cache(maxsize=64)
def number_pool(memory: Memory, windows: tuple[int, ...]) -> NumberPool:
    """The numbers of all outputs, up to each output's window in segments. Cached: the rollouts of a
    group begin alike."""
    parts = []
    for index, (output, window) in enumerate(zip(memory.outputs, windows, strict=True)):
        table = number_table(output.text, memory.question)
        seen = int(table.segments.searchsorted(window))
        if seen:
            parts.append(_Part(table, seen, index))
    return NumberPool(tuple(parts), page_features(memory))


@lru_cache(maxsize=64)
def page_features(memory: Memory) -> Vector:
    """What each output as a whole has to do with the question [outputs, PAGE_FEATURES]."""
    question = memory.question
    asked = question.topic | question.name_stems
    rows = np.zeros((len(memory.outputs), len(PAGE_FEATURES)))
    covers = [len(o.view.words & asked) / max(1, len(asked)) for o in memory.outputs]
    best = max(covers, default=0.0)
    for index, (output, cover) in enumerate(zip(memory.outputs, covers, strict=True)):
        year, name, path = _origin(output.call, question)
        last = index == len(memory.outputs) - 1
        rows[index] = (cover, cover == best, year, name, last, path)
    return rows


@lru_cache(maxsize=4096)
def _origin(call: PastCall, question: Question) -> tuple[bool, bool, bool]:
    """Whether an output's call has, among its arguments, a year of the question, a path of one of
    its names, or any path."""
    texts = sorted(call.texts)
    year = any(y in question.years for text in texts for y in years_in(text))
    paths = [text for text in texts if "/" in text]
    name = any(
        head in question.names or abbreviates_name(head, question)
        for text in paths
        if (head := text.partition("/")[0].lower())
    )
    return year, name, bool(paths)
