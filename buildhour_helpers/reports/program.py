"""FinQA's program notation: `subtract(206588, 181001), divide(#0, 181001)`."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from enum import Enum

ONE = ("const_1", "1")
HUNDRED = {"const_100", "100", "100.0", "100.00"}
"""The base of a stock's performance, which programs write as on the page or as a constant."""
_STEP = re.compile(r"(\w+)\(((?:[^()]|\([^()]*\))*)\)")


_OPERATIONS: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
}


class Nature(Enum):
    """What the value of a program is."""

    PLAIN = "an amount"
    RATIO = "a ratio as a decimal, which a person may write in percent"
    PERCENT = "a ratio times 100, in percent already"


def steps(program: str) -> list[tuple[str, list[str]]]:
    """The operations with their arguments, in order."""
    return [
        (name, [argument.strip() for argument in arguments.split(",")])
        for name, arguments in _STEP.findall(program)
    ]


def operations(program: str) -> list[str]:
    return [name for name, _ in steps(program)]


def is_change(program: str) -> bool:
    """Whether the program is a relative change: (new - old) / old, or new / old - 1."""
    match steps(program):
        case [("subtract", [_, old]), ("divide", ["#0", base])]:
            return old == base or {old, base} <= HUNDRED
        case [("divide", _), ("subtract", ["#0", "const_1"])]:
            return True
    return False


def execute(program: str) -> Decimal | str:
    """The value of a program; percentages count as decimals, `greater` gives yes or no.

    Raises ValueError for table operations, which need a page, and for text that is not a program.
    """
    results: list[Decimal] = []
    try:
        for name, (first, second) in steps(program):
            a, b = _value(first, results), _value(second, results)
            if name == "greater":
                return "yes" if a > b else "no"
            results.append(_OPERATIONS[name](a, b))
        return results[-1]
    except (KeyError, IndexError, ArithmeticError, ValueError) as error:
        raise ValueError(f"cannot execute {program!r}: {error!r}") from error


def _value(term: str, results: list[Decimal]) -> Decimal:
    if term.startswith("#"):
        return results[int(term[1:])]
    if term.endswith("%"):
        return Decimal(term[:-1]) / 100
    return Decimal(term.removeprefix("const_"))


def nature(program: str) -> Nature:
    """Follow ratios through the program.

    Dividing two numbers makes a ratio, dividing by a count or a unit (const_2, const_1000)
    does not; sums and differences of ratios, and of a ratio and one, are ratios, while an amount
    and a ratio make an amount; a ratio times const_100 is in percent.
    """
    found: list[Nature] = []
    for name, arguments in steps(program):
        kinds = [_of(argument, found) for argument in arguments]
        found.append(_result(name, arguments, kinds))
    return found[-1] if found else Nature.PLAIN


def _of(argument: str, found: list[Nature]) -> Nature:
    if argument.startswith("#") and argument[1:].isdigit() and int(argument[1:]) < len(found):
        return found[int(argument[1:])]
    return Nature.RATIO if argument.endswith("%") else Nature.PLAIN


def _result(name: str, arguments: list[str], kinds: list[Nature]) -> Nature:
    ratio = Nature.RATIO in kinds
    if Nature.PERCENT in kinds:
        return Nature.PERCENT
    if name == "divide":
        constant = arguments[-1].startswith("const_") and arguments[-1] != "const_100"
        if kinds[0] is Nature.PLAIN and kinds[-1] is Nature.RATIO:
            return Nature.PLAIN  # an amount over its rate gives back the whole
        return kinds[0] if constant else Nature.RATIO
    if name == "multiply":
        if ratio and "const_100" in arguments:
            return Nature.PERCENT
        return Nature.RATIO if all(kind is Nature.RATIO for kind in kinds) else Nature.PLAIN
    if name == "exp":
        return kinds[0]
    alike = all(k is Nature.RATIO or a in ONE for k, a in zip(kinds, arguments, strict=True))
    return Nature.RATIO if ratio and alike else Nature.PLAIN
