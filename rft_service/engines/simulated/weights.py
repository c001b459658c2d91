"""The model's weights: named floats in blocks, a softmax over candidates, and Adam.

Every choice of the model is a softmax over n candidates with the scores theta . phi: phi are a
candidate's d named features, theta is the sum of the blocks that apply. A block is named "family"
or "family/detail", for example "fill" and "fill/search.query": the first holds what is true of any
tool, the second what was learnt about this one. All blocks of a family have the same features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Column = npt.NDArray[np.bool_] | Vector | Sequence[float] | bool
"""The values of one feature for n candidates; a single bool is the same for all of them."""

Alike = tuple[Vector, tuple[str, ...], tuple[str, ...]]
"""Features [n, d], blocks and own blocks of a choice."""

# The last bits of a float differ between platforms, by the order in which BLAS sums. So scores are
# rounded before they decide, and weights after each update: a run gives the same turns everywhere.
SCORE_DECIMALS = 9
WEIGHT_DECIMALS = 9
MOMENT_DECIMALS = 15
MAX_SUMS, MAX_STACKS = 4096, 256  # cached between updates

# Adam divides by the gradient's own size, so with the usual epsilon of 1e-8 even a weight whose
# gradient is tiny and all noise would move by a full step. With 1e-3 it hardly moves.
BETA_1, BETA_2 = 0.9, 0.99
EPSILON = 1e-3
MIN_SUPPORT = 0.05  # a feature that raised a score by less is not a reason


@dataclass(frozen=True, slots=True)
class Decision:
    """A choice of candidate `index` of n, which had this `probability`. `features` [n, d] are those
    of all candidates; `blocks` and `own_blocks` name the weights that took part, as in `choose`."""

    index: int
    probability: float
    features: Vector
    blocks: tuple[str, ...]
    own_blocks: tuple[str, ...] = ()


class Weights:
    """The blocks and their Adam moments. `families` has each family's feature names."""

    def __init__(self, families: Mapping[str, Sequence[str]]) -> None:
        self.families = {family: tuple(names) for family, names in families.items()}
        self._theta: dict[str, Vector] = {}
        self._first: dict[str, Vector] = {}
        self._second: dict[str, Vector] = {}
        self._summed: dict[tuple[str, ...], Vector] = {}
        self._stacked: dict[tuple[str, ...], Vector] = {}
        self.updates = 0

    def block(self, name: str) -> Vector:
        """The weights of a block; zeros if nothing has been learnt for it."""
        found = self._theta.get(name)
        if found is None:  # not stored, since a request may name any tool
            return np.zeros(len(self.families[name.partition("/")[0]]))
        return found

    def summed(self, blocks: tuple[str, ...]) -> Vector:
        """The sum of several blocks of one family [d], cached until the next update."""
        found = self._summed.get(blocks)
        if found is None:
            found = np.sum([self.block(name) for name in blocks], axis=0)
            if len(self._summed) == MAX_SUMS:
                self._summed.clear()
            self._summed[blocks] = found
        return found

    def stacked(self, blocks: tuple[str, ...]) -> Vector:
        """Several blocks of one family as rows [blocks, d], also cached."""
        found = self._stacked.get(blocks)
        if found is None:
            found = np.stack([self.block(name) for name in blocks])
            if len(self._stacked) == MAX_STACKS:
                self._stacked.clear()
            self._stacked[blocks] = found
        return found

    def _forget_sums(self) -> None:
        self._summed.clear()
        self._stacked.clear()

    def choose(
        self,
        features: Vector,
        blocks: tuple[str, ...],
        random_number: float,
        own_blocks: Sequence[str] = (),
    ) -> Decision:
        """Sample one of n candidates, given `features` [n, d] and a random number in [0, 1).

        `blocks` apply to every candidate; `own_blocks`, if given, names one more block for each of
        the n candidates.
        """
        own_blocks = tuple(own_blocks)
        probabilities = self.probabilities(features, blocks, own_blocks)
        # The cumulative sum may end a little below 1, so a number close to 1 takes the last one.
        index = min(int(probabilities.cumsum().searchsorted(random_number)), len(features) - 1)
        return Decision(index, float(probabilities[index]), features, blocks, own_blocks)

    def probabilities(
        self, features: Vector, blocks: tuple[str, ...], own_blocks: tuple[str, ...] = ()
    ) -> Vector:
        """Of n candidates, given their `features` [n, d] and the blocks, as in `choose`."""
        scores = features @ self.summed(blocks)
        if own_blocks:
            scores += (features * self.stacked(own_blocks)).sum(axis=1)
        return softmax(scores)

    def of(self, decision: Decision) -> Vector:
        """The probabilities that these weights give to a decision's candidates [n]."""
        return self.probabilities(decision.features, decision.blocks, decision.own_blocks)

    def reasons(self, decision: Decision) -> tuple[str, ...]:
        """Names of the two features that raised the chosen candidate most above the mean."""
        names = self.families[decision.blocks[0].partition("/")[0]]
        features, index = decision.features, decision.index
        towards = -self.of(decision)
        towards[index] += 1.0
        support = self.summed(decision.blocks) * (towards @ features)
        if decision.own_blocks:
            support = support + towards @ (features * self.stacked(decision.own_blocks))
        # A feature that the candidate does not have is not a reason for it.
        support = np.where(features[index] != 0.0, support, 0.0).round(SCORE_DECIMALS)
        best = (-support).argsort(kind="stable")[:2]
        return tuple(names[n] for n in best if support[n] > MIN_SUPPORT)

    def ascend(self, gradient: Mapping[str, Vector], learning_rate: float) -> None:
        """One step of Adam (Kingma and Ba, arXiv 1412.6980, Algorithm 1) uphill: `gradient` raises
        the objective.

        Blocks without a gradient keep their weights and moments, as in a sparse Adam.
        """
        self.updates += 1
        self._forget_sums()
        for name in sorted(gradient):
            theta, slope = self.block(name), gradient[name]
            first = BETA_1 * self._first.get(name, 0.0) + (1 - BETA_1) * slope
            second = BETA_2 * self._second.get(name, 0.0) + (1 - BETA_2) * slope**2
            unbiased = first / (1 - BETA_1**self.updates)
            spread = np.sqrt(second / (1 - BETA_2**self.updates)) + EPSILON
            self._theta[name] = np.round(theta + learning_rate * unbiased / spread, WEIGHT_DECIMALS)
            self._first[name] = np.round(first, MOMENT_DECIMALS)
            self._second[name] = np.round(second, MOMENT_DECIMALS)

    def as_dict(self) -> dict[str, float]:
        """Every weight that is not zero, by "block:feature", sorted by block."""
        return _named(self._theta, self.families)

    def save(self) -> dict[str, Any]:
        """Weights, moments and number of updates, ready for JSON."""
        return {
            "weights": self.as_dict(),
            "first_moments": _named(self._first, self.families),
            "second_moments": _named(self._second, self.families),
            "updates": self.updates,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what `save` returned. Raises ValueError if a weight's name is unknown."""
        self._theta = self._blocks(state["weights"])
        self._first = self._blocks(state.get("first_moments", {}))
        self._second = self._blocks(state.get("second_moments", {}))
        self.updates = int(state.get("updates", 0))
        self._forget_sums()

    def _blocks(self, named: Mapping[str, float]) -> dict[str, Vector]:
        blocks: dict[str, Vector] = {}
        for name, value in named.items():
            block, _, feature = name.rpartition(":")
            names = self.families.get(block.partition("/")[0], ())
            if feature not in names:
                raise ValueError(f"these weights are of another model: unknown weight {name!r}")
            row = blocks.setdefault(block, np.zeros(len(names)))
            row[names.index(feature)] = float(value)
        return blocks


def _named(blocks: Mapping[str, Vector], families: Mapping[str, Sequence[str]]) -> dict[str, float]:
    return {
        f"{block}:{feature}": float(value)
        for block in sorted(blocks)
        for feature, value in zip(families[block.partition("/")[0]], blocks[block], strict=True)
        if value != 0.0
    }


def alike(features: Sequence[float], family: str, options: Sequence[str]) -> Alike:
    """The arguments of `choose` for n options with the same features [d]: only the weights of their
    own blocks, "family/option", tell one from another."""
    rows = np.repeat(np.array(features, dtype=float)[None, :], len(options), axis=0)
    return rows, (family,), tuple(f"{family}/{option}" for option in options)


def softmax(scores: Vector) -> Vector:
    """Probabilities [n] of candidates from their scores [n], which are rounded first."""
    rounded = scores.round(SCORE_DECIMALS)
    # `reduce` is what `max` and `sum` call; they are slower, and nothing is called as often.
    powers: Vector = np.exp(rounded - np.maximum.reduce(rounded))  # at most 1: no overflow
    return np.divide(powers, np.add.reduce(powers))


def policy_gradient(
    weights: Weights, weighted: Sequence[tuple[float, Sequence[Decision]]], clip: float
) -> dict[str, Vector]:
    """The gradient of PPO's clipped objective (Schulman et al., arXiv 1707.06347, equation 7) at
    these weights, by block: the mean over trajectories of the sum over their decisions.

    `weighted` pairs each trajectory's advantage with its decisions. A decision whose probability
    has already moved by more than `clip` in the direction of the advantage adds nothing.
    """
    total: dict[str, Vector] = {}
    for advantage, decisions in weighted:
        if advantage == 0.0:
            continue
        for decision in decisions:
            chances = weights.of(decision)
            ratio = float(chances[decision.index]) / decision.probability
            if (ratio - 1.0) * np.sign(advantage) > clip:
                continue
            # d log p[index] / d score is 1[index] - p, and d score / d theta is phi.
            towards = -chances
            towards[decision.index] += 1.0
            towards *= advantage * ratio / len(weighted)
            shared = towards @ decision.features
            for name in decision.blocks:
                total[name] = total[name] + shared if name in total else shared
            if decision.own_blocks:
                own = towards[:, None] * decision.features
                for name, first, end in _runs(decision.own_blocks):
                    # Row by row, in order: the last bits of a sum depend on it.
                    own[first] += total.get(name, 0.0)
                    total[name] = np.add.reduce(own[first:end])
    return total


@lru_cache(maxsize=1024)
def _runs(names: tuple[str, ...]) -> tuple[tuple[str, int, int], ...]:
    """(name, first, end) of each run of equal names: candidates side by side share a block."""
    starts = [n for n, name in enumerate(names) if n == 0 or name != names[n - 1]]
    return tuple((names[a], a, b) for a, b in zip(starts, [*starts[1:], len(names)], strict=True))
