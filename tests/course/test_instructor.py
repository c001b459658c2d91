"""The run sheets: times go forward, every lesson has its place, and a day has room for all."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from authoring.course.rules import shape
from authoring.course.source import lessons, read
from buildhour_helpers import checks

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "instructor.md").read_text(encoding="utf-8")
SHEETS = {"One hour": 60, "Half a day": 210, "A day": 8 * 60}
"""The head of each sheet -> the minutes that it may take."""

Rows = list[tuple[int, str]]


def rows(sheet: str) -> Rows:
    """(minute, lesson or what else) of a sheet; minutes of the clock where it gives the hour."""
    section = re.split(rf"^## {sheet}.*$", PAGE, flags=re.MULTILINE)[1].split("\n## ")[0]
    found = re.findall(r"^\| (?:(\d+):)?(\d+) \| ([^|]+?) \|", section, re.MULTILINE)
    return [(int(hour or 0) * 60 + int(minute), what) for hour, minute, what in found]


@pytest.mark.parametrize("sheet", SHEETS)
def test_times_go_forward_and_end_in_time_and_lessons_are_in_order(sheet: str) -> None:
    minutes, what = zip(*rows(sheet), strict=True)
    assert all(earlier < later for earlier, later in pairwise(minutes))
    assert minutes[-1] - minutes[0] <= SHEETS[sheet]
    every = [lesson.number for lesson in lessons()]
    named = [one for one in what if one in every]
    assert named == (every if sheet == "A day" else sorted(set(named)))


def test_a_day_has_room_for_each_lesson_with_its_exercises() -> None:
    slots = {what: after - at for (at, what), (after, _) in pairwise(rows("A day"))}
    for lesson in lessons():
        assert slots[lesson.number] >= shape(read(lesson).cells)["minutes"], lesson.number


def test_every_exercise_that_is_named_exists() -> None:
    named = set(re.findall(r"\b(\d\.[1-4])\b", PAGE.replace("0.10", "")))
    assert named
    assert all(checks.hints_of(number) for number in named), named
