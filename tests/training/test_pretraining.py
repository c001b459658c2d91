"""The base weights: imitation of right derivations, then a short reinforcement with tools, on
worlds that are no reports; the same each time."""

import asyncio
import random
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from authoring.pretraining import __main__ as pretraining
from authoring.pretraining.__main__ import HABITS, blank_weights, build_trainer, read_for
from authoring.pretraining.families import FAMILIES
from authoring.pretraining.imitation import (
    Choice,
    Target,
    derivations,
    imitate,
    mean_probability,
)
from rft_service.engines.simulated.answer import Known
from rft_service.engines.simulated.engine import base_weights, is_general
from rft_service.engines.simulated.memory import remember
from rft_service.engines.simulated.operands import number_pool
from rft_service.engines.simulated.parameters import text_pool
from rft_service.engines.simulated.perception import MAX_SEGMENTS
from rft_service.engines.simulated.weights import Weights
from rft_service.rl.engine import TurnRequest


@pytest.fixture
def _short(monkeypatch) -> None:
    """A pretraining of a few seconds."""
    monkeypatch.setattr(pretraining, "READINGS", dict.fromkeys(FAMILIES, 8))
    monkeypatch.setattr(pretraining, "TASKS_OF_A_STEP", dict.fromkeys(FAMILIES, 1))
    for name, few in (("EPOCHS", 2), ("STEPS", 2), ("GROUP_SIZE", 4)):
        monkeypatch.setattr(pretraining, name, few)


# --- derivations ---------------------------------------------------------------------------------

BOOK = """\
Falcon, book of 1972.

| | 1972 | 1971 |
| rye | 30 | 25 |
| oats | 20 | 40 |
"""
CARGO = """\
Falcon, book of 1972.

| | 1972 |
| rye | 30 |
| oats | 20 |
| barley | 10 |
| total cargo | 80 |
"""
INVENTORY = '{"object_key": "K7-1", "label": "red vase", "room": "R3"}'
WORDINGS = ("asked_unit", "read_unit", "ones")


def known_of(page: str, question: str) -> Known:
    """What is known after a page was read."""
    called = {"type": "function_call", "call_id": "c1", "name": "read", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c1", "output": page}
    memory = remember(TurnRequest([{"role": "user", "content": question}, called, output]))
    numbers = number_pool(memory, (MAX_SEGMENTS,))
    return Known(memory.question, numbers, text_pool(memory).readable())


def paths(choice: Choice, known: Known, taken: Sequence[int] = ()) -> Iterator[tuple[str, ...]]:
    """Each way through a tree of choices: the operation, its operands, the wording or text."""
    family = choice.blocks[0]
    left = np.delete(np.arange(len(known.numbers)), taken)
    for index in choice.right:
        operands = list(taken)
        if family in ("first", "second"):
            operands.append(int(left[index]))
            name = known.numbers.spans[operands[-1]].text
        elif family == "answer_text":
            name = str(known.texts.candidates[index].value)
        elif family == "another":
            name = "more" if index else "whole"
        else:
            name = choice.own_blocks[index].partition("/")[2]
        if index in choice.then:
            for rest in paths(choice.then[index], known, operands):
                yield (name, *rest)
        else:
            yield (name,)


@pytest.mark.parametrize(
    ("page", "question", "target", "found"),
    [
        (
            BOOK,
            "By what percent did rye at Falcon grow from 1971 to 1972?",
            Target(20.0, "percent"),
            {("change", "30", "25", "percent")},
        ),
        (
            BOOK,
            "What did oats at Falcon come to in 1972?",
            Target(20.0, "amount"),
            {
                (*way, wording)
                for wording in WORDINGS
                for way in (
                    ("value", "20"),
                    ("difference", "40", "20"),  # right by accident
                    ("row_line_least", "20"),
                    ("row_line_least", "40"),
                    ("column_line_least", "20"),
                    ("column_line_least", "30"),
                )
            },
        ),
        (
            CARGO,
            "What percentage of total cargo did rye, oats and barley make up?",
            Target(75.0, "percent"),
            {
                ("joint_share", one, two, "more", three, "80", "percent")
                for one, two, three in permutations(("30", "20", "10"))
            },
        ),
        (INVENTORY, "Which key has the red vase?", Target("K7-1", "text"), {("text", "K7-1")}),
    ],
    ids=["change", "value", "three parts", "text"],
)
def test_the_derivations_are_all_those_that_give_the_answer(page, question, target, found):
    known = known_of(page, question)
    assert sorted(paths(derivations(known, target), known)) == sorted(found)


@pytest.mark.parametrize("target", [Target(777.0, "amount"), Target("K9-9", "text")])
def test_what_cannot_be_read_has_no_derivation(target):
    assert derivations(known_of(BOOK, "What did rye at Falcon come to?"), target) is None


# --- imitation -----------------------------------------------------------------------------------

SMALL = {"pick": ("a", "b"), "next": ("c", "d")}


def small_tree() -> Choice:
    """Two of three first choices are right; after one of them, one of two is."""
    rng = np.random.default_rng(3)
    later = Choice(rng.normal(size=(2, 2)), ("next", "next/x"), (1,))
    own = ("pick/x", "pick/y", "pick/x")
    return Choice(rng.normal(size=(3, 2)), ("pick",), (0, 2), own, {2: later})


def random_weights() -> Weights:
    rng = np.random.default_rng(4)
    names = [
        f"{block}:{feature}"
        for block in ("pick", "pick/x", "pick/y", "next", "next/x")
        for feature in SMALL[block.partition("/")[0]]
    ]
    weights = Weights(SMALL)
    weights.load({"weights": {name: rng.normal() for name in names}})
    return weights


def test_the_gradient_is_that_of_the_log_likelihood():
    weights, tree, step = random_weights(), small_tree(), 1e-4
    gradient: dict[str, np.ndarray] = {}
    assert tree.add_gradient(weights, 0.5, gradient) == tree.probability(weights)
    named = weights.as_dict()
    for name, value in named.items():
        ends = []
        for moved in (value + step, value - step):
            other = Weights(SMALL)
            other.load({"weights": named | {name: moved}})
            ends.append(np.log(tree.probability(other)))
        block, _, feature = name.partition(":")
        index = SMALL[block.partition("/")[0]].index(feature)
        slope = 0.5 * (ends[0] - ends[1]) / (2 * step)
        assert gradient[block][index] == pytest.approx(slope, abs=1e-5)


def test_the_probability_is_of_all_right_ways_together():
    weights, tree = random_weights(), small_tree()
    first = weights.probabilities(tree.features, tree.blocks, tree.own_blocks)
    later = weights.probabilities(tree.then[2].features, tree.then[2].blocks)
    expected = first[0] + first[2] * later[1]
    assert tree.probability(weights) == pytest.approx(expected)
    assert mean_probability(weights, [tree, None]) == pytest.approx(expected / 2)


@pytest.mark.usefixtures("_short")
def test_imitation_raises_the_likelihood_of_right_answers():
    trees = [tree for tree in pretraining.readings() if tree is not None]
    weights = blank_weights()
    likelihoods = list(imitate(weights, trees, epochs=4, learning_rate=0.05, seed=1))
    assert likelihoods == sorted(likelihoods)
    assert likelihoods[-1] > likelihoods[0] + 1


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_base_model_reads_pages_that_it_has_not_seen(family):
    rng = random.Random(f"held out/{family}")
    world = FAMILIES[family](rng, 20)
    trees = [
        derivations(read_for(world, problem, rng), Target(problem.answer, problem.kind))
        for problem in world.problems
    ]
    assert sum(tree is not None for tree in trees) >= 18
    learned, blank = (
        mean_probability(weights, trees) for weights in (base_weights(), blank_weights())
    )
    assert learned > 0.5
    assert learned > blank + 0.2


# --- the whole -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("_short")
def test_pretraining_gives_the_same_weights_each_time():
    runs = [pretraining.pretrain(quiet=True) for _ in range(2)]
    assert runs[0] == runs[1]
    assert set(HABITS) <= set(runs[0])


@pytest.mark.usefixtures("_short")
def test_reinforcement_changes_only_the_choice_and_the_use_of_tools():
    trainer = build_trainer(base_weights())
    before = trainer.learner.parameters.as_dict()
    asyncio.run(trainer.step(1))
    after = trainer.learner.parameters.as_dict()
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert {name.partition(":")[0].partition("/")[0] for name in changed} == {"act", "fill"}
    assert all(is_general(name.partition(":")[0]) for name in changed)


def test_the_base_weights_know_no_tool_by_name():
    weights = base_weights().as_dict()
    tools = re.compile(r"^(fill|also)/|^act/[^=]")
    assert not [name for name in weights if tools.search(name)]
    assert len(weights) > 200


def test_nothing_of_pretraining_speaks_of_finance():
    folder = Path(str(files("authoring.pretraining")))
    text = " ".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py")).lower()
    # "fiscal 1972" is there as one more way to write a year; nothing else of a report is.
    for word in ("revenue", "dividend", "shareholder", "earnings", "ticker", "finqa", "profit"):
        assert word not in text
