from __future__ import annotations

import json

import pytest

from buildhour_helpers.spotlights import make, slides
from buildhour_helpers.tools import ToolError

from .calls import graded

ENVIRONMENT = make("slides", 7)
ROW = next(row for row in ENVIRONMENT.held_out if len(row["sections"]) == 3)
ASKED = ROW["sections"]
OTHER = next(section for section in slides.SECTIONS if section not in ASKED)


def code_of(row: dict[str, object]) -> str:
    return row["messages"][1]["content"].split()[-1].rstrip(".")


def test_the_sections_asked_for_are_those_of_the_audience():
    for row in ENVIRONMENT.held_out:
        brief = json.loads(ENVIRONMENT.functions["read_brief"](code_of(row)))
        audience = next(a for a in slides.AUDIENCES if a in row["messages"][1]["content"])
        assert row["sections"] == [s["section"] for s in brief if s["audience"] == audience]
        assert len(row["sections"]) >= slides.LEAST_SLIDES


@pytest.mark.parametrize(
    ("titles", "f1", "complete"),
    [
        (ASKED, 1.0, 1.0),
        (ASKED[:1], 0.5, 1 / 3),
        ([*ASKED, OTHER], 6 / 7, 1.0),
        ([*ASKED, ASKED[0]], 6 / 7, 1.0),  # a slide twice
        ([OTHER], 0.0, 0.0),
        ([], 0.0, 0.0),
        ([" "], 0.0, 0.0),
    ],
)
def test_a_deck_is_graded_by_its_slides(titles, f1, complete):
    calls = [("add_slide", {"title": title}) for title in titles]
    call = graded(ENVIRONMENT, ROW, [("read_brief", {"brief": code_of(ROW)}), *calls])
    assert slides.grade_outline(call) == pytest.approx(f1)
    assert slides.grade_complete(call) == pytest.approx(complete)


def test_the_tools_say_what_to_do_instead():
    with pytest.raises(ToolError, match="give the code in the task"):
        ENVIRONMENT.functions["read_brief"]("B-1")
    with pytest.raises(ToolError, match="title is empty"):
        ENVIRONMENT.functions["add_slide"](" ")
