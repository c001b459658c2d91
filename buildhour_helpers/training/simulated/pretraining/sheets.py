"""Tables of measurements over years, and the questions that can be asked of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .world import Problem

QUANTITIES = (
    "rain caught", "snow depth", "wind gusts", "hours of sun", "birds ringed", "boats moored",
    "visitors counted", "trees felled", "trees planted", "wells drilled", "lamps lit",
    "letters sorted", "parcels lost", "loaves baked", "barrels filled", "nets mended",
    "sheep shorn", "lambs born", "stones laid", "doors painted", "bells cast", "maps drawn",
    "bridges checked", "wagons repaired", "miles patrolled", "alarms raised", "fires put out",
    "locks opened", "cargo landed", "cargo shipped", "ice harvested", "salt boiled",
)  # fmt: skip
PARTS_OF_DAY = ("at dawn", "at noon", "by lamp light", "after curfew")
GATES = ("north gate", "river gate", "market gate", "mill gate")
ADJECTIVES = ("early", "late", "coastal", "inland", "upper", "lower", "eastern", "western")
WORDS_FOR: dict[str, Sequence[str]] = {
    "value": (
        "What was {a} at {site} in {y1}?",
        "How high was {a} at {site} for {y1}?",
        "At {site}, what number was noted for {a} in {y1}?",
    ),
    "difference": (
        "What was the difference in {a} at {site} between {y2} and {y1}?",
        "How much more {a} did {site} note in {y2} than in {y1}?",
        "By how much did {a} at {site} change from {y1} to {y2}?",
    ),
    "change": (
        "What was the percentage change in {a} at {site} from {y1} to {y2}?",
        "By what percent did {a} at {site} grow between {y1} and {y2}?",
        "What was the percent increase in {a} at {site} from {y1} to {y2}?",
    ),
    "sum": (
        "What was the total of {a} at {site} in {y1} and {y2}?",
        "How many {a} were noted at {site} in {y1} and {y2} combined?",
    ),
    "sum_rows": (
        "In {y1}, what was the sum of {a} and {b} at {site}?",
        "What did {a} and {b} at {site} come to together in {y1}?",
    ),
    "less_rows": (
        "In {y1}, how much did {a} exceed {b} at {site}?",
        "What was left of {a} after deducting {b} at {site} in {y1}?",
    ),
    "ratio": (
        "What was the ratio of {a} to {b} at {site} in {y1}?",
        "How many times {b} was {a} at {site} in {y1}?",
    ),
    "share": (
        "What percentage of all {t} at {site} in {y1} was {a}?",
        "What share of the total {t} did {a} account for at {site} in {y1}, in percent?",
    ),
    "average": (
        "What was the average of {a} at {site} over {y1} and {y2}?",
        "What was the mean {a} at {site} in {y1} and {y2}?",
    ),
    "row_average": ("What was the average {a} at {site} over all years of the sheet?",),
    "row_greatest": ("What was the highest {a} at {site} in any year?",),
    "row_least": ("What was the lowest {a} at {site} in any year?",),
    "compare": (
        "Was {a} at {site} greater in {y2} than in {y1}?",
        "Did {a} at {site} rise above its {y1} level in {y2}?",
    ),
    "product": ("At {site} in {y1}, what is {a} multiplied by {b}?",),
}
SHAPE_WEIGHTS = {
    "value": 12, "difference": 12, "change": 22, "sum": 6, "sum_rows": 5, "less_rows": 6,
    "ratio": 7, "share": 12, "average": 6, "row_average": 2, "row_greatest": 2, "row_least": 2,
    "compare": 4, "product": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """A table: `values[row][column]` in `unit`s (thousand, million or ""); the last row is a
    total. `headings` stand over the columns: the years, unless it is a plan of a single one."""

    site: str
    title: str
    labels: tuple[str, ...]
    years: tuple[int, ...]
    headings: tuple[str, ...]
    values: tuple[tuple[int, ...], ...]
    unit: str
    newest_first: bool

    def cut(self, start: int, width: int) -> Sheet:
        """The same sheet with only `width` of its years, in the order in which it shows them."""
        places = range(start, start + width)
        places = places[::-1] if self.newest_first else places
        return replace(
            self,
            years=tuple(self.years[place] for place in places),
            headings=tuple(self.headings[place] for place in places),
            values=tuple(tuple(row[place] for place in places) for row in self.values),
        )

    def lines(self) -> list[str]:
        """The table with pipes; its header carries the unit."""
        head = f"({self.unit}s)" if self.unit else ""
        rows = [f"| {head} | " + " | ".join(self.headings) + " |"]
        for label, values in zip(self.labels, self.values, strict=True):
            rows.append(f"| {label} | " + " | ".join(f"{value:,}" for value in values) + " |")
        return rows


def make_sheet(site: str, rng: random.Random, small: bool = False) -> Sheet:
    """A random sheet of 3 to 7 rows and 2 to 4 years; a small one has 2 rows and 2 years."""
    span = 2 if small else rng.randint(2, 4)
    return _draw_book(site, span, rng, 2 if small else rng.randint(3, 7))[0].cut(0, span)


def make_plan(site: str, rng: random.Random) -> Sheet:
    """A sheet of one year whose columns are parts of the day or gates."""
    columns = rng.choice((PARTS_OF_DAY, GATES))
    book, _ = _draw_book(site, rng.randint(2, 4), rng, rng.randint(2, 5))
    headings = tuple(rng.sample(columns, len(book.years)))
    return replace(book, headings=headings, newest_first=False)


def make_book(site: str, span: int, rng: random.Random) -> list[Sheet]:
    """Sheets with the same rows, one for each of `span` years, that each repeat the two or
    three years before."""
    book, width = _draw_book(site, span + 2, rng, rng.randint(3, 7))
    return [book.cut(start, width) for start in range(span - width + 3)]


def _draw_book(site: str, span: int, rng: random.Random, count: int) -> tuple[Sheet, int]:
    """All years of a book in ascending order, and how many of them a sheet shows."""
    place = rng.choice(ADJECTIVES)
    labels = [f"{place} {q}" if rng.random() < 0.3 else q for q in rng.sample(QUANTITIES, count)]
    first = rng.randint(1961, 1996)
    scale = rng.choice((80, 900, 20000))
    values = [[rng.randint(scale // 20, scale) for _ in range(span)] for _ in labels]
    total = [sum(column) for column in zip(*values, strict=True)]
    book = Sheet(
        site,
        f"{place} book",
        (*labels, "total"),
        tuple(range(first, first + span)),
        tuple(map(str, range(first, first + span))),
        tuple(map(tuple, [*values, total])),
        rng.choice(("", "", "thousand", "million")),
        newest_first=rng.random() < 0.7,
    )
    return book, rng.randint(2, 3)


def ask(sheet: Sheet, source: str, rng: random.Random, easy: bool = False) -> Problem:
    """A question of the sheet with its answer; an easy one only wants a number read. Amounts are
    wanted in the sheet's unit, and the question names the unit half of the time."""
    shape = rng.choices(list(SHAPE_WEIGHTS), list(SHAPE_WEIGHTS.values()))[0]
    if easy:
        shape = "value"
    if shape == "product" and sheet.unit:
        shape = "value"
    r1, r2 = rng.sample(range(len(sheet.labels) - 1), 2)
    c1, c2 = sorted(rng.sample(range(len(sheet.headings)), 2), key=lambda c: sheet.years[c])
    a, b, old = sheet.values[r1][c2], sheet.values[r2][c2], sheet.values[r1][c1]
    row = sheet.values[r1]
    one_year = shape in ("value", "sum_rows", "less_rows", "ratio", "share", "product")
    answers: dict[str, float | str] = {
        "value": a,
        "difference": a - old,
        "change": 100 * (a - old) / old,
        "sum": a + old,
        "sum_rows": a + b,
        "less_rows": a - b,
        "ratio": a / b,
        "share": 100 * a / sheet.values[-1][c2],
        "average": (a + old) / 2,
        "row_average": sum(row) / len(row),
        "row_greatest": max(row),
        "row_least": min(row),
        "compare": "yes" if a > old else "no",
        "product": a * b,
    }
    y1, y2 = sheet.headings[c2 if one_year else c1], sheet.headings[c2]
    question = rng.choice(WORDS_FOR[shape]).format(
        a=_spoken(sheet.labels[r1], rng),
        b=_spoken(sheet.labels[r2], rng),
        t="entries",
        site=sheet.site,
        y1=y1,
        y2=y2,
    )
    kind = {"change": "percent", "share": "percent", "ratio": "ratio", "compare": "yes_no"}
    answer, kind_of = answers[shape], kind.get(shape, "amount")
    if kind_of == "amount" and sheet.unit and rng.random() < 0.5:
        question = f"{question[:-1]}, in {sheet.unit}s?"
    return Problem(question, answer, kind_of, source)


def _spoken(label: str, rng: random.Random) -> str:
    """A row's label as a question may say it: now and then with a word left out."""
    words = label.split()
    return " ".join(words[:-1]) if len(words) > 1 and rng.random() < 0.3 else label
