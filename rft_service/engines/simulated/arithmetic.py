"""What the model can compute from the numbers that it has read, and how it can word the result.

`answer` chooses among these operations and wordings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rft_service.engines.simulated.perception import NumberSpan

# Operations on two operands, in ones: "3 million" is 3e6, so the operands may have different units.
PAIR_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "difference": lambda a, b: a - b,
    "sum": lambda a, b: a + b,
    "average": lambda a, b: (a + b) / 2,
    "product": lambda a, b: a * b,
    "ratio": lambda a, b: a / b,
    "share": lambda a, b: 100 * a / b,
    "change": lambda a, b: 100 * (a - b) / b,
    "compare": lambda a, b: 1.0 * (a > b),
}
# Operations on the row or the column of one operand.
LINE_OPERATIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "line_sum": math.fsum,
    "line_average": lambda values: math.fsum(values) / len(values),
    "line_greatest": max,
    "line_least": min,
}
JOINT_SHARE = "joint_share"  # several parts together, as a percentage of a whole
OPERATIONS = (
    "value",
    *PAIR_OPERATIONS,
    JOINT_SHARE,
    *(f"row_{name}" for name in LINE_OPERATIONS),
    *(f"column_{name}" for name in LINE_OPERATIONS),
)
PERCENT_RESULTS = frozenset({"share", "change", JOINT_SHARE})
RATIO_RESULTS = frozenset({"ratio"})
PLAIN_WORDINGS = ("asked_unit", "read_unit", "ones")
WORDINGS = (*PLAIN_WORDINGS, "percent", "decimal")  # the last two are for percentages only


@dataclass(frozen=True)
class Result:
    """A computed value. `kind` is amount (in ones), percent, ratio or yes_no; `unit` is that of the
    first operand as it was read; `other` is a second number, in ones, to hedge an answer with."""

    value: float
    kind: str
    unit: float
    other: float


def line_of(spans: Sequence[NumberSpan], pages: Sequence[int], index: int, row: bool) -> list[int]:
    """Indices of the numbers in the same row (or column) of the same table as number `index`."""
    anchor = spans[index]
    if anchor.row < 0:
        return [index]
    return [
        other
        for other, span in enumerate(spans)
        if pages[other] == pages[index]
        and span.table == anchor.table
        and (span.row == anchor.row if row else span.column == anchor.column)
    ]


def in_ones(span: NumberSpan) -> float:
    """A number's value times its unit."""
    return span.value * span.unit


def compute_pair(operation: str, a: NumberSpan, b: NumberSpan) -> Result:
    """The result of one of PAIR_OPERATIONS; division by zero gives zero."""
    first, second = in_ones(a), in_ones(b)
    divides = operation in ("ratio", "share", "change")
    if operation == "product":  # 5% times 200 is 10
        first, second = (n / 100 if s.percent else n for n, s in ((first, a), (second, b)))
    value = 0.0 if divides and second == 0 else PAIR_OPERATIONS[operation](first, second)
    unit = max(a.unit, b.unit) if operation == "product" else a.unit
    return Result(value, _kind(operation, a), unit, in_ones(b))


def compute_line(operation: str, anchor: NumberSpan, line: Sequence[NumberSpan]) -> Result:
    """The result of one of LINE_OPERATIONS over a row or column."""
    values = [in_ones(span) for span in line]
    value = LINE_OPERATIONS[operation](values)
    return Result(value, _kind(operation, anchor), anchor.unit, values[0])


def compute_joint_share(parts: Sequence[NumberSpan], whole: NumberSpan) -> Result:
    """100 times the sum of the parts over the whole; a whole of zero gives zero."""
    total, base = math.fsum(map(in_ones, parts)), in_ones(whole)
    return Result(100 * total / base if base else 0.0, "percent", parts[0].unit, base)


def compute_value(span: NumberSpan) -> Result:
    """The result of reading a number."""
    return Result(in_ones(span), _kind("value", span), span.unit, in_ones(span))


def _kind(operation: str, first: NumberSpan) -> str:
    if operation == "compare":
        return "yes_no"
    if operation in PERCENT_RESULTS or (first.percent and operation not in ("product", "ratio")):
        return "percent"
    return "ratio" if operation in RATIO_RESULTS else "amount"


def plain(value: float) -> str:
    """A number as people write it: two decimals or, below 1, four significant digits."""
    if value == 0 or not math.isfinite(value):
        return "0"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value)}"
    decimals = 2 if abs(value) >= 1 else min(8, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".")


def word(result: Result, wording: str, asked_unit: float) -> str:
    """The result in one of WORDINGS. `asked_unit` is 0.0 if the question names none."""
    if result.kind == "yes_no":
        return "yes" if result.value else "no"
    if wording == "decimal":
        return plain(result.value / 100)
    unit = 1.0
    if result.kind == "amount" and wording != "ones":
        unit = asked_unit if wording == "asked_unit" and asked_unit else result.unit
    text = plain(result.value / unit)
    return f"{text}%" if wording == "percent" else text
