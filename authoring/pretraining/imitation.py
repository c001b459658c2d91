"""Learn to read by imitation: raise the likelihood of every derivation that gives the right answer.

A problem is a question beside the pages that answer it. `derivations` tries all operations,
operands and wordings and keeps those that lead to the answer, as a tree of `Choice`; the problem
need not say which numbers were meant. The objective is the log of the sum of the probabilities of
those derivations (maximum marginal likelihood: Guu et al., "From Language to Programs", arXiv
1704.07926), which has an exact gradient.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations, permutations
from typing import Any

import numpy as np

from authoring.pretraining.world import close, score
from rft_service.engines.simulated import answer as composing
from rft_service.engines.simulated.answer import ANSWER_KINDS, TEXT, Known
from rft_service.engines.simulated.arithmetic import (
    JOINT_SHARE,
    PAIR_OPERATIONS,
    Result,
    compute_joint_share,
    compute_line,
    compute_pair,
    compute_value,
    in_ones,
    line_of,
    word,
)
from rft_service.engines.simulated.weights import Vector, Weights, alike

Gradient = dict[str, Vector]


@dataclass(frozen=True, eq=False)
class Choice:
    """A choice among n candidates with the features [n, d], some of which are right. What follows a
    right candidate is in `then`, by its index; where there is nothing, the derivation ends."""

    features: Vector
    blocks: tuple[str, ...]
    right: tuple[int, ...]
    own_blocks: tuple[str, ...] = ()
    then: dict[int, Choice] = field(default_factory=dict)

    def probability(self, weights: Weights) -> float:
        """Of choosing right here and from here on."""
        chances = self._chances(weights)
        return sum(float(chances[index]) * self._later(index, weights) for index in self.right)

    def _later(self, index: int, weights: Weights) -> float:
        return self.then[index].probability(weights) if index in self.then else 1.0

    def _chances(self, weights: Weights) -> Vector:
        return weights.probabilities(self.features, self.blocks, self.own_blocks)

    def add_gradient(self, weights: Weights, scale: float, total: Gradient) -> float:
        """Add `scale` times d log probability / d theta to `total`; returns the probability."""
        chances = self._chances(weights)
        shares = {i: float(chances[i]) * self._later(i, weights) for i in self.right}
        probability = sum(shares.values())
        if probability < 1e-12:
            return probability
        towards = -chances
        for index, share in shares.items():
            posterior = share / probability
            towards[index] += posterior
            if index in self.then and posterior > 1e-3:
                self.then[index].add_gradient(weights, scale * posterior, total)
        shared = scale * (towards @ self.features)
        for name in self.blocks:
            _add(total, name, shared)
        for index, name in enumerate(self.own_blocks):
            _add(total, name, scale * towards[index] * self.features[index])
        return probability


def _add(total: Gradient, name: str, change: Vector) -> None:
    if name in total:
        total[name] += change
    else:
        total[name] = np.array(change, dtype=float)


@dataclass(frozen=True)
class Target:
    """What is right: `answer` is a number in the unit that the question names (else the page's),
    "yes" or "no", or a text."""

    answer: float | str
    kind: str

    def may_be(self, result: Result, asked_unit: float) -> bool:
        """Whether a result can be worded as the answer."""
        if isinstance(self.answer, str):
            return result.kind == "yes_no" and word(result, "", 0.0) == self.answer
        if self.kind != result.kind:
            return False
        units = {1.0}
        if self.kind == "amount":
            units = {asked_unit or result.unit, *((1.0,) if result.unit == 1.0 else ())}
        return any(close(result.value / unit, self.answer) for unit in units)

    def wordings(self, result: Result, known: Known, operation: str) -> Choice:
        """The choice of a wording, with those that make the result the right text."""
        usable = composing.usable_wordings(result)
        unit = known.question.unit
        right = tuple(
            index
            for index, wording in enumerate(usable)
            if score(word(result, wording, unit), self.answer, self.kind) == 1.0
        )
        features = composing.wording_features(known.question, result, operation)
        rows, blocks, own_blocks = alike(features, "wording", usable)
        return Choice(rows, blocks, right, own_blocks)


def derivations(known: Known, target: Target) -> Choice | None:
    """Every derivation of a right answer as one tree of choices, or None if there is none."""
    usable = [kind for kind in ANSWER_KINDS if composing.is_possible(kind, known)]
    finder = _Finder(known, target)
    found: dict[int, Choice] = {}
    for index, kind in enumerate(usable):
        if kind == TEXT:
            right = tuple(
                i for i, c in enumerate(known.texts.candidates) if str(c.value) == target.answer
            )
            choice = Choice(known.texts.features, ("answer_text",), right) if right else None
        else:
            choice = finder.of(kind)
        if choice:
            found[index] = choice
    if not found:
        return None
    features = composing.operation_features(known, ANSWER_KINDS)
    rows, blocks, own_blocks = alike(features, "operation", usable)
    return Choice(rows, blocks, tuple(found), own_blocks, found)


@dataclass
class _Finder:
    """Finds right operands. All arrays have n entries, one for each number read."""

    known: Known
    target: Target

    def __post_init__(self) -> None:
        self.pool = self.known.numbers
        self.spans = self.pool.spans
        self.amounts = [i for i, span in enumerate(self.spans) if not span.is_year]
        self.second = lru_cache(lambda first: self.pool.second(first, self.known.question))

    def of(self, operation: str) -> Choice | None:
        """The right first operands of an operation, and what follows each."""
        if operation == "value":
            then = self._ends((i, compute_value(self.spans[i])) for i in range(len(self.spans)))
        elif operation in PAIR_OPERATIONS:
            then = self._pairs(operation)
        elif operation == JOINT_SHARE:
            then = self._joint_shares()
        else:
            then = self._ends(self._lines(operation))
        if not then:
            return None
        role = "row" if operation.startswith("row_") else operation
        return Choice(self.pool.first, ("first", f"first/{role}"), tuple(then), (), then)

    def _end(self, operation: str, result: Result) -> Choice | None:
        """The wording of a result, if it is right."""
        if not self.target.may_be(result, self.known.question.unit):
            return None
        choice = self.target.wordings(result, self.known, operation)
        return choice if choice.right else None

    def _ends(
        self, results: Iterable[tuple[int, Result]], operation: str = "value"
    ) -> dict[int, Choice]:
        ends = ((index, self._end(operation, result)) for index, result in results)
        return {index: end for index, end in ends if end}

    def _pairs(self, operation: str) -> dict[int, Choice]:
        found: dict[int, Choice] = {}
        for first, seconds in self._near_pairs(operation).items():
            results = (
                (other, compute_pair(operation, self.spans[first], self.spans[other]))
                for other in seconds
            )
            then = self._ends(results, operation)
            if then:
                found[first] = self._beside([first], operation, then)
        return found

    def _near_pairs(self, operation: str) -> dict[int, list[int]]:
        """The pairs of amounts whose result is right in some unit: a quick look before `_end`."""
        if isinstance(self.target.answer, str) or operation == "product":
            return {i: [j for j in self.amounts if j != i] for i in self.amounts}
        indices = np.array(self.amounts, dtype=int)
        values = np.array([in_ones(self.spans[i]) for i in self.amounts])
        units = np.array([self.spans[i].unit for i in self.amounts])
        a, b = values[:, None], values[None, :]
        compute: Callable[[Any, Any], Any] = PAIR_OPERATIONS[operation]  # also of arrays
        with np.errstate(divide="ignore", invalid="ignore"):
            results = np.broadcast_to(compute(a, b), (len(values), len(values)))
        near = np.zeros(results.shape, dtype=bool)
        for unit in (1.0, self.known.question.unit or 1.0, units[:, None]):
            near |= np.abs(results / unit - self.target.answer) <= 0.011 * abs(self.target.answer)
        np.fill_diagonal(near, False)
        return {int(indices[i]): indices[row].tolist() for i, row in enumerate(near) if row.any()}

    def _beside(self, taken: Sequence[int], role: str, then: Mapping[int, Choice]) -> Choice:
        """The choice of one more operand; `then` is by the index of its number."""
        left = np.delete(np.arange(len(self.spans)), taken)
        place = {int(number): index for index, number in enumerate(left)}
        by_place = {place[number]: choice for number, choice in then.items()}
        rows = self.second(taken[-1])[left]
        return Choice(rows, ("second", f"second/{role}"), tuple(by_place), (), by_place)

    def _lines(self, operation: str) -> Iterator[tuple[int, Result]]:
        direction, _, name = operation.partition("_")
        pages, years = self.pool.page.tolist(), self.known.question.years
        for index, anchor in enumerate(self.spans):
            line = line_of(self.spans, pages, index, direction == "row")
            spans = composing.within_years([self.spans[i] for i in line], years)
            if len(spans) > 1:
                yield index, compute_line(name, anchor, spans)

    def _joint_shares(self) -> dict[int, Choice]:
        """Two or three parts over a whole, all of one row or column, in any order of the parts."""
        wholes: dict[tuple[int, ...], dict[int, Choice]] = defaultdict(dict)
        for parts, whole in self._sums():
            result = compute_joint_share([self.spans[i] for i in parts], self.spans[whole])
            end = self._end(JOINT_SHARE, result)
            if end:
                for order in permutations(parts):
                    wholes[order][whole] = end
        firsts = {parts[0] for parts in wholes}
        found = {first: self._more((first,), wholes) for first in firsts}
        return {first: choice for first, choice in found.items() if choice}

    def _sums(self) -> Iterator[tuple[tuple[int, ...], int]]:
        """Parts and wholes that could be: of the same row or column."""
        pages = self.pool.page.tolist()
        lines: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for index in self.amounts:
            span = self.spans[index]
            if span.row >= 0:
                lines[pages[index], span.table, "row", span.row].append(index)
                lines[pages[index], span.table, "column", span.column].append(index)
        for line in lines.values():
            for whole in line:
                rest = [index for index in line if index != whole]
                for count in range(2, composing.MAX_PARTS + 1):
                    yield from ((parts, whole) for parts in combinations(rest, count))

    def _more(
        self, taken: tuple[int, ...], wholes: Mapping[tuple[int, ...], Mapping[int, Choice]]
    ) -> Choice | None:
        """The choice of the part after those taken, and what follows it."""
        count = len(taken)
        following = {
            parts[count] for parts in wholes if len(parts) > count and parts[:count] == taken
        }
        then = {part: self._stop((*taken, part), wholes) for part in following}
        return self._beside(taken, "part", then) if then else None

    def _stop(
        self, taken: tuple[int, ...], wholes: Mapping[tuple[int, ...], Mapping[int, Choice]]
    ) -> Choice:
        """Whether one more part follows, or the whole."""
        whole = self._beside(taken, "whole", wholes[taken]) if taken in wholes else None
        if len(taken) == min(composing.MAX_PARTS, len(self.spans) - 1):
            assert whole is not None
            return whole
        more = self._more(taken, wholes)
        then = {index: choice for index, choice in ((0, whole), (1, more)) if choice}
        rows = composing.another_rows(self.known.question, len(taken))
        return Choice(rows, ("another", "another/part"), tuple(then), (), then)


def imitate(
    weights: Weights,
    trees: Sequence[Choice],
    epochs: int,
    learning_rate: float,
    batch_size: int = 32,
    seed: int = 0,
    only: Callable[[str], bool] = lambda _: True,
) -> Iterator[float]:
    """Train on derivations; yields the mean log-likelihood of each epoch."""
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(len(trees))
        total = 0.0
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            gradient: Gradient = {}
            for index in batch:
                p = trees[index].add_gradient(weights, 1.0 / len(batch), gradient)
                total += float(np.log(max(p, 1e-12)))
            weights.ascend({n: g for n, g in gradient.items() if only(n)}, learning_rate)
        yield total / len(trees)


def mean_probability(weights: Weights, trees: Iterable[Choice | None]) -> float:
    """The mean probability of a right answer; a problem without a derivation counts as 0."""
    chances = [tree.probability(weights) if tree else 0.0 for tree in trees]
    return float(np.mean(chances))
