"""Each check accepts honest answers of many kinds, and says what is wrong with nonsense."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from authoring.course.source import exercises, lessons, read, stub_of
from buildhour_helpers import checks
from buildhour_helpers.demo.stage import Stage, stage
from tests.serving import name_servers

from . import answers

MODULES: dict[str, ModuleType] = {
    found.name.removeprefix("lesson_"): importlib.import_module(f"{answers.__name__}.{found.name}")
    for found in pkgutil.iter_modules(answers.__path__)
}
EXERCISES = [(lesson, number) for lesson, module in MODULES.items() for number in module.HONEST]
HONEST = [(*one, name) for one in EXERCISES for name in MODULES[one[0]].HONEST[one[1]]]
NONSENSE = [
    (lesson, number, name)
    for lesson, module in MODULES.items()
    for number in module.NONSENSE
    for name in module.NONSENSE[number]
]
LEAST = 6

Said = pytest.CaptureFixture[str]


def verdict(lesson: str, number: str, answer: object, capsys: Said) -> str:
    """What the check says, on one line."""
    given = getattr(MODULES[lesson], "GIVEN", {}).get(number, ())
    getattr(checks, f"exercise_{number.replace('.', '_')}")(answer, *given)
    return " ".join(capsys.readouterr().out.split())


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("service"), None, 0, 8) as servers:
        yield servers


@pytest.fixture(autouse=True)
def session(up: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service and a tool server, named in the environment as a session names them."""
    name_servers(monkeypatch, up)
    monkeypatch.setenv("BUILDHOUR_SESSION", "offline")


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_every_exercise_is_tried_with_six_answers_of_each_kind(lesson: Any) -> None:
    module = MODULES[lesson.number]
    for exercise in exercises(read(lesson).cells):
        assert len(module.HONEST[exercise.number]) >= LEAST, exercise.number
        assert len(module.NONSENSE[exercise.number]) >= LEAST, exercise.number


@pytest.mark.parametrize(("lesson", "number"), EXERCISES)
def test_the_solution_is_right(lesson: str, number: str, capsys: Said) -> None:
    said = verdict(lesson, number, MODULES[lesson].LESSON.solution(number), capsys)
    assert said.startswith(f"Exercise {number}: right ")
    assert "✗" not in said


@pytest.mark.parametrize(("lesson", "number"), EXERCISES)
def test_the_stub_is_not_started(lesson: str, number: str, capsys: Said) -> None:
    about: answers.Lesson = MODULES[lesson].LESSON
    space = dict(about.above)
    with contextlib.suppress(NotImplementedError):
        exec(stub_of(number), space)
    assert "not started" in verdict(lesson, number, space[about.names[number]], capsys)


@pytest.mark.parametrize(("lesson", "number", "name"), HONEST)
def test_an_honest_answer_passes(lesson: str, number: str, name: str, capsys: Said) -> None:
    said = verdict(lesson, number, MODULES[lesson].HONEST[number][name], capsys)
    assert said.startswith(f"Exercise {number}: right ")


@pytest.mark.parametrize(("lesson", "number", "name"), NONSENSE)
def test_nonsense_is_told_what_is_wrong(lesson: str, number: str, name: str, capsys: Said) -> None:
    answer, words = MODULES[lesson].NONSENSE[number][name]
    said = verdict(lesson, number, answer, capsys)
    assert said.startswith(f"Exercise {number}: not yet")
    assert words in said.replace("try: ", "")
