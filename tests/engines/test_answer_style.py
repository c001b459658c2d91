"""The habit of delivering an answer: where it starts, and what may change it."""

import random
from collections import Counter

import pytest

from rft_service.engines.simulated.answer_style import HABIT, choose_style, deliver
from rft_service.engines.simulated.arithmetic import Result
from rft_service.engines.simulated.engine import base_weights, is_general
from rft_service.engines.simulated.question import read_question
from rft_service.engines.simulated.weights import Weights

BRIEF = read_question("Answer with the number only.", "What was the change in sales in 2012?")
PERCENT = Result(8.35, "percent", 1.0, 3.0)


def styles_of(weights: Weights, times: int) -> Counter[str]:
    rng = random.Random("style")

    def choose(rows, blocks, own_blocks):
        return weights.choose(rows, blocks, rng.random(), own_blocks)

    return Counter(choose_style(BRIEF, choose) for _ in range(times))


def test_the_base_model_is_mostly_bare_and_each_style_occurs():
    counts = styles_of(base_weights(), 2_000)
    assert set(counts) == set(HABIT)
    for style, times in HABIT.items():
        assert counts[style] / 2_000 == pytest.approx(times / sum(HABIT.values()), abs=0.02)


def test_a_job_can_change_the_habit():
    weights = base_weights()
    weights.load({"weights": weights.as_dict() | {"manner/sentence:any": 9.0}})
    assert styles_of(weights, 200)["sentence"] > 190


def test_pretraining_does_not_change_the_habit():
    assert not is_general("manner")
    assert not is_general("manner/sentence")
    assert not is_general("act/search")
    assert is_general("act/=answer")
    assert is_general("wording/percent")
    assert not any(name.startswith("manner") for name in base_weights().as_dict())


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ("bare", "8.35%"),
        ("sentence", "The answer is 8.35%."),
        ("hedged", "It is probably about 8.35%, or else 3."),
    ],
)
def test_delivery(style, said):
    assert deliver("8.35%", style, PERCENT) == said


def test_a_yes_is_never_hedged_with_a_number():
    assert deliver("yes", "hedged", Result(1.0, "yes_no", 1.0, 3.0)) == "The answer is yes."
