"""Imports FinQA (Chen et al., EMNLP 2021) into a folder that `reports.load` reads.

The dataset's published schema: `train.json`, `dev.json`, `test.json`, each a list of examples
with `filename`, `id`, `pre_text`, `table`, `post_text` and `qa` (`question`, `program`,
`exe_ans`, often `answer` and `gold_inds`); beside it, or instead, pages without questions, one
JSON a line. Every file may be gzipped.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from buildhour_helpers.reports.program import Nature, is_change, nature, operations
from buildhour_helpers.reports.report import Report
from buildhour_helpers.reports.store import save
from buildhour_helpers.tasks.questions import Kind, Question, Split, save_questions

SPLIT_FILES: dict[str, Split] = {"train": "train", "dev": "validation", "test": "test"}
_ASKS_PERCENT = re.compile(
    r"percent|%|portion|\bgrowth (?:rate|of|in)\b|rate of growth|\bdecline from\b|\bmargin\b|"
    r"\broi\b|return on|rate of return"
)
_PATH = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_NUMBER = re.compile(r"-?\d[\d,]*\.?\d*")
_OF_A_QUESTION = re.compile(
    r"qa|question|quer(?:y|ies)|program|answer|annotation|conversation|dialog|turn|utterance|exe_ans"
)
"""How keys begin that only an example with a question has, in FinQA and in its relatives."""
PLACES_SHOWN = 3  # of the examples that were skipped for one reason


@dataclass
class ImportReport:
    """What was read, what was made of it, and what was left out and why."""

    pages: int = 0
    questions: Counter[str] = field(default_factory=Counter)  # by split
    kinds: Counter[str] = field(default_factory=Counter)
    text_disagrees: int = 0  # the person's answer is not the program's; the program's counts
    ignored: list[str] = field(default_factory=list)  # files of the folder that were not read
    skipped: list[tuple[str, str]] = field(default_factory=list)  # the example, and why

    def skipped_by_reason(self) -> dict[str, list[str]]:
        """The examples that were skipped, the commonest reason first."""
        places: dict[str, list[str]] = {}
        for place, reason in self.skipped:
            places.setdefault(reason, []).append(place)
        return dict(sorted(places.items(), key=lambda pair: -len(pair[1])))

    def missing_splits(self) -> list[str]:
        """The splits without a question; a training needs all three."""
        return [split for split in SPLIT_FILES.values() if not self.questions[split]]

    def summary(self) -> str:
        """The report in a few lines, the skipped examples by reason."""
        by_split = ", ".join(f"{count} {split}" for split, count in self.questions.items())
        by_kind = ", ".join(f"{count} {kind}" for kind, count in self.kinds.most_common())
        lines = [
            f"{self.pages} pages",
            f"{self.questions.total()} questions ({by_split})",
            f"answers: {by_kind}; {self.text_disagrees} whose text disagrees with their program",
            f"files not read: {', '.join(self.ignored) or 'none'}",
            f"skipped: {len(self.skipped)}",
        ]
        for reason, places in self.skipped_by_reason().items():
            shown = "; ".join(places[:PLACES_SHOWN])
            more = f"; and {len(places) - PLACES_SHOWN} more" if len(places) > PLACES_SHOWN else ""
            lines.append(f"  {len(places)} x {reason} ({shown}{more})")
        return "\n".join(lines)


def import_finqa(src: Path, dest: Path) -> ImportReport:
    """Read FinQA's files from the folder (or the one file) `src` and write reports into `dest`.

    Splits are FinQA's if train, dev and test are all there; otherwise questions are assigned by
    company (by page if the company is unknown): 56% train, 18% validation, 26% test. Raises
    FileNotFoundError or ValueError that names the file, the line and the fix if nothing can be
    read; a single bad example is skipped and reported.
    """
    files = _files(src)
    report = ImportReport()
    if src.is_dir():
        report.ignored = sorted(file.name for file in src.iterdir() if file not in files)
    pages: dict[str, Report] = {}
    questions: list[Question] = []
    own_splits = {_stem(file) for file in files} >= set(SPLIT_FILES)
    for file in files:
        split = SPLIT_FILES[_stem(file)] if own_splits and _stem(file) in SPLIT_FILES else None
        for where, example in _examples(file):
            try:
                page = _page(example)
                if pages.setdefault(page.path, page) != page:
                    raise ValueError(f"its page {page.path} differs from an earlier one")
                if example.get("qa") is not None:
                    questions.append(_question(example, page.path, split, report))
                elif other := _keys_of_a_question(example):
                    raise ValueError(
                        f"it has {other} instead of `qa` with `question`, `program` and `exe_ans`; "
                        "only FinQA's own format is read"
                    )
                elif _stem(file) in SPLIT_FILES:
                    raise ValueError("it has no question: `qa` is missing")
            except (BadFieldError, ValueError) as problem:
                report.skipped.append((where, str(problem)))
    kept = list(_without_repeats(questions, report))
    if not pages:
        (reason, places), *_ = report.skipped_by_reason().items() or [("it is empty", [str(src)])]
        raise ValueError(f"{src}: no page could be read; {places[0]}: {reason}")
    save(sorted(pages.values(), key=lambda page: page.path), dest)
    save_questions(kept, dest)
    report.pages = len(pages)
    report.questions = Counter(dict.fromkeys(SPLIT_FILES.values(), 0))
    report.questions.update(question.split for question in kept)
    report.kinds.update(question.kind for question in kept)
    return report


def _keys_of_a_question(example: dict[str, Any]) -> str:
    """The keys that show that an example without `qa` has a question all the same."""
    found = [key for key, value in example.items() if value and _OF_A_QUESTION.match(key.lower())]
    return ", ".join(f"`{key}`" for key in found[:4])


class BadFieldError(Exception):
    def __init__(self, name: str, expected: str) -> None:
        super().__init__(f"field {name!r} is missing or not {expected}; fix the example or drop it")


def _files(src: Path) -> list[Path]:
    if src.is_file():
        return [src]
    if not src.is_dir():
        raise FileNotFoundError(f"{src}: no such file or folder; point to FinQA's dataset folder")
    found = [
        file
        for file in sorted(src.iterdir())
        if _stem(file) in SPLIT_FILES or ".jsonl" in file.suffixes
    ]
    if not found:
        raise FileNotFoundError(
            f"{src}: neither train.json, dev.json, test.json nor a page file .jsonl "
            "(each may end in .gz); point to FinQA's dataset folder"
        )
    return found


def _stem(file: Path) -> str:
    return file.name.split(".")[0] if ".json" in file.suffixes else ""


def _examples(file: Path) -> Iterator[tuple[str, Any]]:
    """Each example and where it is: the line, or the index in the list."""
    text = _text(file)
    if ".jsonl" in file.suffixes:
        for number, line in enumerate(io.StringIO(text), 1):
            if line.strip():
                yield f"{file.name}, line {number}", _json(line, f"{file}, line {number}")
        return
    examples = _json(text, str(file))
    if not isinstance(examples, list):
        raise ValueError(f"{file}: not a list of examples; take the file as FinQA publishes it")
    for index, example in enumerate(examples):
        yield f"{file.name}, example {index}", example


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
        return (gzip.decompress(data) if file.suffix == ".gz" else data).decode("utf-8")
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: damaged ({error}); download it again") from error


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{where}: not JSON ({error}); download the file again") from error


def _page(example: Any) -> Report:
    if not isinstance(example, dict):
        raise BadFieldError("filename", "in the example, which must be a JSON object")
    path = example.get("filename")
    if not isinstance(path, str) or not _PATH.fullmatch(path) or ".." in path.split("/"):
        raise BadFieldError("filename", "of the form TICKER/YEAR/page_N.pdf")
    table = example.get("table")
    if not isinstance(table, list) or not all(isinstance(row, list) for row in table):
        raise BadFieldError("table", "a list of rows")
    width = max((len(row) for row in table), default=0)
    return Report(
        path=path,
        pre_text=_sentences(example, "pre_text"),
        table=tuple(tuple(map(str, row)) + ("",) * (width - len(row)) for row in table),
        post_text=_sentences(example, "post_text"),
    )


def _sentences(example: dict[str, Any], name: str) -> tuple[str, ...]:
    sentences = example.get(name)
    if not isinstance(sentences, list) or not all(isinstance(x, str) for x in sentences):
        raise BadFieldError(name, "a list of sentences")
    # Some pages have lone dots, left over from dotted lines of the original.
    return tuple(sentence for sentence in sentences if sentence.strip(" ."))


def _question(
    example: dict[str, Any], path: str, split: Split | None, report: ImportReport
) -> Question:
    qa = example["qa"]
    if not isinstance(qa, dict):
        raise BadFieldError("qa", "an object")
    text, program = qa.get("question"), qa.get("program")
    if not isinstance(text, str) or not text.strip():
        raise BadFieldError("qa.question", "text")
    if not isinstance(program, str) or not program.strip():
        raise BadFieldError("qa.program", "a program")
    written = str(qa.get("answer") or "").strip()
    value, kind = _answer(qa.get("exe_ans"), text, written, program)
    answer_text, agrees = _answer_text(value, kind, written)
    report.text_disagrees += not agrees
    steps = operations(program)
    return Question(
        id=str(example.get("id") or f"{path}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"),
        text=" ".join(text.replace("\\n", " ").split()),
        answer=value,
        answer_text=answer_text,
        kind=kind,
        program=program,
        gold_pages=(path,),
        level=max(1, min(len(steps), 4)),
        tags=("finqa", *dict.fromkeys(steps)),
        split=split or _split_of(path),
        facts=tuple(map(str, _gold_facts(qa))),
    )


def _gold_facts(qa: dict[str, Any]) -> list[Any]:
    gold = qa.get("gold_inds")
    return list(gold.values()) if isinstance(gold, dict) else []


def _answer(exe_ans: Any, text: str, written: str, program: str) -> tuple[float | str, Kind]:
    """The executed answer as a person gives it: percentages in percent."""
    if exe_ans in ("yes", "no"):
        return exe_ans, "yes_no"
    if isinstance(exe_ans, bool) or not isinstance(exe_ans, int | float):
        raise BadFieldError("qa.exe_ans", "a number, yes or no")
    if not math.isfinite(exe_ans):
        raise BadFieldError("qa.exe_ans", "a finite number")
    value, is_a = float(exe_ans), nature(program)
    if written.endswith("%"):
        return _in_percent(value, is_a, written), "percent"
    if is_a is Nature.PERCENT:
        return value, "percent"
    if is_a is Nature.RATIO:
        asked = _ASKS_PERCENT.search(text.lower()) or "%" in program or is_change(program)
        return (round(value * 100, 5), "percent") if asked else (value, "ratio")
    if program.startswith("table_") and "percent" in text.lower() and abs(value) < 1:
        return round(value * 100, 5), "percent"  # over a row of percentages
    return value, "amount"


def _in_percent(value: float, is_a: Nature, written: str) -> float:
    """Whichever of the value and its hundredfold is nearer to what the person wrote."""
    number = _first_number(written)
    if number is None or value == 0:
        return value if is_a is Nature.PERCENT else round(value * 100, 5)
    error = abs(abs(value) - abs(number))
    hundredfold_error = abs(abs(value * 100) - abs(number))
    return value if error < hundredfold_error else round(value * 100, 5)


def _first_number(text: str) -> float | None:
    found = _NUMBER.search(text)
    return float(found.group().replace(",", "")) if found else None


def _answer_text(value: float | str, kind: Kind, written: str) -> tuple[str, bool]:
    """The person's text if it agrees with the program, else the program's value."""
    if isinstance(value, str):
        return value, written in ("", value)
    computed = f"{value:,.2f}%" if kind == "percent" else f"{value:,.10g}"
    number = _first_number(written)
    if number is None:
        return computed, not written
    digits = len(written.rstrip("% ").partition(".")[2])
    agrees = abs(value - number) <= max(0.51 * 10**-digits, 0.01 * abs(value))
    if kind == "percent" and not written.endswith("%"):
        written += "%"
    return (written, True) if agrees else (computed, False)


def _split_of(path: str) -> Split:
    ticker, year, _ = path.split("/")
    company = path if year == "0000" else ticker
    percentile = int(hashlib.sha256(company.encode("utf-8")).hexdigest()[:8], 16) % 100
    return "train" if percentile < 56 else "validation" if percentile < 74 else "test"


def _without_repeats(questions: list[Question], report: ImportReport) -> Iterator[Question]:
    first: dict[str, Question] = {}
    ids: set[str] = set()
    for question in questions:
        other = first.setdefault(question.text, question)
        if question.id in ids:
            report.skipped.append((question.id, "this id occurs twice; the first was kept"))
        elif other is not question and other.answer != question.answer:
            reason = "another example asks the same and has another answer; the first was kept"
            report.skipped.append((f"{question.id} ({other.id})", reason))
        elif other is not question:
            reason = "another example asks the same; the first was kept"
            report.skipped.append((f"{question.id} ({other.id})", reason))
        else:
            ids.add(question.id)
            yield question
