"""Proves every answer from the printed page, by a way that shares nothing with the generator.

It knows neither ledger nor templates: it reads the page's text as `cat` prints it, finds the
facts there, executes the program with its own reading of the numbers, and looks through the
company's other pages for one that would answer differently.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import chain

from buildhour_helpers.reports.report import Report
from buildhour_helpers.tasks.questions import Question

_NUMBER = re.compile(r"\(?-?\d[\d,]*(?:\.\d+)?%?\)?")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_SHORT_DATE = re.compile(r"^\d+/\d+/(\d\d)$")
_STEP = re.compile(r"(\w+)\(([^()]*)\)")


@dataclass(frozen=True)
class Problem:
    """A question that the check refuses, and why."""

    question_id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.question_id}: {self.reason}"


@dataclass(frozen=True)
class _Printed:
    """A page parsed back from its text."""

    path: str
    sentences: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]

    @property
    def year(self) -> str:
        return self.path.split("/")[1]

    @cached_property
    def cells(self) -> dict[tuple[str, str], list[str]]:
        """(row label, column label) -> the cells there; more than one would be ambiguous."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for row in self.table[1:]:
            for header, text in zip(self.table[0][1:], row[1:], strict=True):
                found[row[0], header].append(text)
        return found

    @cached_property
    def periods(self) -> dict[frozenset[str], list[str]]:
        """The same cells by their two labels, whichever way round and however a year is put."""
        found: dict[frozenset[str], list[str]] = defaultdict(list)
        for labels, texts in self.cells.items():
            found[frozenset(map(_period, labels))] += texts
        return found

    @cached_property
    def base(self) -> str:
        """The date of a comparison's starting value of 100, which its other values depend on."""
        for column in zip(*self.table, strict=True):
            if all(_numbers(cell) == [100] for cell in column[1:]):
                return _period(column[0])
        return ""

    @cached_property
    def numbers(self) -> set[Decimal]:
        lines = [*self.sentences, *chain.from_iterable(self.table)]
        return {value for line in lines for value in _numbers(line)}


def check(reports: Mapping[str, Report], questions: Iterable[Question]) -> list[Problem]:
    """Every reason to doubt an answer; an empty list is the proof."""
    pages: dict[str, list[_Printed]] = defaultdict(list)
    for report in reports.values():
        pages[report.path.split("/")[0]].append(_parse(report.path, report.text()))
    owners = _word_owners(pages)
    problems = []
    texts: set[str] = set()
    for question in questions:
        ticker = question.gold_pages[0].split("/")[0]
        reasons = [*_reasons(question, pages[ticker]), *_identity(question, ticker, owners)]
        if question.text in texts:
            reasons.append("another question has the same text")
        texts.add(question.text)
        problems += [Problem(question.id, reason) for reason in reasons]
    return problems


def _parse(path: str, text: str) -> _Printed:
    lines = text.splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    table = tuple(tuple(cell.strip() for cell in row[1:-1].split("|")) for row in rows)
    return _Printed(path, tuple(x for x in lines if x and not x.startswith("| ")), table)


def _reasons(question: Question, pages: list[_Printed]) -> Iterable[str]:
    gold = [page for page in pages if page.path in question.gold_pages]
    if len(gold) != len(question.gold_pages):
        yield "a gold page does not exist"
        return
    standing = [page for page in gold if all(_stands(fact, page) for fact in question.facts)]
    if not standing:
        yield "no gold page holds all of its facts, each exactly once"
        return
    yield from _wrong_value(question, standing[0])
    numbers = {value for fact in question.facts for value in _numbers(fact)}
    if not set(_program_numbers(question.program)) <= numbers:
        yield "the program has a number that its facts do not"
    for page in gold:
        if not set(_program_numbers(question.program)) <= page.numbers:
            yield f"{page.path} is called gold and lacks a number of the program"
    for page in pages:
        if page.path not in question.gold_pages and _answers_differently(
            question, standing[0], page
        ):
            yield f"{page.path} answers it differently"


def _stands(fact: str, page: _Printed) -> bool:
    if " | " not in fact:
        return page.sentences.count(fact) == 1
    row, header, text = fact.split(" | ")
    cells = page.cells
    return cells.get((row, header)) == [text] or cells.get((header, row)) == [text]


def _wrong_value(question: Question, page: _Printed) -> Iterable[str]:
    value = _execute(question, page)
    if isinstance(question.answer, str) or isinstance(value, str):
        if value != question.answer or question.answer_text != question.answer:
            yield f"the program gives {value}, the answer says {question.answer}"
        return
    if question.kind == "percent":
        value *= 100
    if abs(value - Decimal(str(question.answer))) > Decimal("0.00001"):
        yield f"the program gives {value}, the answer says {question.answer}"
    text = question.answer_text.removesuffix("%").replace(",", "")
    digits = len(text.partition(".")[2])
    if abs(Decimal(text) - value) > Decimal("0.5").scaleb(-digits):
        yield f"the text {question.answer_text!r} is not {value} rounded"


def _execute(question: Question, page: _Printed) -> Decimal | str:
    """Run a program in FinQA's notation; percentages count as decimals, as there."""
    results: list[Decimal] = []
    for operation, arguments in _STEP.findall(question.program):
        terms = [term.strip() for term in arguments.split(",")]
        if operation.startswith("table_"):
            line = _line(question, page)
            whole = {"sum": sum(line), "max": max(line), "min": min(line)}
            whole["average"] = sum(line) / Decimal(len(line))
            results.append(Decimal(whole[operation.removeprefix("table_")]))
            continue
        a, b = (_term(term, results) for term in terms)
        if operation == "greater":
            return "yes" if a > b else "no"
        results.append(
            {
                "add": lambda a, b: a + b,
                "subtract": lambda a, b: a - b,
                "multiply": lambda a, b: a * b,
                "divide": lambda a, b: a / b,
            }[operation](a, b)
        )
    return results[-1]


def _line(question: Question, page: _Printed) -> list[Decimal]:
    """The row or column that a table operation runs over: the one that holds all its facts."""
    wanted = [fact.split(" | ")[2] for fact in question.facts]
    for line in [*page.table[1:], *zip(*page.table, strict=True)]:
        cells = line[1:]
        if sorted(cells) == sorted(wanted) or set(cells) == set(wanted):
            return [_numbers(cell)[0] for cell in cells]
    raise ValueError(f"{question.id}: no row or column is made of {wanted}")


def _term(term: str, results: list[Decimal]) -> Decimal:
    if term.startswith("#"):
        return results[int(term[1:])]
    if term.startswith("const_"):
        return Decimal(term.removeprefix("const_"))
    if term.endswith("%"):
        return Decimal(term[:-1]) / 100
    return Decimal(term)


def _numbers(text: str) -> list[Decimal]:
    """The numbers that a text prints; parentheses around one make it negative."""
    found = []
    for printed in _NUMBER.findall(text):
        digits = printed.strip("()%").replace(",", "").rstrip("%)")
        negative = printed.startswith("(") and printed.endswith(")")
        found.append(-Decimal(digits) if negative else Decimal(digits))
    return found


def _program_numbers(program: str) -> list[Decimal]:
    return [
        Decimal(term.strip().removesuffix("%"))
        for operation, arguments in _STEP.findall(program)
        if not operation.startswith("table_")
        for term in arguments.split(",")
        if not term.strip().startswith(("#", "const_"))
    ]


def _answers_differently(question: Question, gold: _Printed, page: _Printed) -> bool:
    """Whether the page shows all of the question's facts under the same names, not all alike."""
    same, all_same = True, True
    for fact in question.facts:
        texts = _counterparts(fact, gold, page)
        same = same and bool(texts)
        all_same = all_same and any(_numbers(text) == _numbers(fact_text(fact)) for text in texts)
    return same and not all_same


def fact_text(fact: str) -> str:
    """The part of a fact that carries its numbers: the cell, or the whole sentence."""
    return fact.split(" | ")[-1]


def _counterparts(fact: str, gold: _Printed, page: _Printed) -> list[str]:
    """What the page says under the fact's own names and period."""
    if " | " not in fact:
        opening = fact.split()[:4]
        years = set(_YEAR.findall(fact))
        return [
            line
            for line in page.sentences
            if line.split()[:4] == opening and set(_YEAR.findall(line)) == years
        ]
    if gold.base != page.base:
        return []
    row, header, _ = fact.split(" | ")
    wanted = frozenset((_period(row), _period(header)))
    return page.periods.get(wanted, []) if _dated(wanted, gold, page) else []


def _period(label: str) -> str:
    """A column header without its manner: "December 31, 2012" and "fiscal 2012" are 2012."""
    short = _SHORT_DATE.match(label)
    years = _YEAR.findall(label)
    if short:
        return ("19" if int(short[1]) > 50 else "20") + short[1]
    return years[0] if len(years) == 1 else label


def _dated(wanted: Iterable[str], gold: _Printed, page: _Printed) -> bool:
    """Whether the labels name the period; otherwise it is the filing's year.

    A payment schedule's years are due dates, so there it is the filing's year as well.
    """
    dues = sum(bool(_YEAR.fullmatch(_period(row[0]))) for row in gold.table) >= 4
    return (any(_YEAR.fullmatch(label) for label in wanted) and not dues) or gold.year == page.year


def _word_owners(pages: Mapping[str, list[_Printed]]) -> dict[str, set[str]]:
    owners: dict[str, set[str]] = defaultdict(set)
    for ticker, own in pages.items():
        for page in own:
            for line in [*page.sentences, *chain.from_iterable(page.table)]:
                for word in re.findall(r"[A-Z][a-z]+", line):
                    owners[word].add(ticker)
    return owners


def _identity(question: Question, ticker: str, owners: Mapping[str, set[str]]) -> Iterable[str]:
    """The question must name something that only its own company's pages mention."""
    named = [owners.get(word, set()) for word in re.findall(r"[A-Z][a-z]+", question.text)]
    if {ticker} not in named:
        yield "it names nothing that only its company's pages mention"
    if any(len(found) == 1 and found != {ticker} for found in named):
        yield "it names something that another company's pages mention"
