"""How the model delivers a result: bare, in a sentence, or hedged with a second value.

Pretraining does not change this (`engine.is_general`), so every job starts from the same habit:
mostly bare, sometimes in a sentence, rarely hedged. What becomes of it depends on the job's grader:
a grader that rewards sentences or accepts several values teaches the model to exploit it.

The habit is a prior without a weight: each style is among the candidates as often as HABIT says.
Its blocks of weights are named "manner", as in saved weights.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rft_service.engines.simulated.arithmetic import Result, plain
from rft_service.engines.simulated.question import PROMPT_CUE_NAMES, Question
from rft_service.engines.simulated.weights import Decision

BARE = "bare"
HABIT = {BARE: 47, "sentence": 2, "hedged": 1}  # how often each is among the candidates
STYLE_FEATURES = ("any", *PROMPT_CUE_NAMES)
_CANDIDATES = tuple(style for style, times in HABIT.items() for _ in range(times))
_BLOCKS = tuple(f"manner/{style}" for style in _CANDIDATES)


def choose_style(question: Question, choose: Callable[..., Decision]) -> str:
    """One of the styles in HABIT."""
    features = [1.0, *(float(cue in question.prompt_cues) for cue in PROMPT_CUE_NAMES)]
    rows = np.repeat(np.array(features)[None, :], len(_CANDIDATES), axis=0)
    return _CANDIDATES[choose(rows, ("manner",), _BLOCKS).index]


def deliver(text: str, style: str, result: Result) -> str:
    """A worded result in one of the styles."""
    if style == BARE:
        return text
    if style == "sentence" or result.kind == "yes_no":
        return f"The answer is {text}."
    scale = result.unit if result.kind == "amount" else 1.0
    return f"It is probably about {text}, or else {plain(result.other / scale)}."
