"""Checks of lesson 02: a leak planted in a split, a prediction, and the choice of samples."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from buildhour_helpers import recordings
from buildhour_helpers.checks.verdict import Finding, Findings, exercise, right, wrong
from buildhour_helpers.tasks import Question, load_questions

HINTS = {
    "2.1": (
        "A training question must go for one of two reasons: its text is asked in the test, or its "
        "company is one of the test's. Some questions have lost their pages, so text is all "
        "that is left of them.",
        "Collect two sets from the test questions: their texts, in lower case and with single "
        "spaces, and their companies, the first part of each path in gold_pages. Then look up "
        "each training question in both.",
        "texts = {' '.join(q.text.lower().split()) for q in test}; companies = "
        "{path.split('/')[0] for q in test for path in q.gold_pages}; return the IDs of the "
        "training questions whose text is in texts or one of whose companies is in companies.",
    ),
    "2.2": (
        "Ask of each choice how many of its groups will have rollouts that differ. Only those "
        "teach.",
        "Questions that varied in four repeats will mostly vary in a group of eight. Questions "
        "that never scored may still score once in eight.",
        'predicted = ["128 that vary", "32 that vary", "as they come", "32 that never score"] is '
        "one order, by the share of groups that teach. Does the number of questions matter "
        "too? Decide, and see.",
    ),
    "2.3": (
        "Drop what is None first. Then keep the questions with at least two different rewards, "
        "and think about what to sort them by.",
        "len(set(graded)) > 1 tells that rewards differ. sorted() takes a key that may be a "
        "tuple: first the distance of the mean from one half, then the ID. Cut the list last.",
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
        "where gold_pages is empty, only the text can tell: compare ' '.join(text.lower().split())",
    ),
    MOVED: (
        "another question about a company of the test split",
        "compare companies: the first part of each gold page's path",
    ),
}


@exercise("2.1")
def exercise_2_1(find_leak: Callable[..., Collection[str]]) -> Findings:
    """Which training questions are reported as leaks, in the lesson's split and in another."""
    shown = _plant(SHOWN)
    try:
        found = _ids(find_leak(shown.train, shown.test))
    except IndexError:
        yield wrong(
            "it raised IndexError: some questions have no gold_pages",
            "look up a company only where there is a page; elsewhere only the text can tell",
        )
        return
    if found is None:
        yield wrong("it does not return IDs", "return a set of question.id")
        return
    findings = [*_missed(found, shown), *_reported(found, shown)]
    yield from findings
    if all(finding.is_right for finding in findings):
        yield from _elsewhere(find_leak, found)


def _elsewhere(find_leak: Callable[..., Collection[str]], found: set[str]) -> Findings:
    """The same function on another split. Only asked once it is right on the lesson's."""
    other = _plant(HIDDEN)
    again = _ids(find_leak(other.train, other.test)) or set()
    findings = [*_missed(again, other), *_reported(again, other)]
    if all(finding.is_right for finding in findings):
        yield right("it is right on a second split too")
    elif again == found:
        yield wrong(
            "on a second split it returns the same IDs as on the first",
            "use the parameters train and test inside the function, not leaky_train and leaky_test",
        )
    else:
        yield wrong(
            f"it is right on this split. On a second one: {_first_wrong(findings).text}",
            f"{_first_wrong(findings).fix}. leaky_split(2) gives you that split",
        )


def _first_wrong(findings: Collection[Finding]) -> Finding:
    return next(finding for finding in findings if not finding.is_right)


def _ids(found: object) -> set[str] | None:
    """IDs from whatever holds them: a set, a list, a generator, an array; None if it does not."""
    if isinstance(found, str) or not isinstance(found, Iterable):
        return None
    ids = list(found)
    return {str(one) for one in ids} if all(isinstance(one, str) for one in ids) else None


def _missed(found: Collection[str], leaky: Leaky) -> Findings:
    """The planted leaks that were missed, by kind."""
    for how, (what, fix) in MISSED.items():
        expected = [name for name, way in leaky.planted.items() if way == how]
        missed = [name for name in expected if name not in found]
        if missed:
            yield wrong(f"{len(missed)} of {len(expected)} missed: {what}", fix)
        else:
            yield right(f"found: {what}")


def _reported(found: set[str], leaky: Leaky) -> Findings:
    """Questions that were reported but do not leak."""
    clean = found - set(leaky.planted)
    if not clean:
        yield right("it reports nothing that does not leak")
    elif clean & {question.id for question in leaky.test}:
        yield wrong(
            "it names questions of the test split",
            "keep the test as it is; it is the training questions that must go",
        )
    else:
        yield wrong(
            f"it reports {len(clean)} training questions that do not leak, such as {min(clean)}",
            "years, rows and kinds are shared by all companies; only text and company tell",
        )


CHOICES = ("as they come", "128 that vary", "32 that vary", "32 that never score")
AFTER_STEPS = 8
LEVEL = 0.02  # of mean reward; seeds of one choice differ by more


@exercise("2.2")
def exercise_2_2(predicted: Iterable[str]) -> Findings:
    """Any order of the four choices; how it differs from the recorded one."""
    order = _order_of(predicted)
    if order is None:
        yield wrong(
            f"{predicted!r:.60} is not an order of the four",
            f"a list of these names, best first: {', '.join(CHOICES)}",
        )
        return
    yield right("that is a prediction, so the figure below can surprise you")
    reward = recorded_after(AFTER_STEPS)
    pairs = [(a, b) for n, a in enumerate(order) for b in order[n + 1 :]]
    upset = [(a, b) for a, b in pairs if reward[a] < reward[b]]
    recorded = ", ".join(
        f"{name} {reward[name]:.2f}" for name in sorted(reward, key=lambda name: -reward[name])
    )
    yield right(f"recorded after {AFTER_STEPS} steps, mean of five seeds: {recorded}")
    if not upset:
        yield right("all pairs as you said")
        return
    above, below = max(upset, key=lambda pair: reward[pair[1]] - reward[pair[0]])
    lead = reward[below] - reward[above]
    yield right(
        f"{len(pairs) - len(upset)} of {len(pairs)} pairs as you said. "
        + (
            f"The largest surprise: {below} is ahead of {above} by {lead:.2f}"
            if lead > LEVEL
            else "The rest is too close to call"
        )
    )


def _order_of(predicted: object) -> list[str] | None:
    """The four choices in the predicted order; None if it is not an order of them."""
    if isinstance(predicted, Mapping) or not isinstance(predicted, Iterable):
        return None
    names = predicted.split(",") if isinstance(predicted, str) else predicted
    order = [" ".join(str(name).lower().split()) for name in names]
    return order if sorted(order) == sorted(CHOICES) else None


def recorded_after(steps: int) -> dict[str, float]:
    """The mean reward over the seeds after these steps, for each choice that was recorded."""
    return {
        name: fmean(at["reward"] for job in jobs for at in job["curve"] if at["step"] == steps)
        for name, jobs in recordings.load("samples")["variants"].items()
    }


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


@exercise("2.3")
def exercise_2_3(choose: Callable[[Rewards, int], Sequence[str]]) -> Findings:
    """The questions chosen from a small pilot."""
    found = choose(SAMPLES, len(SAMPLES))
    if isinstance(found, str | set | Mapping) or not isinstance(found, Iterable):
        yield wrong(f"it returns a {type(found).__name__}", "return a list of IDs, best first")
        return
    found = list(found)
    kept = set(found)
    yield from _zero_variance(kept)
    yield from _discarded(kept)
    yield from _order(found)
    few = list(choose(SAMPLES, MOST))
    if len(few) > MOST:
        yield wrong(f"asked for {MOST} at most, it returns {len(few)}", "cut the list: [:most]")
    elif few != found[:MOST]:
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
            f"it drops {name!r}: {SAMPLES[name]}", "keep every question with two different rewards"
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
            "sort by abs(mean - 0.5), smallest first",
        )
    elif (ties := [name for name in known if name in TIED]) != sorted(ties):
        yield wrong("ties are not in the order of their IDs", "sort by (abs(mean - 0.5), id)")
    else:
        yield right("the most even come first, ties by ID")
