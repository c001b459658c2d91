"""Statistics of the reports and questions beside FinQA: `python -m authoring.corpus.statistics`."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np

from buildhour_helpers.reports.program import operations
from buildhour_helpers.reports.report import Report
from buildhour_helpers.reports.search import Bm25Index
from buildhour_helpers.reports.store import load
from buildhour_helpers.tasks.questions import Question, load_questions

Figures = dict[str, float]
T = TypeVar("T")

# Measured once on FinQA's 2,789 pages and its 2,030 dev and test questions; percentages but for
# counts. `--finqa` measures an imported copy with the code below instead.
FINQA: Figures = {
    "characters, mean": 4431,
    "words, mean": 705,
    "words, 5%": 289,
    "words, median": 697,
    "words, 95%": 1087,
    "sentences before the table, median": 9,
    "sentences after the table, median": 10,
    "table rows, mean": 6.5,
    "table rows, 95%": 12,
    "table columns, mean": 3.8,
    "table columns, 95%": 7,
    "years in the header descending %": 41.7,
    "years in the header ascending %": 8.4,
    "fewer than two years in the header %": 44.7,
    "years down the rows %": 13.9,
    "first header cell empty %": 35.6,
    "millions %": 46.9,
    "billions %": 31.4,
    "thousands %": 17.7,
    "thousands and millions %": 13.7,
    "no unit %": 16.3,
    "unit in the header row %": 40.0,
    "cells, plain number %": 50.8,
    "cells, dollar amount %": 27.7,
    "cells, negative %": 11.0,
    "cells, percentage %": 5.9,
    "cells, blank or dash %": 1.4,
    "a negative on the page %": 35.3,
    "same row labels as another page %": 49.5,
    "row labels at Jaccard 0.6 %": 64.8,
    "a row label contains another %": 10.3,
    "question words, mean": 16.6,
    "question words, 95%": 27,
    "operations, divide %": 46.5,
    "operations, subtract %": 29.9,
    "operations, add %": 14.0,
    "operations, multiply %": 6.1,
    "operations, greater %": 1.0,
    "operations, over a row or column %": 2.5,
    "one step %": 58.0,
    "two steps %": 34.3,
    "three steps or more %": 7.7,
    "answer in percent %": 50.1,
    "answer negative %": 13.6,
    "question says percent %": 43.5,
    "question names a year %": 77.4,
    "question names two years %": 40.5,
    "question says in millions or thousands %": 18.9,
    "search finds the page at 1 %": 44.4,
    "search finds the page at 5 %": 73.3,
}

_YEAR = re.compile(r"\b(?:19[89]|20[012])\d\b")
_UNIT = re.compile(r"\b(thousand|million|billion)s?\b")


def page_figures(reports: Iterable[Report]) -> Figures:
    """Figures of the pages: shares in percent, lengths in words, characters, rows."""
    pages = list(reports)
    texts = [page.text() for page in pages]
    words = [len(text.split()) for text in texts]
    headers = [_years(" | ".join(page.table[0])) if page.table else [] for page in pages]
    units = [set(_UNIT.findall(text.lower())) for text in texts]
    cells = Counter(_cell_type(c) for page in pages for row in page.table[1:] for c in row[1:])
    return {
        "characters, mean": _mean(len(text) for text in texts),
        "words, mean": _mean(words),
        "words, 5%": _quantile(words, 5),
        "words, median": _quantile(words, 50),
        "words, 95%": _quantile(words, 95),
        "sentences before the table, median": _quantile([len(p.pre_text) for p in pages], 50),
        "sentences after the table, median": _quantile([len(p.post_text) for p in pages], 50),
        "table rows, mean": _mean(len(page.table) for page in pages),
        "table rows, 95%": _quantile([len(page.table) for page in pages], 95),
        "table columns, mean": _mean(len(row) for page in pages for row in page.table[:1]),
        "table columns, 95%": _quantile([len(row) for p in pages for row in p.table[:1]], 95),
        "years in the header descending %": _share(headers, _descending),
        "years in the header ascending %": _share(headers, _ascending),
        "fewer than two years in the header %": _share(headers, lambda years: len(years) < 2),
        "years down the rows %": _share(pages, _years_down),
        "first header cell empty %": _share(pages, lambda p: bool(p.table) and not p.table[0][0]),
        "millions %": _share(units, lambda found: "million" in found),
        "billions %": _share(units, lambda found: "billion" in found),
        "thousands %": _share(units, lambda found: "thousand" in found),
        "thousands and millions %": _share(units, lambda found: {"thousand", "million"} <= found),
        "no unit %": _share(units, lambda found: not found),
        "unit in the header row %": _share(pages, _unit_in_header),
        **{f"cells, {name} %": 100 * cells[name] / max(cells.total(), 1) for name in _CELL_TYPES},
        "a negative on the page %": _share(pages, _has_negative),
        **_likeness(pages),
    }


def question_figures(questions: Sequence[Question]) -> Figures:
    """Figures of the questions, in percent of questions or of operations."""
    lengths = [len(question.text.split()) for question in questions]
    used = Counter(name for question in questions for name in operations(question.program))
    steps = [len(operations(question.program)) for question in questions]
    total = max(used.total(), 1)
    over = sum(count for name, count in used.items() if name.startswith("table_"))
    texts = [question.text.lower() for question in questions]
    years = [len(set(_YEAR.findall(text))) for text in texts]
    numbers = [question.answer for question in questions]
    return {
        "question words, mean": _mean(lengths),
        "question words, 95%": _quantile(lengths, 95),
        **{
            f"operations, {name} %": 100 * used[name] / total
            for name in ("divide", "subtract", "add", "multiply", "greater")
        },
        "operations, over a row or column %": 100 * over / total,
        "one step %": _share(steps, lambda count: count == 1),
        "two steps %": _share(steps, lambda count: count == 2),
        "three steps or more %": _share(steps, lambda count: count > 2),
        "answer in percent %": _share(questions, lambda question: question.kind == "percent"),
        "answer negative %": _share(numbers, lambda x: not isinstance(x, str) and x < 0),
        "question says percent %": _share(texts, lambda text: "percent" in text),
        "question names a year %": _share(years, lambda count: count >= 1),
        "question names two years %": _share(years, lambda count: count >= 2),
        "question says in millions or thousands %": _share(
            texts, lambda text: bool(re.search(r"in (thousand|million|billion)s?\b", text))
        ),
    }


def search_figures(reports: Mapping[str, Report], questions: Sequence[Question]) -> Figures:
    """Recall of the search index: how often a gold page is among the first 1, 5 and 10."""
    index = Bm25Index.build(reports)
    found = [[hit.path for hit in index.search(q.text, 10)] for q in questions]
    return {
        f"search finds the page at {k} %": 100
        * _mean(
            bool(set(paths[:k]) & set(q.gold_pages))
            for q, paths in zip(questions, found, strict=True)
        )
        for k in (1, 5, 10)
    }


def figures(folder: Path | None = None) -> Figures:
    """All figures of a reports folder (default: the shipped one)."""
    reports, questions = load(folder), load_questions(folder)
    measured = page_figures(reports.values())
    if questions:
        measured |= question_figures(questions) | search_figures(reports, questions)
    return measured


_CELL_TYPES = ("plain number", "dollar amount", "negative", "percentage", "blank or dash")


def _cell_type(cell: str) -> str:
    text = cell.strip()
    if not any(character.isdigit() for character in text):
        return "blank or dash" if len(text) <= 3 else "words"
    if "%" in text:
        return "percentage"
    if text.startswith("-") or "(" in text:
        return "negative"
    if "$" in text:
        return "dollar amount"
    return "plain number" if re.fullmatch(r"[\d,.]+", text) else "words"


def _likeness(pages: Sequence[Report]) -> Figures:
    """How many pages have a near-twin, by the labels of their rows with digits masked."""
    labels = [
        tuple(re.sub(r"\d", "#", row[0].lower()) for row in p.table[1:] if row) for p in pages
    ]
    counts = Counter(labels)
    sets = [frozenset(found) for found in labels]
    holders: dict[str, list[int]] = defaultdict(list)
    for place, found in enumerate(sets):
        for label in found:
            holders[label].append(place)
    return {
        "same row labels as another page %": _share(labels, lambda found: counts[found] > 1),
        "row labels at Jaccard 0.6 %": _share(
            range(len(sets)), lambda place: _has_neighbour(place, sets, holders)
        ),
        "a row label contains another %": _share(labels, _contains_another),
    }


def _has_neighbour(
    place: int, sets: Sequence[frozenset[str]], holders: Mapping[str, list[int]]
) -> bool:
    shared = Counter(other for label in sets[place] for other in holders[label] if other != place)
    return any(
        count / (len(sets[place]) + len(sets[other]) - count) >= 0.6
        for other, count in shared.items()
    )


def _contains_another(labels: Iterable[str]) -> bool:
    found = {label for label in labels if len(label) > 3 and not label.startswith("#")}
    return any(a != b and a in b for a in found for b in found)


def _years(text: str) -> list[int]:
    return [int(year) for year in _YEAR.findall(text)]


def _descending(years: Sequence[int]) -> bool:
    return len(years) > 1 and all(a > b for a, b in pairwise(years))


def _ascending(years: Sequence[int]) -> bool:
    return len(years) > 1 and all(a < b for a, b in pairwise(years))


def _years_down(page: Report) -> bool:
    return sum(bool(row and _YEAR.search(row[0])) for row in page.table[1:]) >= 2


def _unit_in_header(page: Report) -> bool:
    return bool(page.table) and bool(_UNIT.search(" ".join(page.table[0]).lower()))


def _has_negative(page: Report) -> bool:
    return any(_cell_type(cell) == "negative" for row in page.table[1:] for cell in row[1:])


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _quantile(values: Sequence[float], percent: int) -> float:
    return float(np.percentile(values, percent))


def _share(values: Iterable[T], holds: Callable[[T], bool]) -> float:
    return 100 * _mean(holds(value) for value in values)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m authoring.corpus.statistics")
    parser.add_argument("--reports", type=Path, help="reports folder (default: the shipped one)")
    parser.add_argument("--finqa", type=Path, help="an imported FinQA to measure beside it")
    options = parser.parse_args(argv)
    ours = figures(options.reports)
    theirs = figures(options.finqa) if options.finqa else FINQA
    print(f"{'':44}{'here':>9}{'FinQA':>9}")
    for name, value in ours.items():
        beside = f"{theirs[name]:9.1f}" if name in theirs else ""
        print(f"{name:44}{value:9.1f}{beside}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
