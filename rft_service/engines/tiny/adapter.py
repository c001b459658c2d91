"""What a training client of the tiny engine changes, and how it is trained and saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rft_service.engines.tiny.model import Array


@dataclass
class Adapter:
    """What a training client changes: a vector, its gradient so far, and Adam's two averages."""

    vector: Array
    gradient: Array
    mean: Array
    square: Array
    steps: int = 0
    rank: int = 32  # noted only

    @classmethod
    def zero(cls, size: int) -> Adapter:
        return cls(np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size))

    def step(self, adam: Mapping[str, float]) -> float:
        """One step of AdamW uphill (`gradient` is that of minus the loss). Returns its norm."""
        gradient, norm = self.gradient, float(np.linalg.norm(self.gradient))
        if 0 < adam["grad_clip_norm"] < norm:
            gradient = gradient * (adam["grad_clip_norm"] / norm)
        self.steps += 1
        self.mean += (1 - adam["beta1"]) * (gradient - self.mean)
        self.square += (1 - adam["beta2"]) * (gradient**2 - self.square)
        mean = self.mean / (1 - adam["beta1"] ** self.steps)
        square = self.square / (1 - adam["beta2"] ** self.steps)
        self.vector *= 1 - adam["learning_rate"] * adam["weight_decay"]
        self.vector += adam["learning_rate"] * mean / (np.sqrt(square) + adam["eps"])
        self.gradient = np.zeros_like(self.gradient)
        return norm

    def save(self, file: Path) -> None:
        """Write all of it, in one step: a server that dies leaves the old file or the new one."""
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        with part.open("wb") as out:
            np.savez(
                out,
                vector=self.vector,
                mean=self.mean,
                square=self.square,
                numbers=np.array([self.steps, self.rank]),
            )
        part.replace(file)

    @classmethod
    def load(cls, file: Path, *, with_optimizer: bool) -> Adapter:
        with np.load(file) as saved:
            found = cls.zero(len(saved["vector"]))
            found.vector = saved["vector"]
            steps, found.rank = (int(number) for number in saved["numbers"])
            if with_optimizer:
                found.mean, found.square, found.steps = saved["mean"], saved["square"], steps
        return found
