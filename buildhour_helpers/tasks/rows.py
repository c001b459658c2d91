"""Dataset rows: what the fine-tuning job is given for each question."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from buildhour_helpers.tasks.questions import Question

Row = dict[str, Any]


def build_row(question: Question, prompt: str, tools: Sequence[dict[str, Any]]) -> Row:
    """One JSON line of a training or validation file.

    The model sees `messages` and `tools`. Every other key goes only to the grader and the
    tools, as `item.KEY`. `tools` are chat-completions function definitions.
    """
    return {
        "messages": [
            {"role": "system", "content": prompt},
            {"role": "user", "content": question.text},
        ],
        "tools": list(tools),
        "question_id": question.id,
        "reference_answer": question.answer_text,
        "answer_value": question.answer,
        "answer_kind": question.kind,
        "gold_pages": list(question.gold_pages),
    }


def build_rows(
    questions: Iterable[Question], prompt: str, tools: Sequence[dict[str, Any]]
) -> list[Row]:
    """One row per question, in order."""
    return [build_row(question, prompt, tools) for question in questions]


def write_rows(rows: Iterable[Row], file: Path) -> Path:
    """Write rows as JSON lines, ready to upload with purpose `fine-tune`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_text(text, encoding="utf-8", newline="\n")
    return file
