"""Checks that no company, page or question is in two splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from buildhour_helpers.tasks.questions import Question


def company(question: Question) -> str:
    """The company whose filing answers the question; the page if the company is unknown."""
    page = question.gold_pages[0]
    ticker, year, _ = page.split("/")
    return page if year == "0000" else ticker


def find_leaks(questions: Iterable[Question]) -> list[str]:
    """Companies in two splits, and questions that occur twice, one line each."""
    splits_of: dict[str, set[str]] = defaultdict(set)
    ids_of: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        splits_of[company(question)].add(question.split)
        ids_of[" ".join(question.text.lower().split())].append(question.id)
    leaks = [
        f"company {name} is in {' and '.join(sorted(splits))}; keep its questions in one split"
        for name, splits in splits_of.items()
        if len(splits) > 1
    ]
    repeats = [
        f"questions {', '.join(ids)} have the same text; keep one"
        for ids in ids_of.values()
        if len(ids) > 1
    ]
    return leaks + repeats
