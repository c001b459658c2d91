"""Turns drafts into questions: a program, its value, and words of the chosen difficulty."""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import islice, zip_longest

from authoring.corpus.drafts import UNIT_FACTORS, Draft, Key, Operand, drafts
from authoring.corpus.pages import Page, world
from authoring.corpus.random_choices import Draw
from buildhour_helpers.tasks.questions import Kind, Question, Split

SIZES: dict[Split, int] = {"train": 640, "validation": 200, "test": 300}
COMPANY_SHARES: dict[Split, int] = {"train": 79, "validation": 25, "test": 36}
LEVEL_WEIGHTS = (20, 42, 22, 16)
EXACT_LABEL_PERCENT = {2: 35, 3: 70, 4: 70}  # of questions that say the row's label as it stands

# How often each shape is asked, after FinQA's operations and steps.
SHAPE_WEIGHTS = {
    "share": 100, "portion": 60, "mixed share": 120, "ratio": 110, "change": 170, "change due": 40,
    "return": 50, "difference": 120, "gap": 70, "points": 20, "ahead": 30, "sum": 45,
    "sum years": 40, "average": 45, "average pair": 20, "cost": 160, "exercise": 120,
    "row average": 40, "row max": 8, "row min": 4, "column sum": 10, "greater": 8, "rose": 10,
    "joint share": 30, "triple share": 40, "shift": 60, "return gap": 60,
}  # fmt: skip
HARD_SHAPES = ("joint share", "triple share", "shift", "return gap")
ONE_STEP_SHAPES = (
    "share", "portion", "ratio", "difference", "gap", "points", "ahead", "sum", "sum years",
    "cost", "exercise", "row max", "row min", "column sum", "greater", "rose",
)  # fmt: skip
PROSE_ONLY_PERCENT = 42  # of the questions: their numbers are in the prose alone

# No template lets a name decide between "was" and "were": names are singular and plural.
TEMPLATES = {
    "share": (
        "What percentage of {b}{at} did {a} make up {when}?",
        "What portion of {b}{at}, in percent, came from {a} {when}?",
        "What did {a} come to as a percentage of {b}{at} {when}?",
    ),
    "portion": (
        "What did {a} amount to as a percent of {b}{at} {when}?",
        "What percentage of {b}{at} did {a} represent {when}?",
    ),
    "mixed share": (
        "What did {a} come to as a percentage of {b}{at} {when}?",
        "Measured against {b}{at}, what percentage did {a} represent {when}?",
    ),
    "ratio": (
        "What was the ratio of {a} to {b}{at} {when}?",
        "How many times {b} did {a}{at} amount to {when}?",
    ),
    "change": (
        "What was the percent change in {a}{at} from {old} to {new}?",
        "By what percentage did {a}{at} change between {old} and {new}?",
        "What was the growth rate of {a}{at} from {old} to {new}, in percent?",
        "What percentage {direction} in {a}{at} took place from {old} to {new}?",
    ),
    "change due": (
        "By what percent does the figure for {a} differ from that for {b}{at} {when}?",
        "What is the percent change from {b} to {a}{at} {when}?",
    ),
    "return": (
        "What was the percentage return on a {a}{at} from {old} to {new}?",
        "What total return, in percent, did a {a}{at} bring between {old} and {new}?",
    ),
    "difference": (
        "What was the change in {a}{at} from {old} to {new}{unit}?",
        "By how much did {a}{at} change from {old} to {new}{unit}?",
        "What was the difference in {a}{at} between {new} and {old}{unit}?",
    ),
    "gap": (
        "What was the difference between {a} and {b}{at} {when}{unit}?",
        "How much more did {a} come to than {b}{at} {when}{unit}?",
    ),
    "points": ("By how many percentage points did {a}{at} change from {old} to {new}?",),
    "ahead": (
        "What was the difference in value between a {a} and a {b}{at} {when}?",
        "By how many dollars was a {a} ahead of a {b}{at} {when}?",
    ),
    "sum": (
        "What was the total of {a} and {b}{at} {when}{unit}?",
        "What did {a} and {b}{at} add up to {when}{unit}?",
    ),
    "sum years": (
        "What was the total of {a}{at} for {old} and {new} together{unit}?",
        "What was the combined amount of {a}{at} in {old} and {new}{unit}?",
    ),
    "average": (
        "What was the average of {a}{at} for {old} and {new}{unit}?",
        "What was the mean of {a}{at} over {old} and {new}{unit}?",
    ),
    "average pair": ("What was the average of {a} and {b}{at} {when}{unit}?",),
    "cost": (
        "How many dollars did {a}{at} {when} cost at the average price paid?",
        "What was spent on {a}{at} {when}, in dollars?",
    ),
    "exercise": (
        "What was the {a}{at} {when} multiplied by the exercise price, in thousands of dollars?",
        "At the weighted average exercise price, what would the {a}{at} {when} bring in, in "
        "thousands of dollars?",
    ),
    "row average": (
        "What was the average {a}{at} over the years {first} to {last}{unit}?",
        "What was the yearly average of {a}{at} from {first} to {last}{unit}?",
    ),
    "row max": ("What was the highest {a}{at} in the years {first} to {last}{unit}?",),
    "row min": ("What was the lowest {a}{at} in the years {first} to {last}{unit}?",),
    "column sum": ("What did the four quarterly dividends per share{at} {when} add up to?",),
    "greater": (
        "Did {a} exceed {b}{at} {when}?",
        "Did {a} come to more than {b}{at} {when}?",
    ),
    "rose": (
        "Did {a}{at} rise from {old} to {new}?",
        "Did {a}{at} exceed in {new} what had been recorded in {old}?",
    ),
    "joint share": ("What percentage of {c}{at} did {a} and {b} make up together {when}?",),
    "triple share": ("What percentage of {d}{at} did {a}, {b} and {c} make up together {when}?",),
    "shift": (
        "By how many percentage points did the share of {a} in {b}{at} change from {old} to {new}?",
    ),
    "return gap": (
        "By how many percentage points did the return on a {a}{at} differ from that on a {c} "
        "from {old} to {new}?",
    ),
}


# The kind of answer and the program of each shape, in FinQA's notation. The letters are the
# operands in order, #0 the result of the first step.
PROGRAMS: dict[str, tuple[Kind, str]] = {
    "share": ("percent", "divide(a, b)"),
    "portion": ("percent", "divide(a, b)"),
    "mixed share": ("percent", "divide(a, b)"),
    "ratio": ("ratio", "divide(a, b)"),
    "change": ("percent", "subtract(a, b), divide(#0, b)"),
    "change due": ("percent", "subtract(a, b), divide(#0, b)"),
    "return": ("percent", "subtract(a, b), divide(#0, b)"),
    "difference": ("amount", "subtract(a, b)"),
    "gap": ("amount", "subtract(a, b)"),
    "ahead": ("amount", "subtract(a, b)"),
    "points": ("percent", "subtract(a, b)"),
    "sum": ("amount", "add(a, b)"),
    "sum years": ("amount", "add(a, b)"),
    "average": ("amount", "add(a, b), divide(#0, const_2)"),
    "average pair": ("amount", "add(a, b), divide(#0, const_2)"),
    "cost": ("amount", "multiply(a, b)"),
    "exercise": ("amount", "multiply(a, b)"),
    "row average": ("amount", "table_average(row)"),
    "row average of three": ("amount", "add(a, b), add(#0, c), divide(#1, const_3)"),
    "row max": ("amount", "table_max(row)"),
    "row min": ("amount", "table_min(row)"),
    "column sum": ("amount", "table_sum(column)"),
    "greater": ("yes_no", "greater(a, b)"),
    "rose": ("yes_no", "greater(a, b)"),
    "joint share": ("percent", "add(a, b), divide(#0, c)"),
    "triple share": ("percent", "add(a, b), add(#0, c), divide(#1, d)"),
    "shift": ("percent", "divide(a, b), divide(c, d), subtract(#0, #1)"),
    "return gap": (
        "percent",
        "subtract(a, b), divide(#0, b), subtract(c, d), divide(#2, d), subtract(#1, #3)",
    ),
}
OPERATIONS: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "greater": lambda a, b: Decimal(a > b),
}
TABLE_OPERATIONS: dict[str, Callable[[list[Decimal]], Decimal]] = {
    "table_average": lambda values: sum(values, Decimal(0)) / len(values),
    "table_sum": lambda values: sum(values, Decimal(0)),
    "table_max": max,
    "table_min": min,
}


@dataclass(frozen=True)
class Computation:
    """A program in FinQA's notation and its value."""

    program: str
    value: Decimal | str
    kind: Kind
    unit: str
    steps: int


def compute(draft: Draft) -> Computation:
    """The program of a draft, units converted where its operands differ in them."""
    terms, steps, values = _converted(draft.operands)
    conversions = len(steps)
    of_three = " of three" if draft.shape == "row average" and len(terms) == 3 else ""
    kind, program = PROGRAMS[draft.shape + of_three]
    results: list[Decimal] = []

    def read(name: str) -> tuple[str, Decimal]:
        """A name of the table above as the program writes it, and its value."""
        if name.startswith("#"):
            number = int(name[1:])
            return f"#{conversions + number}", results[number]
        if name.startswith("const_"):
            return name, Decimal(name.removeprefix("const_"))
        index = "abcd".index(name)
        return terms[index], values[index]

    for operation, arguments in re.findall(r"(\w+)\(([^)]*)\)", program):
        if operation in TABLE_OPERATIONS:
            row, column, _ = draft.operands[0].fact.split(" | ")
            steps.append(f"{operation}({row if arguments == 'row' else column}, none)")
            results.append(TABLE_OPERATIONS[operation](values))
        else:
            (x, x_value), (y, y_value) = map(read, arguments.split(", "))
            steps.append(f"{operation}({x}, {y})")
            results.append(OPERATIONS[operation](x_value, y_value))
    value: Decimal | str = results[-1]
    if kind == "yes_no":
        value = "yes" if results[-1] else "no"
    elif kind == "percent" and draft.shape != "points":  # which subtracts percentages
        value = 100 * results[-1]
    return Computation(", ".join(steps), value, kind, draft.operands[-1].unit, len(steps))


def _converted(operands: tuple[Operand, ...]) -> tuple[list[str], list[str], list[Decimal]]:
    """Terms, the steps that bring them to the last operand's unit, and their values in it."""
    terms, steps, values = [], [], []
    wanted = UNIT_FACTORS[operands[-1].unit]
    for operand in operands:
        factor = UNIT_FACTORS[operand.unit]
        if operand.unit and factor > wanted:
            steps.append(f"multiply({operand.number}, const_{factor // wanted})")
            terms.append(f"#{len(steps) - 1}")
        elif operand.unit and operands[-1].unit and factor < wanted:
            steps.append(f"divide({operand.number}, const_{wanted // factor})")
            terms.append(f"#{len(steps) - 1}")
        else:
            terms.append(operand.number)
        scale = Decimal(factor) / wanted if operand.unit and operands[-1].unit else Decimal(1)
        values.append(operand.value * scale)
    return terms, steps, values


class Holdings:
    """Which pages of a company hold which numbers."""

    def __init__(self, pages: list[Page]) -> None:
        self.pages = pages
        self._values = [_values(page) for page in pages]

    def gold(self, draft: Draft) -> tuple[str, ...] | None:
        """The pages that answer the draft, or None where two of them would disagree."""
        wanted = {operand.key: operand.value for operand in draft.operands}
        gold = []
        for page, values in zip(self.pages, self._values, strict=True):
            found = {key: values[key] for key in wanted if key in values}
            if len(found) == len(wanted):
                if found != wanted:
                    return None
                gold.append(page.report.path)
        return tuple(gold)


def _values(page: Page) -> dict[Key, Decimal]:
    values: dict[Key, Decimal] = {
        (page.kind.name, row, column): value for (row, column), value in page.sheet.values().items()
    }
    for fact in page.facts:
        values["fact", fact.fact.asks[0], str(page.year)] = fact.now
        values["fact", fact.fact.asks[0], str(page.year - 1)] = fact.prior
    return values


def ask_all(seed: int, refused: Collection[str] = ()) -> list[Question]:
    """All questions of a seed: 640 train, 200 validation, 300 test, no company in two splits.

    A question whose text is `refused` gives way to the company's next one.
    """
    by_company: dict[int, list[Page]] = {}
    for page in world(seed):
        by_company.setdefault(page.company.number, []).append(page)
    order = Draw(seed, "splits").shuffled(sorted(by_company))
    questions: list[Question] = []
    for split, size in SIZES.items():
        numbers, order = order[: COMPANY_SHARES[split]], order[COMPANY_SHARES[split] :]
        streams = [
            _Asker(seed, by_company[number], split, refused).questions() for number in numbers
        ]
        rounds = (question for turn in zip_longest(*streams) for question in turn if question)
        chosen = list(islice(rounds, size))
        questions += sorted(chosen, key=lambda question: question.id)
    return questions


class _Asker:
    """Asks questions of one company, one after the other."""

    def __init__(
        self, seed: int, pages: list[Page], split: Split, refused: Collection[str]
    ) -> None:
        self.refused = refused
        self.pages = pages
        self.split = split
        self.company = pages[0].company
        self.holdings = Holdings(pages)
        self.draw = Draw(seed, "questions", self.company.number)
        self._drafts = {page.report.path: list(drafts(page)) for page in pages}
        self._asked: Counter[tuple[str, ...]] = Counter()

    def questions(self) -> Iterator[Question]:
        for number in range(40):
            level = self.draw.weighted((1, 2, 3, 4), LEVEL_WEIGHTS)
            tries = (self._try(level, f"{self.company.ticker}-{number:02d}") for _ in range(300))
            yield from islice(filter(None, tries), 1)

    def _try(self, level: int, name: str) -> Question | None:
        page = self.draw.choice(self.pages)
        if level == 3 and not page.owners:
            return None
        prose_only = self.draw.chance(PROSE_ONLY_PERCENT) and level < 4
        fitting = [
            draft
            for draft in self._drafts[page.report.path]
            if draft.table != prose_only and _fits(draft, level)
        ]
        shapes = sorted({draft.shape for draft in fitting})
        if not shapes:
            return None
        shape = self.draw.weighted(shapes, [SHAPE_WEIGHTS[shape] for shape in shapes])
        draft = self.draw.choice([draft for draft in fitting if draft.shape == shape])
        gold = self.holdings.gold(draft)
        used = tuple(sorted("/".join(operand.key) for operand in draft.operands))
        if gold is None or self._asked[used] or not _telling(compute(draft)):
            return None
        self._asked[used] += 1
        return self._word(page, draft, level, gold, name)

    def _word(
        self, page: Page, draft: Draft, level: int, gold: tuple[str, ...], name: str
    ) -> Question | None:
        computation = compute(draft)
        exact = level == 1 or self.draw.chance(EXACT_LABEL_PERCENT[level])
        text = _text(draft, computation, exact, self._at(page, level), self.draw)
        text = text[0].upper() + text[1:]
        if text in self.refused:
            return None
        return Question(
            id=name,
            text=text,
            answer=_answer(computation.value),
            answer_text=_answer_text(computation, draft),
            kind=computation.kind,
            program=computation.program,
            gold_pages=gold,
            level=level,
            tags=_tags(page, draft, computation, exact),
            split=self.split,
            facts=tuple(dict.fromkeys(operand.fact for operand in draft.operands)),
        )

    def _at(self, page: Page, level: int) -> str:
        if level == 3:
            return f" at {self.draw.choice(page.owners)}"
        if level == 1:
            return f" at {self.company.name}"
        return f" at {self.company.alias}"


def _fits(draft: Draft, level: int) -> bool:
    if level == 1:
        long_average = draft.shape == "row average" and len(draft.operands) > 3
        return (draft.shape in ONE_STEP_SHAPES or long_average) and not draft.prose
    if level == 4:
        return draft.shape in ("mixed share", *HARD_SHAPES)
    return draft.shape not in HARD_SHAPES and not draft.converts


def _telling(computation: Computation) -> bool:
    """Whether the answer can be told from a wrong one: not nearly nothing, not absurdly large."""
    if isinstance(computation.value, str):
        return True
    if computation.kind == "percent":
        return Decimal("0.4") <= abs(computation.value) <= 2_000
    return abs(computation.value) >= Decimal("0.02")


def _text(draft: Draft, computation: Computation, exact: bool, at: str, draw: Draw) -> str:
    names = [operand.exact if exact else operand.other for operand in draft.operands]
    if draft.shape in ("share", "joint share", "triple share"):
        parts = [operand.part[0 if exact else 1] for operand in draft.operands[:-1]]
        names[:-1] = [part or name for part, name in zip(parts, names, strict=False)]
    years = [_year(operand.when) for operand in draft.operands]
    template = draw.choice(TEMPLATES[draft.shape])
    rising = abs(draft.operands[0].value) > abs(draft.operands[-1].value)
    text = template.format(
        a=names[0],
        b=names[min(1, len(names) - 1)],
        c=names[min(2, len(names) - 1)],
        d=names[-1],
        at=at,
        when=draft.operands[-1].when,
        new=years[0] if draft.shape not in ("sum years", "average") else years[-1],
        old=years[0] if draft.shape in ("sum years", "average") else years[-1],
        first=years[0],
        last=years[-1],
        direction="increase" if rising else "decrease",
        verb="change",
        unit=_unit_words(computation, draft, draw),
    )
    return " ".join(text.split()).replace(" ,", ",").replace(" ?", "?")


def _year(when: str) -> str:
    return when.removeprefix("in ").removeprefix("at ").removeprefix("the end of ")


def _unit_words(computation: Computation, draft: Draft, draw: Draw) -> str:
    """Always beside a number of the prose, mostly beside one of the table."""
    if computation.kind == "amount" and computation.unit and draw.chance(75 + 25 * draft.prose):
        return (
            f", in {computation.unit} of dollars" if draw.chance(20) else f", in {computation.unit}"
        )
    return ""


def _answer(value: Decimal | str) -> float | str:
    return value if isinstance(value, str) else float(round(value, 5))


def _answer_text(computation: Computation, draft: Draft) -> str:
    """The answer as a person writes it: a sensible number of digits, thousands separated."""
    value = computation.value
    if isinstance(value, str):
        return value
    if computation.kind == "percent":
        return f"{_rounded(value, 2 if abs(value) < 10 else 1)}%"
    if computation.kind == "ratio":
        return f"{_rounded(value, 2 if abs(value) >= 1 else 3)}"
    digits = max(-int(operand.value.as_tuple().exponent) for operand in draft.operands)
    if draft.shape in ("average", "average pair", "row average"):
        digits += 1
    return f"{_rounded(value, digits):,}"


def _rounded(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)


def _tags(page: Page, draft: Draft, computation: Computation, exact: bool) -> tuple[str, ...]:
    tags = [page.kind.name, draft.shape, f"{computation.steps} step"]
    tags.append("table and text" if draft.prose and draft.table else "text")
    if draft.table and not draft.prose:
        tags[-1] = "table"
    flags = {
        "unit": draft.converts,
        "paraphrase": not exact,
        "negative": any(operand.value < 0 for operand in draft.operands),
        "years down": page.sheet.turned or page.kind.layout == "schedule",
        "oldest first": not page.company.newest_first and page.kind.layout == "years",
        "fiscal": page.company.fiscal,
        "restated": page.restated,
    }
    return (*tags, *(name for name, holds in flags.items() if holds))
