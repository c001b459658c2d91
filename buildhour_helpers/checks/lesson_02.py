"""Checks of lesson 02: a leak planted in a split, and the choice of samples."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from buildhour_helpers.checks.verdict import Findings, exercise, right, wrong
from buildhour_helpers.tasks import Question, load_questions

HINTS = {
    "2.1": (
        "Two tests, and a question goes if either says so: has its text been asked in the test "
        "split, and is its company one of theirs? Not every question still has its pages.",
        "Collect two sets from the test questions: ' '.join(q.text.lower().split()), and the "
        "first part of each gold page's path. A training question leaks if its text is in the one "
        "or any of its pages is of a company in the other.",
    ),
    "2.2": (
        "Drop what is None first. Then keep the questions with at least two different rewards, "
        "and sort them by how far their mean is from one half.",
        "sorted(kept, key=lambda name: (abs(fmean(graded[name]) - 0.5), name))[:most], where "
        "graded[name] has no None and kept are those with len(set(graded[name])) > 1.",
    ),
}

Split = tuple[list[Question], list[Question]]
COPIED, STRIPPED, MOVED = "copied", "copied without pages", "of a test company"
EACH = 2
SHOWN, HIDDEN = 1, 2  # seeds of the lesson's split and of another


@dataclass(frozen=True)
class Leaky:
    """A split with a leak in it, and which training questions leak in which way."""

    train: list[Question]
    test: list[Question]
    planted: Mapping[str, str]  # a training question's ID -> COPIED, STRIPPED or MOVED


def leaky_split(seed: int = SHOWN) -> Split:
    """Training and test questions for exercise 2.1, carelessly merged."""
    leaky = _plant(seed)
    return leaky.train, leaky.test


def _plant(seed: int) -> Leaky:
    """The shipped splits, with questions of the test split planted among the training ones."""
    rng = random.Random(f"leak {seed}")
    train, test = load_questions(split="train"), load_questions(split="test")
    chosen = rng.sample(test, 3 * EACH)
    hosts = rng.sample(train, 3 * EACH)
    planted: dict[str, str] = {}
    for index, (question, host) in enumerate(zip(chosen, hosts, strict=True)):
        how = (COPIED, STRIPPED, MOVED)[index // EACH]
        name = f"{host.id.rpartition('-')[0]}-{20 + index}"  # looks like any other
        leaked = replace(question, id=name, split="train")
        if how == MOVED:
            test.remove(question)  # another question of its company remains there
        else:
            pages = () if how == STRIPPED else question.gold_pages
            leaked = replace(leaked, text=_retyped(question.text), gold_pages=pages)
        planted[name] = how
        train.insert(rng.randrange(len(train)), leaked)
    return Leaky(train, test, planted)


def _retyped(text: str) -> str:
    """The same words with other spaces and capitals, as an export leaves them."""
    return text.replace(" the ", "  The ", 1).replace(" in ", " in  ", 1) + " "


MISSED = {
    COPIED: (
        "a copy of a test question, typed a little differently",
        "compare texts in lower case and with single spaces: ' '.join(text.lower().split())",
    ),
    STRIPPED: (
        "a copy of a test question that has lost its pages",
        "where gold_pages is empty only the text can tell",
    ),
    MOVED: (
        "a question of its own about a company of the test split",
        "compare companies: the first part of each gold page's path",
    ),
}


@exercise("2.1")
def exercise_2_1(find_leak: Callable[..., Collection[str]]) -> Findings:
    """Which training questions are reported as leaks, in the lesson's split and in another."""
    for seed in (SHOWN, HIDDEN):
        leaky = _plant(seed)
        found = find_leak(leaky.train, leaky.test)
        if not isinstance(found, Collection) or not all(isinstance(one, str) for one in found):
            yield wrong("it does not return IDs", "return a set of question.id")
            return
        findings = [*_missed(set(found), leaky), *_accused(set(found), leaky)]
        if seed == SHOWN:
            yield from findings
        elif all(finding.is_right for finding in findings):
            yield right("the same in a second split, which you have not seen")
        else:
            yield wrong(
                "in a second split, which you have not seen, it is wrong",
                "name no ID, company or number of the first: call leaky_split(2) and look",
            )


def _missed(found: Collection[str], leaky: Leaky) -> Findings:
    """The planted leaks that were missed, by kind."""
    for how, (what, fix) in MISSED.items():
        expected = [name for name, way in leaky.planted.items() if way == how]
        missed = [name for name in expected if name not in found]
        if missed:
            yield wrong(f"{len(missed)} of {len(expected)} missed: {what}", fix)
        else:
            yield right(f"found: {what}")


def _accused(found: set[str], leaky: Leaky) -> Findings:
    """Questions that were reported but do not leak."""
    accused = found - set(leaky.planted)
    if not accused:
        yield right("nothing is accused that does not leak")
    elif accused & {question.id for question in leaky.test}:
        yield wrong(
            "it names questions of the test split",
            "keep the test as it is; it is the training questions that must go",
        )
    else:
        yield wrong(
            f"{len(accused)} innocent training questions are accused, such as {min(accused)}",
            "years, rows and kinds are shared by all companies; only text and company tell",
        )


Rewards = Mapping[str, Sequence[float | None]]
MOST = 3
SAMPLES: Rewards = {
    "always": [1.0, 1.0, 1.0, 1.0],
    "never": [0.0, 0.0, 0.0, 0.0],
    "half right": [0.5, 0.5, 0.5, 0.5],
    "seldom": [0.0, 0.0, 0.0, 1.0],
    "evenly": [0.0, 1.0, 0.0, 1.0],
    "mostly": [1.0, 1.0, 0.5, 1.0],
    "also evenly": [1.0, 0.0, 1.0, 0.0],
    "mostly discarded": [None, 1.0, None, None],
    "one discarded": [0.0, 1.0, None, 0.5],
}

TIED = ("also evenly", "evenly", "one discarded")  # all with a mean of one half


@exercise("2.2")
def exercise_2_2(choose: Callable[[Rewards, int], Sequence[str]]) -> Findings:
    """The questions chosen from a small pilot."""
    found = choose(SAMPLES, len(SAMPLES))
    if not isinstance(found, list | tuple):
        yield wrong(f"it returns a {type(found).__name__}", "return a list of IDs, best first")
        return
    kept = set(found)
    yield from _zero_variance(kept)
    yield from _discarded(kept)
    yield from _order(list(found))
    few = list(choose(SAMPLES, MOST))
    if len(few) > MOST:
        yield wrong(f"asked for {MOST} at most, it returns {len(few)}", "cut the list: [:most]")
    elif few != list(found)[:MOST]:
        yield wrong(
            f"asked for {MOST} it returns others than the first {MOST} of all",
            "sort all that qualify, and cut afterwards",
        )
    else:
        yield right(f"asked for {MOST} it returns the best {MOST}")


def _zero_variance(kept: Collection[Any]) -> Findings:
    fixes = {
        "always": "a question that is always solved has no better rollout to learn from",
        "never": "a question that never scores has no better rollout to learn from",
        "half right": "0.5 each time has no variance either: compare the rewards with each other",
    }
    wrongly = [name for name in fixes if name in kept]
    for name in wrongly:
        yield wrong(f"it keeps {name!r}: {SAMPLES[name]}", fixes[name])
    missing = [name for name in ("seldom", "evenly", "mostly", "also evenly") if name not in kept]
    for name in missing:
        yield wrong(
            f"it drops {name!r}: {SAMPLES[name]}", "keep whatever has two different rewards"
        )
    if not wrongly and not missing:
        yield right("it keeps the questions whose repeats differ, and no others")


def _discarded(kept: Collection[Any]) -> Findings:
    if "mostly discarded" in kept:
        yield wrong(
            f"it keeps 'mostly discarded': {SAMPLES['mostly discarded']}",
            "None is not a reward: without it there is nothing to compare",
        )
    elif "one discarded" not in kept:
        yield wrong(
            f"it drops 'one discarded': {SAMPLES['one discarded']}",
            "leave the None out, and look at what remains",
        )
    else:
        yield right("discarded rollouts neither help nor harm a question")


def _order(found: list[Any]) -> Findings:
    graded = {name: [r for r in rewards if r is not None] for name, rewards in SAMPLES.items()}
    known = [name for name in found if name in graded]
    distance = [abs(fmean(graded[name]) - 0.5) for name in known]
    if distance != sorted(distance):
        yield wrong(
            "the order is not by how even they are: " + ", ".join(known),
            "sort by abs(mean - 0.5), least first",
        )
    elif (ties := [name for name in known if name in TIED]) != sorted(ties):
        yield wrong("ties are not in the order of their IDs", "sort by (abs(mean - 0.5), id)")
    else:
        yield right("the most even come first, ties by ID")
