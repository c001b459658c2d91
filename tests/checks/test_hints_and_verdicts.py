"""How checks report, and the help there is: hints, and catching up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbformat import v4

from authoring.course.execution import execute
from authoring.course.source import notebook_of, stub_of
from buildhour_helpers import checks
from buildhour_helpers.checks.verdict import Findings, exercise, right, wrong
from buildhour_helpers.errors import WorkshopError

Said = pytest.CaptureFixture[str]


@exercise("1.2")
def check(best_of: Callable[[list[float]], float]) -> Findings:
    yield right("it can be called")
    if best_of([0.0, 1.0]) == 1.0:
        yield right("of 0 and 1 it takes 1")
    else:
        yield wrong("of 0 and 1 it does not take 1", "max, not min " + "or any other word " * 8)


def half_done(_: list[float]) -> float:
    raise NotImplementedError("negative numbers")


def stub(_: list[float]) -> float:
    raise NotImplementedError("Exercise 1.2: best of three")


def test_a_right_answer(capsys: Said) -> None:
    assert check(max) is None  # type: ignore[func-returns-value]
    said = capsys.readouterr().out
    assert said == "Exercise 1.2: right\n  ✓ it can be called\n  ✓ of 0 and 1 it takes 1\n"

    @exercise("1.2")
    def silent(_: object) -> Findings:
        yield from ()

    with pytest.raises(AssertionError, match="no finding"):
        silent(max)


def test_a_wrong_answer_is_told_what_to_try_and_where_hints_are(capsys: Said) -> None:
    check(min)
    said = capsys.readouterr().out
    assert said.startswith("Exercise 1.2: not yet\n  ✓ it can be called\n  ✗ of 0 and 1 it does")
    assert "\n    try: max, not min" in said
    assert "Open the hints above" in said
    assert max(map(len, said.splitlines())) <= 76


def test_the_same_advice_is_given_once(capsys: Said) -> None:
    @exercise("1.2")
    def twice(answer: object) -> Findings:
        yield wrong("of 0 and 1 it does not take 1", "max, not min")
        yield wrong("of 1 and 2 it does not take 2", "max, not min")

    twice(min)
    assert capsys.readouterr().out.count("try: max, not min") == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (stub, "Exercise 1.2: not started."),
        (None, "Exercise 1.2: not started."),
        (lambda values: values[7], "it raised IndexError: list index out of range, in its line"),
        (lambda: 1.0, "it raised TypeError"),
        (7, "it raised TypeError: 'int' object is not callable"),
        (half_done, "it raised NotImplementedError: negative numbers"),
    ],
)
def test_an_answer_that_raises(answer: object, words: str, capsys: Said) -> None:
    check(answer)  # type: ignore[arg-type]
    said = " ".join(capsys.readouterr().out.split())
    assert words in said
    assert ("not started" in said) != ("✓ it can be called" in said)


def test_the_last_hint_is_nearly_the_answer(capsys: Said) -> None:
    checks.hint("0.2")
    assert "mean(rewards)" not in capsys.readouterr().out
    checks.hint("0.2", strength=3)
    assert 'Still stuck? checks.catch_up("0.2")' in capsys.readouterr().out
    for number in ("0.9", "12.1", "two", ""):
        with pytest.raises(WorkshopError, match="no exercise"):
            checks.hint(number)
    with pytest.raises(WorkshopError, match="strength is 1 to 3, not 4"):
        checks.hint("0.2", 4)
    with pytest.raises(AttributeError, match=r"no exercise_0_9 .* checks\.exercise_1_2"):
        _ = checks.exercise_0_9


def outputs(folder: Path, *cells: str) -> list[str]:
    """What the cells of a notebook print, one after another."""
    ran = execute(notebook_of([v4.new_code_cell(cell) for cell in cells]), folder)
    return ["".join(output.text for output in cell.outputs) for cell in ran.notebook.cells]


def test_catching_up_solves_a_lesson_or_one_exercise(tmp_path: Path) -> None:
    said = outputs(
        tmp_path,
        'from buildhour_helpers import checks\nchecks.catch_up("0.2")\nprint("advice" in dir())',
        stub_of("0.1") + "\n\n" + stub_of("0.2"),
        "checks.exercise_0_1(count_calls)",
        'checks.catch_up("00")',
        "checks.exercise_0_1(count_calls)\nchecks.exercise_0_4(advice)",
    )
    assert "# Exercise 0.2, solved:\ndef advantages(rewards):\n    mean =" in said[0]
    assert said[0].endswith("False\n")
    assert "not started" in said[2]
    assert "# Exercise 0.1, solved:" in said[3]
    assert "Exercise 0.1: right" in said[4]
    assert "Exercise 0.4: right" in said[4]


def test_catching_up_where_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a notebook, with no such exercise, or before the cells above have run."""
    monkeypatch.setattr("IPython.get_ipython", lambda: None)  # another test may have made a shell
    with pytest.raises(WorkshopError, match="works in a notebook"):
        checks.catch_up("00")
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(user_ns={}))
    with pytest.raises(WorkshopError, match=r"nothing solves '0\.9'; an exercise is"):
        checks.catch_up("0.9")
    needs = [("1.1", "best = rows[0]")]
    monkeypatch.setattr("buildhour_helpers.checks.hints._solutions", lambda _: needs)
    with pytest.raises(WorkshopError, match=r"name 'rows' is not defined; first choose Run > Run"):
        checks.catch_up("1.1")
