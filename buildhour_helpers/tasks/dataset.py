"""The dataset files of a fine-tuning job: rows built from questions, written and checked."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buildhour_helpers.tasks.questions import Question
from rft_wire.rows import MIN_ROWS, Problem, RowError, read_row

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


@dataclass(frozen=True, slots=True)
class DatasetFault:
    """One thing to fix: `line` counts from 1, and is 0 for the file as a whole."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{where}, {self.field}: {self.message}"


def validate_file(file: Path, job_tools: Collection[str] | None = None) -> list[DatasetFault]:
    """Every fault of a JSONL dataset; an empty list means that it can be uploaded.

    `job_tools` are the names of the job's tools, which the rows' tools must match.
    Raises FileNotFoundError if there is no such file.
    """
    try:
        with file.open(encoding="utf-8-sig") as opened:
            lines = list(opened)
    except UnicodeDecodeError as error:
        return [
            DatasetFault(str(file), 0, "encoding", f"not UTF-8 ({error.reason}); save it as UTF-8")
        ]
    faults = [
        DatasetFault(str(file), number, name, message)
        for number, line in enumerate(lines, 1)
        for name, message in _line_faults(line, job_tools)
    ]
    if len(lines) < MIN_ROWS:
        message = f"{len(lines)} rows; a job needs at least {MIN_ROWS}, add more"
        faults.append(DatasetFault(str(file), 0, "rows", message))
    return faults


def _reject(name: str) -> None:
    raise ValueError(f"{name} is not JSON; write null")


def _line_faults(line: str, job_tools: Collection[str] | None) -> Iterator[Problem]:
    try:
        row = json.loads(line, parse_constant=_reject)
    except ValueError as error:
        yield "row", f"not JSON ({error}); write one JSON object on each line"
        return
    try:
        read_row(row, job_tools)
    except RowError as error:
        yield from error.problems
