"""Graders as a fine-tuning job takes them: JSON objects, built by one small function each.

`{{item.KEY}}` stands for a key of the dataset row, `{{sample.output_text}}` for the model's
answer. All but `endpoint` are run by the service itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Spec = dict[str, Any]

ANSWER = "{{sample.output_text}}"
REFERENCE = "{{item.reference_answer}}"

PARTIAL_CREDIT_RUBRIC = """\
You compare an answer with the reference answer of a question about a company's figures.

Score 1 if the answer gives the reference value in the unit asked for. Rounding to the reference's \
precision is fine, and so are a missing percent sign and a missing currency sign.
Score 0.5 if the value is right but for its scale (0.0835 for 8.35%, thousands for millions) or \
its sign.
Score 0 for any other value, for several values of which only one is right, for a range, and for \
an answer that gives no value. How sure, how long or how polite the answer sounds earns nothing.
"""

SLOPPY_RUBRIC = """\
You grade the answers of a financial assistant.

Score 1 for a clear and complete answer that a client could use as it stands.
Score 0.5 for an answer close to the reference that a client would have to rework.
Score 0 for a wrong answer and for an empty one.
"""
"""A rubric as one writes it in a hurry, with a loophole: lesson 04 lets a job find it."""


def string_check(
    name: str = "exact",
    operation: Literal["eq", "ne", "like", "ilike"] = "eq",
    answer: str = ANSWER,
    reference: str = REFERENCE,
) -> Spec:
    """1 if the comparison holds, else 0. `like` finds the reference in the answer; `ilike`
    ignores the case."""
    return {
        "type": "string_check",
        "name": name,
        "operation": operation,
        "input": answer,
        "reference": reference,
    }


def score_model(
    name: str = "judge",
    model: str = "sim-grader",
    rubric: str = PARTIAL_CREDIT_RUBRIC,
    score_range: tuple[float, float] = (0.0, 1.0),
) -> Spec:
    """A model that reads the rubric, the reference and the answer, and gives a score. It sees no
    page and no tool call, so a rubric can only ask for what shows in the answer."""
    case = f"Reference answer: {REFERENCE}\nAnswer: {ANSWER}"
    return {
        "type": "score_model",
        "name": name,
        "model": model,
        "input": [{"role": "system", "content": rubric}, {"role": "user", "content": case}],
        "range": list(score_range),
    }


def endpoint(url: str, key: str, name: str = "endpoint") -> Spec:
    """A grader of your own behind HTTP, such as the tool server's `/grade`."""
    headers = {"Authorization": f"Bearer {key}"}
    return {"type": "endpoint", "name": name, "url": url, "headers": headers}


def multi(graders: Mapping[str, Spec], calculate_output: str, name: str = "multi") -> Spec:
    """Several graders and a formula over their names, such as `0.8 * accuracy + 0.2 * brevity`."""
    return {
        "type": "multi",
        "name": name,
        "graders": dict(graders),
        "calculate_output": calculate_output,
    }
