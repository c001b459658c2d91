"""A slide deck from the solved lessons: objectives, every figure, and the recap of each.

One HTML file that needs no network. Arrow keys move between slides, and printing gives a page each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import jinja2
import mistune
import nbformat
from nbformat import NotebookNode

from authoring.course.source import Lesson
from buildhour_helpers.errors import writing

TEMPLATE = Path(__file__).with_name("slides.html.jinja")
FIRST_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
OBJECTIVES = re.compile(r"^\*\*In this lesson you will\*\*\n+((?:[-*] .*\n|  .*\n)+)", re.MULTILINE)
RECAP = re.compile(r"^## Recap\n+((?:[-*] .*\n?|  .*\n?)+)", re.MULTILINE)
PICTURES = ("image/svg+xml", "image/png")


def write(chosen: Sequence[Lesson], file: Path) -> int:
    """Write the deck of the chosen lessons; returns how many slides it has. Raises WorkshopError
    where the file cannot be written."""
    slides = [slide for lesson in chosen for slide in _slides(lesson)]
    environment = jinja2.Environment(autoescape=True)
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(slides=slides)
    with writing(file):
        file.write_text(page, encoding="utf-8", newline="\n")
    return len(slides)


def _slides(lesson: Lesson) -> Iterator[dict[str, str]]:
    """Title, body (HTML) and note of each slide of a lesson."""
    cells = nbformat.read(lesson.solved, as_version=nbformat.NO_CONVERT).cells
    prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    heading = FIRST_HEADING.search(prose)
    title = heading[1] if heading else lesson.name
    yield from _of_list(title, OBJECTIVES.search(prose))
    section = title
    for cell in cells:
        if cell.cell_type == "markdown":
            section = [section, *re.findall(r"^## (.+)$", cell.source, re.MULTILINE)][-1]
        for output in cell.get("outputs", ()):
            yield from _of_picture(section, output)
    yield from _of_list(f"{title}: recap", RECAP.search(prose))


def _of_list(title: str, found: re.Match[str] | None) -> Iterator[dict[str, str]]:
    if found:
        yield {"title": title, "body": str(mistune.html(found[1])), "note": ""}


def _of_picture(title: str, output: NotebookNode) -> Iterator[dict[str, str]]:
    data, metadata = output.get("data", {}), output.get("metadata", {})
    kind = next((kind for kind in PICTURES if kind in data), None)
    if kind is None:
        return
    alt = metadata.get("alt") or metadata.get(kind, {}).get("alt", "")
    source = "".join(data[kind])
    body = f'<img src="data:image/png;base64,{source.strip()}" alt="">' if "png" in kind else source
    yield {"title": title, "body": body, "note": alt}
