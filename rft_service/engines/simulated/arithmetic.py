"""What the model can compute from numbers it has read, and how it can word the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rft_service.engines.simulated.perception import NumberSpan

# Operations on two operands; values are in ones, so that units may differ.
PAIR_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "difference": lambda a, b: a - b,
    "sum": lambda a, b: a + b,
    "average": lambda a, b: (a + b) / 2,
    "product": lambda a, b: a * b,
    "ratio": lambda a, b: a / b,
    "share": lambda a, b: 100 * a / b,
    "change": lambda a, b: 100 * (a - b) / b,
    "compare": lambda a, b: float(a > b),
}
# Operations on the row or the column of one operand.
LINE_OPERATIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "line_sum": math.fsum,
    "line_average": lambda values: math.fsum(values) / len(values),
    "line_greatest": max,
    "line_least": min,
}
OPERATIONS = (
    "value",
    *PAIR_OPERATIONS,
    *(f"row_{name}" for name in LINE_OPERATIONS),
    *(f"column_{name}" for name in LINE_OPERATIONS),
)
PERCENT_RESULTS = frozenset({"share", "change"})
RATIO_RESULTS = frozenset({"ratio"})
WORDINGS = ("asked_unit", "read_unit", "ones", "percent", "decimal")


@dataclass(frozen=True)
class Result:
    """A computed value. `kind` is amount (in ones), percent, ratio or yes_no; `unit` is the unit
    of the first operand as it was read; `other` is a number for a hedge."""

    value: float
    kind: str
    unit: float
    other: float


def line_of(spans: Sequence[NumberSpan], pages: Sequence[int], place: int, row: bool) -> list[int]:
    """Places of the numbers in the same row (or column) of the same table as number `place`."""
    anchor = spans[place]
    if anchor.row < 0:
        return [place]
    return [
        other
        for other, span in enumerate(spans)
        if pages[other] == pages[place]
        and span.table == anchor.table
        and (span.row == anchor.row if row else span.column == anchor.column)
    ]


def in_ones(span: NumberSpan) -> float:
    """A number's value with its unit multiplied in."""
    return span.value * span.unit


def compute_pair(operation: str, a: NumberSpan, b: NumberSpan) -> Result:
    """The result of a two-operand operation; division by zero gives zero."""
    first, second = in_ones(a), in_ones(b)
    divides = operation in ("ratio", "share", "change")
    if operation == "product" and (a.percent or b.percent):
        first, second = (n / 100 if s.percent else n for n, s in ((first, a), (second, b)))
    value = 0.0 if divides and second == 0 else PAIR_OPERATIONS[operation](first, second)
    unit = max(a.unit, b.unit) if operation == "product" else a.unit
    return Result(value, _kind(operation, a), unit, in_ones(b))


def compute_line(operation: str, anchor: NumberSpan, line: Sequence[NumberSpan]) -> Result:
    """The result of an operation over a row or a column; `operation` without its prefix."""
    values = [in_ones(span) for span in line]
    return Result(
        LINE_OPERATIONS[operation](values), _kind(operation, anchor), anchor.unit, values[0]
    )


def compute_value(span: NumberSpan) -> Result:
    """A number as it was read."""
    return Result(in_ones(span), _kind("value", span), span.unit, in_ones(span))


def _kind(operation: str, first: NumberSpan) -> str:
    if operation == "compare":
        return "yes_no"
    if operation in PERCENT_RESULTS or (first.percent and operation not in ("product", "ratio")):
        return "percent"
    return "ratio" if operation in RATIO_RESULTS else "amount"


def plain(value: float) -> str:
    """A number as people write it in an answer: four significant digits or two decimals."""
    if value == 0 or not math.isfinite(value):
        return "0"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value)}"
    decimals = 2 if abs(value) >= 1 else min(8, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".")


def word(result: Result, wording: str, asked_unit: float) -> str:
    """The result in one of WORDINGS. `asked_unit` is 0.0 where the question names none."""
    if result.kind == "yes_no":
        return "yes" if result.value else "no"
    unit = result.unit
    if wording == "asked_unit" and asked_unit:
        unit = asked_unit
    if wording == "ones":
        unit = 1.0
    scale = unit if result.kind == "amount" else 1.0
    text = plain(result.value / scale)
    if wording == "percent":
        return f"{text}%"
    if wording == "decimal":
        return plain(result.value / 100)
    return text
