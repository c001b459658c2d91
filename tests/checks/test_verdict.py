"""How checks speak."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from buildhour_helpers import checks
from buildhour_helpers.checks.verdict import Findings, exercise, right, wrong
from buildhour_helpers.errors import WorkshopError

Best = Callable[[list[float]], float]


@exercise("1.2")
def check(best_of: Best) -> Findings:
    yield right("it can be called")
    if best_of([0.0, 1.0]) == 1.0:
        yield right("of 0 and 1 it takes 1")
    else:
        yield wrong("of 0 and 1 it does not take 1", "max, not min " + "or any other word " * 8)


def said(capsys: pytest.CaptureFixture[str], answer: object) -> str:
    assert check(answer) is None  # type: ignore[arg-type, func-returns-value]
    return capsys.readouterr().out


def test_a_right_answer(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, max)
    assert out == "Exercise 1.2: right\n  ✓ it can be called\n  ✓ of 0 and 1 it takes 1\n"


def test_a_wrong_answer_is_told_what_to_try_and_where_hints_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = said(capsys, min)
    assert out.startswith("Exercise 1.2: not yet\n  ✓ it can be called\n  ✗ of 0 and 1 it does not")
    assert "\n    try: max, not min" in out
    assert 'checks.hint("1.2", strength=2)' in out
    assert max(map(len, out.splitlines())) <= 76


def test_a_stub_is_not_started(capsys: pytest.CaptureFixture[str]) -> None:
    def stub(_: list[float]) -> float:
        raise NotImplementedError("Exercise 1.2: best of three")

    for answer in (stub, None):
        out = said(capsys, answer)
        assert out.startswith("Exercise 1.2: not started.")
        assert "✓" not in out
        assert 'checks.hint("1.2")' in out


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda values: values[7], "it raised IndexError: list index out of range, in its line"),
        (lambda: 1.0, "it raised TypeError"),
        (7, "it raised TypeError: 'int' object is not callable"),
    ],
)
def test_an_answer_that_raises_is_told_so(
    answer: object, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = " ".join(said(capsys, answer).split())
    assert words in out
    assert "✓ it can be called" in out
    assert "try: call it yourself" in out


def test_another_kind_of_not_implemented_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    def half_done(_: list[float]) -> float:
        raise NotImplementedError("negative numbers")

    assert "raised NotImplementedError: negative numbers" in said(capsys, half_done)


def test_a_check_that_finds_nothing_is_a_bug() -> None:
    @exercise("1.2")
    def silent(_: Best) -> Findings:
        yield from ()

    with pytest.raises(AssertionError, match="nothing to say"):
        silent(max)


class TestHints:
    def test_in_two_strengths(self, capsys: pytest.CaptureFixture[str]) -> None:
        checks.hint("0.2")
        weak = capsys.readouterr().out
        checks.hint("0.2", strength=2)
        strong = capsys.readouterr().out
        assert weak != strong
        assert "reward - mean" in strong
        assert "reward - mean" not in weak

    @pytest.mark.parametrize("number", ["0.9", "12.1", "two", ""])
    def test_of_no_exercise(self, number: str) -> None:
        with pytest.raises(WorkshopError, match="no exercise"):
            checks.hint(number)

    def test_of_a_third_strength(self) -> None:
        with pytest.raises(WorkshopError, match="strength is 1 or 2, not 3"):
            checks.hint("0.2", strength=3)


def test_a_check_that_does_not_exist_says_how_one_is_called() -> None:
    with pytest.raises(AttributeError, match=r"no exercise_0_9 .* checks\.exercise_1_2"):
        _ = checks.exercise_0_9
