"""The simulated engine. `engine` offers the model, `turn` makes a turn, `weights` learns, `judge`
is the grading model."""

from __future__ import annotations

from pathlib import Path

from rft_service.engines.simulated.engine import SimulatedEngine
from rft_service.engines.simulated.judge import SeededJudge

__all__ = ["SimulatedEngine", "create"]


def create(folder: Path, seed: int = 0) -> tuple[SimulatedEngine, SeededJudge]:
    """The engine, which saves weights in `folder`, and its grading model.

    With the seed 0 a request gets the answer that it gets on every machine. With another seed the
    same request gets another answer, and the same one each time: so claims about a run can be
    tried on runs with other random numbers.
    """
    return SimulatedEngine(folder, seed), SeededJudge(seed)
