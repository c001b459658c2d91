"""Seeded draws that are the same on every platform and in every Python.

Each object (a company, a page, a sentence) draws from a separate generator, seeded by a
hash of its identifiers: one template more, and every other object stays as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
_MASK = (1 << 64) - 1


class Draw:
    """A stream of random choices named by `key`.

    The generator is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): integers throughout, so
    that no platform's arithmetic can differ, and cheap to seed, of which there is much.
    """

    def __init__(self, *key: object) -> None:
        digest = hashlib.sha256("|".join(map(str, key)).encode("utf-8")).digest()
        self._state = int.from_bytes(digest[:8], "big")

    def _next(self) -> int:
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def below(self, n: int) -> int:
        """0 to n - 1."""
        return (self._next() * n) >> 64

    def between(self, low: int, high: int) -> int:
        """low to high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        return self.below(100) < percent

    def choice(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def weighted(self, items: Sequence[T], weights: Sequence[int]) -> T:
        place = self.below(sum(weights))
        for item, weight in zip(items, weights, strict=True):
            place -= weight
            if place < 0:
                return item
        raise AssertionError("weights are exhausted before their sum")

    def shuffled(self, items: Sequence[T]) -> list[T]:
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(len(items))]

    def sample(self, items: Sequence[T], k: int) -> list[T]:
        return self.shuffled(items)[:k]
