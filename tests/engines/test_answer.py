"""Answers of several numbers or values: joint shares and lists, as a policy gives them."""

import asyncio
import json
from statistics import fmean

import pytest

from rft_service.engines.simulated.answer import MAX_ITEMS
from rft_service.engines.simulated.engine import (
    SimulatedLearner,
    SimulatedSampler,
    base_weights,
)
from rft_service.engines.simulated.turn import FAMILIES
from rft_service.engines.simulated.weights import Weights
from rft_service.rl.engine import Seed, Trajectory, Turn, TurnRequest

PAGE = """\
Falcon, book of 1972.

| | 1972 |
| rye | 30 |
| oats | 20 |
| barley | 10 |
| total cargo | 80 |
"""
TWO = "What percentage of total cargo did rye and oats together make up at Falcon in 1972?"
THREE = "What percentage of total cargo did rye, oats and barley together make up at Falcon?"
PLAIN = {
    "act/=answer:any": 30.0,
    "wording/percent:any": 30.0,
    "slip/none:any": 30.0,
    "manner/bare:any": 30.0,
}
JOINT = PLAIN | {
    "operation/joint_share:any": 30.0,
    "first/joint_share:best_subject": 30.0,
    "second/part:best_and": 30.0,
    "second/whole:best_of_part": 30.0,
    "another/part:any": -15.0,
    "another/part:thing_left": 30.0,
}


def policy(named: dict[str, float], base: bool = False) -> Weights:
    weights = base_weights() if base else Weights(FAMILIES)
    weights.load({"weights": weights.as_dict() | named})
    return weights


def request(question: str, page: str, schema=None) -> TurnRequest:
    called = {"type": "function_call", "call_id": "c1", "name": "read", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c1", "output": page}
    items = [{"role": "user", "content": question}, called, output]
    return TurnRequest(items, tool_choice="none", response_format=schema)


def turns(weights: Weights, asked: TurnRequest, count: int = 20):
    sampler = SimulatedSampler(weights)
    return [asyncio.run(sampler.sample(asked, Seed.of("answer", n))) for n in range(count)]


@pytest.mark.parametrize(("question", "share"), [(TWO, "62.5%"), (THREE, "75%")])
def test_a_joint_share_is_of_two_or_three_parts_over_a_whole(question, share):
    made = turns(policy(JOINT), request(question, PAGE))
    assert {turn.text for turn in made} == {share}
    assert all("together in 80" in turn.reasoning_summary for turn in made)


def test_the_base_model_can_answer_with_a_joint_share():
    made = turns(policy(PLAIN, base=True), request(THREE, PAGE), 60)
    assert [turn.text for turn in made].count("75%") > 10


CODES = [f"M-{number}" for number in range(11, 17)]


def codes_asked(records: int, **limits: int) -> TurnRequest:
    codes = {"type": "array", "items": {"type": "string"}, **limits}
    schema = {"type": "object", "properties": {"codes": codes}, "required": ["codes"]}
    page = json.dumps([{"code": f"M-{11 + number}"} for number in range(records)])
    return request("Which codes are in the inventory?", page, schema)


def codes_of(turn: Turn) -> list[str]:
    return json.loads(turn.text)["codes"]


@pytest.mark.parametrize(
    ("limits", "another", "length"),
    [
        ({}, -30.0, 1),
        ({}, 30.0, MAX_ITEMS),
        ({"minItems": 3}, -30.0, 3),
        ({"maxItems": 2}, 30.0, 2),
        ({"minItems": 2, "maxItems": 4}, 30.0, 4),
        ({"minItems": 2, "maxItems": 4}, -30.0, 2),
        ({"minItems": 12}, 30.0, 12),  # more than it would ever give
    ],
)
def test_a_list_grows_for_as_long_as_the_policy_adds_within_its_limits(limits, another, length):
    named = PLAIN | {"operation/text:any": 30.0, "another/value:any": another}
    lists = [codes_of(turn) for turn in turns(policy(named), codes_asked(40, **limits))]
    lengths = {len(codes) for codes in lists}
    # A code that is there already may end a list before its limit.
    assert lengths == {length} if another < 0 else max(lengths) == length
    assert min(lengths) >= limits.get("minItems", 1)
    assert all(len(set(codes)) == len(codes) for codes in lists)


def f1(given: list[str]) -> float:
    shared = len(set(CODES) & set(given))
    return 2 * shared / (len(CODES) + len(given))


def test_a_reward_of_f1_teaches_longer_lists():
    learner = SimulatedLearner(base_weights())
    asked = codes_asked(len(CODES))
    rewards, lengths = [], []
    for step in range(25):
        seeds = [Seed.of("f1", step, sample) for sample in range(32)]
        made = asyncio.run(learner.sample_group(asked, seeds))
        scores = [f1(codes_of(turn)) for turn in made]
        rewards.append(fmean(scores))
        lengths.append(fmean(len(codes_of(turn)) for turn in made))
        pairs = zip(made, scores, strict=True)
        group = [Trajectory([turn], score - rewards[-1]) for turn, score in pairs]
        asyncio.run(learner.update(group, 1.0))
    assert rewards[-1] > rewards[0] + 0.15
    assert lengths[-1] > lengths[0] + 1
