"""The recordings of lesson 05 come out again: the first step of each job, to the digit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authoring.recordings import flat_grader, hyperparameters
from buildhour_helpers.analysis.costs import Usage, estimate, usage_of_phase
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.recordings import load

RECORDED = load("hyperparameters")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("recordings"), None, 0, 32) as servers:
        yield servers


@pytest.mark.parametrize("name", ["flat", "working"])
def test_the_zero_variance_grader_begins_alike(up: Stage, tmp_path: Path, name: str) -> None:
    recorded = load("flat_grader")
    grader = {"flat": flat_grader.GRADER, "working": None}[name]
    run = flat_grader.job(up, tmp_path, grader, seed=recorded["seed"], stop_after=1)
    (step,) = rounded_off(run.steps)
    assert {key: step[key] for key in flat_grader.OF_A_STEP} == recorded[name]["steps"][0]


def test_nothing_was_learned_from_the_zero_variance_grader_and_the_service_said_so() -> None:
    recorded = load("flat_grader")
    flat, working = recorded["flat"], recorded["working"]
    assert flat["weights_changed"] == 0 < working["weights_changed"]
    assert flat["same_answers"] == flat["rollouts"] > working["same_answers"]
    assert flat["after"] == recorded["before"]
    assert len(flat["warnings"]) == len(flat["steps"]) + 1
    assert "learned nothing" in flat["warnings"][-1]


def test_the_hyperparameters_begin_alike(up: Stage, tmp_path: Path) -> None:
    variant, recorded = hyperparameters.VARIANTS[0], RECORDED["variants"][0]["jobs"][0]
    run = hyperparameters.job(
        up,
        tmp_path,
        variant,
        seed=recorded["seed"],
        varying=RECORDED["pilot"]["varying"],
        stop_after=1,
    )
    (step,) = rounded_off(run.steps)
    assert step["train_mean_reward"] == recorded["train_rewards"][0]
    assert step["update"]["entropy"] == recorded["entropy"][0]


def test_every_setting_is_recorded_with_every_seed() -> None:
    found = {one["name"]: one for one in RECORDED["variants"]}
    assert list(found) == [one.name for one in hyperparameters.VARIANTS]
    questions = len(RECORDED["validation"]["questions"])
    for one in found.values():
        assert [job["seed"] for job in one["jobs"]] == list(hyperparameters.SEEDS)
        assert all(len(job["rewards"]) == questions for job in one["jobs"])


@pytest.mark.parametrize("variant", RECORDED["variants"], ids=lambda variant: variant["name"])
def test_a_bill_can_be_estimated_to_a_tenth_from_the_baseline_job(variant: Any) -> None:
    """From what its rollouts used on average, for jobs with other numbers of rollouts."""
    if variant["changed"].get("reasoning_token_penalty") or variant["name"] == "baseline":
        pytest.skip("a heavy penalty changes how long rollouts are")
    (train, valid), jobs = phases(RECORDED["variants"][0]), variant["jobs"]
    own_train, own_valid = phases(variant)
    expected = estimate(train, own_train.rollouts, valid, own_valid.rollouts)
    used = own_train + own_valid
    assert expected.rollouts == used.rollouts == len(jobs) * used.rollouts / len(jobs)
    assert expected.input_tokens == pytest.approx(used.input_tokens, rel=0.1)


def phases(variant: Any) -> tuple[Usage, Usage]:
    jobs = variant["jobs"]
    train, valid = (
        sum((usage_of_phase(job["usage"][phase]) for job in jobs), Usage())
        for phase in ("train", "valid")
    )
    return train, valid
