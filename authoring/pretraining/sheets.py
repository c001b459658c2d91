"""Tables of measurements over years, and the questions that can be asked of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from authoring.pretraining.world import Problem

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
        "What percentage decrease in {a} took place at {site} from {y1} to {y2}?",
        "What was the growth rate of {a} at {site} from {y1} to {y2}, in percent?",
    ),
    "sum": (
        "What was the total of {a} at {site} in {y1} and {y2}?",
        "How many {a} were noted at {site} in {y1} and {y2} combined?",
    ),
    "sum_rows": (
        "In {y1}, what was the sum of {a} and {b} at {site}?",
        "What did {a} and {b} at {site} come to together in {y1}?",
        "What did {a} and {b} at {site} add up to in {y1}?",
    ),
    "less_rows": (
        "In {y1}, how much did {a} exceed {b} at {site}?",
        "What was left of {a} after deducting {b} at {site} in {y1}?",
        "How much more did {a} come to than {b} at {site} in {y1}?",
        "What was the difference between {a} and {b} at {site} in {y1}?",
    ),
    "ratio": (
        "What was the ratio of {a} to {b} at {site} in {y1}?",
        "How many times {b} did {a} come to at {site} in {y1}?",
        "How many times {b} at {site} did {a} amount to in {y1}?",
    ),
    "share": (
        "What percentage of all {t} at {site} in {y1} was {a}?",
        "What share of the total {t} did {a} account for at {site} in {y1}, in percent?",
        "What portion of the total {t} at {site}, in percent, came from {a} in {y1}?",
        "What did {a} come to as a percentage of the total {t} at {site} in {y1}?",
        "What percentage of the total {t} did {a} make up at {site} in {y1}?",
    ),
    "share_rows": (
        "What did {a} come to as a percentage of {b} at {site} in {y1}?",
        "Measured against {b} at {site}, what percentage did {a} make in {y1}?",
        "What percentage of {b} was {a} at {site} in {y1}?",
        "What percentage of {b} at {site} did {a} represent in {y1}?",
    ),
    "less_columns": (
        "How much more did {a} in {y1} come to than {a} in {y2} at {site}?",
        "What was the difference between {a} in {y1} and {a} in {y2} at {site}?",
        "By how much did {a} noted in {y1} exceed {a} noted in {y2} at {site}?",
    ),
    "ratio_columns": (
        "What was the ratio of {a} in {y1} to {a} in {y2} at {site}?",
        "How many times {a} in {y2} did {a} in {y1} come to at {site}?",
    ),
    "share_columns": (
        "What percentage of {a} in {y2} did {a} in {y1} come to at {site}?",
        "What did {a} in {y1} come to as a percentage of {a} in {y2} at {site}?",
    ),
    "average": (
        "What was the average of {a} at {site} over {y1} and {y2}?",
        "What was the mean {a} at {site} in {y1} and {y2}?",
        "What was the average of {a} at {site} for {y1} and {y2}?",
    ),
    "years_average": (
        "What was the yearly average of {a} at {site} from {y1} to {y2}?",
        "What was the average {a} at {site} over the years {y1} to {y2}?",
    ),
    "row_average": ("What was the average {a} at {site} over all years of the sheet?",),
    "row_greatest": ("What was the highest {a} at {site} in any year?",),
    "row_least": ("What was the lowest {a} at {site} in any year?",),
    "compare_rows": (
        "Did {a} come to more than {b} at {site} in {y1}?",
        "Was {a} greater than {b} at {site} in {y1}?",
    ),
    "compare": (
        "Was {a} at {site} greater in {y2} than in {y1}?",
        "Did {a} at {site} rise above its {y1} level in {y2}?",
    ),
    "product": ("At {site} in {y1}, what is {a} multiplied by {b}?",),
}
SHAPE_WEIGHTS = {
    "value": 8, "difference": 11, "change": 20, "sum": 6, "sum_rows": 6, "less_rows": 10,
    "ratio": 9, "share": 10, "share_rows": 8, "less_columns": 5, "ratio_columns": 4,
    "share_columns": 4, "average": 5, "years_average": 3, "row_average": 2, "row_greatest": 2,
    "row_least": 2, "compare": 4, "compare_rows": 4, "product": 2,
}  # fmt: skip

KINDS = {
    "change": "percent",
    "share": "percent",
    "share_rows": "percent",
    "share_columns": "percent",
    "ratio": "ratio",
    "ratio_columns": "ratio",
    "compare": "yes_no",
    "compare_rows": "yes_no",
}
ONE_YEAR_SHAPES = frozenset(
    ("value", "sum_rows", "less_rows", "ratio", "share", "share_rows", "compare_rows", "product")
)


# Two columns of a row, named one after the other rather than as years from and to.
COLUMN_SHAPES = frozenset(("less_columns", "ratio_columns", "share_columns"))


@dataclass(frozen=True)
class Remark:
    """A fact that stands in prose only: a quantity in two years following each other."""

    label: str
    year: int
    value: float
    last_value: float
    unit: str

    def sentence(self, rng: random.Random) -> str:
        """The fact in one of several wordings."""
        unit = f" {self.unit}" if self.unit else ""
        new, old = f"{self.value:,}{unit}", f"{self.last_value:,}{unit}"
        wordings = (
            f"The {self.label} came to {new} in {self.year}, against {old} in {self.year - 1}.",
            f"In {self.year} and {self.year - 1}, the {self.label} were {new} and {old}.",
            f"The {self.label} were {new} and {old} in {self.year} and {self.year - 1}, in turn.",
            f"The {self.label} went from {old} in {self.year - 1} to {new} in {self.year}.",
            f"The {self.label} came to {new} in {self.year}, against {old} a year earlier.",
            f"With {new} in {self.year}, the {self.label} passed by the {old} of {self.year - 1}.",
        )
        return rng.choice(wordings)


def remark(year: int, taken: Sequence[str], rng: random.Random) -> Remark:
    """A random remark on a quantity that no row of the sheet has."""
    label = rng.choice([quantity for quantity in QUANTITIES if quantity not in taken])
    unit = rng.choice(("", "thousand", "million"))
    low, high = (20, 900) if not unit else (1, 90)
    return Remark(label, year, rng.randint(low, high), rng.randint(low, high), unit)


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
    remarks: tuple[Remark, ...] = ()
    unit_shown: bool = True

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

    def with_remarks(self, rng: random.Random) -> Sheet:
        """The sheet with one or two facts to tell in prose beside it."""
        newest = max(self.years)
        found = [remark(newest, self.labels, rng) for _ in range(rng.randint(1, 2))]
        return replace(self, remarks=tuple({fact.label: fact for fact in found}.values()))

    def lines(self) -> list[str]:
        """The table with pipes; its header carries the unit."""
        head = f"({self.unit}s)" if self.unit and self.unit_shown else ""
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
        unit_shown=rng.random() < 0.8,
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
    if shape == "years_average" and sheet.headings != tuple(map(str, sheet.years)):
        shape = "row_average"
    r1, r2 = rng.sample(range(len(sheet.labels) - 1), 2)
    c1, c2 = sorted(rng.sample(range(len(sheet.headings)), 2), key=lambda c: sheet.years[c])
    if shape in COLUMN_SHAPES and rng.random() < 0.5:
        c1, c2 = c2, c1
    a, b, old = sheet.values[r1][c2], sheet.values[r2][c2], sheet.values[r1][c1]
    row = sheet.values[r1]
    one_year = shape in ONE_YEAR_SHAPES
    answers: dict[str, float | str] = {
        "value": a,
        "difference": a - old,
        "change": 100 * (a - old) / old,
        "sum": a + old,
        "sum_rows": a + b,
        "less_rows": a - b,
        "ratio": a / b,
        "share": 100 * a / sheet.values[-1][c2],
        "share_rows": 100 * a / b,
        "less_columns": old - a,
        "ratio_columns": old / a,
        "share_columns": 100 * old / a,
        "average": (a + old) / 2,
        "years_average": _mean_from_to(sheet, r1, c1, c2),
        "row_average": sum(row) / len(row),
        "row_greatest": max(row),
        "row_least": min(row),
        "compare": "yes" if a > old else "no",
        "compare_rows": "yes" if a > b else "no",
        "product": a * b,
    }
    y1, y2 = sheet.headings[c2 if one_year else c1], sheet.headings[c2]
    question = rng.choice(WORDS_FOR[shape]).format(
        a=_spoken(sheet.labels[r1], rng),
        b=_spoken(sheet.labels[r2], rng),
        t=rng.choice(("entries", "counts")),
        site=sheet.site,
        y1=y1,
        y2=y2,
    )
    answer, kind_of = answers[shape], KINDS.get(shape, "amount")
    if kind_of == "amount" and sheet.unit and rng.random() < 0.5:
        question = f"{question[:-1]}, in {sheet.unit}s?"
    return Problem(question, answer, kind_of, source)


def _mean_from_to(sheet: Sheet, row: int, first: int, last: int) -> float:
    """The mean of a row over all years from that of one column to that of another."""
    years = sorted((sheet.years[first], sheet.years[last]))
    values = zip(sheet.values[row], sheet.years, strict=True)
    return fmean(value for value, year in values if years[0] <= year <= years[1])


def _spoken(label: str, rng: random.Random) -> str:
    """A row's label as a question may say it: now and then with a word left out."""
    words = label.split()
    return " ".join(words[:-1]) if len(words) > 1 and rng.random() < 0.3 else label


def ask_remark(sheet: Sheet, source: str, rng: random.Random, easy: bool = False) -> Problem:
    """A question whose answer stands in prose."""
    fact = rng.choice(sheet.remarks)
    shape = "value" if easy else rng.choice(("value", "difference", "change", "sum", "average"))
    new, old = fact.value, fact.last_value
    answers = {
        "value": new,
        "difference": new - old,
        "change": 100 * (new - old) / old,
        "sum": new + old,
        "average": (new + old) / 2,
    }
    y1, y2 = (fact.year, 0) if shape == "value" else (fact.year - 1, fact.year)
    question = rng.choice(WORDS_FOR[shape]).format(a=fact.label, site=sheet.site, y1=y1, y2=y2)
    kind = "percent" if shape == "change" else "amount"
    if kind == "amount" and fact.unit:
        question = f"{question[:-1]}, in {fact.unit}s?"
    return Problem(question, answers[shape], kind, source)
