"""Every link and picture of README, docs and lessons leads somewhere, and pictures say what they
show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
WHERE = ("*.md", "docs/**/*.md", "data/**/*.md", "notebooks/*.ipynb", "solutions/*.ipynb")
PAGES = sorted(page for pattern in WHERE for page in ROOT.glob(pattern))

CODE = re.compile(r"```.*?```|``.*?``|`[^`\n]*`", re.DOTALL)
PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<target>[^)\s]+)[^)]*\)")
LINK = re.compile(r"\]\((?P<target>[^)\s]+)[^)]*\)")
TAG = re.compile(r"<(?:img|a)\b[^>]*>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"\b(?P<name>src|href|alt)\s*=\s*[\"'](?P<value>[^\"']*)[\"']")
ELSEWHERE = re.compile(r"^(?:[a-z]+:|//)", re.IGNORECASE)
LEAST_ALT_WORDS = 5


@cache
def text_of(page: Path) -> str:
    """A page's prose: of a notebook its markdown cells; without code."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return CODE.sub("", text)


def pictures(text: str) -> Iterator[tuple[str, str]]:
    """(alt text, target) of each picture."""
    for found in PICTURE.finditer(text):
        yield found["alt"], found["target"]
    for tag in TAG.findall(text):
        if tag[1:4].lower() == "img":
            attributes = {a["name"]: unescape(a["value"]) for a in ATTRIBUTE.finditer(tag)}
            yield attributes.get("alt", ""), attributes.get("src", "")


def targets(text: str) -> Iterator[str]:
    """Where the page's links and pictures lead to, within the repository."""
    found = [link["target"] for link in LINK.finditer(text)]
    for tag in TAG.findall(text):
        found += [a["value"] for a in ATTRIBUTE.finditer(tag) if a["name"] != "alt"]
    yield from (target for target in found if not ELSEWHERE.match(target))


@cache
def anchors(page: Path) -> set[str]:
    """The anchors that a code host makes of a page's headings, and those set by hand."""
    headings = re.findall(r"^#{1,6} +(.+?)\s*#*$", text_of(page), re.MULTILINE)
    made = {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }
    return made | set(re.findall(r"\bid=[\"']([^\"']+)[\"']", text_of(page)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere_and_pictures_say_what_they_show(page: Path) -> None:
    lost = []
    for target in targets(text_of(page)):
        path, _, anchor = target.partition("#")
        file = (page.parent / unquote(path)).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            lost.append(target)
        assert file.is_relative_to(ROOT), f"{target} leaves the repository"
    assert not lost
    for alt, target in pictures(text_of(page)):
        assert len(alt.split()) >= LEAST_ALT_WORDS, f"{target}: {alt!r}"


def test_the_readme_leads_to_every_page_of_docs() -> None:
    linked = set(targets(text_of(ROOT / "README.md")))
    assert {page.relative_to(ROOT).as_posix() for page in ROOT.glob("docs/*.md")} <= linked
