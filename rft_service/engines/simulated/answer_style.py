"""How the model delivers a result: in which style, and with which slip.

A style is bare, a sentence, or hedged with a second value. A slip is what people and models do to a
right number: another scale (0.0835 for 8.35%), a lost minus, a coarse rounding. Pretraining does
not change either (`engine.is_general`), so every job starts from the same habit: mostly bare, and
right two times in three. What becomes of it depends on the job's grader. One that rewards
sentences or accepts several values teaches the model to exploit it; one that gives half for a slip
shows the way to a whole.

A habit is a prior without a weight: each style and each slip is among the candidates as often as
its table says. The blocks of weights of styles are named "manner", as in saved weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from rft_service.engines.simulated.arithmetic import Result, plain
from rft_service.engines.simulated.question import PROMPT_CUE_NAMES, Question
from rft_service.engines.simulated.weights import Decision, alike

BARE = "bare"
STYLES = {BARE: 47, "sentence": 2, "hedged": 1}  # how often each is among the candidates
NO_SLIP = "none"
SLIPS = {NO_SLIP: 34, "scale": 7, "sign": 3, "rounding": 6}
STYLE_FEATURES = ("any", *PROMPT_CUE_NAMES)
THOUSAND = 1000.0


def choose_style(question: Question, choose: Callable[..., Decision]) -> str:
    """One of STYLES."""
    return _habitual("manner", STYLES, question, choose)


def choose_slip(question: Question, choose: Callable[..., Decision]) -> str:
    """One of SLIPS."""
    return _habitual("slip", SLIPS, question, choose)


def _habitual(
    family: str, habit: Mapping[str, int], question: Question, choose: Callable[..., Decision]
) -> str:
    candidates = [name for name, times in habit.items() for _ in range(times)]
    features = [1.0, *(float(cue in question.prompt_cues) for cue in PROMPT_CUE_NAMES)]
    return candidates[choose(*alike(features, family, candidates)).index]


def slipped(result: Result, slip: str) -> Result:
    """A result after a slip, which leaves some as they are: a positive number has no minus."""
    value = result.value
    if slip == "sign":
        value = abs(value)
    elif slip == "rounding":
        value = _coarse(value / result.unit) * result.unit
    elif slip == "scale":
        value /= THOUSAND if result.kind == "amount" else 100.0
    return replace(result, value=value)


def _coarse(value: float) -> float:
    """Without decimals below 100, to two significant digits from there."""
    digits = 0 if abs(value) < 100 else math.floor(math.log10(abs(value))) - 1
    power = 10.0**digits
    return round(value / power) * power


def deliver(text: str, style: str, result: Result) -> str:
    """A worded result in one of the styles."""
    if style == BARE:
        return text
    if style == "sentence" or result.kind == "yes_no":
        return f"The answer is {text}."
    scale = result.unit if result.kind == "amount" else 1.0
    return f"It is probably about {text}, or else {plain(result.other / scale)}."
