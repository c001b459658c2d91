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


def test_the_smallest_job_comes_out_again(tmp_path: Path) -> None:
    recorded = load("samples")
    seed = recorded["seeds"][0]
    variant = samples.variants(recorded["pilot"], seed)[-1]
    found = rounded_off(samples.run_variant(tmp_path, variant, seed))
    assert found == recorded["variants"][variant.name][0]


def test_each_variant_has_a_job_of_every_seed_and_is_charged_for_its_pilot() -> None:
    recorded = load("samples")
    assert len(recorded["seeds"]) == len(samples.SEEDS)
    for place, seed in enumerate(recorded["seeds"]):
        for variant in samples.variants(recorded["pilot"], seed):
            job = recorded["variants"][variant.name][place]
            rollouts = samples.BATCH_SIZE * samples.GROUP_SIZE * variant.steps
            assert (job["seed"], job["pilot_rollouts"]) == (seed, variant.pilot_rollouts)
            assert job["train_rollouts"] == rollouts
            assert job["curve"][-1]["step"] == variant.steps
            assert variant.hyperparameters["n_epochs"] * len(variant.questions) * 8 == rollouts
