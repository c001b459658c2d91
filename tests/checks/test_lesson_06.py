"""The checks of lesson 06: each mistake is told apart, in words that help."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from authoring.course.source import solution_of, stub_of
from buildhour_helpers import checks

Said = pytest.CaptureFixture[str]


def question_means(records: Any, value: Any) -> dict[str, float]:
    groups = defaultdict(list)
    for record in records:
        if record.reward is not None:
            groups[record.question_id].append(value(record))
    return {question: fmean(values) for question, values in groups.items()}


def pages_read(record: Any) -> set[str]:
    return {
        json.loads(item["arguments"]).get("path", "")
        for item in record.trace
        if item.get("type") == "function_call" and item["name"] == "cat"
    }


def defined(code: str, name: str) -> Any:
    space: dict[str, Any] = {"np": np, "question_means": question_means, "pages_read": pages_read}
    exec(code, space)
    return space[name]


def bootstrap(
    before: list[float],
    after: list[float],
    resamples: int = 4000,
    *,
    paired: bool = True,
    replace: bool = True,
    sign: float = 1.0,
    tail: float = 0.025,
    size: int = 0,
) -> tuple[float, float, float]:
    """A paired bootstrap with something wrong in it."""
    random = np.random.default_rng(0)
    old, new = np.array(before), np.array(after)
    size = size or len(old)

    def draw() -> Any:
        return np.array([random.choice(len(old), size, replace=replace) for _ in range(resamples)])

    first = draw()
    second = first if paired else draw()
    found = sign * (new[second].mean(axis=1) - old[first].mean(axis=1))
    low, high = np.quantile(found, [tail, 1 - tail])
    return sign * float(new.mean() - old.mean()), float(low), float(high)


class TestBootstrap:
    def test_the_solution_is_right(self, capsys: Said) -> None:
        checks.exercise_6_1(defined(solution_of("6.1"), "paired_bootstrap"))
        assert capsys.readouterr().out.startswith("Exercise 6.1: right")

    def test_another_right_answer_is_right(self, capsys: Said) -> None:
        checks.exercise_6_1(bootstrap)
        assert capsys.readouterr().out.startswith("Exercise 6.1: right")

    def test_the_stub_is_not_started(self, capsys: Said) -> None:
        checks.exercise_6_1(defined(stub_of("6.1"), "paired_bootstrap"))
        assert capsys.readouterr().out.startswith("Exercise 6.1: not started")

    @pytest.mark.parametrize(
        ("slip", "told"),
        [
            ({"paired": False}, "two separate draws"),
            ({"replace": False}, "draw with replacement"),
            ({"sign": -1.0}, "wrong sign"),
            ({"tail": 0.05}, "that of 90%"),
            ({"size": 30}, "as many questions in a resample as there are"),
        ],
        ids=["unpaired", "no replacement", "sign", "90%", "few"],
    )
    def test_a_mistake_is_named(self, slip: dict[str, Any], told: str, capsys: Said) -> None:
        checks.exercise_6_1(lambda before, after: bootstrap(before, after, **slip))
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 6.1: not yet")
        assert told in said

    def test_one_number_is_too_few(self, capsys: Said) -> None:
        checks.exercise_6_1(lambda before, after: bootstrap(before, after)[:2])
        assert "return difference, low, high" in capsys.readouterr().out


def regressed(
    before: Any,
    after: Any,
    gold: Any,
    *,
    none_as: float | None = None,
    by_repeat: bool = False,
    falls: Callable[[float, float], bool] = lambda was, now: now < was,
    every: bool = False,
    seen: bool = False,
) -> dict[str, str]:
    """The questions that regressed, with something wrong in it."""
    for record in [*before, *after]:
        if record.reward is None:
            record.reward = none_as
    was, now = (question_means(side, lambda r: r.reward) for side in (before, after))
    fell = {question for question in was if question in now and falls(was[question], now[question])}
    if by_repeat:
        old = {(r.question_id, r.repeat): r.reward for r in before}
        fell |= {
            r.question_id
            for r in after
            if r.reward is not None and r.reward < (old.get((r.question_id, r.repeat)) or 0)
        }
    read = defaultdict(list)
    for record in after:
        pages = pages_read(record) | ({"page A"} if seen else set())
        read[record.question_id].append(bool(pages & gold[record.question_id]))
    enough = all if every else any
    return {q: "read, but wrong" if enough(read[q]) else "page not read" for q in fell}


class TestRegressed:
    def test_the_solution_is_right(self, capsys: Said) -> None:
        checks.exercise_6_2(defined(solution_of("6.2"), "regressed"))
        assert capsys.readouterr().out.startswith("Exercise 6.2: right")

    def test_the_stub_is_not_started(self, capsys: Said) -> None:
        checks.exercise_6_2(defined(stub_of("6.2"), "regressed"))
        assert capsys.readouterr().out.startswith("Exercise 6.2: not started")

    @pytest.mark.parametrize(
        ("slip", "told"),
        [
            ({"none_as": 0.0}, "a reward of None is no verdict"),
            ({"by_repeat": True}, "whose repeats swapped their rewards"),
            ({"falls": lambda was, now: now > was}, "got better"),
            ({"falls": lambda was, now: now < was - 0.3}, "1 of 3 questions that fell are missing"),
            ({"every": True}, "one rollout that read a gold page is enough"),
            ({"seen": True}, "only cat counts"),
        ],
        ids=["none as 0", "by repeat", "sign", "threshold", "every", "search"],
    )
    def test_a_mistake_is_named(self, slip: dict[str, Any], told: str, capsys: Said) -> None:
        checks.exercise_6_2(lambda before, after, gold: regressed(before, after, gold, **slip))
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 6.2: not yet")
        assert told in said


@pytest.mark.parametrize("number", ["6.1", "6.2"])
def test_there_are_two_hints(number: str, capsys: Said) -> None:
    checks.hint(number)
    checks.hint(number, strength=2)
    assert len(capsys.readouterr().out) > 200
