"""`calculate_output` of a multi grader, through simpleeval: arithmetic on names, never `eval`."""

from __future__ import annotations

import ast
import contextlib
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import simpleeval


class FormulaError(ValueError):
    """A formula that cannot be parsed or computed."""


class UnknownNameError(FormulaError):
    """A formula that uses a name which is not a grader."""


class UndefinedError(FormulaError):
    """A formula that has no finite value for these scores, such as a division by zero."""


FUNCTIONS: dict[str, Callable[..., float]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "exp": math.exp,
    "sqrt": math.sqrt,
    "log": math.log,
}
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: simpleeval.safe_mult,
    ast.Div: operator.truediv,
    ast.Pow: simpleeval.safe_power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def check(formula: str, names: Iterable[str]) -> None:
    """Raises FormulaError, or UnknownNameError, that says what is wrong with a formula."""
    with contextlib.suppress(UndefinedError):  # other scores may give it a value
        evaluate(formula, dict.fromkeys(names, 0.5))


def evaluate(formula: str, scores: Mapping[str, float]) -> float:
    """The formula's value. Raises FormulaError or a subclass."""
    evaluator = simpleeval.SimpleEval(operators=_OPERATORS, functions=FUNCTIONS, names=dict(scores))
    try:
        value = evaluator.eval(formula)
        number = float(value)
    except simpleeval.NameNotDefined as error:
        known = ", ".join(sorted(scores))
        raise UnknownNameError(f"{error.name!r} is not a grader; there are {known}") from None
    except (ArithmeticError, ValueError) as error:
        raise UndefinedError(f"{formula!r} has no value here: {error}") from None
    except (
        simpleeval.InvalidExpression,
        SyntaxError,
        TypeError,
        KeyError,
        RecursionError,
    ) as error:
        raise FormulaError(f"cannot compute {formula!r}: {error}") from None
    if not math.isfinite(number):
        raise UndefinedError(f"{formula!r} gives {number}")
    return number
