"""Questions: what is asked, the answer, and the pages that hold it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from buildhour_helpers.reports.store import SHIPPED

Kind = Literal["percent", "amount", "ratio", "yes_no"]
Split = Literal["train", "validation", "test"]
QUESTIONS_FILE = "questions.jsonl"
TEXTS = ("id", "text", "answer_text", "program")
LISTS = ("gold_pages", "tags", "facts")


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its reference answer.

    `answer` is in percent as a person writes it for kind `percent` (8.35, not 0.0835), and
    `yes` or `no` for kind `yes_no`. `program` is in FinQA's notation, its numbers as they
    stand on the page; `facts` are the table rows and sentences that hold them; `gold_pages`
    are all the pages from which the question can be answered; `level` is 1 (easy) to 4.
    """

    id: str
    text: str
    answer: float | str
    answer_text: str
    kind: Kind
    program: str
    gold_pages: tuple[str, ...]
    level: int
    tags: tuple[str, ...]
    split: Split
    facts: tuple[str, ...] = ()


def load_questions(folder: Path | None = None, split: Split | None = None) -> list[Question]:
    """The questions of a reports folder (default: the shipped one), of one split or all.

    Raises FileNotFoundError or ValueError that names the file, the line and the cure.
    """
    if split is not None and split not in get_args(Split):
        raise ValueError(f"no split {split!r}; take one of {', '.join(get_args(Split))}")
    file = (folder or SHIPPED) / QUESTIONS_FILE
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file; point to a folder with {QUESTIONS_FILE}")
    with file.open(encoding="utf-8") as lines:
        questions = [_parse(line, f"{file}, line {n}") for n, line in enumerate(lines, 1)]
    return [question for question in questions if split in (None, question.split)]


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


def _parse(line: str, where: str) -> Question:
    try:
        row = json.loads(line)
        Question(**row)  # has every field, and no other
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: not a question ({error}); restore the file from git") from error
    for name, wanted, fits in _checks(row):
        if not fits:
            found = json.dumps(row.get(name))[:60]
            raise ValueError(f"{where}, {name}: {found} is not {wanted}; mend the line")
    return Question(**{**row, **{name: tuple(row.get(name, ())) for name in LISTS}})


def _checks(row: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """Fields of a line: the name, what it must be, and whether it is."""
    kind, answer, level, pages = (row[name] for name in ("kind", "answer", "level", "gold_pages"))
    answers = (
        ("answer", '"yes" or "no"', answer in ("yes", "no"))
        if kind == "yes_no"
        else ("answer", "a number", _is_number(answer))
    )
    return [
        *((name, "a text", _is_text(row[name])) for name in TEXTS),
        ("kind", f"one of {', '.join(get_args(Kind))}", kind in get_args(Kind)),
        ("split", f"one of {', '.join(get_args(Split))}", row["split"] in get_args(Split)),
        answers,
        ("level", "a whole number from 1 to 4", type(level) is int and 1 <= level <= 4),
        *((name, "a list of texts", _are_texts(row.get(name, []))) for name in LISTS),
        (
            "gold_pages",
            "a list of pages, TICKER/YEAR/page_N.pdf",
            bool(pages) and _are_paths(pages),
        ),
    ]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _are_paths(value: Any) -> bool:
    return _are_texts(value) and all(text.count("/") == 2 for text in value)
