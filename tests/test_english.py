"""Words that the lessons and docs no longer use: a reminder for writers, not a style checker."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("examples/*/*.md"),
        *ROOT.glob("solutions/*.py"),
        *ROOT.glob("buildhour_helpers/checks/*.py"),
    ]
)
INSTEAD = {
    r"mend(s|ed|ing)?": "fix",
    r"cure[sd]?": "fix",
    r"lest": "so that ... not",
    r"for ever": "without end",
    r"of (its|his|their) own": "own, separate",
    r"who(so)?ever": "anyone who",
    r"learnt": "learned",
    r"works? jobs off": "run jobs",
    r"paid and earned": "reward and accuracy",
    r"flat (grader|group)s?": "zero-variance",
    r"less the (mean|group)": "minus",
    r"in silence": "silently",
    r"foresaw": "unhandled",
    r"dearer|dearest": "more expensive",
    r"anew": "again",
    r"oftener|commoner": "more often, more common",
    r"by and by|much the same": "plain words",
    r"speaks? of": "mention",
    r"stand(s|ing)? (in|on) (the|a) (page|prose|prompt|row|rubric)s?": "is in, is on",
    r"is no (cause|crime|forecast|mistake|test|folder|slip|page)": "is not a",
    r"are no (mistakes|faults)": "are not",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_words_that_are_not_used(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = {
        f"line {text[: hit.start()].count(chr(10)) + 1}: {hit[0]!r}": f"write: {better}"
        for odd, better in INSTEAD.items()
        for hit in re.finditer(rf"\b({odd})\b", text, re.IGNORECASE)
    }
    assert not found
