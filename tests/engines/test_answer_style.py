"""The habits of delivering an answer, styles and slips: where they start, what changes them."""

import asyncio
import random
from collections import Counter
from statistics import fmean

import pytest

from buildhour_helpers.graders.numeric import Reference, compare
from rft_service.engines.simulated.answer_style import (
    NO_SLIP,
    SLIPS,
    STYLES,
    choose_slip,
    choose_style,
    deliver,
    slipped,
)
from rft_service.engines.simulated.arithmetic import Result, word
from rft_service.engines.simulated.engine import SimulatedLearner, base_weights, is_general
from rft_service.engines.simulated.question import read_question
from rft_service.engines.simulated.weights import Weights
from rft_service.rl.engine import Trajectory, Turn

ASKED = "What was the change in sales in 2012?"
BRIEF = read_question("Answer with the number only.", ASKED)
PERCENT = Result(8.35, "percent", 1.0, 3.0)
DECLINE = Result(-8.35, "percent", 1.0, 3.0)


def chosen(pick, weights: Weights, times: int, question=BRIEF) -> Counter[str]:
    rng = random.Random("style")

    def choose(rows, blocks, own_blocks):
        return weights.choose(rows, blocks, rng.random(), own_blocks)

    return Counter(pick(question, choose) for _ in range(times))


@pytest.mark.parametrize(("pick", "habit"), [(choose_style, STYLES), (choose_slip, SLIPS)])
def test_the_base_model_has_each_habit_as_often_as_its_table_says(pick, habit):
    counts = chosen(pick, base_weights(), 2_000)
    assert set(counts) == set(habit)
    for name, times in habit.items():
        assert counts[name] / 2_000 == pytest.approx(times / sum(habit.values()), abs=0.02)


@pytest.mark.parametrize(
    ("prompt", "slip"),
    [
        ("Parentheses mean a negative number.", "sign"),
        ("Write a percentage with a % sign.", "scale"),
    ],
)
def test_a_prompt_that_speaks_of_a_slip_makes_it_rarer(prompt, slip):
    told = chosen(choose_slip, base_weights(), 2_000, read_question(prompt, ASKED))
    assert told[slip] < 0.7 * chosen(choose_slip, base_weights(), 2_000)[slip]


def test_pretraining_does_not_teach_styles_slips_or_tools():
    for block in ("manner", "manner/sentence", "slip", "slip/sign", "act/search"):
        assert not is_general(block)
    for block in ("act/=answer", "wording/percent", "another/value"):
        assert is_general(block)
    assert not any(name.startswith("manner") for name in base_weights().as_dict())


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize(
    ("result", "wording"),
    [
        (DECLINE, "percent"),
        (Result(-8.35, "ratio", 1.0, 3.0), "ones"),
        (Result(-1234e6, "amount", 1e6, 3.0), "asked_unit"),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_a_slip_of_a_right_answer_earns_half(result, wording, slip):
    unit = 1e6 if result.kind == "amount" else 1.0
    right = Reference(result.value / unit, result.kind, word(result, wording, unit))
    said = word(slipped(result, slip), wording, unit)
    assert compare(said, right).score == (1.0 if slip == NO_SLIP else 0.5)


def test_a_job_that_gives_half_for_slips_learns_to_avoid_them():
    learner = SimulatedLearner(base_weights())
    right = Reference(DECLINE.value, DECLINE.kind, "-8.35%")
    rng = random.Random("job")
    means = []
    for _ in range(25):
        rewards, turns = [], []
        for _ in range(64):
            decisions = []

            def choose(rows, blocks, own_blocks, decisions=decisions):
                made = learner.parameters.choose(rows, blocks, rng.random(), own_blocks)
                decisions.append(made)
                return made

            said = word(slipped(DECLINE, choose_slip(BRIEF, choose)), "percent", 0.0)
            rewards.append(compare(said, right).score)
            turns.append(Turn(text=said, sampled=tuple(decisions)))
        means.append(fmean(rewards))
        pairs = zip(turns, rewards, strict=True)
        group = [Trajectory([turn], reward - means[-1]) for turn, reward in pairs]
        asyncio.run(learner.update(group, 1.0))
    slips = 1 - SLIPS[NO_SLIP] / sum(SLIPS.values())
    assert means[0] == pytest.approx(1 - slips / 2, abs=0.06)
    assert fmean(means[-5:]) > 1 - slips / 4
    counts = chosen(choose_slip, learner.parameters, 2_000)
    assert 1 - counts[NO_SLIP] / 2_000 < slips / 3


def test_delivery():
    assert deliver("8.35%", "bare", PERCENT) == "8.35%"
    assert deliver("8.35%", "sentence", PERCENT) == "The answer is 8.35%."
    assert deliver("8.35%", "hedged", PERCENT) == "It is probably about 8.35%, or else 3."
    assert deliver("yes", "hedged", Result(1.0, "yes_no", 1.0, 3.0)) == "The answer is yes."
