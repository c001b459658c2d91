"""How the model delivers a result: bare, in a sentence, or hedged with a second value.

Pretraining leaves this alone (`policy.is_general`), so every job starts from the same habit: mostly
bare, now and then in a sentence, rarely hedged. What becomes of it is up to the job's grader. The
habit is a prior without a weight: a manner stands among the candidates as often as HABIT says.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rft_service.engines.simulated.arithmetic import Result, plain
from rft_service.engines.simulated.question import PROMPT_CUE_NAMES, Question
from rft_service.engines.simulated.weights import Decision

BARE = "bare"
HABIT = {BARE: 47, "sentence": 2, "hedged": 1}  # times that each is among the candidates
MANNER_FEATURES = ("any", *PROMPT_CUE_NAMES)
_CANDIDATES = tuple(manner for manner, times in HABIT.items() for _ in range(times))
_BLOCKS = tuple(f"manner/{manner}" for manner in _CANDIDATES)


def choose_manner(question: Question, choose: Callable[..., Decision]) -> str:
    """One of HABIT's manners."""
    state = [1.0, *(float(cue in question.prompt_cues) for cue in PROMPT_CUE_NAMES)]
    rows = np.repeat(np.array(state)[None, :], len(_CANDIDATES), axis=0)
    return _CANDIDATES[choose(rows, ("manner",), _BLOCKS).index]


def deliver(text: str, manner: str, result: Result) -> str:
    """The worded result, delivered in one of the manners."""
    if manner == BARE:
        return text
    if manner == "sentence" or result.kind == "yes_no":
        return f"The answer is {text}."
    scale = result.unit if result.kind == "amount" else 1.0
    return f"It is probably about {text}, or else {plain(result.other / scale)}."
