"""Checks of lesson 05: a predicted share, a decision with a cost, and the diagnosis of steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from buildhour_helpers.checks.verdict import Finding, Findings, exercise, expect, right, wrong

HINTS = {
    "5.1": (
        "Count what one turn reads: the prompt, the descriptions of the tools, and every result "
        "so far. Then count what it writes: a thought and a call.",
        "A rollout has about six turns, and each turn reads the whole conversation again. A page "
        "of a report that came in turn two is read in turns three, four, five and six as well.",
        "Any number between 0 and 1 passes, such as `guess = 0.7`. Well above one half is close.",
    ),
    "5.2": (
        "What does one answer earn, and what does it cost? Do that for one option on paper, then "
        "take off the job.",
        "profit = answers * (value_usd * reward - answer_usd) - job_usd. The name of the option "
        "with the highest profit is the answer.",
        "Write an inner function `profit(name)` with that formula, then "
        "`return max(options, key=profit)`: iterating over a dictionary gives its names.",
    ),
    "5.3": (
        "Ask the worst first: was there any usable rollout at all? Only then ask whether groups "
        "could teach. The mean reward tells you neither.",
        "Compare `errors` -> `train_discarded` with the number of training rollouts in `usage`. "
        "`mean_unresponsive_rewards` is the share of zero-variance groups.",
        'if step["errors"]["train_discarded"] == step["usage"]["train"]["rollouts"]: return '
        '"discarded". After that: if step["mean_unresponsive_rewards"] == 1: return '
        '"zero variance".',
    ),
}

Step = Mapping[str, Any]
Options = Mapping[str, Mapping[str, float]]


@exercise("5.1")
def exercise_5_1(guess: object, measured: float) -> Findings:
    """A guess at the share of input among a rollout's tokens: any share passes."""
    number = math.nan
    if not isinstance(guess, bool) and isinstance(guess, Real):
        number = float(guess)
    if math.isnan(number):
        yield wrong(f"guess is {guess!r}, not a number", "a number such as 0.4: guess = 0.4")
    elif 1 < number <= 100:
        yield wrong(
            f"guess is {guess}: as a share that is more than all tokens",
            f"write {guess}% as {number / 100:g}",
        )
    elif not 0 < number < 1:
        yield wrong(
            f"guess is {guess}: a rollout both reads and writes, so the share is between 0 and 1",
            "0.5 would say that it reads as much as it writes",
        )
    else:
        yield right(f"you guessed {number:.0%}; measured: {measured:.0%}")
        yield right(_about(number, measured))


def _about(guess: float, measured: float) -> str:
    if abs(guess - measured) <= 0.05:
        return "very close. Most people guess far less"
    if guess > measured:
        return "even more than it is; reasoning and answers do count for something"
    return "less than it is: each turn reads the whole conversation again, and that adds up"


@exercise("5.2")
def exercise_5_2(decide: Callable[[Options, int, float], str]) -> Findings:
    """The choice in five situations, each of which one common mistake gets wrong."""
    for options, answers, value_usd, expected, example, fix in DECISIONS:
        found = decide({name: dict(of) for name, of in options.items()}, answers, value_usd)
        if found not in list(options):
            yield wrong(f"{example}: it says {found!r}, which is not one of the options", NAMED)
        else:
            yield expect(found, expected, example, fix)


def _options(names: str) -> Options:
    base, cheap, accurate, large = names.split(", ")
    return {
        accurate: {"reward": 0.50, "answer_usd": 0.005, "job_usd": 6.0},
        base: {"reward": 0.30, "answer_usd": 0.004, "job_usd": 0.0},
        large: {"reward": 0.51, "answer_usd": 0.005, "job_usd": 60.0},
        cheap: {"reward": 0.40, "answer_usd": 0.002, "job_usd": 6.0},
    }


FIRST, SECOND = _options("base, cheap, accurate, large"), _options("A, B, C, D")
NAMED = "return an option's name, also if all lose money: then the one that loses least"
# Options, answers, the value of a reward of 1, the best option, what it is an example of, and what
# to try if the answer differs.
DECISIONS: tuple[tuple[Options, int, float, str, str, str], ...] = (
    (FIRST, 100, 0.01, "base", "100 answers worth 1 cent each",
     "take off job_usd: so few answers never pay for a job"),
    (FIRST, 1_000_000, 0.01, "cheap", "a million answers worth 1 cent each",
     "take off answer_usd for each answer: with answers worth so little, cheap ones win"),
    (SECOND, 1_000, 1.0, "C", "1,000 answers worth 1 dollar each",
     "weigh the higher reward against the price of the job: both count"),
    (SECOND, 1_000_000, 1.0, "D", "a million answers worth 1 dollar each",
     "multiply by the number of answers: over so many, a little more reward pays for any job"),
    (SECOND, 1_000, 0.0, "A", "1,000 answers that are worth nothing",
     "if every option loses money, return the one that loses least"),
)  # fmt: skip


@exercise("5.3")
def exercise_5_3(diagnose: Callable[[Step], str]) -> Findings:
    """The diagnosis of seven steps, each of which one common mistake gets wrong."""
    for step, expected, example, fix in STEPS:
        found = diagnose(step)
        if isinstance(found, str):
            found = found.lower().replace("-", " ").replace("_", " ")
        yield _diagnosed(found, expected, example, fix)


def _diagnosed(found: object, expected: str, example: str, fix: str) -> Finding:
    if found in DIAGNOSES:
        return expect(found, expected, example, fix)
    return wrong(
        f"{example}: it says {found!r}, not {expected!r}",
        f"return one of {', '.join(map(repr, DIAGNOSES))}",
    )


DIAGNOSES = ("discarded", "zero variance", "ok")


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


# A step, its diagnosis, what it is an example of, and what to try if the answer differs.
STEPS: tuple[tuple[Step, str, str, str], ...] = (
    (
        _step(reward=0.2, zero_variance=0.5),
        "ok",
        "a healthy step",
        "some zero-variance groups are normal: compare the share with 1",
    ),
    (
        _step(reward=0.2, zero_variance=0.95),
        "ok",
        "a step in which few groups could teach",
        "the step taught something, if little: only a share of 1 teaches nothing",
    ),
    (
        _step(reward=0.0, zero_variance=1.0),
        "zero variance",
        "a grader that always gives 0",
        "look at mean_unresponsive_rewards: the share of groups that teach nothing",
    ),
    (
        _step(reward=0.5, zero_variance=1.0),
        "zero variance",
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
        "a step that lost 5 of 16 rollouts and learned from the others",
        "compare train_discarded with the number of training rollouts, not with 0",
    ),
    (
        _step(reward=0.0, zero_variance=1.0, discarded=5),
        "zero variance",
        "a step that lost 5 of 16, with equal rewards among the others",
        "11 rollouts were usable, but no group could teach",
    ),
)
