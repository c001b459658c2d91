"""Checks of lesson 05: a job with half the compute, and the diagnosis of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from openai.types.fine_tuning import FineTuningJob

from buildhour_helpers.checks.verdict import Finding, Findings, exercise, expect, right, wrong

HINTS = {
    "5.1": (
        "Which of the settings says how many rollouts a row gets? Look at the table of "
        "hyperparameters, and at its value in SETTINGS: half of that, not half of auto.",
        "launch(files, {**SETTINGS, 'compute_multiplier': ...}) with half the value that "
        "SETTINGS has. The batch size would change the steps, and the epochs the rows.",
    ),
    "5.2": (
        "Ask the worst first: were all of usage['train']['rollouts'] discarded? Only then ask "
        "whether groups differed. The mean reward alone tells neither.",
        "discarded: errors['train_discarded'] equals the number of training rollouts. flat: "
        "mean_unresponsive_rewards is 1. In that order, since a step with no usable rollout has "
        "no group that differs either.",
    ),
}

BASE_GROUP = 8
"""Rollouts per row where compute_multiplier is 1; the service documents it."""

Step = Mapping[str, Any]


@exercise("5.1")
def exercise_5_1(half_job: object, first: FineTuningJob) -> Findings:
    """A job that differs from the first one only in rollouts per row, by half."""
    if not isinstance(half_job, FineTuningJob):
        yield wrong(
            f"half_job is a {type(half_job).__name__}, not a job",
            "half_job = launch(files, ...): keep what launch returns",
        )
        return
    if half_job.id == first.id:
        yield wrong("half_job is the first job itself", "launch another one")
        return
    if half_job.training_file != first.training_file:
        yield wrong("it trains on another file", "pass the same `files` to launch")
    asked, before = _settings(half_job), _settings(first)
    for name in sorted(before.keys() - {"compute_multiplier"}):
        if asked.get(name) != before[name]:
            yield _other_setting(name, asked.get(name), before[name])
    yield _group(_group_size(asked), _group_size(before))


def _settings(job: FineTuningJob) -> dict[str, Any]:
    method = job.method and job.method.reinforcement
    asked = method and method.hyperparameters
    return dict(asked.to_dict()) if asked else {}


def _group_size(settings: Mapping[str, Any]) -> int:
    multiplier: float = settings["compute_multiplier"]
    return max(2, round(BASE_GROUP * multiplier))


def _other_setting(name: str, asked: Any, before: Any) -> Finding:
    text = f"{name} is {asked} and was {before}"
    if name == "batch_size":
        return wrong(
            f"{text}: fewer rows a step means more steps, and as many rollouts as before",
            "leave the batch; change how many rollouts each row gets",
        )
    if name == "n_epochs":
        return wrong(f"{text}: other rows, or other steps", "leave the epochs as they are")
    if name.startswith("eval_"):
        return wrong(
            f"{text}: that changes what you know, and no training rollout",
            "leave validation as it is, so that the two jobs can be compared",
        )
    return wrong(text, f"start from SETTINGS: {{**SETTINGS, ...}} keeps {name}")


def _group(asked: int, before: int) -> Finding:
    if 2 * asked == before:
        return right(f"{asked} rollouts a row where there were {before}")
    if asked == before:
        return wrong(
            f"{asked} rollouts a row, as many as before",
            "half of what SETTINGS has, and SETTINGS has half of `auto` already",
        )
    return wrong(
        f"{asked} rollouts a row where there were {before}",
        "rollouts a row are 8 times compute_multiplier, and never fewer than 2",
    )


@exercise("5.2")
def exercise_5_2(diagnose: Callable[[Step], str]) -> Findings:
    """The diagnosis of six steps, each of which one common mistake gets wrong."""
    for step, expected, example, fix in STEPS:
        yield expect(diagnose(step), expected, example, fix)


def _step(reward: float | None, zero_variance: float, discarded: int = 0) -> Step:
    """The data of a metrics event with 16 training rollouts, as far as a diagnosis may need it."""
    return {
        "step": 3,
        "total_steps": 5,
        "train_mean_reward": reward,
        "full_valid_mean_reward": None,
        "reasoning_tokens_mean": 410.0,
        "completion_tokens_mean": 655.0,
        "mean_unresponsive_rewards": zero_variance,
        "tool_calls_per_rollout": 4.0,
        "tool_errors": 3,
        "tool_calls_by_name": {"search": 40, "cat": 24},
        "scores": {"train_reward_mean": reward, "valid_reward_mean": None, "graders": []},
        "usage": {
            "train": {"rollouts": 16, "reasoning_tokens": 6_560, "tool_calls": 64},
            "valid": {"rollouts": 0, "reasoning_tokens": 0, "tool_calls": 0},
        },
        "errors": {
            "train_discarded": discarded,
            "valid_discarded": 0,
            "by_reason": {"tool_failed": discarded} if discarded else {},
        },
    }


# A step, its diagnosis, what it is an example of, and the fix for who gets it wrong.
STEPS: tuple[tuple[Step, str, str, str], ...] = (
    (
        _step(reward=0.2, zero_variance=0.5),
        "ok",
        "a healthy step",
        "some flat groups are quite usual",
    ),
    (
        _step(reward=0.0, zero_variance=1.0),
        "flat",
        "a grader that always gives 0",
        "look at mean_unresponsive_rewards: the share of groups that teach nothing",
    ),
    (
        _step(reward=0.5, zero_variance=1.0),
        "flat",
        "a grader that always gives 0.5",
        "the mean reward does not tell; the share of groups without variance does",
    ),
    (
        _step(reward=None, zero_variance=1.0, discarded=16),
        "discarded",
        "a step without one usable rollout",
        "ask for discarded rollouts first: such a step has no group that differs either",
    ),
    (
        _step(reward=0.3, zero_variance=0.5, discarded=5),
        "ok",
        "a step that lost 5 of 16 rollouts and learnt from the others",
        "compare train_discarded with the number of training rollouts, not with 0",
    ),
    (
        _step(reward=0.0, zero_variance=1.0, discarded=5),
        "flat",
        "a step that lost 5 of 16, the others all alike",
        "there were usable rollouts, and no group could teach",
    ),
)
