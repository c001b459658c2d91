"""The model's weights: named floats in blocks, a softmax over candidates, Adam.

Every choice of the model is a softmax over candidates whose scores are `theta . phi`: phi are the
candidate's named features, theta the sum of the blocks that apply. A block is named
"family" or "family/detail" (say "fill" and "fill/search.query"): the general one carries
what holds for every tool, the detailed one what was learnt of this tool. All blocks of a family
have the same features.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Column = npt.NDArray[np.bool_] | Vector | Sequence[float] | bool
"""The values of one feature for n candidates; a single bool is the same for all of them."""

SCORE_DECIMALS = 9  # scores are rounded before they decide: a platform's last bit must not
WEIGHT_DECIMALS = 9  # and so are weights after each update
MOST_SUMS, MOST_STACKS = 4096, 256  # of blocks, kept between updates

BETA_1, BETA_2 = 0.9, 0.99
EPSILON = 1e-3  # far above Adam's usual 1e-8: a slope that is all noise must not make a full step


@dataclass(frozen=True, slots=True)
class Decision:
    """One choice that was made. `gradient` holds d log p / d theta for each block that took part;
    `support` is what each feature that the chosen candidate has added to its score, above what it
    added to a candidate's on average."""

    index: int
    probability: float
    gradient: tuple[tuple[str, Vector], ...]
    support: Vector


class Weights:
    """The blocks and their Adam moments. `families` gives each family's feature names."""

    def __init__(self, families: Mapping[str, Sequence[str]]) -> None:
        self.families = {family: tuple(names) for family, names in families.items()}
        self._theta: dict[str, Vector] = {}
        self._first: dict[str, Vector] = {}
        self._second: dict[str, Vector] = {}
        self._summed: dict[tuple[str, ...], Vector] = {}
        self._stacked: dict[tuple[str, ...], Vector] = {}
        self.updates = 0

    def block(self, name: str) -> Vector:
        """The weights of a block; zeros where nothing has been learnt yet."""
        found = self._theta.get(name)
        if found is None:  # not kept: a request may name any tool that it likes
            return np.zeros(len(self.families[name.partition("/")[0]]))
        return found

    def summed(self, blocks: tuple[str, ...]) -> Vector:
        """The sum of several blocks of one family, cached until the next update."""
        found = self._summed.get(blocks)
        if found is None:
            found = np.sum([self.block(name) for name in blocks], axis=0)
            if len(self._summed) == MOST_SUMS:
                self._summed.clear()
            self._summed[blocks] = found
        return found

    def stacked(self, blocks: tuple[str, ...]) -> Vector:
        """Several blocks of one family, one a row, cached likewise."""
        found = self._stacked.get(blocks)
        if found is None:
            found = np.stack([self.block(name) for name in blocks])
            if len(self._stacked) == MOST_STACKS:
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
        uniform: float,
        own_blocks: Sequence[str] = (),
    ) -> Decision:
        """Draw one of n candidates, given `features` [n, d] and a uniform number in [0, 1).

        `blocks` apply to every candidate; `own_blocks`, where given, names one more block for
        each of the n candidates.
        """
        theta = self.summed(blocks)
        scores = features @ theta
        if own_blocks:
            own = features * self.stacked(tuple(own_blocks))
            scores += own.sum(axis=1)
        probabilities = softmax(scores)
        index = min(int(probabilities.cumsum().searchsorted(uniform)), len(features) - 1)
        towards = -probabilities  # slope of log p by score
        towards[index] += 1.0
        shared = towards @ features
        gradient = [(name, shared) for name in blocks]
        support = theta * shared
        if own_blocks:
            gradient += zip(own_blocks, towards[:, None] * features, strict=True)
            support = support + towards @ own
        support = np.where(features[index] != 0.0, support, 0.0)
        return Decision(index, float(probabilities[index]), tuple(gradient), support)

    def reasons(self, decision: Decision) -> tuple[str, ...]:
        """Names of the chosen candidate's two features that raised it most above the mean."""
        names = self.families[decision.gradient[0][0].partition("/")[0]]
        support = decision.support.round(SCORE_DECIMALS)
        best = (-support).argsort(kind="stable")[:2]
        return tuple(names[place] for place in best if support[place] > 0.05)

    def ascend(self, gradient: Mapping[str, Vector], learning_rate: float) -> float:
        """One Adam step uphill (Kingma and Ba, arXiv 1412.6980). Returns the change's L2 norm."""
        self.updates += 1
        self._forget_sums()
        squared = 0.0
        for name in sorted(gradient):
            theta, slope = self.block(name), gradient[name]
            first = BETA_1 * self._first.get(name, 0.0) + (1 - BETA_1) * slope
            second = BETA_2 * self._second.get(name, 0.0) + (1 - BETA_2) * slope**2
            unbiased = first / (1 - BETA_1**self.updates)
            spread = np.sqrt(second / (1 - BETA_2**self.updates)) + EPSILON
            changed = np.round(theta + learning_rate * unbiased / spread, WEIGHT_DECIMALS)
            squared += float(np.sum((changed - theta) ** 2))
            self._theta[name] = changed
            self._first[name] = np.round(first, 15)
            self._second[name] = np.round(second, 15)
        return float(np.sqrt(squared))

    def as_dict(self) -> dict[str, float]:
        """Every weight that is not zero, as "block:feature" -> value, in sorted order."""
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
        """Take over what `save` gave. Raises ValueError where a name is unknown."""
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


def softmax(scores: Vector) -> Vector:
    """Probabilities of candidates by their scores, which are rounded first."""
    rounded = scores.round(SCORE_DECIMALS)
    powers: Vector = np.exp(rounded - rounded.max())
    total: np.float64 = powers.sum()
    return np.divide(powers, total)


def mean_gradient(
    weighted: Iterable[tuple[float, Iterable[Decision]]], count: int
) -> dict[str, Vector]:
    """The policy gradient: the mean over trajectories of advantage times d log p (REINFORCE:
    Williams 1992). `weighted` pairs each advantage with its trajectory's decisions."""
    total: dict[str, Vector] = {}
    for advantage, decisions in weighted:
        if advantage == 0.0:
            continue
        scale = advantage / count
        for decision in decisions:
            for name, slope in decision.gradient:
                change = scale * slope
                if name in total:
                    total[name] += change
                else:
                    total[name] = change
    return total
