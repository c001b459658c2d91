"""The glossary's numbers: the lesson that shows a word first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from authoring.course.source import lessons, read

PAGE = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS: list[tuple[str, str, str]] = re.findall(
    r"^- \*\*(.+?)\*\* \((\d\d)\): (.+)$", PAGE, re.MULTILINE
)
EMPHASIS = re.compile(r"\*\*([^*]+)\*\*|^#+ (.+)$", re.MULTILINE)
"""Bold, or a heading: where a lesson says what a word means."""


def plain(text: str) -> str:
    """Text in which `trace_id`, "trace ID" and "Best-of-3", "best of 3" are alike."""
    return re.sub(r"[-_\s]+", " ", text.replace("`", "").lower())


PROSE = {
    lesson.number: "\n\n".join(c.source for c in read(lesson).cells if c.cell_type == "markdown")
    for lesson in lessons()
}
EMPHASISED = {
    number: " | ".join(bold or heading for bold, heading in EMPHASIS.findall(text))
    for number, text in PROSE.items()
}


def lessons_with(entry: str, texts: dict[str, str]) -> list[str]:
    """The lessons whose text holds the entry, in one of its forms ("offline, live")."""
    forms = "|".join(re.escape(plain(form)) for form in entry.split(", "))
    return [number for number, text in texts.items() if re.search(rf"\b({forms})s?\b", plain(text))]


@pytest.mark.parametrize(("entry", "lesson"), [(entry, lesson) for entry, lesson, _ in ROWS])
def test_a_word_stands_in_its_lesson_and_none_explains_it_before(entry: str, lesson: str) -> None:
    used = lessons_with(entry, PROSE)
    explained = lessons_with(entry, EMPHASISED)
    assert lesson in used, f"{entry}: in the prose of {used}"
    assert lesson <= (explained or used)[0], f"{entry}: shown first in {(explained or used)[0]}"


def test_entries_are_in_order_and_a_word_in_italics_has_one() -> None:
    listed = [entry.lower() for entry, _, _ in ROWS]
    assert listed == sorted(listed)
    entries = {plain(form) for entry, _, _ in ROWS for form in entry.split(", ")}
    meant = {plain(word) for _, _, meaning in ROWS for word in re.findall(r"\*(.+?)\*", meaning)}
    assert {word for word in meant if not {word, word.removesuffix("s")} & entries} == set()
