"""What a lesson tells learners to copy runs in an empty project: pasted in order, with the packages
that its box names, against a running service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from buildhour_helpers.course.source import Lesson, lessons, read
from buildhour_helpers.demo.stage import stage

from .empty_project import EmptyProject

BOX = re.compile(r"^#+ Take it with you$(.*?)(?=^#+ |\Z)", re.MULTILINE | re.DOTALL)
OUR_NAMES = ("agent-rft-workshop", "buildhour-helpers")

Variables = dict[str, str]


def taken(lesson: Lesson) -> str:
    """The cells to take along, pasted one under the other."""
    cells = (cell for cell in read(lesson).cells if "take" in cell.metadata)
    return "\n\n".join(cell.source for cell in cells)


def box(lesson: Lesson) -> str:
    """The text of the lesson's box; empty where it has none."""
    prose = "\n\n".join(c.source for c in read(lesson).cells if c.cell_type == "markdown")
    found = BOX.search(prose)
    return found[1] if found else ""


def named_packages(text: str) -> set[str]:
    """Of the words in backticks those that are packages."""
    words = set(re.findall(r"`([A-Za-z][A-Za-z0-9_-]*)`", text)) - {*OUR_NAMES}
    return {word for word in words if is_package(word)}


def is_package(word: str) -> bool:
    try:
        return bool(distribution(word).files)
    except PackageNotFoundError:
        return False


TAKEN = [lesson for lesson in lessons() if taken(lesson)]


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Variables]:
    """The addresses and keys of a service and a tool server that are up."""
    with stage(tmp_path_factory.mktemp("stage"), None, 0, 16) as up:
        yield {
            "OPENAI_BASE_URL": up.service.url,
            "OPENAI_API_KEY": up.service.key,
            "BUILDHOUR_TOOLS_URL": up.tools.url,
            "BUILDHOUR_TOOLS_KEY": up.tools.key,
        }


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_a_lesson_with_cells_to_take_has_a_box_and_the_other_way_round(lesson: Lesson) -> None:
    assert bool(taken(lesson)) == bool(box(lesson))


@pytest.mark.parametrize("lesson", TAKEN, ids=lambda lesson: lesson.name)
def test_the_pasted_cells_run(lesson: Lesson, variables: Variables, tmp_path: Path) -> None:
    project = EmptyProject(tmp_path, named_packages(box(lesson)))
    ended = project.run(taken(lesson), variables)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_project_is_empty(tmp_path: Path) -> None:
    project = EmptyProject(tmp_path, {"openai"})
    assert project.run("from openai import OpenAI, AsyncOpenAI", {}).returncode == 0
    assert project.run("import asyncio\nawait asyncio.sleep(0)", {}).returncode == 0
    for absent in ("buildhour_helpers", "fastapi", "numpy", "pip"):
        ended = project.run(f"import {absent}", {})
        assert ended.returncode == 1
        assert f"No module named '{absent}'" in ended.stderr


def test_a_cell_that_fails_fails_the_project(tmp_path: Path) -> None:
    assert EmptyProject(tmp_path, ()).run("assert 1 == 2", {}).returncode == 1


def test_the_agent_of_lesson_00_answers(variables: Variables, tmp_path: Path) -> None:
    """Its cells only define things, so somebody has to ask."""
    (lesson,) = lessons(["00"])
    ask = (
        'trace = roll_out("How much was net income at Aldantis in 2010?")\nprint(trace[-1]["type"])'
    )
    project = EmptyProject(tmp_path, named_packages(box(lesson)))
    ended = project.run(f"{taken(lesson)}\n\n{ask}", variables)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout == "message\n"
