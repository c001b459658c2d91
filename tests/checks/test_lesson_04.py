"""The checks of lesson 04: each mistake is told apart, in words that help."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from authoring.course.source import solution_of, stub_of
from buildhour_helpers import checks
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.graders.specs import PARTIAL_CREDIT_RUBRIC, SLOPPY_RUBRIC

Said = pytest.CaptureFixture[str]


def defined(code: str, name: str) -> Any:
    space: dict[str, Any] = {}
    exec(textwrap.dedent(code), space)
    return space[name]


def changed(old: str, new: str) -> Any:
    """The solution of 4.1 with a mistake in it."""
    code = solution_of("4.1")
    assert code.count(old) == 1, f"{old!r} is not once in the solution"
    return defined(code.replace(old, new), "score")


MISTAKES = {
    "compares strings": (
        "def score(answer, wanted, kind):\n    return float(answer.strip('%') == str(wanted))",
        "percent signs, currency signs and commas",
    ),
    "converts the whole answer": (
        "def score(answer, wanted, kind):\n"
        "    value = float(answer.strip('%$').replace(',', ''))\n"
        "    return float(abs(value - wanted) <= 0.01 * abs(wanted))",
        "words around the value: score('The answer is 8.35%.', 8.35, 'percent') raises ValueError",
    ),
    "takes any of several": (
        "import re\ndef score(answer, wanted, kind):\n"
        "    digits = re.findall(r'-?\\d[\\d,]*\\.?\\d*', answer)\n"
        "    found = [float(n.replace(',', '')) for n in digits]\n"
        "    return float(any(abs(n - wanted) <= 0.01 * abs(wanted) for n in found))",
        "several values: score('8.35% or 7.2%', 8.35, 'percent') gives 1.0",
    ),
}
CHANGES = {
    "a tolerance of a tenth": ("0.01 * abs(to)", "0.1 * abs(to)", "rounding within 1%"),
    "a tolerance that negative values fail": ("0.01 * abs(to)", "0.01 * to", "rounding within 1%"),
    "forgets the sign": ("-value if sign else value", "value", "minus signs and parentheses"),
    "no half for the sign": ("-wanted, *(", "*(", "half for the sign"),
    "no half for decimals": ('"percent": (100, 0.01)', '"percent": ()', "percentage as a decimal"),
    "no half for millions": ("(1e3, 1e6, 1e-3, 1e-6)", "(1e3, 1e-3)", "thousands and millions"),
    "one list of slips for both": (
        "factors[kind]",
        "factors['percent'] + factors['amount']",
        "each kind has slips of its own",
    ),
    "full marks for slips": ("return 0.5 if", "return 1.0 if", "half for the sign"),
}


class TestScore:
    def test_the_solution_is_right(self, capsys: Said) -> None:
        checks.exercise_4_1(defined(solution_of("4.1"), "score"))
        assert capsys.readouterr().out.startswith("Exercise 4.1: right")

    def test_the_stub_is_not_started(self, capsys: Said) -> None:
        checks.exercise_4_1(defined(stub_of("4.1"), "score"))
        assert capsys.readouterr().out.startswith("Exercise 4.1: not started")

    @pytest.mark.parametrize("mistake", MISTAKES)
    def test_another_way_that_fails_is_named(self, mistake: str, capsys: Said) -> None:
        code, words = MISTAKES[mistake]
        checks.exercise_4_1(defined(code, "score"))
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 4.1: not yet")
        assert f"✗ {words}" in said

    @pytest.mark.parametrize("mistake", CHANGES)
    def test_one_slip_in_the_solution_is_named(self, mistake: str, capsys: Said) -> None:
        old, new, words = CHANGES[mistake]
        checks.exercise_4_1(changed(old, new))
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 4.1: not yet")
        assert words in said.partition("✗")[2].partition("✓")[0]


RUBRICS = {
    "as sloppy as before": (SLOPPY_RUBRIC, "✗ a wrong value in a clear sentence gets 1"),
    "half credit forgotten": (
        "Score 1 if the answer gives the reference value. Score 0 for any other value, for "
        "several values, and for no value.",
        "✗ a value in the wrong scale gets 0; a person gives 0.5",
    ),
    "several values allowed": (
        "Score 1 if the answer mentions the reference value. Score 0.5 if it is right but for its "
        "scale or sign. Score 0 for any other value and for no answer.",
        "✗ several values gets 1; a person gives 0",
    ),
    "form pays half": (
        SLOPPY_RUBRIC.replace("Score 1 for", "Score 0.5 for").replace(
            "Score 0.5 for an answer close to", "Score 1 for an answer that equals"
        ),
        "✗ a wrong value in a clear sentence gets 0.5",
    ),
    "nothing earns anything": ("Score 0 for any answer.", "✗ a bare right value gets 0"),
}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("rubric"), None, 0, 8) as servers:
        yield servers


class TestRubric:
    @pytest.fixture(autouse=True)
    def _offline(self, up: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", up.service.url)
        monkeypatch.setenv("OPENAI_API_KEY", up.service.key)
        monkeypatch.setenv("BUILDHOUR_SESSION", "offline")

    def test_the_solution_is_right(self, capsys: Said) -> None:
        checks.exercise_4_2(defined(solution_of("4.2"), "mended"))
        assert capsys.readouterr().out.startswith("Exercise 4.2: right")

    def test_so_is_the_rubric_of_the_library(self, capsys: Said) -> None:
        checks.exercise_4_2(PARTIAL_CREDIT_RUBRIC)
        assert capsys.readouterr().out.startswith("Exercise 4.2: right")

    def test_the_stub_is_not_started(self, capsys: Said) -> None:
        checks.exercise_4_2(None)
        assert capsys.readouterr().out.startswith("Exercise 4.2: not started")

    @pytest.mark.parametrize("mistake", RUBRICS)
    def test_each_mistake_is_named(self, mistake: str, capsys: Said) -> None:
        rubric, words = RUBRICS[mistake]
        checks.exercise_4_2(rubric)
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 4.2: not yet")
        assert words in said

    def test_a_live_session_is_told_why(
        self, capsys: Said, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("BUILDHOUR_SESSION")
        checks.exercise_4_2(PARTIAL_CREDIT_RUBRIC)
        assert "only the offline service has" in " ".join(capsys.readouterr().out.split())
