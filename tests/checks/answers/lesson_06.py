"""Answers to the exercises of lesson 06."""

from __future__ import annotations

import random
from statistics import fmean
from typing import Any

import numpy as np

from buildhour_helpers.analysis.statistics import paired_difference

from . import Honest, Lesson, Nonsense

LESSON = Lesson(
    {"6.1": "prediction", "6.2": "paired_bootstrap", "6.3": "choose"}, {"np": np, "fmean": fmean}
)


def both(found: Any, right: Any) -> dict[str, Any]:
    return {"found": found, "right if found": right}


def without_numpy(before: list[float], after: list[list[float]], resamples: int = 4000) -> Any:
    """The standard library alone, and a list."""
    rng = random.Random(3)
    jobs, questions = len(after), len(before)
    means = []
    for _ in range(resamples // 2):
        columns = rng.choices(range(questions), k=questions)
        rows = rng.choices(range(jobs), k=jobs)
        was = fmean(before[i] for i in columns)
        means.append(fmean(fmean(after[j][i] for i in columns) for j in rows) - was)
    means.sort()
    difference = fmean(map(fmean, after)) - fmean(before)
    return [difference, means[int(0.025 * len(means))], means[int(0.975 * len(means))]]


def with_weights(before: Any, after: Any, resamples: int = 4000) -> Any:
    """How often each job and each question is drawn, all resamples at once; an array."""
    change = np.asarray(after) - np.asarray(before)
    rng = np.random.default_rng(1)
    jobs, questions = change.shape
    rows = rng.multinomial(jobs, np.full(jobs, 1 / jobs), resamples) / jobs
    columns = rng.multinomial(questions, np.full(questions, 1 / questions), resamples) / questions
    means = np.einsum("rj,jq,rq->r", rows, change, columns)
    return np.array([change.mean(), *np.percentile(means, [2.5, 97.5])])


def separately(before: Any, after: Any, resamples: int = 4000) -> Any:
    """Both sides resampled, with the same questions."""
    before, after = np.array(before), np.array(after)
    rng = np.random.default_rng(2)
    means = []
    for _ in range(resamples):
        rows = rng.choice(len(after), len(after))
        columns = rng.choice(len(before), len(before))
        means.append(after[np.ix_(rows, columns)].mean() - before[columns].mean())
    return after.mean() - before.mean(), np.quantile(means, 0.025), np.quantile(means, 0.975)


def bootstrap(rows: str = "random.integers(0, jobs, jobs)", **changes: str) -> Any:
    """The usual loop, with one thing in it done in another way."""
    code = f"""\
change = {changes.get("change", "np.array(after) - np.array(before)")}
jobs, questions = change.shape
random = np.random.default_rng(0)
means = []
for _ in range(resamples):
    some_jobs = {rows}
    some_questions = {changes.get("columns", "random.integers(0, questions, questions)")}
    means.append({changes.get("mean", "change[some_jobs][:, some_questions].mean()")})
low, high = np.quantile(means, {changes.get("ends", "[0.025, 0.975]")})
return {changes.get("result", "change.mean(), low, high")}
"""
    return LESSON.body("6.2", "paired_bootstrap(before, after, resamples=4000)", code)


def by_value(code: str) -> Any:
    return LESSON.body("6.3", "choose(checkpoints, worth, per_second)", code)


def loop(checkpoints: Any, worth: float, per_second: float) -> int:
    best, best_value = -1, float("-inf")
    for step, one in checkpoints.items():
        gains = [
            worth * reward - per_second * seconds
            for reward, seconds in zip(one["reward"], one["latency_s"], strict=True)
        ]
        if sum(gains) / len(gains) > best_value:
            best, best_value = step, sum(gains) / len(gains)
    return best


def cheapest_of_the_best(checkpoints: Any, worth: float, per_second: float) -> int:
    """The fastest of those that cannot be told from the best, in pairs."""
    values = {
        step: worth * np.array(one["reward"]) - per_second * np.array(one["latency_s"])
        for step, one in checkpoints.items()
    }
    best = max(values, key=lambda step: values[step].mean())
    tied = [
        step
        for step in values
        if step == best or not paired_difference(values[step], values[best]).is_clear_of_zero
    ]
    return min(tied, key=lambda step: fmean(checkpoints[step]["latency_s"]))


HONEST: Honest = {
    "6.1": {
        "reading grows": both(0.45, 0.75),
        "finding grows": both(0.7, 0.6),
        "a fall": both(0.3, 0.5),
        "numpy": both(np.float64(0.6), np.float32(0.6)),
        "whole numbers": both(1, 0),
        "with a note": {**both(0.5, 0.5), "why": "a coin"},
        "unchanged": both(0.45, 0.58),
    },
    "6.2": {
        "the usual loop": bootstrap(),
        "the standard library, as a list": without_numpy,
        "weights, as an array": with_weights,
        "both sides": separately,
        "the library's interval": lambda before, after, resamples=0: paired_difference(
            before, after
        ),
        "numpy numbers in a list": bootstrap(result="[np.float64(change.mean()), low, high]"),
        "as the hints say": bootstrap(change="after - before"),
        "choice": bootstrap(columns="random.choice(questions, questions)"),
    },
    "6.3": {
        "a loop by question": loop,
        "one line": by_value(
            "return max(checkpoints, key=lambda s: worth * fmean(checkpoints[s]['reward'])"
            " - per_second * fmean(checkpoints[s]['latency_s']))"
        ),
        "the cheapest where there is no difference": cheapest_of_the_best,
        "pandas-like sums": by_value(
            "costs = {s: sum(c['latency_s']) * per_second - sum(c['reward']) * worth\n"
            "         for s, c in checkpoints.items()}\n"
            "return min(costs, key=costs.get)"
        ),
        "sorted": by_value(
            "return sorted(checkpoints, key=lambda s: np.mean(worth * np.array("
            "checkpoints[s]['reward']) - per_second * np.array(checkpoints[s]['latency_s'])))[-1]"
        ),
        "numpy's number": by_value(
            "steps = np.array(list(checkpoints))\n"
            "values = [worth * np.mean(c['reward']) - per_second * np.mean(c['latency_s'])\n"
            "          for c in checkpoints.values()]\n"
            "return steps[np.argmax(values)]"
        ),
    },
}


def by(name: str) -> Any:
    """The step that is best by one number alone."""

    def chosen(checkpoints: Any, worth: float, per_second: float) -> int:
        return max(checkpoints, key=lambda step: np.mean(checkpoints[step][name]))

    return chosen


NONSENSE: Nonsense = {
    "6.1": {
        "percentages": (both(60, 62), "62% is 0.62"),
        "text": (both("more", 0.6), "give a number between 0 and 1"),
        "nothing": (both(None, None), "give a number between 0 and 1"),
        "one part": ({"found": 0.5}, "it has no 'right if found'"),
        "a list": ([0.5, 0.6], "it has no 'found' and no 'right if found'"),
        "negative": (both(-0.1, 0.6), "'found' is -0.1"),
        "not a number": (both(float("nan"), 0.5), "'found' is nan"),
        "truth values": (both(True, 0.5), "'found' is True"),
    },
    "6.2": {
        "questions alone": (bootstrap(rows="np.arange(jobs)"), "that of questions alone"),
        "jobs alone": (bootstrap(columns="np.arange(questions)"), "that of jobs alone"),
        "all cells": (
            bootstrap(mean="random.choice(change.ravel(), change.size).mean()"),
            "as independent",
        ),
        "unpaired": (
            bootstrap(
                mean="np.array(after)[some_jobs][:, some_questions].mean()"
                " - random.choice(before, questions).mean()"
            ),
            "two separate draws",
        ),
        "90%": (bootstrap(ends="[0.05, 0.95]"), "that of 90%"),
        "before minus after": (bootstrap(result="-change.mean(), -high, -low"), "wrong sign"),
        "without replacement": (
            bootstrap(rows="random.permutation(jobs)", columns="random.permutation(questions)"),
            "hardly any width",
        ),
        "the last job never": (
            bootstrap(rows="random.integers(0, jobs - 1, jobs)"),
            "the middle of the interval",
        ),
        "the last question never": (
            bootstrap(columns="random.integers(0, questions - 1, questions)"),
            "the middle of the interval",
        ),
        "other questions for each job": (
            bootstrap(
                mean="np.mean([change[j][random.integers(0, questions, questions)].mean()"
                " for j in some_jobs])"
            ),
            "use them for every job",
        ),
        "no mean of a resample": (
            bootstrap(mean="change[some_jobs][:, some_questions]"),
            "then the mean of all",
        ),
        "two numbers": (bootstrap(result="low, high"), "return difference, low, high"),
        "ends exchanged": (bootstrap(result="change.mean(), high, low"), "low lies above high"),
        "zero": (lambda before, after, resamples=0: (0, 0, 0), "not 0.100"),
    },
    "6.3": {
        "the job's own number": (by("job_said"), "`job_said` was flattered"),
        "held out": (by("held_out"), "they never choose"),
        "reward alone": (by("reward"), "subtract per_second times the mean latency"),
        "the waiting as a gain": (
            by_value(
                "return max(checkpoints, key=lambda s: worth * fmean(checkpoints[s]['reward'])"
                " + per_second * fmean(checkpoints[s]['latency_s']))"
            ),
            "subtract per_second times the mean latency",
        ),
        "the median": (
            by_value(
                "return max(checkpoints, key=lambda s: worth * np.median(checkpoints[s]['reward'])"
                " - per_second * np.median(checkpoints[s]['latency_s']))"
            ),
            "the slowest question counts",
        ),
        "the whole checkpoint": (
            by_value("return max(checkpoints.values(), key=lambda one: fmean(one['reward']))"),
            "return one of the steps",
        ),
        "the last step": (lambda checkpoints, worth, per_second: max(checkpoints), "step 40"),
        "the first step": (
            lambda checkpoints, worth, per_second: min(checkpoints),
            "with per_second 0 the reward alone decides",
        ),
        "the value": (
            lambda checkpoints, worth, per_second: 0.58,
            "return one of the steps",
        ),
        "a name": (lambda checkpoints, worth, per_second: "20", "return one of the steps"),
        "the price ignores the worth": (
            by_value(
                "return max(checkpoints, key=lambda s: fmean(checkpoints[s]['reward'])"
                " - per_second * fmean(checkpoints[s]['latency_s']))"
            ),
            "multiply the reward by what it is worth",
        ),
        "the first given": (
            lambda checkpoints, worth, per_second: next(iter(checkpoints)),
            "it takes step 10, not 20",
        ),
    },
}
