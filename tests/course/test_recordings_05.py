"""The recordings of lesson 05 come out again: the first step of each job, to the digit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from authoring.recordings import flat_grader, hyperparameters
from buildhour_helpers.analysis.costs import Prices, estimate
from buildhour_helpers.analysis.variants import variants_of
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.recordings import load

RECORDED = load("hyperparameters")
PRICES = Prices(input=0.195, cached=0.039, output=0.60, trained=0.44, grader=0.60)


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


def test_four_jobs_predict_the_bill_of_the_fifth_to_a_tenth() -> None:
    baseline = variants_of(RECORDED)["baseline"]
    known, last = (
        replace(baseline, jobs=baseline.jobs[:4]),
        replace(baseline, jobs=baseline.jobs[4:]),
    )
    train, valid = last.usage("train"), last.usage("valid")
    expected = estimate(known.usage("train"), train.rollouts, known.usage("valid"), valid.rollouts)
    assert vars(expected) == pytest.approx(vars(train + valid), rel=0.1)
    assert PRICES.of(expected, 0.7) == pytest.approx(PRICES.of(train + valid, 0.7), rel=0.1)
