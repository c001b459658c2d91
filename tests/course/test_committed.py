"""What is committed is what is built: cells and metadata here, outputs by nbval."""

from __future__ import annotations

import re

import pytest

from authoring.course import build
from authoring.course.source import Lesson, lessons


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_the_committed_notebooks_are_what_their_source_builds(lesson: Lesson) -> None:
    build.check([lesson])


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_a_lesson_imports_nothing_from_authoring(lesson: Lesson) -> None:
    """It is not installed, so a lesson that needs it runs nowhere but in a checkout."""
    assert not re.search(r"^\s*(import|from) authoring\b", lesson.source.read_text(), re.MULTILINE)


def test_nothing_else_lies_beside_the_lessons() -> None:
    """A notebook without a source would be compared by nobody."""
    of_sources = {path for lesson in lessons() for path in (lesson.solved, lesson.stubs)}
    root = lessons()[0].source.parent.parent
    found = {*(root / "solutions").glob("*.ipynb"), *(root / "notebooks").glob("*.ipynb")}
    assert found == of_sources
