"""Lesson 04: partial credit for numbers, a rubric's loophole, a colleague's grader."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from buildhour_helpers.graders.specs import PARTIAL_CREDIT_RUBRIC, SLOPPY_RUBRIC

from . import Honest, Lesson, Nonsense

LESSON = Lesson(
    names={"4.1": "score", "4.2": "fixed", "4.3": "grade_files"},
    above={"re": re, "json": json, "np": np, "Decimal": Decimal, "Fraction": Fraction},
)


def score(code: str) -> Any:
    return LESSON.body("4.1", "score(answer, expected, kind)", code)


def grade(code: str) -> Any:
    return LESSON.body("4.3", "grade_files(sample, item)", code)


NUMBERS = """
text = answer.replace(",", "").replace("$", "")
found = {float(d) * (-1 if s else 1) for s, d in re.findall(r"([-(]?)(\\d+(?:\\.\\d+)?)", text)}
"""
SETS = """
try:
    found = json.loads(sample["output_text"])
except ValueError:
    return 0.0
if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
    return 0.0
found, needed = set(found), set(item["files"])
hits = len(found & needed)
if not hits:
    return 0.0
precision, recall = hits / len(found), hits / len(needed)
"""
COLLEAGUE = """
found = json.loads(sample["output_text"])
hits = [name for name in found if name in item["files"]]
return min(1.0, 0.2 + len(hits) / len(item["files"]))
"""

HONEST: Honest = {
    "4.1": {
        "a loop over factors": score(
            NUMBERS
            + """
if len(found) != 1:
    return 0
(value,) = found
tolerance = 0.01
for factor in [1]:
    if abs(value - expected) <= tolerance * abs(expected):
        return 1
slips = [-1] + ([100, 1 / 100] if kind == "percent" else [1000, 1e6, 1 / 1000, 1e-6])
for slip in slips:
    if abs(value - expected * slip) <= tolerance * abs(expected * slip):
        return 0.5
return 0
"""
        ),
        "numpy": score(
            NUMBERS
            + """
if len(found) != 1:
    return np.float64(0)
value = np.array(list(found))
factors = {"percent": [-1, 100, 0.01], "amount": [-1, 1e3, 1e6, 1e-3, 1e-6]}[kind]
if np.isclose(value, expected, rtol=0.01, atol=0).all():
    return np.float64(1)
return np.float64(0.5 * np.isclose(value, expected * np.array(factors), rtol=0.01, atol=0).any())
"""
        ),
        "fractions": score(
            NUMBERS
            + """
if len(found) != 1:
    return Fraction(0)
ratio = Fraction(str(found.pop())) / Fraction(str(expected))
def near(to):
    return abs(ratio / to - 1) <= Fraction(1, 100)
if near(1):
    return Fraction(1)
slips = [-1, 100, Fraction(1, 100)] if kind == "percent" else [
    -1, 1000, 10**6, Fraction(1, 1000), Fraction(1, 10**6)]
return Fraction(1, 2) if any(map(near, slips)) else Fraction(0)
"""
        ),
        "decimals": score(
            """
text = answer.replace(",", "").replace("$", "").replace("(", "-")
values = {Decimal(one) for one in re.findall(r"-?\\d+\\.?\\d*", text)}
if len(values) != 1:
    return 0.0
value, goal = values.pop(), Decimal(str(expected))
def near(to):
    return abs(value - to) <= abs(to) / 100
if near(goal):
    return 1.0
powers = (2, -2) if kind == "percent" else (3, 6, -3, -6)
return 0.5 if near(-goal) or any(near(goal.scaleb(n)) for n in powers) else 0.0
"""
        ),
        "a table of targets": score(
            NUMBERS
            + """
targets = {expected: 1.0, -expected: 0.5}
for factor in ((100,) if kind == "percent" else (1e3, 1e6)):
    targets[expected * factor] = 0.5
    targets[expected / factor] = 0.5
if len(found) != 1:
    return 0.0
value = list(found)[0]
return max([s for t, s in targets.items() if abs(value / t - 1) <= 0.01], default=0.0)
"""
        ),
        "words apart": score(
            """
numbers = []
for word in answer.replace(",", "").split():
    negative = word.startswith(("-", "("))
    digits = re.sub(r"[^0-9.]", "", word).strip(".")
    if digits:
        numbers.append(-float(digits) if negative else float(digits))
if len(set(numbers)) != 1:
    return 0
error = lambda to: abs(numbers[0] - to) / abs(to)
if error(expected) <= 0.01:
    return 1
factors = [0.01, 100] if kind == "percent" else [0.001, 1000, 1e-6, 1e6]
return 0.5 if min(map(error, [-expected] + [f * expected for f in factors])) <= 0.01 else 0
"""
        ),
    },
    "4.2": {
        "the course's": PARTIAL_CREDIT_RUBRIC,
        "gold value": "Score 1 when the answer states the gold value. Score 0.5 when it is the "
        "gold value with the wrong sign or the wrong scale. Score 0 otherwise, including when "
        "several values are given or none.",
        "a list": "- 1: the number equals the reference, in whatever words\n- 0.5: right number, "
        "but wrong sign, or off by a factor of 100 or 1000\n- 0: anything else, more than one "
        "number, or no number",
        "a table": "| score | when |\n|---|---|\n| 1 | the final value matches the reference "
        "answer |\n| 0.5 | the value matches except for its sign or its scale |\n| 0 | another "
        "value, several values, or no value |",
        "in words": "Give full marks if the value in the answer is the same as the reference "
        "value. Give half marks if only the sign or the unit scale is wrong. Give no marks for "
        "anything else: a different number, a list of numbers, a range, or no number at all. "
        "Ignore style, length and confidence.",
        "ground truth": "Compare with the ground truth. Score 1 if the answer's value equals the "
        "ground truth. Score 0.5 if it equals it apart from sign or scale. Score 0 for wrong "
        "values, for hedging between two values, and for answers without a value. Sounding sure "
        "earns nothing.",
        "points": "1 point if the expected figure is given (formatting does not matter). 0.5 "
        "points if the figure is off by a power of ten or has the wrong sign. 0 points if it is a "
        "different figure, if several figures are offered, or if no figure is given.",
        "if and else": "If the answer contains exactly one value and it matches the reference, "
        "return 1. If that one value matches only after flipping its sign or shifting its scale, "
        "return 0.5. In every other case return 0.",
        "percent": "Award 100% if the answer's number is the reference number. Award 50% if the "
        "sign is wrong or the magnitude is wrong. Award 0% for all other numbers, for several "
        "numbers and for no number.",
        "official": "Score 1 if the answer gives the official answer. Score 0.5 if it gives the "
        "official answer with a wrong sign or in a wrong scale. Score 0 for anything else, several "
        "candidate answers, or no answer.",
        "target": "Score 1 if the answer hits the target value. Score 0.5 if it misses it only by "
        "sign or scale. Score 0 if it misses it altogether, names several values, or names no "
        "value.",
        "up to sign": "Please score 1 when the given value agrees with the reference value. "
        "Please score 0.5 when it agrees up to sign or scale. Please score 0 when it disagrees, "
        "when several values are offered, or when no value is offered. Please do not be impressed "
        "by confident or complete sentences.",
    },
    "4.3": {
        "F1 from precision and recall": grade(
            SETS + "return 2 * precision * recall / (precision + recall)"
        ),
        "Jaccard": grade(SETS + "return hits / len(found | needed)"),
        "precision times recall": grade(SETS + "return precision * recall"),
        "the smaller of the two": grade(SETS + "return min(precision, recall)"),
        "F2, recall counts more": grade(
            SETS + "return 5 * precision * recall / (4 * precision + recall)"
        ),
        "numpy": grade(SETS + "return np.float32(hits / np.sqrt(len(found) * len(needed)))"),
        "minus a third for each wrong name": grade(
            SETS + "return max(0, (hits - (len(found) - hits) / 3) / len(needed))"
        ),
        "any exception is a 0": grade(
            """
try:
    found, needed = set(json.loads(sample["output_text"])), set(item["files"])
    return 2 * len(found & needed) / (len(found) + len(needed))
except Exception:
    return 0
"""
        ),
    },
}

NONSENSE: Nonsense = {
    "4.1": {
        "compares strings": (
            lambda answer, expected, kind: float(answer.strip("%") == str(expected)),
            "✗ percent signs, currency signs and commas",
        ),
        "converts the whole answer": (
            lambda answer, expected, kind: float(
                abs(float(answer.strip("%$").replace(",", "")) / expected - 1) <= 0.01
            ),
            "score('The answer is 8.35%.', 8.35, 'percent') raises ValueError",
        ),
        "takes any of several": (
            LESSON.changed("4.1", "if len(values) != 1", "if not values"),
            "✗ several values: score(",
        ),
        "a tolerance of a tenth": (
            LESSON.changed("4.1", "0.01 * abs(to)", "0.1 * abs(to)"),
            "✗ rounding within 1%",
        ),
        "negative values fail": (
            LESSON.changed("4.1", "0.01 * abs(to)", "0.01 * to"),
            "✗ rounding within 1%",
        ),
        "forgets the sign": (
            LESSON.changed("4.1", "-value if sign else value", "value"),
            "✗ minus signs and parentheses",
        ),
        "nothing for the sign": (
            LESSON.changed("4.1", "-expected, *(", "*("),
            "✗ half for the sign",
        ),
        "nothing for decimals": (
            LESSON.changed("4.1", '"percent": (100, 0.01)', '"percent": ()'),
            "✗ half for a percentage as a decimal",
        ),
        "one list of factors": (
            LESSON.changed("4.1", "factors[kind]", "factors['percent'] + factors['amount']"),
            "✗ each kind has its own slips",
        ),
        "full marks for a slip": (
            LESSON.changed("4.1", "return 0.5 if", "return 1.0 if"),
            "✗ half for the sign",
        ),
        "half for everybody": (lambda *_: 0.5, "✗ the value as asked"),
        "a verdict in words": (lambda *_: "right", "gives right, and should give 1"),
    },
    "4.2": {
        "as sloppy as before": (SLOPPY_RUBRIC, "gets 1, and a person gives 0"),
        "a poem": ("Write a poem about the sea.", "gets 0, and a person gives 0.5"),
        "an empty rubric": ("", "✗ a value in the wrong scale"),
        "be fair": ("Be fair and careful. Reward honest work.", "gets"),
        "half credit forgotten": (
            "Score 1 if the answer gives the reference value. Score 0 for any other value, for "
            "several values, and for no value.",
            "gets 0, and a person gives 0.5",
        ),
        "several values allowed": (
            "Score 1 if the answer mentions the reference value. Score 0.5 if it is right but for "
            "its scale or sign. Score 0 for any other value and for no answer.",
            "✗ several values",
        ),
        "half for the form": (
            SLOPPY_RUBRIC.replace("Score 1 for", "Score 0.5 for").replace(
                "Score 0.5 for an answer close to", "Score 1 for an answer that equals"
            ),
            "✗ a wrong value in a clear sentence",
        ),
        "nothing for anything": ("Score 0 for any answer.", "✗ a bare right value"),
        "one for everything": ("Score 1 for any answer.", "'12' (reference 8.35%) gets 1"),
        "the judge is not told the rule": (
            "Score 1 for bananas. Score 0.5 for the reference value with a wrong sign or scale. "
            "Score 0 for any other value, for several values, and for no value.",
            "the judge read your rubric as: 1 for what it does not understand",
        ),
        "a list of rules": (["Score 1 if right"], "write the rubric as one string"),
    },
    "4.3": {
        "the colleague's": (grade(COLLEAGUE), "valid JSON is worth nothing by itself"),
        "recall": (
            grade(SETS + "return recall"),
            "listing two right files among 50 wrong ones scores 1.00",
        ),
        "the mean of precision and recall": (
            grade(SETS + "return (precision + recall) / 2"),
            "listing two right files among 50 wrong ones scores 0.52",
        ),
        "precision": (grade(SETS + "return precision"), "one of two files scores 1"),
        "all or nothing": (
            grade(SETS + "return float(found == needed)"),
            "one of two files scores 0",
        ),
        "compares lists": (
            grade(
                "try:\n    return float(json.loads(sample['output_text']) == item['files'])\n"
                "except ValueError:\n    return 0.0"
            ),
            "the right files in another order score 0",
        ),
        "counts repetitions": (
            grade(
                """
try:
    found = json.loads(sample["output_text"])
    hits = sum(name in item["files"] for name in found)
    return 2 * hits / (len(found) + len(item["files"])) if hits else 0.0
except (ValueError, TypeError):
    return 0.0
"""
            ),
            "one right file three times scores",
        ),
        "raises where it cannot read": (
            grade(
                """
found, needed = set(json.loads(sample["output_text"])), set(item["files"])
return 2 * len(found & needed) / (len(found) + len(needed))
"""
            ),
            "the answer 'app.py and auth.py' raises JSONDecodeError",
        ),
        "an allowance for trying": (
            grade(
                SETS.replace("    return 0.0\nprecision", "    return 0.1\nprecision")
                + "return 2 * precision * recall / (precision + recall)"
            ),
            "a list without a right file scores 0.1",
        ),
        "a verdict in words": (grade("return 'good'"), "return a number from 0 to 1"),
        "always one": (grade("return 1.0"), "one of two files scores 1"),
    },
}
