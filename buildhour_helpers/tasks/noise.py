"""Label noise on purpose: wrong reference answers of known kinds, all of them logged.

Real labels are sometimes wrong (about 2% of FinQA's). An exercise adds noise to see what wrong
labels do to training, and what an audit finds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from buildhour_helpers.reports.program import execute, steps
from buildhour_helpers.tasks.questions import Question


@dataclass(frozen=True, slots=True)
class LabelError:
    """One label that was made wrong."""

    question_id: str
    error: str  # "operands swapped", "sign", "base", "scale" or "wrong operation"
    right: float | str
    wrong: float | str


def add_label_noise(
    questions: Sequence[Question], share: float, seed: int = 0
) -> tuple[list[Question], list[LabelError]]:
    """Make about `share` (0 to 1) of the answers wrong; programs and pages do not change.

    The choice depends only on the seed and the question's id. Raises ValueError for another share.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share {share} is outside 0 to 1; 0.05 makes one label in twenty wrong")
    noisy, log = [], []
    for question in questions:
        changed = question
        if _uniform(seed, question.id, "pick") < share:
            name, wrong = _make_wrong(question, _uniform(seed, question.id, "error"))
            changed = replace(question, answer=wrong, answer_text=_text(question, wrong))
            log.append(LabelError(question.id, name, question.answer, wrong))
        noisy.append(changed)
    return noisy, log


def _make_wrong(question: Question, uniform: float) -> tuple[str, float | str]:
    """One of the errors possible with this program, and the answer it gives."""
    if isinstance(question.answer, str):
        return "operands swapped", "no" if question.answer == "yes" else "yes"
    factor = 0.01 if question.kind == "percent" else 0.001
    found: dict[str, float | str] = {
        "sign": -question.answer,
        "scale": round(question.answer * factor, 8),
    }
    changes: dict[str, Callable[[str, list[str]], str]] = {
        "operands swapped": lambda name, terms: _step(name, terms[::-1]),
        "wrong operation": lambda name, terms: _step(
            {"subtract": "add", "add": "subtract"}.get(name, "subtract"), terms
        ),
    }
    for error, change in changes.items():
        found.update(_recomputed(question, error, change))
    found.update(_other_base(question))
    wrong = {name: value for name, value in found.items() if value != question.answer}
    names = sorted(wrong)
    name = names[int(uniform * len(names))]
    return name, wrong[name]


def _recomputed(
    question: Question, error: str, change: Callable[[str, list[str]], str]
) -> dict[str, float]:
    parts = [_step(name, terms) for name, terms in steps(question.program)]
    parts[0] = change(*steps(question.program)[0])
    return _value(question, error, ", ".join(parts))


def _other_base(question: Question) -> dict[str, float]:
    match steps(question.program):
        case [("subtract", [new, old]), ("divide", ["#0", base])] if base == old:
            return _value(question, "base", f"subtract({new}, {old}), divide(#0, {new})")
    return {}


def _value(question: Question, error: str, program: str) -> dict[str, float]:
    try:
        value = execute(program)
    except ValueError:
        return {}  # a table operation, or a division by zero
    if isinstance(value, str):
        return {}
    return {error: round(float(value * 100 if question.kind == "percent" else value), 5)}


def _step(name: str, terms: list[str]) -> str:
    return f"{name}({', '.join(terms)})"


def _text(question: Question, value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.4g}%" if question.kind == "percent" else f"{value:,.6g}"


def _uniform(seed: int, *key: str) -> float:
    """A number from 0 to 1 that depends only on the seed and the key."""
    digest = hashlib.sha256("|".join([str(seed), *key]).encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
