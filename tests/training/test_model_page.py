"""docs/model.md says what the base model does by habit; lists and tables agree with the code."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from authoring.pretraining.__main__ import HABITS
from rft_service.engines.simulated.answer_style import NO_SLIP, SLIPS, STYLES
from rft_service.engines.simulated.engine import base_weights
from rft_service.engines.simulated.question import PROMPT_CUES, read_question

PAGE = (Path(__file__).parents[2] / "docs" / "model.md").read_text(encoding="utf-8")
ROWS: list[tuple[str, str, str, str]] = re.findall(
    r'^- `(says_\w+)`: "(.+?)" (.+?); (.+)$', PAGE, re.MULTILINE
)


def test_every_cue_is_listed() -> None:
    assert [cue for cue, *_ in ROWS] == list(PROMPT_CUES)


@pytest.mark.parametrize(("cue", "prompt"), [(cue, prompt) for cue, prompt, *_ in ROWS])
def test_the_example_of_a_cue_has_it(cue: str, prompt: str) -> None:
    assert cue in read_question(prompt, "").prompt_cues


def test_the_weights_are_those_that_were_added_and_shipped() -> None:
    named = {name: float(w) for name, w in re.findall(r"`(\S+:\w+)` ([+-][\d.]+\d)", PAGE)}
    assert named == HABITS
    shipped = {name: w for name, w in base_weights().as_dict().items() if ":says_" in name}
    assert shipped == {name: w for name, w in HABITS.items() if ":says_" in name}


def test_a_cue_about_slips_has_the_effect_that_the_page_says() -> None:
    def share(slip: str, weights: dict[str, float]) -> float:
        odds = {name: n * math.exp(weights.get(name, 0.0)) for name, n in SLIPS.items()}
        chance = odds[slip] / sum(odds.values())
        return 1 - chance if slip == NO_SLIP else chance

    found = [(re.fullmatch(r"`slip/(\w+):\w+` (\S+)", weight), said) for _, _, weight, said in ROWS]
    slips = [(match[1], float(match[2]), said) for match, said in found if match]
    assert slips
    for slip, weight, said in slips:
        assert f"from {share(slip, {}):.0%} to {share(slip, {slip: weight}):.0%}" in said


def test_the_habits_of_delivery_are_those_of_the_code() -> None:
    counts = {name: int(n) for name, n in re.findall(r"\| `(\w+)`[^|]*\| (\d+) (?=\|)", PAGE)}
    assert counts == {**STYLES, **SLIPS}
