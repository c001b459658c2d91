"""Lesson 02: a leak in a split, a prediction, and the choice of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from buildhour_helpers.checks.lesson_02 import CHOICES, leaky_split
from buildhour_helpers.tasks import Question
from buildhour_helpers.tasks.splits import company

from . import Honest, Lesson, Nonsense

LESSON = Lesson({"2.1": "find_leak", "2.2": "predicted", "2.3": "choose"}, {"fmean": fmean})

Questions = Sequence[Question]
Rewards = Mapping[str, Sequence[float | None]]

find = LESSON.solution("2.1")
solution = LESSON.solution("2.3")
LEAKY_TRAIN, LEAKY_TEST = leaky_split()

# 2.1


def one_by_one(train: Questions, test: Questions) -> list[str]:
    """Compares every pair, as a beginner would."""
    found = []
    for question in train:
        for other in test:
            same = question.text.lower().split() == other.text.lower().split()
            pages = {page.split("/")[0] for page in question.gold_pages}
            if same or pages & {page.split("/")[0] for page in other.gold_pages}:
                found.append(question.id)
                break
    return found


def by_letters(train: Questions, test: Questions) -> set[str]:
    """Drops all spaces instead of normalising them."""

    def key(text: str) -> str:
        return "".join(text.casefold().split())

    asked = {key(question.text) for question in test}
    tickers = {page.partition("/")[0] for question in test for page in question.gold_pages}
    return {
        question.id
        for question in train
        if key(question.text) in asked
        or any(page.partition("/")[0] in tickers for page in question.gold_pages)
    }


def one_at_a_time(train: Questions, test: Questions) -> Iterator[str]:
    yield from sorted(find(train, test))


def in_test(part: Callable[[Question], list[str]]) -> Callable[[Questions, Questions], set[str]]:
    """Takes as leaks all questions that share a part with a test question."""

    def find_leak(train: Questions, test: Questions) -> set[str]:
        known = {value for question in test for value in part(question)}
        return {question.id for question in train if known & set(part(question))}

    return find_leak


def stripped_only(train: Questions, test: Questions) -> set[str]:
    """Forgets that spaces inside a text may differ, too."""
    texts = in_test(lambda question: [question.text.lower().strip()])
    return texts(train, test) | in_test(part_of_path(0))(train, test)


def part_of_path(index: int) -> Callable[[Question], list[str]]:
    return lambda question: [path.split("/")[index] for path in question.gold_pages]


def whole_questions(train: Questions, test: Questions) -> list[Question]:
    leaked = find(train, test)
    return [question for question in train if question.id in leaked]


# 2.3


def graded(rewards: Rewards) -> dict[str, list[float]]:
    return {name: [r for r in of if r is not None] for name, of in rewards.items()}


def by_range(rewards: Rewards, most: int) -> list[str]:
    of = graded(rewards)
    kept = [name for name in sorted(of) if of[name] and max(of[name]) > min(of[name])]
    return sorted(kept, key=lambda name: abs(fmean(of[name]) - 0.5))[:most]


def by_numpy(rewards: Rewards, most: int) -> Any:
    of = {name: np.array(values) for name, values in graded(rewards).items()}
    kept = sorted(name for name in of if of[name].std() > 0)
    order = np.argsort([abs(of[name].mean() - 0.5) for name in kept], kind="stable")
    return np.array(kept)[order][:most]


def one_name_at_a_time(rewards: Rewards, most: int) -> Iterator[str]:
    yield from solution(rewards, most)


def by_mean(rewards: Rewards, most: int) -> list[str]:
    """Keeps what is neither 0 nor 1 on average."""
    means = {name: fmean(of) for name, of in graded(rewards).items()}
    kept = [name for name, mean in means.items() if 0 < mean < 1]
    return sorted(kept, key=lambda name: (abs(means[name] - 0.5), name))[:most]


def best_first(rewards: Rewards, most: int) -> list[str]:
    of = graded(rewards)
    return sorted(solution(rewards, 99), key=lambda name: -fmean(of[name]))[:most]


def without_ties(rewards: Rewards, most: int) -> list[str]:
    of = graded(rewards)
    backwards = sorted(solution(rewards, 99), reverse=True)
    return sorted(backwards, key=lambda name: abs(fmean(of[name]) - 0.5))[:most]


def with_none_as_zero(rewards: Rewards, most: int) -> Any:
    return solution({name: [r or 0.0 for r in of] for name, of in rewards.items()}, most)


def cut_first(rewards: Rewards, most: int) -> Any:
    return solution(dict(list(rewards.items())[:most]), most)


HONEST: Honest = {
    "2.1": {
        "one by one, as a list": one_by_one,
        "without spaces": by_letters,
        "a generator": one_at_a_time,
        "a frozen set": lambda train, test: frozenset(find(train, test)),
        "an array": lambda train, test: np.array(sorted(find(train, test))),
        "a dictionary's keys": lambda train, test: dict.fromkeys(find(train, test)).keys(),
        "each leak twice": lambda train, test: [*find(train, test), *find(train, test)],
    },
    "2.2": {
        "as recorded or not": list(CHOICES),
        "the other way round": list(reversed(CHOICES)),
        "a tuple": (CHOICES[2], CHOICES[0], CHOICES[1], CHOICES[3]),
        "in capitals": [name.upper() for name in CHOICES],
        "text": "32 that vary, as they come, 128 that vary, 32 that never score",
        "an array": np.array(CHOICES),
        "hopeless questions first": [CHOICES[3], *CHOICES[:3]],
    },
    "2.3": {
        "by range": by_range,
        "numpy": by_numpy,
        "a generator": one_name_at_a_time,
        "a tuple": lambda rewards, most: tuple(solution(rewards, most)),
        "keyword arguments": lambda rewards, most: solution(most=most, rewards=rewards),
        "from a copy": lambda rewards, most: solution(dict(rewards), most),
    },
}

NONSENSE: Nonsense = {
    "2.1": {
        "same text": (in_test(lambda q: [q.text]), "compare texts in lower case"),
        "same words": (
            in_test(lambda q: [" ".join(q.text.lower().split())]),
            "compare companies",
        ),
        "single spaces inside": (stripped_only, "only the text can tell: compare"),
        "the lesson's company()": (in_test(lambda q: [company(q)]), "raised IndexError"),
        "same company": (in_test(part_of_path(0)), "only the text can tell"),
        "first page": (in_test(lambda q: [q.gold_pages[0]]), "raised IndexError"),
        "same year": (in_test(part_of_path(1)), "that do not leak"),
        "the test": (lambda train, test: {q.id for q in test}, "keep the test as it is"),
        "whole questions": (whole_questions, "return a set of question.id"),
        "nothing": (lambda train, test: set(), "missed: a copy of a test question"),
        "everything": (lambda train, test: {q.id for q in train}, "that do not leak"),
        "the notebook's lists": (
            lambda train, test: find(LEAKY_TRAIN, LEAKY_TEST),
            "use the parameters train and test",
        ),
    },
    "2.2": {
        "three of them": (list(CHOICES[:3]), "is not an order of the four"),
        "one twice": ([*CHOICES[:3], CHOICES[0]], "is not an order of the four"),
        "numbers": ([1, 2, 3, 4], "is not an order of the four"),
        "a name": ("as they come", "is not an order of the four"),
        "made-up names": (["a", "b", "c", "d"], "is not an order of the four"),
        "rewards": (dict.fromkeys(CHOICES, 0.4), "is not an order of the four"),
        "a number": (7, "a list of these names"),
    },
    "2.3": {
        "all": (lambda rewards, most: list(rewards)[:most], "no better rollout to learn from"),
        "by mean": (by_mean, "0.5 each time has no variance either"),
        "best first": (best_first, "sort by abs(mean - 0.5)"),
        "None as 0": (with_none_as_zero, "None is not a reward"),
        "ties as they come": (without_ties, "sort by (abs(mean - 0.5), id)"),
        "not cut": (lambda rewards, most: solution(rewards, 99), "cut the list"),
        "cut first": (cut_first, "sort all that qualify"),
        "a set": (lambda rewards, most: set(solution(rewards, most)), "it returns a set"),
        "nothing": (lambda rewards, most: [], "two different rewards"),
    },
}
