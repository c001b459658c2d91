"""The simulated model: an agent small enough to run without a GPU, whose every action is learnt.

A conversation becomes a `memory` of what was asked (`words`, `phrases`, `question`) and read
(`perception`). From it come candidates and their named features: `actions`, `parameters` of a call,
`numbers` and `operands` of an `answer` (`arithmetic`, `answer_style`). `policy` chooses among them
with its `weights` and explains itself (`reasons`). `judge` is the simulated model grader.
"""

from rft_service.engines.simulated.policy import SimulatedPolicy

__all__ = ["SimulatedPolicy"]
