"""The trace viewer: what its filters leave, what it draws, what it leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from buildhour_helpers.analysis.widgets import TraceViewer, read_traces, side_by_side
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.tasks import load_questions
from tests.analysis.test_figures import record


def question(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def call(name: str) -> dict[str, Any]:
    return {"type": "function_call", "name": name, "call_id": name, "arguments": "{}"}


ROWS: list[dict[str, Any]] = [
    {"question_id": "q1", "trace": [*question("Net sales?"), call("search")], "reward": 1.0},
    {"question_id": "q1", "trace": [*question("Net sales?"), call("cat")], "reward": 0.0},
    {"question_id": "q2", "trace": [*question("Cash?"), call("search")], "reward": 0.5},
    {"question_id": "q3", "trace": question("Cash?"), "reward": None, "error": "tool down"},
]


def found(viewer: TraceViewer) -> list[int]:
    return [viewer.traces.index(trace) for trace in viewer.found()]


def test_filters_by_question_outcome_and_tool_narrow_what_is_listed() -> None:
    viewer = TraceViewer(ROWS)
    assert viewer.count.value == "4 of 4 rollouts"
    viewer.question.value = "cash"
    assert found(viewer) == [2, 3]
    viewer.question.value = "q1"
    assert found(viewer) == [0, 1]
    viewer.tool.value = "cat"
    assert found(viewer) == [1]
    assert [place for _, place in viewer.left.options] == [1]
    viewer.outcome.value = "right"
    assert found(viewer) == []
    assert "No rollout passes" in viewer.shown.value
    viewer.question.value = ""
    viewer.tool.value = "any"
    viewer.outcome.value = "discarded"
    assert found(viewer) == [3]
    assert "tool down" in viewer.shown.value


def test_one_is_read_as_a_conversation_and_two_side_by_side() -> None:
    viewer = TraceViewer(ROWS)
    assert "Net sales?" in viewer.shown.value
    assert "Copy as JSON" in viewer.shown.value
    viewer.right.value = 2
    assert "Left: q1" in viewer.shown.value
    assert "Right: q2" in viewer.shown.value
    viewer.question.value = "q1"  # the one beside is filtered away
    assert viewer.right.label == "nothing"
    assert "Right: q2" not in viewer.shown.value
    page = str(side_by_side(ROWS[1], ROWS[0], ("Failed", "Successful")).data)
    assert page.index("Failed") < page.index("Successful")


def test_records_and_files_of_either_shape_are_read(tmp_path: Path) -> None:
    records = [record("q1", 1.0), record("q2", None)]
    assert [trace.reward for trace in TraceViewer(records).traces] == [1.0, None]
    lines = tmp_path / "records.jsonl"
    lines.write_text("".join(one.to_line() for one in records), encoding="utf-8")
    assert TraceViewer(lines).traces[0].metrics["simulated_latency_s"] == 2.0
    listed = tmp_path / "published.json"
    rows = [{"trace": [], "metrics": {"score": 1.0}, "usage_cumulative": {}}]
    listed.write_text(json.dumps(rows), encoding="utf-8")
    assert TraceViewer(str(listed)).traces[0].reward == 1.0
    row = {"trace": question("one\u2028two")}  # only a newline ends a line of a file
    lines.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert [trace.question for trace in read_traces(lines)] == ["one\u2028two"]


def test_a_file_that_cannot_be_read_says_what_to_give(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    with pytest.raises(WorkshopError, match="give the records"):
        read_traces(file)
    file.write_text('{"trace": []}\n{"answer": 1}\n', encoding="utf-8")
    with pytest.raises(WorkshopError, match=r"line 2: trace: missing.*; a line is one rollout"):
        read_traces(file)
    file.write_text("3\n", encoding="utf-8")
    with pytest.raises(WorkshopError, match="line 1"):
        read_traces(file)


def test_without_a_kernel_a_table_remains() -> None:
    InteractiveShell.instance()
    with capture_output() as captured:
        TraceViewer(ROWS)._ipython_display_()
    widget, table = (output.data for output in captured.outputs)
    assert "application/vnd.jupyter.widget-view+json" in widget
    assert "The table below" in widget["text/plain"]
    for said in ("Net sales?", "discarded", "tool down", "<table>"):
        assert said in table["text/html"]
    assert "widget" not in table["text/html"]


def test_many_rollouts_are_listed_in_part_and_found_by_a_filter() -> None:
    rows = [{"question_id": f"q{n}", "trace": question(f"Number {n}?")} for n in range(700)]
    viewer = TraceViewer(rows)
    assert len(viewer.left.options) == 500
    assert "the first 500 listed" in viewer.count.value
    viewer.question.value = "number 650?"
    assert [place for _, place in viewer.left.options] == [650]
    assert "more are not" in viewer.static_html()


def test_the_reference_answer_is_shown_beside_the_answer() -> None:
    """The row's own, or that of the shipped question, but only if it is that question."""
    shipped = load_questions()[0]
    rows = [
        {"question_id": "q", "trace": question("Cash?"), "reference_answer": "12%"},
        {"question_id": shipped.id, "trace": question(f"Answer this. {shipped.text}")},
        {"question_id": shipped.id, "trace": question("Another question?")},
    ]
    references = [trace.reference for trace in TraceViewer(rows).traces]
    assert references == ["12%", shipped.answer_text, ""]
