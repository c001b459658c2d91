"""The checks of lesson 05: each mistake is told apart, in words that help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from openai.types.fine_tuning import FineTuningJob

from authoring.course.source import solution_of, stub_of
from buildhour_helpers import checks

Said = pytest.CaptureFixture[str]
Step = dict[str, Any]

SETTINGS = {
    "n_epochs": 1,
    "batch_size": 4,
    "compute_multiplier": 0.5,
    "learning_rate_multiplier": 0.25,
    "eval_interval": 2,
    "eval_samples": 1,
}


def job(settings: dict[str, Any], *, id: str = "ftjob-2", file: str = "file-1") -> FineTuningJob:
    """A job as the client parses it."""
    reinforcement = {
        "grader": {"type": "endpoint", "name": "grade", "url": "http://127.0.0.1/grade"},
        "tools": [],
        "hyperparameters": {"reasoning_effort": "default", **settings},
    }
    return FineTuningJob.construct(
        id=id,
        object="fine_tuning.job",
        training_file=file,
        method={"type": "reinforcement", "reinforcement": reinforcement},
    )


FIRST = job(SETTINGS, id="ftjob-1")


def answered(code: str) -> Any:
    space: dict[str, Any] = {
        "files": {},
        "SETTINGS": SETTINGS,
        "launch": lambda files, settings: job(settings),
    }
    exec(code, space)
    return space["half_job"]


def said_of(half_job: Any, capsys: Said) -> str:
    checks.exercise_5_1(half_job, FIRST)
    return " ".join(capsys.readouterr().out.split())


def test_the_job_of_the_solution_is_right(capsys: Said) -> None:
    said = said_of(answered(solution_of("5.1")), capsys)
    assert said == "Exercise 5.1: right ✓ 2 rollouts a row where there were 4"


def test_the_job_of_the_stub_is_not_started(capsys: Said) -> None:
    code = stub_of("5.1")
    assert "raise NotImplementedError" in code
    half_job = answered(code.partition("raise ")[0])
    assert said_of(half_job, capsys).startswith("Exercise 5.1: not started")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({**SETTINGS, "compute_multiplier": 0.25}, "half_job is a dict, not a job"),
        (FIRST, "the first job itself"),
        (job(SETTINGS), "as many as before"),
        (job({**SETTINGS, "compute_multiplier": 1}), "8 rollouts a row where there were 4"),
        (job({**SETTINGS, "batch_size": 2}), "fewer rows a step means more steps"),
        (
            job({**SETTINGS, "compute_multiplier": 0.25, "eval_interval": 5}),
            "what you know, and no training rollout",
        ),
        (
            job({**SETTINGS, "compute_multiplier": 0.25, "learning_rate_multiplier": 1.0}),
            "{**SETTINGS, ...} keeps learning_rate_multiplier",
        ),
        (job({**SETTINGS, "compute_multiplier": 0.25}, file="file-9"), "trains on another file"),
    ],
    ids=["dict", "same", "unchanged", "double", "batch", "eval", "rate", "file"],
)
def test_a_mistaken_job_is_told(answer: Any, told: str, capsys: Said) -> None:
    said = said_of(answer, capsys)
    assert said.startswith("Exercise 5.1: not yet")
    assert told in said


def diagnosed(code: str) -> Callable[[Step], str]:
    space: dict[str, Any] = {}
    exec(code, space)
    diagnose: Callable[[Step], str] = space["diagnose"]
    return diagnose


def test_the_diagnosis_of_the_solution_is_right(capsys: Said) -> None:
    checks.exercise_5_2(diagnosed(solution_of("5.2")))
    assert capsys.readouterr().out.startswith("Exercise 5.2: right")


def test_the_diagnosis_of_the_stub_is_not_started(capsys: Said) -> None:
    checks.exercise_5_2(diagnosed(stub_of("5.2")))
    assert capsys.readouterr().out.startswith("Exercise 5.2: not started")


def by_reward(step: Step) -> str:
    if step["train_mean_reward"] is None:
        return "discarded"
    return "flat" if step["train_mean_reward"] == 0 else "ok"


def flat_first(step: Step) -> str:
    if step["mean_unresponsive_rewards"] == 1:
        return "flat"
    all_gone = step["errors"]["train_discarded"] == step["usage"]["train"]["rollouts"]
    return "discarded" if all_gone else "ok"


def any_discarded(step: Step) -> str:
    if step["errors"]["train_discarded"]:
        return "discarded"
    return "flat" if step["mean_unresponsive_rewards"] == 1 else "ok"


def any_flat(step: Step) -> str:
    if step["errors"]["train_discarded"] == step["usage"]["train"]["rollouts"]:
        return "discarded"
    return "flat" if step["mean_unresponsive_rewards"] > 0 else "ok"


@pytest.mark.parametrize(
    ("mistaken", "told"),
    [
        (by_reward, "always gives 0.5: it says 'ok'"),
        (flat_first, "ask for discarded rollouts first"),
        (any_discarded, "compare train_discarded with the number of training rollouts"),
        (any_flat, "some flat groups are quite usual"),
        (lambda step: step["discarded"], "raised KeyError"),
    ],
    ids=["reward", "order", "any discarded", "any flat", "key"],
)
def test_a_mistaken_diagnosis_is_told(
    mistaken: Callable[[Step], str], told: str, capsys: Said
) -> None:
    checks.exercise_5_2(mistaken)
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("Exercise 5.2: not yet")
    assert told in said


@pytest.mark.parametrize("number", ["5.1", "5.2"])
def test_there_are_two_hints(number: str, capsys: Said) -> None:
    checks.hint(number)
    checks.hint(number, strength=2)
    assert len(capsys.readouterr().out) > 200
