"""The static page of each lesson, made by nbconvert: each picture keeps its alternative text."""

from __future__ import annotations

import html
import re

import nbformat
import pytest
from nbconvert import HTMLExporter

from authoring.course.source import Lesson, lessons

MISSING = "No description has been provided for this image"
ALT_TEXTS = "buildhour_helpers.jupyter.html.AltTexts"


def alt_texts(page: str) -> list[str]:
    """Of each picture, in order; "" for one without."""
    pictures = re.findall(r"<img\b[^>]*>", page)
    found = (re.search(r'\balt="([^"]*)"', picture) for picture in pictures)
    texts = [html.unescape(one[1]) if one else "" for one in found]
    return ["" if text == MISSING else text for text in texts]


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_every_picture_keeps_its_alternative_text(lesson: Lesson) -> None:
    path = lesson.solved
    page, _ = HTMLExporter(preprocessors=[ALT_TEXTS]).from_filename(path)
    shown = alt_texts(page)
    assert all(shown)
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    kept = [
        output.metadata["image/png"]["alt"]
        for output in outputs
        if "image/png" in output.get("data", {})
    ]
    assert set(kept) <= set(shown)
