"""The recordings of lessons 01 and 02 come out again, where they begin: to the digit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from authoring.recordings import prompts, samples
from authoring.recordings.runs import rewards_of
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.recordings import load
from buildhour_helpers.tasks import load_questions

FIRST_QUESTIONS = 6


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("recordings"), None, 0, 32) as servers:
        yield servers


@pytest.mark.parametrize("place", [1, len(prompts.VARIANTS) - 1])
def test_a_prompt_scores_alike(up: Stage, tmp_path: Path, place: int) -> None:
    variant = prompts.VARIANTS[place]
    asked = load_questions(split="validation")[:FIRST_QUESTIONS]
    records = prompts.measure(up, tmp_path, variant, asked)
    recorded = load("prompts")["variants"][variant.name]
    assert recorded["prompt"] == variant.prompt
    begun = dict(islice(recorded["rewards"].items(), FIRST_QUESTIONS))
    assert rewards_of(records) == begun


def test_every_prompt_met_every_question() -> None:
    recorded = load("prompts")
    asked = [question.id for question in load_questions(split="validation")]
    assert list(recorded["variants"]) == [variant.name for variant in prompts.VARIANTS]
    assert all(list(one["rewards"]) == asked for one in recorded["variants"].values())


def test_the_pilot_scores_alike(up: Stage, tmp_path: Path) -> None:
    records = samples.run_pilot(up, tmp_path, FIRST_QUESTIONS)
    begun = dict(islice(load("samples")["pilot"].items(), FIRST_QUESTIONS))
    assert rewards_of(records) == begun


def test_a_job_begins_alike(up: Stage, tmp_path: Path) -> None:
    recorded = load("samples")
    arm = samples.variants(recorded["pilot"])[0]
    begun = samples.train(up, tmp_path, arm, stop_after=1)
    told = recorded["arms"][arm.name]
    assert rounded_off(samples.zero_variance_shares(begun)) == told["flat_groups"][:1]
    assert rounded_off(begun.steps[0]["train_mean_reward"]) == told["train_reward"][0]


def test_the_arms_cost_the_same() -> None:
    recorded = load("samples")
    arms = samples.variants(recorded["pilot"])
    assert list(recorded["arms"]) == [arm.name for arm in arms]
    few, many = samples.FEW, samples.MANY
    assert [len(arm.questions) for arm in arms] == [few, many, many, few]
    for arm in arms:
        rows = arm.hyperparameters["n_epochs"] * len(arm.questions)
        assert rows == samples.STEPS * samples.BATCH_SIZE
        assert len(recorded["arms"][arm.name]["flat_groups"]) == samples.STEPS
