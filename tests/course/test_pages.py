"""The static page of each lesson, made by nbconvert: each picture keeps its alternative text."""

from __future__ import annotations

import html
import re
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter

from authoring.course.source import lessons

EVERY = [path for lesson in lessons() for path in (lesson.stubs, lesson.solved)]
MISSING = "No description has been provided for this image"
ALT_TEXTS = "buildhour_helpers.jupyter.html.AltTexts"


def alt_texts(page: str) -> list[str]:
    """Of each picture, in order; "" for one without."""
    pictures = re.findall(r"<img\b[^>]*>", page)
    found = (re.search(r'\balt="([^"]*)"', picture) for picture in pictures)
    texts = [html.unescape(one[1]) if one else "" for one in found]
    return ["" if text == MISSING else text for text in texts]


@pytest.mark.parametrize("path", EVERY, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_picture_keeps_its_alternative_text(path: Path) -> None:
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


def test_without_it_nbconvert_drops_them() -> None:
    """Once this fails, the preprocessor is not needed any more."""
    page, _ = HTMLExporter().from_filename(lessons(["06"])[0].solved)
    assert not all(alt_texts(page))
