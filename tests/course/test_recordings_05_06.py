"""The recordings of lessons 05 and 06 come out again: the first step of each job, to the digit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import pytest

from authoring.recordings import flat_grader, hyperparameters
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.recordings import load


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("recordings"), None, 0, 32) as servers:
        yield servers


@pytest.mark.parametrize("name", ["flat", "working"])
def test_the_flat_grader_begins_alike(up: Stage, tmp_path: Path, name: str) -> None:
    recorded = load("flat_grader")
    grader = {"flat": flat_grader.GRADER, "working": None}[name]
    run = flat_grader.job(up, tmp_path, grader, seed=recorded["seed"], stop_after=1)
    assert rounded_off(run.steps) == recorded[name]["steps"][:1]


def test_nothing_was_learnt_from_the_flat_grader_and_it_was_said() -> None:
    recorded = load("flat_grader")
    flat, working = recorded["flat"], recorded["working"]
    assert flat["weights_changed"] == 0 < working["weights_changed"]
    assert flat["same_answers"] == flat["rollouts"] > working["same_answers"]
    assert flat["after"] == recorded["before"]
    assert len(flat["warnings"]) == len(flat["steps"]) + 1
    assert "learned nothing" in flat["warnings"][-1]


def test_the_hyperparameters_begin_alike(up: Stage, tmp_path: Path) -> None:
    recorded = load("hyperparameters")
    arm, row = hyperparameters.VARIANTS[0], recorded["arms"][0]
    run = hyperparameters.job(up, tmp_path, arm, seed=recorded["seed"], stop_after=1)
    (step,) = rounded_off(run.steps)
    assert step["train_mean_reward"] == row["curve"][0]["train_mean_reward"]
    assert step["reasoning_tokens_mean"] == row["reasoning_tokens_first_step"]


def test_every_arm_is_recorded() -> None:
    arms = load("hyperparameters")["arms"]
    assert [arm["changed"] for arm in arms] == [
        dict(arm.changed) for arm in hyperparameters.VARIANTS
    ]


def test_the_arms_can_be_compared_in_pairs() -> None:
    recorded = load("hyperparameters")
    assert recorded["base"] == hyperparameters.Variant().hyperparameters()
    for arm in recorded["arms"]:
        assert len(arm["valid_rewards"]) == recorded["validation"]
        assert fmean(arm["valid_rewards"]) == pytest.approx(arm["valid_reward"][0], abs=1e-6)
