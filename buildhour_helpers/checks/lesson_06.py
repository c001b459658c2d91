"""Checks of lesson 06: a paired bootstrap, and the questions that regressed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist, stdev

from buildhour_helpers.checks.verdict import Finding, Findings, exercise, expect, right, wrong
from buildhour_helpers.rollouts import RolloutRecord

HINTS = {
    "6.1": (
        "Pairing means that one draw of questions serves both models. What is the one number per "
        "question whose mean you are after?",
        "change = after - before, question by question. Draw indices with replacement, as many as "
        "there are questions, `resamples` times; the 2.5% and 97.5% quantiles of the means are "
        "the ends.",
    ),
    "6.2": (
        "Two passes: first the mean reward of each question on both sides, and which of them fell; "
        "then, for those, whether any rollout of `after` read a gold page.",
        "question_means(records, lambda r: r.reward) already leaves out what was discarded. "
        "pages_read(record) & gold[record.question_id] is empty where no gold page was read.",
    ),
}

Bootstrap = Callable[..., tuple[float, float, float]]
Gold = Mapping[str, set[str]]
Regressed = Callable[[Sequence[RolloutRecord], Sequence[RolloutRecord], Gold], Mapping[str, str]]

QUESTIONS = 120


@exercise("6.1")
def exercise_6_1(paired_bootstrap: Bootstrap) -> Findings:
    """The interval, against the one that theory gives for this many questions."""
    # Questions differ widely, and each gains a little: unpaired, the gain drowns in that.
    before = [(index % 5) / 5 for index in range(QUESTIONS)]
    after = [score + 0.2 * (index % 2) for index, score in enumerate(before)]
    found = tuple(map(float, paired_bootstrap(before, after)))
    if len(found) != 3:
        yield wrong(f"it returns {len(found)} numbers", "return difference, low, high")
        return
    difference, low, high = found
    yield _difference(difference)
    if low > high:
        yield wrong("low lies above high", "the 2.5% quantile is the low end")
        return
    changes = [new - old for old, new in zip(before, after, strict=True)]
    yield _width(low, high, _theory(changes), _theory(before, after))
    constant = paired_bootstrap([0.0, 0.5, 1.0], [0.1, 0.6, 1.1])
    if max(abs(float(number) - 0.1) for number in constant) < 1e-6:
        yield right("where every question gains the same, the interval has no width")
    else:
        yield wrong(
            f"every question gains exactly 0.1, and it says {_shown(constant)}",
            "draw questions once for both models, so that each change stays whole",
        )


def _theory(*sides: Sequence[float], level: float = 0.95) -> float:
    """The width of a mean's interval by the normal approximation.

    With two sides, of the difference of their means, resampled separately.
    """
    error = math.sqrt(sum(stdev(side) ** 2 / len(side) for side in sides))
    return 2 * NormalDist().inv_cdf((1 + level) / 2) * error


def _difference(found: float) -> Finding:
    if abs(found - 0.1) < 0.005:
        return right("the difference is that of the means")
    if abs(found + 0.1) < 0.005:
        return wrong("the difference has the wrong sign", "after minus before: a gain is positive")
    return wrong(
        f"the difference is {found:.3f}, not 0.100",
        "mean(after) - mean(before) of all questions, not of one resample",
    )


def _width(low: float, high: float, paired: float, unpaired: float) -> Finding:
    width = high - low
    if abs(width / paired - 1) < 0.12:
        return right("the interval is as wide as it should be")
    if width < paired / 10:
        return wrong(
            "the interval has hardly any width",
            "draw with replacement: without it every resample is the same set",
        )
    if abs(width / unpaired - 1) < 0.2:
        return wrong(
            "the interval is that of two separate draws, four times too wide",
            "use the same drawn questions for both, or bootstrap the changes",
        )
    if abs(width / (paired * 1.645 / 1.96) - 1) < 0.08:
        return wrong(
            "the interval is that of 90%",
            "2.5% on either side make 95%: the quantiles 0.025 and 0.975",
        )
    return wrong(
        f"the interval is {width:.4f} wide, and should be about {paired:.4f}",
        "as many questions in a resample as there are, then the mean of each resample",
    )


def _shown(numbers: Sequence[float]) -> str:
    return ", ".join(f"{float(number):.3f}" for number in numbers)


@exercise("6.2")
def exercise_6_2(regressed: Regressed) -> Findings:
    """The regressed questions of made-up records; each question is a trap."""
    before = [
        *_records("fell-lost", (1.0, 1.0), "A"),
        *_records("fell-read", (1.0, 0.5), "A"),
        *_records("same", (1.0, 0.0), "A"),
        *_records("rose", (0.0, 0.5), "A"),
        *_records("cut", (1.0, 1.0), "A"),
        *_records("seen-once", (1.0, 1.0), "A"),
    ]
    after = [
        *_records("fell-lost", (0.0, 1.0), "B"),
        *_records("fell-read", (0.5, 0.5), "A"),
        *_records("same", (0.0, 1.0), "A"),
        *_records("rose", (0.5, 0.5), "A"),
        *_records("cut", (1.0, None), "A"),
        *_records("seen-once", (0.0,), "B"),
        *_records("seen-once", (1.0,), "A"),
    ]
    gold = {record.question_id: {"page A", "page A2"} for record in before}
    found = dict(regressed(before, after, gold))
    yield from _which(found)
    yield from _why(found)


def _records(question: str, rewards: Sequence[float | None], page: str) -> list[RolloutRecord]:
    """Rollouts of a question that were shown two pages by search and read one of them."""
    path = {"path": f"page {page}"}
    trace = [
        {"role": "user", "content": "?"},
        {"type": "function_call", "name": "search", "arguments": '{"query": "page A"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "1. page A\n2. page B"},
        {"type": "function_call", "name": "cat", "arguments": json.dumps(path)},
    ]
    return [
        RolloutRecord(
            question, repeat, "model", f"trace_{question}_{repeat}", trace, reward=reward,
            correct=reward == 1.0,
        )
        for repeat, reward in enumerate(rewards)
    ]  # fmt: skip


FELL = {"fell-lost", "fell-read", "seen-once"}


def _which(found: Mapping[str, str]) -> Findings:
    if "same" in found:
        yield wrong(
            "a question is listed whose repeats swapped their rewards",
            "compare means of the question, not repeat with repeat",
        )
    if "rose" in found:
        yield wrong("a question is listed that got better", "now < was, not the other way round")
    if "cut" in found:
        yield wrong(
            "a question is listed whose only change is a discarded rollout",
            "a reward of None says nothing: leave such records out, do not count them as 0",
        )
    if missed := sorted(FELL - found.keys()):
        yield wrong(
            f"{len(missed)} of {len(FELL)} questions that fell are missing",
            "a fall from 0.75 to 0.5 is a fall, and so is one from 1 to 0.5",
        )
    if found.keys() == FELL:
        yield right(f"it finds the {len(FELL)} questions whose mean fell, and no other")


def _why(found: Mapping[str, str]) -> Findings:
    expected = {
        "fell-lost": (
            "page not read",
            "search showed the page, and nobody read it",
            "what search lists has not been read: only cat counts",
        ),
        "fell-read": (
            "read, but wrong",
            "the page was read in every rollout",
            "compare the pages that cat read with gold[question]",
        ),
        "seen-once": (
            "read, but wrong",
            "one of the rollouts after training read the page",
            "one rollout that read a gold page is enough",
        ),
    }
    for question, (reason, what, fix) in expected.items():
        if question in found:
            yield expect(found[question], reason, what, fix)
