"""The simulated engine: an agent small enough to run without a GPU, whose every action is learned.

A request becomes a `memory` of what was asked (`words`, `phrases`, `question`) and read
(`perception`). From it come candidates and their named features: `actions`, `parameters` of a call,
`numbers` and `operands` of an `answer` (`arithmetic`, `answer_style`). `turn` chooses among them
with the `weights` and explains itself (`reasons`); `shapes` and `arguments` put the chosen values
where a schema asks for them. `engine` offers the model to the service, and `judge` is the simulated
model grader.
"""

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
