"""Answers of several numbers or values: joint shares and lists, as a policy gives them."""

import asyncio
import json
from statistics import fmean

import pytest

from rft_service.engines.simulated.answer import MAX_ITEMS, another_features
from rft_service.engines.simulated.engine import (
    SimulatedLearner,
    SimulatedSampler,
    base_weights,
)
from rft_service.engines.simulated.question import read_question
from rft_service.engines.simulated.turn import FAMILIES
from rft_service.engines.simulated.weights import Weights
from rft_service.rl.engine import Seed, Trajectory, TurnRequest

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
PLAIN = {"wording/percent:any": 30.0, "slip/none:any": 30.0, "manner/bare:any": 30.0}
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


@pytest.mark.parametrize(("question", "share"), [(TWO, "62.5%"), (THREE, "75%")])
def test_the_base_model_can_answer_with_a_joint_share(question, share):
    made = turns(policy(PLAIN, base=True), request(question, PAGE), 60)
    assert [turn.text for turn in made].count(share) > 10


def test_a_joint_share_needs_three_numbers():
    short = "| | 1972 |\n| rye | 30 |\n| total cargo | 80 |"
    made = turns(policy(JOINT), request(TWO, short))
    assert not any("share of" in turn.reasoning_summary for turn in made)


@pytest.mark.parametrize(
    ("question", "taken", "features"),
    [(TWO, 1, [1, 1, 0]), (TWO, 2, [1, 0, 0]), (THREE, 2, [1, 1, 0]), (THREE, 1, [1, 1, 1])],
)
def test_one_more_part_depends_on_the_things_that_are_left(question, taken, features):
    assert another_features(read_question("", question), taken) == features


MUGS = [{"id": f"M-{n}", "colour": "red" if n in (11, 12, 13) else "blue"} for n in range(11, 17)]
LIST_QUESTION = "Which identifiers have the red mugs?"


def ids_asked(**limits: int) -> TurnRequest:
    ids = {"type": "array", "items": {"type": "string"}, **limits}
    schema = {"type": "object", "properties": {"ids": ids}, "required": ["ids"]}
    return request(LIST_QUESTION, json.dumps(MUGS), schema)


def ids_of(turn) -> list[str]:
    return json.loads(turn.text)["ids"]


@pytest.mark.parametrize(
    ("limits", "another", "length"),
    [
        ({}, -30.0, 1),
        ({}, 30.0, MAX_ITEMS),
        ({"minItems": 3}, -30.0, 3),
        ({"maxItems": 2}, 30.0, 2),
        ({"minItems": 2, "maxItems": 4}, 30.0, 4),
        ({"minItems": 2, "maxItems": 4}, -30.0, 2),
        ({"minItems": 12}, 30.0, 12),
    ],
)
def test_a_list_grows_for_as_long_as_the_policy_wants_within_its_limits(limits, another, length):
    made = turns(policy({"another/value:any": another}), ids_asked(**limits))
    lengths = [len(ids_of(turn)) for turn in made]
    # Without limits a value that is already there ends the list early.
    if another < 0 or limits:
        assert set(lengths) <= {length}
    assert max(lengths) == length
    for turn in made:
        assert len(set(ids_of(turn))) == len(ids_of(turn))


def f1(given: list[str]) -> float:
    right = {mug["id"] for mug in MUGS if mug["colour"] == "red"}
    shared = len(right & set(given))
    return 2 * shared / (len(right) + len(given)) if shared else 0.0


def test_a_reward_of_f1_teaches_longer_lists():
    learner = SimulatedLearner(base_weights())
    asked = ids_asked()
    rewards, lengths = [], []
    for step in range(20):
        made = [
            asyncio.run(learner.sample(asked, Seed.of("f1", step, sample))) for sample in range(32)
        ]
        scores = [f1(ids_of(turn)) for turn in made]
        rewards.append(fmean(scores))
        lengths.append(fmean(len(ids_of(turn)) for turn in made))
        pairs = zip(made, scores, strict=True)
        group = [Trajectory([turn], score - rewards[-1]) for turn, score in pairs]
        asyncio.run(learner.update(group, 1.0))
    print(rewards, lengths)
    assert fmean(rewards[-4:]) > fmean(rewards[:4]) + 0.15
    assert fmean(lengths[-4:]) > fmean(lengths[:4]) + 0.5
