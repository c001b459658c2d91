"""What is drawn: everything that was said, escaped, with labels, and nothing inline."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys

from buildhour_helpers.traces import Trace, pair_html, style, table_html, trace_html

from .test_trace import PROMPT, RECORD, STEPS, answer

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'


def text_of(fragment: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", fragment)).split())


def test_a_trace_shows_reasons_calls_outputs_answer_and_grade() -> None:
    text = text_of(trace_html(Trace.of(RECORD)))
    for said in ("Two at once.", "search", "many", "1. X/1", "there are 7", "grade 0.5", "partial"):
        assert said in text
    assert text.index("Two at once.") < text.index("1. X/1") < text.index("Now read.")


def test_whatever_was_written_is_escaped() -> None:
    row = {
        **RECORD,
        "question_id": HOSTILE,
        "answer": HOSTILE,
        "model": HOSTILE,
        "error": HOSTILE,
        "reference_answer": HOSTILE,
        "trace": [{"role": "user", "content": HOSTILE}, *STEPS[:4], answer(HOSTILE)],
    }
    trace = Trace.of(row)
    for drawn in (trace_html(trace, copy=True), pair_html(trace, trace), table_html([trace])):
        assert "<script" not in drawn
        assert "<img" not in drawn
        assert "&lt;script&gt;" in drawn


def test_nothing_is_styled_or_scripted_inline() -> None:
    trace = Trace.of(RECORD)
    for drawn in (trace_html(trace, copy=True), pair_html(trace, trace), table_html([trace])):
        assert not re.search(r"\s(style|on\w+)=", drawn)
    assert 'onclick="go()"' in trace_html(trace, copy=True, onclick="go()")


def test_the_copy_button_carries_the_row() -> None:
    drawn = trace_html(Trace.of(RECORD), copy=True)
    (carried,) = re.findall(r'data-json="([^"]*)"', drawn)
    assert json.loads(html.unescape(carried)) == RECORD


def test_a_pair_has_a_row_for_every_aligned_step() -> None:
    left = Trace.of(RECORD)
    right = Trace.of({**RECORD, "trace": [*PROMPT, *STEPS[5:]], "reward": 1.0})
    drawn = pair_html(left, right)
    assert drawn.count('class="cell gap"') == 1
    assert "Before: q1" in drawn
    assert "After: q1" in drawn


def test_a_discarded_rollout_says_why() -> None:
    row = {**RECORD, "reward": None, "answer": None, "error": "search answered 500"}
    text = text_of(trace_html(Trace.of(row)))
    assert "search answered 500" in text
    assert "none: the rollout was discarded" in text


def test_the_table_says_how_many_rows_it_leaves_out() -> None:
    drawn = table_html([Trace.of(RECORD)] * 7, most=3)
    assert drawn.count('<th scope="row">') == 3
    assert "the first 3 are shown, 4 more are not" in drawn


def test_the_sheet_names_every_outcome_and_fetches_nothing() -> None:
    sheet = style()
    for outcome in ("right", "partial", "wrong", "discarded"):
        assert f".rollout .{outcome} " in sheet
    assert "url(" not in sheet
    assert "@import" not in sheet


def test_it_knows_neither_side() -> None:
    sides = ["tasks", "tools", "graders", "rollouts", "reports", "jobs", "analysis", "service"]
    code = (
        "import sys, buildhour_helpers.traces\n"
        f"sides = {sides!r}\n"
        "print([m for m in sys.modules if m.split('.')[:2] in "
        "[['buildhour_helpers', s] for s in sides]])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
