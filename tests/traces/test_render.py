"""What is drawn: everything that was said, escaped, with labels, and nothing inline."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from rft_traces import Trace, pair_html, style, table_html, trace_html

from .test_trace import PROMPT, RECORD, STEPS, answer, call, output

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'


def text_of(fragment: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", fragment)).split())


def test_a_trace_shows_reasons_calls_outputs_answer_and_grade() -> None:
    text = text_of(trace_html(Trace.of(RECORD)))
    for said in ("search", "many", "there are 7", "reward 0.5", "partial"):
        assert said in text
    assert text.index("Two at once.") < text.index("1. X/1") < text.index("Now read.")
    row = {**RECORD, "reward": None, "answer": None, "error": "search answered 500"}
    discarded = text_of(trace_html(Trace.of({**row, "stop_reason": "tool_failed"})))
    for one in ("tool failed: search answered 500", "no answer (tool failed)", "discarded"):
        assert one in discarded


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


def test_everything_is_escaped_and_nothing_is_styled_or_scripted_inline() -> None:
    fields = ("question_id", "answer", "model", "error", "reference_answer")
    asked = {"role": "user", "content": HOSTILE}
    row = RECORD | dict.fromkeys(fields, HOSTILE)
    trace = Trace.of({**row, "trace": [asked, *STEPS[:4], answer(HOSTILE)]})
    for drawn in (trace_html(trace, copy=True), pair_html(trace, trace), table_html([trace])):
        assert "<script" not in drawn
        assert "<img" not in drawn
        assert "&lt;script&gt;" in drawn
    trace = Trace.of(RECORD)
    for drawn in (trace_html(trace, copy=True), pair_html(trace, trace), table_html([trace])):
        assert not re.search(r"\s(style|on\w+)=", drawn)
    assert "url(" not in style()
    assert "@import" not in style()


def test_a_notebook_does_not_typeset_dollars_as_formulas() -> None:
    trace = Trace.of(RECORD)
    for drawn in (trace_html(trace), pair_html(trace, trace), table_html([trace])):
        assert re.match(r'<\w+ class="rollout[^"]* tex2jax_ignore mathjax_ignore"', drawn.strip())


def test_a_folded_output_is_cut_between_words() -> None:
    words = " ".join(f"barrel{number}" for number in range(40))
    drawn = trace_html(Trace.of({"trace": [call("cat", "a", path="x"), output("a", words)]}))
    (folded,) = re.findall(r"<summary>(.*?)</summary>", drawn)
    assert folded.endswith("…")
    assert set(folded.removesuffix("…").split()) <= set(words.split())
    assert len(folded) > 80


def test_each_side_of_a_pair_carries_its_row_and_names_its_button() -> None:
    other = {**RECORD, "question_id": "q2"}
    drawn = pair_html(Trace.of(RECORD), Trace.of(other), ("Left", "Right"), copy=True)
    carried = re.findall(r'data-json="([^"]*)"', drawn)
    assert [json.loads(html.unescape(text)) for text in carried] == [RECORD, other]
    assert 'aria-label="Copy as JSON: Right: q2, repeat 2"' in drawn
    assert "copy-json" not in pair_html(Trace.of(RECORD), Trace.of(other))


def test_a_pair_has_a_row_for_every_aligned_step() -> None:
    left = Trace.of(RECORD)
    right = Trace.of({**RECORD, "trace": [*PROMPT, *STEPS[5:]], "reward": 1.0})
    drawn = pair_html(left, right)
    assert drawn.count('class="cell gap"') == 1
    assert "Before: q1" in drawn
    assert "After: q1" in drawn


def test_the_table_says_how_many_rows_it_leaves_out() -> None:
    drawn = table_html([Trace.of(RECORD)] * 7, most=3)
    assert drawn.count('<th scope="row">') == 3
    assert "the first 3 are shown, 4 more are not" in drawn


def test_a_table_says_which_of_its_latencies_are_simulated() -> None:
    timed: list[dict[str, Any]] = [
        {"simulated_latency_s": 1.5, "latency_s": 9.0}, {"latency_s": 2.5}, {},
    ]  # fmt: skip
    simulated, measured, none = (Trace.of({"trace": [], "metrics": one}) for one in timed)
    assert "<span>simulated latency 1.5 s</span>" in trace_html(simulated)
    assert "<span>latency 2.5 s</span>" in trace_html(measured)
    mixed = table_html([simulated, measured, none])
    for cell in ("latency, s</th>", "<td>1.5 (simulated)</td>", "<td>2.5</td>", "<td>–</td>"):
        assert cell in mixed
    assert "simulated latency" not in mixed
    alike = table_html([simulated, none])
    assert "simulated latency, s</th>" in alike
    assert "<td>1.5</td>" in alike
