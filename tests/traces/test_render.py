"""What is drawn: everything that was said, escaped, with labels, and nothing inline."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from rft_traces import Trace, pair_html, style, table_html, trace_html

from .test_trace import PROMPT, RECORD, STEPS, answer, call, output

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'


def text_of(fragment: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", fragment)).split())


def test_a_trace_shows_reasons_calls_outputs_answer_and_grade() -> None:
    text = text_of(trace_html(Trace.of(RECORD)))
    for said in (
        "Two at once.",
        "search",
        "many",
        "1. X/1",
        "there are 7",
        "reward 0.5",
        "partial",
    ):
        assert said in text
    assert text.index("Two at once.") < text.index("1. X/1") < text.index("Now read.")


def test_question_answer_and_reference_stand_whole_before_the_first_step() -> None:
    question = " ".join(["How many barrels were sold?"] * 10)
    asked = [PROMPT[0], {"role": "user", "content": question}]
    row = {**RECORD, "trace": [*asked, *STEPS], "reference_answer": "8"}
    row["explanations"] = {"judge": "read from the rubric: 1 right"}
    trace = Trace.of(row)
    for drawn in (trace_html(trace), pair_html(trace, trace)):
        head = text_of(drawn[: drawn.index("Two at once.")])
        for said in (f"question {question}", "answer 7", "reference answer 8", "Use the tools."):
            assert said in head
        assert "grader judge read from the rubric: 1 right" in head


def test_a_folded_output_is_cut_between_words() -> None:
    words = " ".join(f"barrel{number}" for number in range(40))
    drawn = trace_html(Trace.of({"trace": [call("cat", "a", path="x"), output("a", words)]}))
    (folded,) = re.findall(r"<summary>(.*?)</summary>", drawn)
    assert folded.endswith("…")
    assert set(folded.removesuffix("…").split()) <= set(words.split())
    assert len(folded) > 80
    unbroken = trace_html(Trace.of({"trace": [call("cat", "a"), output("a", "x" * 200)]}))
    assert f"<summary>{'x' * 90}…</summary>" in unbroken


def test_everything_is_escaped() -> None:
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


def test_dollars_are_not_typeset_as_mathematics() -> None:
    trace = Trace.of(RECORD)
    for drawn in (trace_html(trace), pair_html(trace, trace), table_html([trace])):
        outer = re.search(r"<\w+ [^>]*>", drawn)
        assert outer
        assert "mathjax_ignore tex2jax_ignore" in outer[0]


def test_the_copy_button_carries_the_row() -> None:
    drawn = trace_html(Trace.of(RECORD), copy=True)
    (carried,) = re.findall(r'data-json="([^"]*)"', drawn)
    assert json.loads(html.unescape(carried)) == RECORD


def test_each_side_of_a_pair_carries_its_row_and_names_its_button() -> None:
    other = {**RECORD, "question_id": "q2"}
    drawn = pair_html(Trace.of(RECORD), Trace.of(other), ("Left", "Right"), copy=True)
    carried = [
        json.loads(html.unescape(text)) for text in re.findall(r'data-json="([^"]*)"', drawn)
    ]
    assert carried == [RECORD, other]
    assert 'aria-label="Copy as JSON: Right: q2, repeat 2"' in drawn
    assert "copy-json" not in pair_html(Trace.of(RECORD), Trace.of(other))


def test_a_pair_has_a_row_for_every_aligned_step() -> None:
    left = Trace.of(RECORD)
    right = Trace.of({**RECORD, "trace": [*PROMPT, *STEPS[5:]], "reward": 1.0})
    drawn = pair_html(left, right)
    assert drawn.count('class="cell gap"') == 1
    assert "Before: q1" in drawn
    assert "After: q1" in drawn


def test_a_discarded_rollout_says_why() -> None:
    row = {**RECORD, "reward": None, "answer": None, "error": "search answered 500"}
    text = text_of(trace_html(Trace.of({**row, "stop_reason": "tool_failed"})))
    assert "tool failed: search answered 500" in text
    assert "no answer (tool failed)" in text
    assert "discarded" in text


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


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ({"simulated_latency_s": 1.5, "latency_s": 9.0}, "simulated latency 1.5 s"),
        ({"simulated_latency_s": None, "latency_s": 9.0}, "latency 9 s"),
        ({"latency_s": 0.25}, "latency 0.25 s"),
    ],
)
def test_latency_is_called_simulated_where_it_is(metrics: dict[str, Any], said: str) -> None:
    trace = Trace.of({"trace": [], "metrics": metrics, "reference_answer": "8"})
    assert f"<span>{said}</span>" in trace_html(trace)
    is_simulated = said.startswith("simulated")
    assert ("simulated latency, s</th>" in table_html([trace])) == is_simulated
    assert '<th scope="col">reference answer</th>' in table_html([trace])


def test_a_table_says_which_of_its_latencies_are_simulated() -> None:
    simulated, measured = ({"simulated_latency_s": 1.5}, {"latency_s": 2.5})
    traces = [Trace.of({"trace": [], "metrics": metrics}) for metrics in (simulated, measured, {})]
    mixed = table_html(traces)
    for cell in ("latency, s</th>", "<td>1.5 (simulated)</td>", "<td>2.5</td>", "<td>–</td>"):
        assert cell in mixed
    assert "simulated latency" not in mixed
    for alike in (traces[:1], [traces[0], traces[2]]):
        assert "simulated latency, s</th>" in table_html(alike)
        assert "<td>1.5</td>" in table_html(alike)
