"""Questions: what is asked, the answer, and the pages that contain it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

from buildhour_helpers.reports.store import SHIPPED
from rft_wire.records import first_problem

Kind = Literal["percent", "amount", "ratio", "yes_no"]
Split = Literal["train", "validation", "test"]
QUESTIONS_FILE = "questions.jsonl"
Text = Annotated[str, Field(pattern=r"\S")]
PagePath = Annotated[str, Field(pattern=r"^[^/]*/[^/]*/[^/]*$")]
"""TICKER/YEAR/page_N.pdf"""


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its reference answer.

    `answer` is in percent as a person writes it for kind `percent` (8.35, not 0.0835), and
    `yes` or `no` for kind `yes_no`. `program` is in FinQA's notation, its numbers as
    written on the page; `facts` are the table rows and sentences that hold them; `gold_pages`
    are all the pages from which the question can be answered; `level` is 1 (easy) to 4.
    """

    id: Text
    text: Text
    answer: Annotated[float, Field(allow_inf_nan=False)] | str
    answer_text: Text
    kind: Kind
    program: Text
    gold_pages: Annotated[tuple[PagePath, ...], Field(min_length=1)]
    level: Annotated[int, Field(ge=1, le=4)]
    tags: tuple[str, ...]
    split: Split
    facts: tuple[str, ...] = ()


def load_questions(folder: Path | None = None, split: Split | None = None) -> list[Question]:
    """The questions of a reports folder (default: the shipped one), of one split or all.

    Raises FileNotFoundError or ValueError that names the file, the line and the fix.
    """
    if split is not None and split not in get_args(Split):
        raise ValueError(f"no split {split!r}; use one of {', '.join(get_args(Split))}")
    file = (folder or SHIPPED) / QUESTIONS_FILE
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file; point to a folder with {QUESTIONS_FILE}")
    with file.open(encoding="utf-8") as lines:
        questions = [_parse(line, f"{file}, line {n}") for n, line in enumerate(lines, 1)]
    return [question for question in questions if split in (None, question.split)]


def load_labels() -> list[dict[str, Any]]:
    """60 answers that a person scored: `question_id`, `answer`, `label` (0, 0.5, 1), `why`."""
    lines = (SHIPPED / "labels" / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def save_questions(questions: list[Question], folder: Path) -> Path:
    """Write the questions, one JSON line each, into a reports folder."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / QUESTIONS_FILE
    file.write_text(to_lines(questions), encoding="utf-8", newline="\n")
    return file


def to_lines(questions: list[Question]) -> str:
    """The questions as JSON lines, fields in the order of the class."""
    return "".join(json.dumps(_row(q), ensure_ascii=False) + "\n" for q in questions)


def _row(question: Question) -> dict[str, Any]:
    return {field.name: getattr(question, field.name) for field in fields(question)}


_ADAPTER = TypeAdapter(Question)


def _parse(line: str, where: str) -> Question:
    try:
        question = _ADAPTER.validate_json(line, strict=True)
    except ValidationError as error:
        raise ValueError(f"{where}, {first_problem(error)}; fix the line") from None
    if question.kind == "yes_no" and question.answer not in ("yes", "no"):
        problem = f'answer: {question.answer!r} is not "yes" or "no"'
    elif question.kind != "yes_no" and isinstance(question.answer, str):
        problem = f"answer: {question.answer!r} is not a number"
    else:
        return question
    raise ValueError(f"{where}, {problem}; fix the line")
