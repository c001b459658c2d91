"""The numbers at hand in one turn, and what each is as a first and as a second operand.

Where `numbers` sees one output, this sees all of them together, as far as each was looked into. It
is asked at every look, but answers few looks: so all but what deciding on a look needs is worked
out when it is first asked for.
"""

from __future__ import annotations

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
from rft_service.engines.simulated.weights import Vector
from rft_service.engines.simulated.words import years_in

PAGE_FEATURES = ("page_cover", "page_best", "page_year", "page_name", "page_last", "page_path")
FIRST_FEATURES = (*NUMBER_FEATURES, *PAGE_FEATURES, "best_of_all")
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


@dataclass(frozen=True)
class _Part:
    """What was looked into of one output: the first `seen` numbers of its table."""

    table: NumberTable
    seen: int
    output: int


@dataclass(frozen=True, eq=False)
class NumberPool:
    """All numbers within the attention window, over all outputs, in order; `pages` are the
    PAGE_FEATURES of each output. All arrays have one entry for each number."""

    parts: tuple[_Part, ...]
    pages: Vector

    def __len__(self) -> int:
        return sum(part.seen for part in self.parts)

    @cached_property
    def cover_best(self) -> float:
        """The best share of the question's topic that any number's label and heading speak of."""
        return max((float(p.table.cover_so_far[p.seen - 1]) for p in self.parts), default=0.0)

    @cached_property
    def weakest_naming(self) -> float:
        """How well the best number of that thing of the question is named that is named worst."""
        if not self.parts or not self.parts[0].table.things:
            return 0.0
        met = np.max([part.table.named_so_far[part.seen - 1] for part in self.parts], axis=0)
        return float(met.min())

    def best_is_of(self, years: frozenset[int]) -> bool:
        """Whether a number with the best cover is of one of the years."""
        best = self.cover_best
        return best > 0 and any(
            years.intersection(part.table.spans[place].years)
            for part in self.parts
            for place in np.flatnonzero(part.table.cover[: part.seen] >= best)
        )

    @cached_property
    def has_records(self) -> bool:
        """Whether a number stands in a row or record under a heading."""
        return any(part.table.first_in_record < part.seen for part in self.parts)

    @cached_property
    def spans(self) -> tuple[NumberSpan, ...]:
        return tuple(span for part in self.parts for span in part.table.spans[: part.seen])

    @cached_property
    def page(self) -> npt.NDArray[np.int64]:
        """The output that each number is from."""
        return np.repeat([p.output for p in self.parts], [p.seen for p in self.parts])

    @cached_property
    def phrases(self) -> npt.NDArray[np.int64]:
        """The thing of the question that names each number best, -1 for none."""
        return np.where(self._own_naming >= LEAST_NAMING, self._nearest, -1)

    @cached_property
    def first(self) -> Vector:
        """Each number as a first operand [n, FIRST_FEATURES]."""
        rows = np.zeros((len(self), len(FIRST_FEATURES)))
        if len(self):
            static = len(NUMBER_FEATURES)
            rows[:, :static] = self._joined("features")
            rows[:, static:-1] = self.pages[self.page]
            rows[:, -1] = self._best_named
        return rows

    @cached_property
    def _named(self) -> Vector:
        """How well each thing of the question names each number [n, things]."""
        return self._joined("named")[:, self.parts[0].table.things]

    @cached_property
    def _nearest(self) -> npt.NDArray[np.int64]:
        if not self._named.shape[1]:
            return np.full(len(self), -1)
        nearest: npt.NDArray[np.int64] = self._named.argmax(axis=1)
        return nearest

    @cached_property
    def _own_naming(self) -> Vector:
        if not self._named.shape[1]:
            return np.zeros(len(self))
        own: Vector = self._named[np.arange(len(self)), self._nearest]
        return own

    @cached_property
    def _best_named(self) -> npt.NDArray[np.bool_]:
        """Whether no number is named better by the thing that names a number best."""
        if not self._named.shape[1]:
            return np.zeros(len(self), dtype=bool)
        met = self._named.max(axis=0)
        best: npt.NDArray[np.bool_] = self._own_naming == met[self._nearest]
        return best & (self._own_naming >= LEAST_NAMING)

    def _joined(self, name: str) -> npt.NDArray[np.float64]:
        """One of the table's arrays, over all outputs."""
        return np.concatenate([getattr(part.table, name)[: part.seen] for part in self.parts])

    def second(self, first: int, question: Question) -> Vector:
        """Every number as a partner of number `first` [n, SECOND_FEATURES]."""
        anchor = self.spans[first]
        place, amounts = self._joined("cells"), self._joined("amounts")
        table, row, column, segment, year, percent = place.T
        same_page = self.page == self.page[first]
        same_table = same_page & (table == anchor.table) & (anchor.row >= 0)
        same_row = same_table & (row == anchor.row)
        same_column = same_table & (column == anchor.column)
        anchor_year = year[first]
        rest = question.word_set - anchor.label
        fresh = np.array([len(s.label & rest) / max(1, len(s.label)) for s in self.spans])
        in_table = row >= 0
        fresh_best = fresh[in_table].max(initial=0.0)
        positions = self._joined("positions")
        phrases = self.phrases
        pairs = (
            same_page,
            same_row,
            same_column,
            same_row & (column == anchor.column + 1),
            same_row & (column == anchor.column - 1),
            same_column & (row == anchor.row + 1),
            same_column & (row == anchor.row - 1),
            same_page & (row < 0) & (segment == anchor.segment),
            (year != 0) & (year == anchor_year),
            (year != 0) & (year == anchor_year - 1),
            (year != 0) & (year == anchor_year + 1),
            (year != 0) & (year != anchor_year) & np.isin(year, question.years),
            [span.label == anchor.label for span in self.spans],
            fresh,
            in_table & (fresh > 0) & (fresh == fresh_best),
            positions > positions[first],
            same_table & [span.heading == anchor.heading for span in self.spans],
            (phrases >= 0) & (phrases == phrases[first]),
            (phrases >= 0) & (phrases != phrases[first]),
            (percent != 0) & anchor.percent,
            amounts < amounts[first],
            amounts > 10 * amounts[first],
        )
        return np.concatenate([self.first, np.array(pairs, dtype=float).T], axis=1)


@lru_cache(maxsize=64)
def number_pool(memory: Memory, windows: tuple[int, ...]) -> NumberPool:
    """The numbers of all outputs whose segment lies within each output's window. Cached, since
    the rollouts of one group begin alike."""
    question = memory.question
    parts = []
    for place, (output, window) in enumerate(zip(memory.outputs, windows, strict=True)):
        table = number_table(output.text, question)
        seen = int(table.segments.searchsorted(window))
        if seen:
            parts.append(_Part(table, seen, place))
    return NumberPool(tuple(parts), page_features(memory))


@lru_cache(maxsize=64)
def page_features(memory: Memory) -> Vector:
    """PAGE_FEATURES of each output [outputs, 6]: how the whole of it speaks to the question."""
    question = memory.question
    wanted = question.topic | question.name_stems
    rows = np.zeros((len(memory.outputs), len(PAGE_FEATURES)))
    covers = [len(o.view.words & wanted) / max(1, len(wanted)) for o in memory.outputs]
    best = max(covers, default=0.0)
    for place, (output, cover) in enumerate(zip(memory.outputs, covers, strict=True)):
        year, name, path = _origin(output.call, question)
        last = place == len(memory.outputs) - 1
        rows[place] = (cover, cover == best, year, name, last, path)
    return rows


@lru_cache(maxsize=4096)
def _origin(call: PastCall, question: Question) -> tuple[bool, bool, bool]:
    """Whether the call behind an output names a year asked for, or a name, or a path at all."""
    texts = sorted(call.texts)
    year = any(y in question.years for text in texts for y in years_in(text))
    paths = [text for text in texts if "/" in text]
    name = any(
        head in question.names or abbreviates_name(head, question)
        for text in paths
        if (head := text.partition("/")[0].lower())
    )
    return year, name, bool(paths)
