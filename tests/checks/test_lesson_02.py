"""The checks of lesson 02: each mistake is told apart, in words that help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import pytest

from authoring.course.source import solution_of, stub_of
from buildhour_helpers import checks
from buildhour_helpers.checks.lesson_02 import leaky_split
from buildhour_helpers.tasks import Question, find_leaks

Said = pytest.CaptureFixture[str]
Questions = Sequence[Question]


def defined(code: str, name: str) -> Any:
    space: dict[str, Any] = {"fmean": fmean}
    exec(code, space)
    return space[name]


def find_leak(train: Questions, test: Questions) -> set[str]:
    found: set[str] = defined(solution_of("2.1"), "find_leak")(train, test)
    return found


def same_text(train: Questions, test: Questions) -> set[str]:
    texts = {q.text for q in test}
    return {q.id for q in train if q.text in texts}


def same_words(train: Questions, test: Questions) -> set[str]:
    texts = {" ".join(q.text.lower().split()) for q in test}
    return {q.id for q in train if " ".join(q.text.lower().split()) in texts}


def same_company(train: Questions, test: Questions) -> set[str]:
    owners = {path.split("/")[0] for q in test for path in q.gold_pages}
    return {q.id for q in train for path in q.gold_pages if path.split("/")[0] in owners}


def first_page(train: Questions, test: Questions) -> set[str]:
    owners = {q.gold_pages[0].split("/")[0] for q in test}
    return {q.id for q in train if q.gold_pages[0].split("/")[0] in owners}


def same_year(train: Questions, test: Questions) -> set[str]:
    years = {path.split("/")[1] for q in test for path in q.gold_pages}
    return {q.id for q in train for path in q.gold_pages if path.split("/")[1] in years}


def whole_questions(train: Questions, test: Questions) -> list[Question]:
    leaked = find_leak(train, test)
    return [q for q in train if q.id in leaked]


class TestFindLeak:
    def test_the_solution_is_right(self, capsys: Said) -> None:
        checks.exercise_2_1(find_leak)
        assert capsys.readouterr().out.startswith("Exercise 2.1: right")

    def test_the_stub_is_not_started(self, capsys: Said) -> None:
        checks.exercise_2_1(defined(stub_of("2.1"), "find_leak"))
        assert capsys.readouterr().out.startswith("Exercise 2.1: not started")

    @pytest.mark.parametrize(
        ("mistaken", "told"),
        [
            (same_text, "compare texts in lower case"),
            (same_words, "compare companies"),
            (same_company, "where gold_pages is empty only the text can tell"),
            (first_page, "raised IndexError"),
            (same_year, "innocent training questions"),
            (lambda train, test: {q.id for q in test}, "keep the test as it is"),
            (whole_questions, "IDs"),
            (lambda train, test: set(), "missed: a copy of a test question"),
            (lambda train, test: find_leak(*leaky_split()), "a second split"),
        ],
        ids=["text", "words", "company", "page", "year", "test", "object", "nothing", "by heart"],
    )
    def test_a_mistake_is_named(
        self, mistaken: Callable[..., Any], told: str, capsys: Said
    ) -> None:
        checks.exercise_2_1(mistaken)
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 2.1: not yet")
        assert told in said

    def test_without_the_leak_the_split_is_clean(self) -> None:
        train, test = leaky_split()
        gone = find_leak(train, test)
        kept = [q for q in train if q.id not in gone]
        assert len(gone) == 6
        assert find_leaks([*kept, *test]) == []


Rewards = dict[str, list[float | None]]


def choose(rewards: Rewards, most: int) -> list[str]:
    found: list[str] = defined(solution_of("2.2"), "choose")(rewards, most)
    return found


def graded(rewards: Rewards) -> dict[str, list[float]]:
    return {name: [r for r in of if r is not None] for name, of in rewards.items()}


def by_mean(rewards: Rewards, most: int) -> list[str]:
    """Keeps what is neither 0 nor 1 on average."""
    means = {name: fmean(of) for name, of in graded(rewards).items()}
    kept = [name for name, mean in means.items() if 0 < mean < 1]
    return sorted(kept, key=lambda name: (abs(means[name] - 0.5), name))[:most]


def best_first(rewards: Rewards, most: int) -> list[str]:
    of = graded(rewards)
    return sorted(choose(rewards, 99), key=lambda name: -fmean(of[name]))[:most]


def none_as_zero(rewards: Rewards, most: int) -> list[str]:
    return choose({name: [r or 0.0 for r in of] for name, of in rewards.items()}, most)


def whole_only(rewards: Rewards, most: int) -> list[str]:
    return choose({name: of for name, of in rewards.items() if None not in of}, most)


def without_ties(rewards: Rewards, most: int) -> list[str]:
    of = graded(rewards)
    backwards = sorted(choose(rewards, 99), reverse=True)
    return sorted(backwards, key=lambda name: abs(fmean(of[name]) - 0.5))[:most]


def cut_first(rewards: Rewards, most: int) -> list[str]:
    return choose(dict(list(rewards.items())[-most:]), most)


class TestChoose:
    def test_the_solution_is_right(self, capsys: Said) -> None:
        checks.exercise_2_2(choose)
        assert capsys.readouterr().out.startswith("Exercise 2.2: right")

    def test_the_stub_is_not_started(self, capsys: Said) -> None:
        checks.exercise_2_2(defined(stub_of("2.2"), "choose"))
        assert capsys.readouterr().out.startswith("Exercise 2.2: not started")

    @pytest.mark.parametrize(
        ("mistaken", "told"),
        [
            (lambda rewards, most: list(rewards)[:most], "no better rollout to learn from"),
            (by_mean, "0.5 each time is no variance either"),
            (best_first, "sort by abs(mean - 0.5)"),
            (none_as_zero, "None is no reward"),
            (whole_only, "leave the None out"),
            (without_ties, "ties are not in the order of their IDs"),
            (cut_first, "cut afterwards"),
            (lambda rewards, most: choose(rewards, 99), "cut the list"),
            (lambda rewards, most: set(choose(rewards, most)), "return a list of IDs"),
        ],
        ids=["all", "mean", "best", "none as 0", "whole", "ties", "cut first", "uncut", "set"],
    )
    def test_a_mistake_is_named(
        self, mistaken: Callable[..., Any], told: str, capsys: Said
    ) -> None:
        checks.exercise_2_2(mistaken)
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 2.2: not yet")
        assert told in said
