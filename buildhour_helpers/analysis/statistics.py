"""The formulas: bootstrap intervals, best of n, agreement of two graders."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

RESAMPLES = 10_000
_BLOCK = 2_000_000  # numbers held at once while resampling


@dataclass(frozen=True)
class Interval:
    """A value with its confidence interval, 95% unless asked otherwise."""

    value: float
    low: float
    high: float

    @property
    def is_clear_of_zero(self) -> bool:
        return self.low > 0 or self.high < 0

    def __format__(self, number: str) -> str:
        """The value and its ends, each as `number` says: `f"{gain:+.2f}"`."""
        value, low, high = (
            format(part, number or ".3f") for part in (self.value, self.low, self.high)
        )
        return f"{value} [{low}, {high}]"

    def __str__(self) -> str:
        return format(self)


def bootstrap(
    columns: Sequence[ArrayLike],
    statistic: Callable[..., Floats],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap (Efron 1979) over questions, and over jobs where there are several.

    A column has a number for each question, or a row of them for each job: jobs of other seeds that
    all answered the same questions. Each resample draws as many questions as there are, with
    replacement, the same for every column and job, which is what makes it paired. From columns with
    several jobs it also draws as many jobs as there are, again the same for all. Drawing the two
    independently is Owen's pigeonhole bootstrap (2007, Annals of Applied Statistics 1, 386-411),
    for crossed data such as these: leaving the jobs out would say how sure the result is for these
    jobs, not for the next one. Few jobs stay few: where five jobs differ and nothing else does, a
    95% interval covers the truth in about 83 of 100 studies, so show every job beside it.

    `statistic` takes the means of the columns, each an array (resamples,), and returns the
    statistic of each resample. The interval runs between its (1 - level) / 2 and (1 + level) / 2
    quantiles. The same seed gives the same interval.

    Raises ValueError for columns that are empty, of unequal length, or of unequal numbers of jobs.
    """
    tables = [np.atleast_2d(np.asarray(column, dtype=np.float64)) for column in columns]
    jobs = max(len(table) for table in tables)
    questions = {table.shape[1] for table in tables}
    if len(questions) > 1 or any(len(table) not in (1, jobs) for table in tables):
        raise ValueError(f"columns must have the same shape, not {[t.shape for t in tables]}")
    count = questions.pop()
    if count == 0:
        raise ValueError("nothing to resample: the columns are empty")
    draw_questions, draw_jobs = (np.random.default_rng(key) for key in (seed, [seed, 1]))
    block = max(1, _BLOCK // count)
    parts = []
    for done in range(0, resamples, block):
        size = min(block, resamples - done)
        drawn = draw_questions.integers(0, count, (size, count))
        weights = draw_jobs.multinomial(jobs, [1 / jobs] * jobs, size) / jobs
        parts.append([_means(table, weights, drawn) for table in tables])
    means = np.concatenate(parts, axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(statistic(*means), [tail, 1 - tail])
    value = statistic(*(table.mean() for table in tables))
    # Rounded, so that the last bit of one platform's sums shows nowhere.
    return Interval(*(round(float(number), 9) for number in (value, low, high)))


def _means(table: Floats, weights: Floats, drawn: NDArray[np.int64]) -> Floats:
    """The mean of each resample: jobs by their weights (resamples, jobs), then drawn questions."""
    # With one job there is nothing to weigh, and a table of one row is broadcast.
    weighed = table if len(table) == 1 else weights @ table
    means: Floats = np.take_along_axis(weighed, drawn, axis=1).mean(axis=1)
    return means


def mean_interval(values: ArrayLike, *, seed: int = 0, level: float = 0.95) -> Interval:
    """The mean of a number for each question (or a row of them for each job), and its interval."""
    return bootstrap([values], lambda mean: mean, seed=seed, level=level)


def paired_difference(
    before: ArrayLike, after: ArrayLike, *, seed: int = 0, level: float = 0.95
) -> Interval:
    """mean(after) - mean(before), paired by question: element i of both is of question i.
    Either may have a row for each of several jobs.

    Pairing takes the spread between questions out of the interval: an easy question is easy
    before and after.
    """
    return bootstrap([before, after], lambda old, new: new - old, seed=seed, level=level)


def paired_change(
    before: ArrayLike, after: ArrayLike, *, seed: int = 0, level: float = 0.95
) -> Interval:
    """mean(after) / mean(before) - 1, paired by question: -0.25 is a quarter less."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return bootstrap([before, after], lambda old, new: new / old - 1, seed=seed, level=level)


def best_of_n(rewards: Sequence[float], n: int) -> float:
    """The expected best of `n` rollouts, estimated from k >= n of one question.

    The mean of the maximum over all subsets of n of the k rewards: with the rewards in ascending
    order, sum over i of C(i - 1, n - 1) / C(k, n) * r_i. It is the unbiased estimator that Chen et
    al. (2021, "Evaluating Large Language Models Trained on Code") give for pass@k.

    Raises ValueError if n is not between 1 and k.
    """
    k = len(rewards)
    if not 1 <= n <= k:
        raise ValueError(f"best of {n} needs 1 to {k} rollouts of each question; run more repeats")
    ways = (math.comb(i, n - 1) * reward for i, reward in enumerate(sorted(rewards)))
    return sum(ways) / math.comb(k, n)


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's rank correlation: Pearson's over ranks, ties sharing their mean rank.

    NaN if one of the two never varies, and so ranks nothing.
    """
    ranks = np.stack([_ranks(first), _ranks(second)])
    spread = ranks - ranks.mean(axis=1, keepdims=True)
    norm = math.sqrt(float((spread**2).sum(axis=1).prod()))
    return float(spread.prod(axis=0).sum() / norm) if norm else math.nan


def _ranks(values: ArrayLike) -> Floats:
    _, index, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2)[index]
    return ranks


@dataclass(frozen=True)
class Agreement:
    """How a grader's scores agree with a human's on the same answers.

    `counts[i, j]` is how many answers the human scored `levels[i]` and the grader `levels[j]`.
    """

    levels: tuple[float, ...]
    counts: NDArray[np.int64]
    spearman: float
    exact: float  # share of answers with the same score

    @property
    def too_generous(self) -> int:
        """Answers that the grader scored above the human: where reward hacking begins."""
        return int(np.triu(self.counts, 1).sum())


def agreement(human: Iterable[float], grader: Iterable[float]) -> Agreement:
    """Compare two lists of scores, element by element. Raises ValueError for unequal lengths."""
    pairs = list(zip(human, grader, strict=True))
    if not pairs:
        raise ValueError("no scores to compare")
    levels = tuple(sorted({score for pair in pairs for score in pair}))
    counts = np.zeros((len(levels), len(levels)), dtype=np.int64)
    for by_human, by_grader in pairs:
        counts[levels.index(by_human), levels.index(by_grader)] += 1
    first, second = zip(*pairs, strict=True)
    exact = float(np.trace(counts)) / len(pairs)
    return Agreement(levels, counts, spearman(first, second), exact)
