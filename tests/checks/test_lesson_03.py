"""The checks of lesson 03: each mistake is told apart, in words that help."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from authoring.course.source import solution_of, stub_of
from buildhour_helpers import checks

Said = pytest.CaptureFixture[str]


def defined(code: str, name: str) -> Any:
    space: dict[str, Any] = {}
    exec(textwrap.dedent(code), space)
    return space[name]


def cat_of(body: str) -> Any:
    code = "import os\nfrom pathlib import Path\n\ndef cat(root, path):\n"
    return defined(code + textwrap.indent(textwrap.dedent(body), "    "), "cat")


def allow_of(body: str) -> Any:
    code = "def allow(made, trace_id, call_id, budget=10):\n"
    return defined(code + textwrap.indent(textwrap.dedent(body), "    "), "allow")


READS = "return (root / path).read_text(encoding='utf-8')"
CATS = {
    "trusts the path": (READS, "gives away a secret by '..'"),
    "looks for two dots": (
        f"if '..' in path:\n    raise ValueError('no dots in a path, please')\n{READS}",
        "it refuses a page with two dots in its name",
    ),
    "looks for dots between slashes": (
        f"if '..' in path.split('/'):\n    raise ValueError('stay inside the reports')\n{READS}",
        "gives away a secret by an absolute path",
    ),
    "compares strings": (
        f"""
        whole = os.path.realpath(root / path)
        if not whole.startswith(os.path.realpath(root)) or not os.path.isfile(whole):
            raise ValueError('there is no such page; ask list')
        {READS}
        """,
        "gives away a secret by a neighbour folder",
    ),
    "follows no links": (
        f"""
        whole = Path(os.path.normpath(root / path))
        if not whole.is_relative_to(root) or not whole.is_file():
            raise ValueError('there is no such page; ask list')
        {READS}
        """,
        "gives away a secret by a link that leads out",
    ),
    "lets a missing page be a fault": (
        f"""
        whole = (root / path).resolve()
        if not whole.is_relative_to(root.resolve()):
            raise ValueError('path leads out of the reports')
        {READS}
        """,
        "raises FileNotFoundError",
    ),
    "tells where the root lies": (
        f"""
        whole = (root / path).resolve()
        if not whole.is_relative_to(root.resolve()) or not whole.is_file():
            raise ValueError(f'nothing of use at {{whole}} in {{root.resolve()}}')
        {READS}
        """,
        "tells where the root lies",
    ),
    "says nothing of use": (
        f"""
        whole = (root / path).resolve()
        if not whole.is_relative_to(root.resolve()) or not whole.is_file():
            raise ValueError('no')
        {READS}
        """,
        "tells the model nothing",
    ),
    "answers in place of raising": (
        f"""
        whole = (root / path).resolve()
        if not whole.is_relative_to(root.resolve()) or not whole.is_file():
            return 'Error: no such page'
        {READS}
        """,
        "raises no ValueError",
    ),
}


class TestCat:
    def test_the_solution_is_right(self, capsys: Said) -> None:
        checks.exercise_3_1(defined(solution_of("3.1"), "cat"))
        assert capsys.readouterr().out.startswith("Exercise 3.1: right")

    def test_the_stub_is_not_started(self, capsys: Said) -> None:
        checks.exercise_3_1(defined(stub_of("3.1"), "cat"))
        assert capsys.readouterr().out.startswith("Exercise 3.1: not started")

    @pytest.mark.parametrize("mistake", CATS)
    def test_each_mistake_is_named(self, mistake: str, capsys: Said) -> None:
        body, words = CATS[mistake]
        checks.exercise_3_1(cat_of(body))
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 3.1: not yet")
        assert words in said


ALLOWS = {
    "allows everything": ("return True", "it allows five calls of one rollout"),
    "counts all rollouts together": (
        """
        made.setdefault('all', set())
        if call_id + trace_id in made['all']:
            return True
        if len(made['all']) >= budget:
            return False
        made['all'].add(call_id + trace_id)
        return True
        """,
        "another's first call is refused",
    ),
    "one too many": (
        """
        calls = made.setdefault(trace_id, set())
        if call_id in calls:
            return True
        if len(calls) > budget:
            return False
        calls.add(call_id)
        return True
        """,
        "allows 4 of five calls",
    ),
    "counts a repeated call": (
        """
        made[trace_id] = made.get(trace_id, 0) + 1
        return made[trace_id] <= budget
        """,
        "sent twice counts as two",
    ),
    "refuses what was paid for": (
        """
        calls = made.setdefault(trace_id, set())
        if len(calls) >= budget:
            return False
        calls.add(call_id)
        return True
        """,
        "refuses a call that it had allowed before",
    ),
    "knows one budget": (
        """
        calls = made.setdefault(trace_id, set())
        if call_id in calls:
            return True
        if len(calls) >= min(budget, 5):
            return False
        calls.add(call_id)
        return True
        """,
        "it allows 5 calls of 12",
    ),
    "gives no answer": ("made[trace_id] = call_id", "return True or False"),
}


class TestAllow:
    def test_the_solution_is_right(self, capsys: Said) -> None:
        checks.exercise_3_2(defined(solution_of("3.2"), "allow"))
        assert capsys.readouterr().out.startswith("Exercise 3.2: right")

    def test_the_stub_is_not_started(self, capsys: Said) -> None:
        checks.exercise_3_2(defined(stub_of("3.2"), "allow"))
        assert capsys.readouterr().out.startswith("Exercise 3.2: not started")

    @pytest.mark.parametrize("mistake", ALLOWS)
    def test_each_mistake_is_named(self, mistake: str, capsys: Said) -> None:
        body, words = ALLOWS[mistake]
        checks.exercise_3_2(allow_of(body))
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 3.2: not yet")
        assert words in said
