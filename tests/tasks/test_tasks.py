"""Questions, dataset rows, their validation, splits and label noise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from buildhour_helpers import tasks
from buildhour_helpers.tasks.questions import save_questions

TOOL = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Find pages.",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
    },
}


def rows(count: int = 12) -> list[dict[str, Any]]:
    questions = tasks.load_questions(split="train")[:count]
    return tasks.build_rows(questions, tasks.BEST_PROMPT, [TOOL])


def faults(tmp_path: Path, content: list[Any], **options: Any) -> list[str]:
    lines = [line if isinstance(line, str) else json.dumps(line) for line in content]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return [str(fault) for fault in tasks.validate_file(file, **options)]


def test_a_row_shows_the_model_its_messages_and_keeps_the_answer_beside_them() -> None:
    (question,) = tasks.load_questions(split="train")[:1]
    row = tasks.build_row(question, tasks.FIRST_PROMPT, [TOOL])
    assert [message["role"] for message in row["messages"]] == ["system", "user"]
    assert row["messages"][1]["content"] == question.text
    assert row["tools"] == [TOOL]
    assert row["reference_answer"] == question.answer_text
    assert row["answer_value"] == question.answer
    assert row["gold_pages"] == list(question.gold_pages)
    assert question.answer_text not in json.dumps(row["messages"])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{oops", "row: not JSON"),
        ("[]", "row: not a JSON object"),
        ('{"score": NaN}', "row: not JSON (NaN is not JSON; write null)"),
        ({}, "messages: missing or empty"),
        ({"messages": ["hello"]}, "messages[0]: not an object"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role: 'robot'"),
        (
            {"messages": [{"role": "user"}]},
            "messages[0].content: must be a string or a list of parts",
        ),
        (
            {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]},
            "the last message has the role 'assistant'",
        ),
        ({"tools": "search"}, "tools: must be a list"),
        ({"tools": [{"name": "search"}]}, "tools[0]: not a function"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "function.name"),
        ({"tools": [TOOL, TOOL]}, "'search' is defined twice"),
        ({"tools": []}, "the job's tool 'search' is missing"),
    ],
)
def test_a_fault_names_file_line_and_field(tmp_path: Path, row: Any, said: str) -> None:
    good = rows()
    if isinstance(row, dict) and "tools" in row:
        row = {**good[0], **row}
    found = faults(tmp_path, [*good, row], job_tools=["search"])
    assert any(f"rows.jsonl, line {len(good) + 1}, " in line and said in line for line in found)


def test_questions_and_rows_survive_being_saved(tmp_path: Path) -> None:
    """Only a newline ends a line: Unicode knows others, which JSON may hold as they are."""
    text = "one\u2028two\u2029three\x85four"
    questions = [replace(q, text=text) for q in tasks.load_questions(split="train")[:12]]
    save_questions(questions, tmp_path)
    assert tasks.load_questions(tmp_path, "train") == questions
    rows = tasks.build_rows(questions, tasks.BEST_PROMPT, [TOOL])
    file = tasks.write_rows(rows, tmp_path / "train.jsonl")
    assert text in file.read_text(encoding="utf-8")
    assert tasks.validate_file(file, job_tools=["search"]) == []
    (fault,) = faults(tmp_path, rows[:9])
    assert "rows: 9 rows; a job needs at least 10" in fault


def test_bad_question_files_are_named_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"questions\.jsonl"):
        tasks.load_questions(tmp_path)
    (tmp_path / "questions.jsonl").write_text('{"id": "x"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="line 1, text: Field required"):
        tasks.load_questions(tmp_path)
    with pytest.raises(ValueError, match="no split 'dev'"):
        tasks.load_questions(tmp_path, "dev")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answer": "x"}, "answer: 'x' is not a number; fix the line"),
        ({"answer": None}, "answer"),
        ({"answer": float("nan")}, "answer"),
        ({"kind": "yes_no"}, 'answer: .* is not "yes" or "no"'),
        ({"kind": "share"}, "kind: .*'percent', 'amount', 'ratio' or 'yes_no'"),
        ({"split": "dev"}, "split: .*'train', 'validation' or 'test'"),
        ({"level": "two"}, "level: .* valid integer, not 'two'"),
        ({"text": 5}, "text: .* valid string, not 5"),
        ({"facts": "one"}, "facts: "),
        ({"gold_pages": []}, "gold_pages: .* at least 1 item"),
        ({"gold_pages": ["page_1.pdf"]}, r"gold_pages\.0: .*page_1\.pdf"),
    ],
)
def test_a_field_that_holds_something_else_is_named(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    first, second = [q for q in tasks.load_questions() if q.kind == "percent"][:2]
    save_questions([first, replace(second, **change)], tmp_path)
    with pytest.raises(ValueError, match=rf"questions\.jsonl, line 2, {said}"):
        tasks.load_questions(tmp_path)


def test_leaks_between_splits_and_repeats_are_found() -> None:
    questions = tasks.load_questions()
    assert tasks.find_leaks(questions) == []
    moved = replace(questions[0], split="test")
    assert any("company" in leak for leak in tasks.find_leaks([*questions, moved]))
    assert any("same text" in leak for leak in tasks.find_leaks([*questions, moved]))


def test_label_noise_spoils_about_its_share_in_every_way() -> None:
    questions = tasks.load_questions(split="train")
    assert tasks.add_label_noise(questions, 0) == (questions, [])
    noisy, log = tasks.add_label_noise(questions, 0.05, seed=3)
    assert 15 <= len(log) <= 50
    assert tasks.add_label_noise(questions, 0.05, seed=3) == (noisy, log)
    changed = {a.id for a, b in zip(questions, noisy, strict=True) if a != b}
    assert changed == {error.question_id for error in log}
    assert all(error.right != error.wrong for error in log)
    _, log = tasks.add_label_noise(tasks.load_questions(), 1)
    assert {error.error for error in log} == {
        "operands swapped", "sign", "base", "scale", "wrong operation",
    }  # fmt: skip
    signs = [error for error in log if error.error == "sign"]
    assert all(error.wrong == -error.right for error in signs if not isinstance(error.right, str))
    with pytest.raises(ValueError, match="outside 0 to 1"):
        tasks.add_label_noise(questions, 5)
