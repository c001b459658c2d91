"""`calculate_output` of a multi grader: OpenAI's arithmetic on the graders' scores, nothing more.

The language (https://platform.openai.com/docs/guides/graders): numbers, the graders' names,
`+ - * / ^`, parentheses, and the functions below. `^` is the power: it binds more tightly than a
minus sign and groups from the right, as in mathematics and in Python's `**`.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TOKEN = re.compile(rf"\s*(?:({_NUMBER})|(\w+)|(.))", re.DOTALL)
_SIGNS = "+-*/^(),"
_NOT_TOGETHER = {("*", "*"), (",", ")")}
"""Signs that may follow one another in Python but not here: its power and its trailing comma."""


class FormulaError(ValueError):
    """A formula that cannot be parsed or computed."""


class UnknownNameError(FormulaError):
    """A formula that uses a name which is not a grader."""


class UndefinedError(FormulaError):
    """A formula that has no finite value for these scores, such as a division by zero."""


_ONE_ARGUMENT: Mapping[str, Callable[[float], float]] = {
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "exp": math.exp,
    "sqrt": math.sqrt,
    "log": math.log,
}
_MANY_ARGUMENTS: Mapping[str, Callable[[Iterable[float]], float]] = {"min": min, "max": max}
FUNCTIONS = (*_MANY_ARGUMENTS, *_ONE_ARGUMENT)
LANGUAGE = f"use numbers, the graders' names, + - * / ^ ( ) and {', '.join(FUNCTIONS)}"
_OPERATORS: Mapping[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}


def check(formula: str, names: Collection[str]) -> None:
    """Raises FormulaError, or UnknownNameError, that says what is wrong with a formula."""
    _parse(formula, tuple(names))


def evaluate(formula: str, scores: Mapping[str, float]) -> float:
    """The formula's value. Raises FormulaError or a subclass."""
    tree, names = _parse(formula, tuple(scores))
    try:
        value = float(_value(tree, [scores[name] for name in names]))
    except (ArithmeticError, ValueError) as error:
        raise UndefinedError(f"{formula!r:.200} has no value here ({error})") from None
    if not math.isfinite(value):
        raise UndefinedError(f"{formula!r:.200} has no value here ({value})")
    return value


@functools.lru_cache(maxsize=64)  # a job computes the same one for every rollout
def _parse(formula: str, names: tuple[str, ...]) -> tuple[ast.expr, list[str]]:
    """The formula as Python's parser sees it, and the graders that its variables `_0`, `_1`, ...
    stand for: a grader may be called `is` or `lambda`."""
    used, words = list[str](), list[str]()
    tokens = [match.groups() for match in _TOKEN.finditer(formula.rstrip())]
    for index, (number, name, sign) in enumerate(tokens):
        is_call = index + 1 < len(tokens) and tokens[index + 1][2] == "("
        if number or (name in FUNCTIONS and is_call):
            words.append(number or name)
        elif name in names:
            words.append(f"_{len(used)}")
            used.append(name)
        elif name:
            known = ", ".join(sorted(names))
            raise UnknownNameError(f"{name!r} is not a grader; the graders are {known}")
        elif sign not in _SIGNS or (index and (tokens[index - 1][2], sign) in _NOT_TOGETHER):
            raise FormulaError(f"{formula!r:.200} has {sign!r} at a wrong place; {LANGUAGE}")
        else:
            words.append("**" if sign == "^" else sign)
    try:
        tree = ast.parse(" ".join(words), mode="eval").body
        _check_tree(tree)
    except (SyntaxError, MemoryError, RecursionError, ValueError):
        raise FormulaError(f"{formula!r:.200} is not a formula; {LANGUAGE}") from None
    return tree, used


def _check_tree(node: ast.AST) -> None:
    """Raises ValueError where Python's grammar allows more than the language does."""
    match node:
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            _check_tree(left)
            _check_tree(right)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check_tree(operand)
        case ast.Call(ast.Name(name), arguments, []) if arguments and name in FUNCTIONS:
            if name in _ONE_ARGUMENT and len(arguments) > 1:
                raise ValueError(name)
            for argument in arguments:
                _check_tree(argument)
        case ast.Constant(int() | float()) | ast.Name():
            pass
        case _:
            raise ValueError(node)


def _value(node: ast.expr, scores: list[float]) -> float:
    match node:
        case ast.BinOp(left, op, right):
            return _OPERATORS[type(op)](_value(left, scores), _value(right, scores))
        case ast.UnaryOp(op, operand):
            value = _value(operand, scores)
            return -value if isinstance(op, ast.USub) else value
        case ast.Call(ast.Name(name), arguments):
            values = [_value(argument, scores) for argument in arguments]
            if name in _MANY_ARGUMENTS:
                return _MANY_ARGUMENTS[name](values)
            return _ONE_ARGUMENT[name](values[0])
        case ast.Constant(int() | float() as number):
            return float(number)
        case ast.Name(name):
            return scores[int(name.removeprefix("_"))]
    raise AssertionError(f"{node} has passed _check_tree")
