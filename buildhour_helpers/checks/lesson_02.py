"""Lesson 02: the leak planted in a split, and the choice of samples."""

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
SHOWN, HIDDEN = 1, 2  # seeds of the split in the lesson, and of one more


@dataclass(frozen=True)
class Leaky:
    """A split with a leak in it: the training questions that must go, by the way they came in."""

    train: list[Question]
    test: list[Question]
    planted: Mapping[str, str]  # a training question's ID -> COPIED, STRIPPED or MOVED


def leaky_split(seed: int = SHOWN) -> Split:
    """Training and test questions for exercise 2.1, as someone careless merged them."""
    leaky = _plant(seed)
    return leaky.train, leaky.test


def _plant(seed: int) -> Leaky:
    """The shipped splits, into which questions of the test split have found their way."""
    draw = random.Random(f"leak {seed}")
    train, test = load_questions(split="train"), load_questions(split="test")
    chosen = draw.sample(test, 3 * EACH)
    hosts = draw.sample(train, 3 * EACH)
    planted: dict[str, str] = {}
    for place, (question, host) in enumerate(zip(chosen, hosts, strict=True)):
        how = (COPIED, STRIPPED, MOVED)[place // EACH]
        name = f"{host.id.rpartition('-')[0]}-{20 + place}"  # looks like any other
        leaked = replace(question, id=name, split="train")
        if how == MOVED:
            test.remove(question)  # another question of its company remains there
        else:
            pages = () if how == STRIPPED else question.gold_pages
            leaked = replace(leaked, text=_retyped(question.text), gold_pages=pages)
        planted[name] = how
        train.insert(draw.randrange(len(train)), leaked)
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
    """Checks which training questions are sent away, on the split shown and on another."""
    for seed in (SHOWN, HIDDEN):
        leaky = _plant(seed)
        found = find_leak(leaky.train, leaky.test)
        if not isinstance(found, Collection) or not all(isinstance(one, str) for one in found):
            yield wrong("it returns something else than IDs", "return a set of question.id")
            return
        findings = [*_missed(set(found), leaky), *_accused(set(found), leaky)]
        if seed == SHOWN:
            yield from findings
        elif all(finding.is_right for finding in findings):
            yield right("the same in a second split, which you have not seen")
        else:
            yield wrong(
                "in a second split, which you have not seen, it is mistaken",
                "name no ID, company or number of the first: call leaky_split(2) and look",
            )


def _missed(found: Collection[str], leaky: Leaky) -> Findings:
    """What leaks, by the way it came in."""
    for how, (what, cure) in MISSED.items():
        wanted = [name for name, way in leaky.planted.items() if way == how]
        missed = [name for name in wanted if name not in found]
        if missed:
            yield wrong(f"{len(missed)} of {len(wanted)} missed: {what}", cure)
        else:
            yield right(f"found: {what}")


def _accused(found: set[str], leaky: Leaky) -> Findings:
    """Those that are sent away for nothing."""
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
    "spoilt": [None, 1.0, None, None],
    "spoilt once": [0.0, 1.0, None, 0.5],
}


@exercise("2.2")
def exercise_2_2(choose: Callable[[Rewards, int], Sequence[str]]) -> Findings:
    """Checks the questions chosen from a small pilot."""
    found = choose(SAMPLES, len(SAMPLES))
    if not isinstance(found, list | tuple):
        yield wrong(f"it returns a {type(found).__name__}", "return a list of IDs, best first")
        return
    kept = set(found)
    yield from _no_flat(kept)
    yield from _spoilt(kept)
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


def _no_flat(kept: Collection[Any]) -> Findings:
    cures = {
        "always": "a question that is always solved has no better rollout to learn from",
        "never": "a question that never scores has no better rollout to learn from",
        "half right": "0.5 each time is no variance either: compare the rewards with each other",
    }
    wrongly = [name for name in cures if name in kept]
    for name in wrongly:
        yield wrong(f"it keeps {name!r}: {SAMPLES[name]}", cures[name])
    missing = [name for name in ("seldom", "evenly", "mostly", "also evenly") if name not in kept]
    for name in missing:
        yield wrong(
            f"it drops {name!r}: {SAMPLES[name]}", "keep whatever has two different rewards"
        )
    if not wrongly and not missing:
        yield right("it keeps the questions whose repeats differ, and no others")


def _spoilt(kept: Collection[Any]) -> Findings:
    if "spoilt" in kept:
        yield wrong(
            f"it keeps 'spoilt': {SAMPLES['spoilt']}",
            "None is no reward: with it left out there is nothing to compare",
        )
    elif "spoilt once" not in kept:
        yield wrong(
            f"it drops 'spoilt once': {SAMPLES['spoilt once']}",
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
    elif [n for n in known if n in ("also evenly", "evenly", "spoilt once")] != [
        n for n in ("also evenly", "evenly", "spoilt once") if n in known
    ]:
        yield wrong("ties are not in the order of their IDs", "sort by (abs(mean - 0.5), id)")
    else:
        yield right("the most even come first, ties by ID")
