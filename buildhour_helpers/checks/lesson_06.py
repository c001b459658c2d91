"""Checks of lesson 06: a prediction, a bootstrap over questions and jobs, a choice with a cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from buildhour_helpers.checks.verdict import Finding, Findings, exercise, number_of, right, wrong
from buildhour_helpers.recordings import load

HINTS = {
    "6.1": (
        "The base model finds the page in fewer than half of its rollouts. Which of the two parts "
        "has more room to grow?",
        "The two multiply to nearly the accuracy, 0.28 before. An agent that learns to search "
        "raises the first factor, one that learns to read and compute the second.",
        'For example `prediction = {"found": 0.6, "right if found": 0.6}`. It need not be right.',
    ),
    "6.2": (
        "`after - before` is a table with a row for each job and a column for each question. What "
        "do you draw from it in one resample?",
        "Draw indices of jobs and indices of questions separately, each with replacement. Take "
        "those rows and columns of the table, and then their mean. Repeat it `resamples` times.",
        "change[some_jobs][:, some_questions].mean() is one resample, with some_jobs = "
        "random.integers(0, jobs, jobs) and some_questions alike; np.quantile(means, [0.025, "
        "0.975]) gives the ends.",
    ),
    "6.3": (
        "What does one question bring in with a checkpoint, and what does the waiting cost?",
        "The value of a step is worth * mean reward - per_second * mean latency, from the "
        "re-measured lists. `job_said` was flattered by the choice, and `held_out` is for the "
        "report.",
        "max(checkpoints, key=lambda step: worth * fmean(checkpoints[step]['reward']) - per_second "
        "* fmean(checkpoints[step]['latency_s']))",
    ),
}

PARTS = ("found", "right if found")
CLOSE = 0.05

Floats = NDArray[np.float64]
Bootstrap = Callable[[ArrayLike, ArrayLike], Any]
Checkpoints = Mapping[int, Mapping[str, Any]]


@exercise("6.1")
def exercise_6_1(prediction: Any) -> Findings:
    """How far a prediction is from what the first recorded job did."""
    if not isinstance(prediction, Mapping) or set(PARTS) - set(prediction):
        yield wrong(
            f"it has no {' and no '.join(_missing(prediction))}",
            'prediction = {"found": 0.5, "right if found": 0.5}, with your own numbers',
        )
        return
    guesses = {}
    for name in PARTS:
        guess = number_of(prediction[name])
        if guess is None:
            yield wrong(f"{name!r} is {prediction[name]!r}", "give a number between 0 and 1")
        elif not 0 <= guess <= 1:
            yield wrong(f"{name!r} is {guess:g}", "a share lies between 0 and 1: 62% is 0.62")
        else:
            guesses[name] = guess
    if len(guesses) < len(PARTS):
        return
    run = load("main_run")
    job, base = run["jobs"][0], run["base"]
    for name in PARTS:
        yield right(_compared(name, guesses[name], _share(base, name), _share(job, name)))
    yield right(_which_part(guesses, base, job))


def _missing(prediction: Any) -> list[str]:
    given = prediction if isinstance(prediction, Mapping) else {}
    return [f"{name!r}" for name in PARTS if name not in given]


def _share(side: Mapping[str, Any], name: str) -> float:
    """P(found) or P(right | found) of a recorded model."""
    if name == "found":
        return float(side["found"] / side["rollouts"])
    return float(side["found_and_right"] / side["found"])


def _compared(name: str, guess: float, before: float, after: float) -> str:
    off = guess - after
    told = f"{name}: {before:.2f} before, {after:.2f} after; you said {guess:.2f}"
    if abs(off) <= CLOSE:
        return f"{told}, which is close"
    if guess < before:
        return f"{told}, a fall where there was a rise"
    return f"{told}, {abs(off):.2f} too {'high' if off > 0 else 'low'}"


def _which_part(
    guesses: Mapping[str, float], base: Mapping[str, Any], job: Mapping[str, Any]
) -> str:
    """Whether the prediction saw which part grew most, as a ratio."""

    def grew(shares: Mapping[str, float]) -> str:
        return max(PARTS, key=lambda name: shares[name] / _share(base, name))

    true = grew({name: _share(job, name) for name in PARTS})
    said = "as you said" if grew(guesses) == true else "you expected the other one"
    if all(guesses[name] <= _share(base, name) for name in PARTS):
        said = "you expected neither to grow"
    return f"the part that grew more is {true!r}: {said}"


JOBS, QUESTIONS = 6, 90


def example() -> tuple[Floats, Floats]:
    """Made-up rewards (questions,) and (jobs, questions), in which each mistake shows.

    Jobs differ, questions differ more, and a question's gain is nearly equal in all jobs. The last
    question and the last job gain most: an answer that never draws them gets a lower interval.
    """
    random = np.random.default_rng(6)
    before = (np.arange(QUESTIONS) % 10) / 10
    gain_of_question = random.normal(0.0, 0.15, QUESTIONS)
    gain_of_question[-1] = 1.3
    gain_of_job = np.linspace(-0.06, 0.06, JOBS)
    noise = random.normal(0.0, 0.05, (JOBS, QUESTIONS))
    change = 0.1 + gain_of_question + gain_of_job[:, None] + noise
    return before, before + change - change.mean() + 0.1


@exercise("6.2")
def exercise_6_2(paired_bootstrap: Bootstrap) -> Findings:
    """The interval of made-up rewards, against those that right and wrong ways give."""
    before, after = example()
    found = _three(paired_bootstrap(before, after))
    if found is None:
        yield wrong(
            "it does not return three numbers", "return difference, low, high, in this order"
        )
        return
    difference, low, high = found
    yield _difference(difference)
    if low > high:
        yield wrong("low lies above high", "the 2.5% quantile is the low end")
    elif not low - 1e-9 <= 0.1 <= high + 1e-9:
        yield wrong(
            f"the interval from {low:.3f} to {high:.3f} does not hold the difference, 0.100",
            "the quantiles are those of the resampled means of the change",
        )
    elif high - low < 0.15 and abs((low + high) / 2 - 0.1) > 0.008:
        yield wrong(
            f"the middle of the interval is {(low + high) / 2:.3f}, not about 0.100",
            "draw from all: random.integers(0, n) ends at n - 1, so n is the number of them",
        )
    else:
        yield _width(high - low, before, after)


def _three(found: Any) -> tuple[float, float, float] | None:
    """The three numbers of an answer: a tuple, list or array, or an interval of the library."""
    if hasattr(found, "value"):
        found = (found.value, found.low, found.high)
    try:
        numbers = tuple(float(number) for number in found)
    except (TypeError, ValueError):
        return None
    finite = len(numbers) == 3 and all(map(math.isfinite, numbers))
    return (numbers[0], numbers[1], numbers[2]) if finite else None


def _difference(found: float) -> Finding:
    if abs(found - 0.1) < 0.006:
        return right("the difference is that of the means")
    if abs(found + 0.1) < 0.006:
        return wrong("the difference has the wrong sign", "after minus before: a gain is positive")
    return wrong(
        f"the difference is {found:.3f}, not 0.100",
        "the mean of all of `after` minus the mean of `before`, not that of one resample",
    )


def _width(found: float, before: Floats, after: Floats) -> Finding:
    widths = _widths(before, after)
    if found < widths["neither"] / 4:
        return wrong(
            "the interval has hardly any width",
            "draw with replacement: without it every resample is the same set",
        )
    nearest = min(widths, key=lambda name: abs(math.log(found / widths[name])))
    if abs(found / widths["both"] - 1) < 0.09 and nearest in ("both", "90%"):
        return right("the interval is as wide as questions and jobs make it")
    if abs(found / widths[nearest] - 1) > 0.15:
        return wrong(
            f"the interval is {found:.3f} wide, and should be about {widths['both']:.3f}",
            "as many questions and jobs in a resample as there are, then the mean of all",
        )
    return wrong(*_MISTAKES[nearest])


_MISTAKES = {
    "both": ("the interval is somewhat off", "use the quantiles 0.025 and 0.975"),
    "90%": (
        "the interval is that of 90%",
        "2.5% on either side make 95%: the quantiles 0.025 and 0.975",
    ),
    "questions": (
        "the interval is that of questions alone",
        "draw the jobs as well, with replacement: how sure are you of the next job?",
    ),
    "jobs": ("the interval is that of jobs alone", "draw the questions as well, with replacement"),
    "apart": (
        "the interval is that of other questions for each job",
        "draw the questions once in a resample, and use them for every job",
    ),
    "neither": (
        "the interval treats each pair of job and question as independent",
        "draw rows and columns: one question keeps its place in all jobs",
    ),
    "unpaired": (
        "the interval is that of two separate draws, far too wide",
        "use the same drawn questions for `before` and `after`, or resample the change",
    ),
}
"""What an interval of another width says, by how it comes about."""


def _widths(before: Floats, after: Floats, resamples: int = 3_000) -> dict[str, float]:
    """The width of the interval by the right way ("both") and by each of the wrong ones."""
    random = np.random.default_rng(0)
    change = after - before
    jobs = random.integers(0, JOBS, (resamples, JOBS))
    columns, others = random.integers(0, QUESTIONS, (2, resamples, QUESTIONS))
    of_question, of_job = change.mean(axis=0), change.mean(axis=1)
    both = np.array([change[rows][:, at].mean() for rows, at in zip(jobs, columns, strict=True)])
    cells = random.integers(0, change.size, (resamples, change.size))
    each = random.integers(0, QUESTIONS, (resamples, JOBS, QUESTIONS))
    unpaired = np.array([after[rows][:, at].mean() for rows, at in zip(jobs, columns, strict=True)])
    means = {
        "both": both,
        "questions": of_question[columns].mean(axis=1),
        "jobs": of_job[jobs].mean(axis=1),
        "apart": change[jobs[:, :, None], each].mean(axis=(1, 2)),
        "neither": change.ravel()[cells].mean(axis=1),
        "unpaired": unpaired - before[others].mean(axis=1),
    }
    ends = {name: np.quantile(of, [0.025, 0.975]) for name, of in means.items()}
    ends["90%"] = np.quantile(both, [0.05, 0.95])
    return {name: float(high - low) for name, (low, high) in ends.items()}


def _checkpoint(
    reward: float, latency_s: float, job_said: float, held_out: float, slow: float = 7.0
) -> dict[str, Any]:
    """Eight validation questions whose rewards and latencies have these means.

    The last question takes `slow` seconds more than the mean.
    """
    swing = (0.1, -0.1, 0.05, -0.05) * 2
    return {
        "reward": [reward + by for by in swing],
        "latency_s": [latency_s - slow / 7] * 7 + [latency_s + slow],
        "job_said": job_said,
        "held_out": held_out,
    }


CHECKPOINTS: Checkpoints = {
    10: _checkpoint(0.50, 10.0, job_said=0.52, held_out=0.49),
    20: _checkpoint(0.58, 30.0, job_said=0.50, held_out=0.51, slow=56.0),
    30: _checkpoint(0.52, 24.0, job_said=0.66, held_out=0.50),
    40: _checkpoint(0.51, 22.0, job_said=0.51, held_out=0.60),
}
"""Step 10 is fast, 20 is best and slow, 30 best by `job_said`, 40 best by `held_out`."""

DECISIONS = (
    (1.0, 0.0, 20, "waiting costs nothing", "with per_second 0 the reward alone decides"),
    (1.0, 0.02, 10, "a second costs 0.02", "subtract per_second times the mean latency"),
    (
        1.0,
        0.002,
        20,
        "a second costs 0.002",
        "multiply the mean latency by per_second, then subtract",
    ),
    (10.0, 0.02, 20, "a right answer is worth 10", "multiply the reward by what it is worth"),
    (0.0, 1.0, 10, "a right answer is worth nothing", "then the fastest one is best"),
    (1.0, 0.005, 10, "a second costs 0.005", "take the mean latency: the slowest question counts"),
)


@exercise("6.3")
def exercise_6_3(choose: Callable[[Checkpoints, float, float], Any]) -> Findings:
    """The choices of made-up checkpoints at five prices, in both orders."""
    for worth, per_second, best, what, fix in DECISIONS:
        for given in (CHECKPOINTS, dict(reversed(list(CHECKPOINTS.items())))):
            said = choose(given, worth, per_second)
            if said != best or isinstance(said, bool):
                yield _misjudged(said, best, what, fix)
                return
    yield right("with free waiting it takes the best reward, with costly waiting the fastest")
    yield right("it decides by what was measured again on validation")
    near = {5: _checkpoint(0.5, 20.0, 0.5, 0.5), 6: _checkpoint(0.5, 10.0, 0.5, 0.5)}
    if choose(near, 1.0, 0.01) == 6:
        yield right("of two that are equally right it takes the faster one")
    else:
        yield wrong(
            "of two that are equally right it takes the slower one", "count the waiting, too"
        )


def _misjudged(said: Any, best: int, what: str, fix: str) -> Finding:
    if not isinstance(said, int | np.integer) or said not in CHECKPOINTS:
        return wrong(
            f"it returns {said!r}"[:120], "return one of the steps, a key of `checkpoints`"
        )
    if said == 30:
        return wrong(
            f"where {what} it takes step 30, which only the job's own number favours",
            "`job_said` was flattered by being the highest of several: use the list `reward`",
        )
    if said == 40:
        return wrong(
            f"where {what} it takes step 40, which has the best held-out reward",
            "held-out questions report, they never choose: use the list `reward`",
        )
    return wrong(f"where {what} it takes step {said}, not {best}", fix)
