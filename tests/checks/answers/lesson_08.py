"""Answers to the exercises of lesson 08."""

from __future__ import annotations

import re
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from . import Honest, Lesson, Nonsense

LESSON = Lesson({"8.1": "score", "8.2": "prediction", "8.3": "grade"}, {"re": re})


def score(code: str) -> object:
    return LESSON.body("8.1", "score(found, expected)", code)


def grade(code: str) -> object:
    return LESSON.body("8.3", "grade(answer, cited, opened, item)", code)


def changed(old: str, new: str) -> object:
    return LESSON.changed("8.3", old, new)


HONEST: Honest = {
    "8.1": {
        "one formula": score("""
            a, b = set(found), set(expected)
            return 2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0
        """),
        "counts": score("""
            found = list(dict.fromkeys(found))
            tp = sum(path in expected for path in found)
            fp, fn = len(found) - tp, len(set(expected)) - tp
            return tp / (tp + 0.5 * (fp + fn))
        """),
        "numpy": score("""
            import numpy as np
            right = np.intersect1d(found, expected).size
            return np.float32(2 * right / (np.unique(found).size + np.unique(expected).size))
        """),
        "a fraction": score("""
            from fractions import Fraction
            a, b = set(found), set(expected)
            return Fraction(2 * len(a & b), len(a) + len(b))
        """),
        "rounded": score("""
            a, b = set(found), set(expected)
            return round(2 * len(a & b) / (len(a) + len(b)), 2)
        """),
        "whole numbers at the ends": score("""
            a, b = set(found), set(expected)
            if a == b:
                return 1
            if not a & b:
                return 0
            p, r = len(a & b) / len(a), len(a & b) / len(b)
            return 2 / (1 / p + 1 / r)
        """),
        "statistics": score("""
            from statistics import harmonic_mean
            a, b = set(found), set(expected)
            if not a or not a & b:
                return 0.0
            return harmonic_mean([len(a & b) / len(a), len(a & b) / len(b)])
        """),
    },
    "8.2": {
        "far too low": {"turns": 1, "f1": 0.0},
        "no change": {"turns": 2.6, "f1": 0.66},
        "fewer turns, lower F1": {"turns": 2.0, "f1": 0.5},
        "more turns": {"turns": 5.5, "f1": 0.9},
        "numpy": {"turns": np.float64(2.1), "f1": np.float32(0.64)},
        "a fraction, and a note": {
            "turns": Fraction(9, 4),
            "f1": 0.6,
            "because": "it searches once",
        },
        "a view of a dictionary": MappingProxyType({"turns": 2.2, "f1": 0.7}),
    },
    "8.3": {
        "booleans for numbers": grade("""
            numbers = re.findall(r"-?[0-9][0-9,]*[.]?[0-9]*", answer)
            found = {float(n.replace(",", "")) for n in numbers}
            if len(found) != 1:
                return 0
            close = abs(found.pop() - item["value"]) <= 0.01 * abs(item["value"])
            cited_it = set(cited) == {item["source"]} and item["source"] in opened
            return close * (1 if cited_it else 0.4)
        """),
        "early returns": grade("""
            numbers = re.findall(r"-?\\d[\\d,]*(?:\\.\\d+)?", answer)
            if len(numbers) != 1:
                return 0.0
            value = float(numbers[0].replace(",", ""))
            if abs(value / item["value"] - 1) > 0.01:
                return 0.0
            if list(cited) != [item["source"]]:
                return 0.4
            return 1.0 if item["source"] in opened else 0.4
        """),
        "numpy": grade("""
            import numpy as np
            text = answer.replace(",", "").replace("$", "")
            values = np.unique([float(n) for n in re.findall(r"-?\\d+\\.?\\d*", text)])
            if values.size != 1 or not np.isclose(values[0], item["value"], rtol=0.01):
                return np.float64(0)
            ok = np.array_equal(np.unique(cited), [item["source"]]) and item["source"] in opened
            return np.float64(1.0 if ok else 0.4)
        """),
        "word by word": grade("""
            values = []
            for word in answer.replace("$", "").replace(",", "").split():
                try:
                    values.append(float(word.rstrip(".")))
                except ValueError:
                    pass
            if len(set(values)) != 1:
                return 0.0
            if abs(values[0] - item["value"]) > abs(item["value"]) / 100:
                return 0.0
            return 1.0 if {item["source"]} == set(cited) <= set(opened) else 0.4
        """),
        "a tighter tolerance": changed("0.01 *", "0.005 *"),
        "math.isclose": grade("""
            import math
            found = re.findall(r"-?\\d[\\d,]*\\.?\\d*", answer)
            values = {float(n.replace(",", "")) for n in found}
            right = len(values) == 1 and math.isclose(min(values), item["value"], rel_tol=0.01)
            proof = set(cited) == {item["source"]} and item["source"] in opened
            return 0.0 if not right else 1.0 if proof else 0.4
        """),
    },
}

NONSENSE: Nonsense = {
    "8.1": {
        "recall": (
            score("return len(set(found) & set(expected)) / len(set(expected))"),
            "precision is 1 and recall is 0.5: take their harmonic mean",
        ),
        "precision": (
            score("return len(set(found) & set(expected)) / len(set(found)) if found else 0.0"),
            "precision is 1 and recall is 0.5",
        ),
        "exact match": (
            score("return float(set(found) == set(expected))"),
            "half of the paths found, none too many: it returns 0.00, not 0.67",
        ),
        "the average": (
            score("""
                right = len(set(found) & set(expected))
                return (right / max(1, len(set(found))) + right / len(set(expected))) / 2
            """),
            "take their harmonic mean",
        ),
        "divides by zero": (
            score("""
                right = len(set(found) & set(expected))
                p, r = right / len(set(found)), right / len(set(expected))
                return 2 * p * r / (p + r)
            """),
            "only wrong paths: it divides by zero",
        ),
        "counts a path twice": (
            score("""
                right = sum(path in expected for path in found)
                return 2 * right / (len(found) + len(expected)) if found else 0.0
            """),
            "count each path once",
        ),
        "always 1": (score("return 1.0"), "it returns 1.00, not 0.67"),
        "a text": (score("return 'good'"), "which is not a number"),
    },
    "8.2": {
        "words": ({"turns": "fewer", "f1": "about the same"}, "predict a number"),
        "half a turn": ({"turns": 0.5, "f1": 0.6}, "turns: 0.5 cannot happen"),
        "a percentage": ({"turns": 2, "f1": 60}, "f1: 60 cannot happen"),
        "turns alone": ({"turns": 2}, 'write {"turns": NUMBER, "f1": NUMBER}'),
        "a list": ([2, 0.6], "not a dictionary"),
        "a key of another name": ({"turn": 2, "f1": 0.6}, "does not have the key turns"),
        "not a number": ({"turns": float("nan"), "f1": 0.6}, "is not a number"),
        "less than nothing": ({"turns": 2, "f1": -0.1}, "f1: -0.1 cannot happen"),
        "a truth value": ({"turns": True, "f1": 0.6}, "True is not a number"),
    },
    "8.3": {
        "always 1": (grade("return 1.0"), "0 for a wrong one whatever was cited"),
        "always 0": (grade("return 0.0"), "1 for the one value"),
        "the answer sounds good": (
            grade("return 1.0 if len(answer) > 20 or answer[:1].isdigit() else 0.0"),
            "compare numbers",
        ),
        "contains the value": (
            grade("""
                if str(item["value"]) not in answer.replace(",", ""):
                    return 0.0
                return 1.0 if set(cited) == {item["source"]} <= set(opened) else 0.4
            """),
            "allow 1% for rounding",
        ),
        "the first number": (
            grade("""
                numbers = re.findall(r"-?\\d[\\d,]*\\.?\\d*", answer)
                if not numbers:
                    return 0.0
                value = float(numbers[0].replace(",", ""))
                if abs(value - item["value"]) > 0.01 * abs(item["value"]):
                    return 0.0
                return 1.0 if set(cited) == {item["source"]} <= set(opened) else 0.4
            """),
            "find all numbers, and require that they have exactly one value",
        ),
        "citing all of them is fine": (
            changed('set(cited) == {item["source"]}', 'item["source"] in cited'),
            "the source must be the only filing cited",
        ),
        "never asks what was opened": (
            changed(' and item["source"] in opened', ""),
            "ask for the source in opened as well",
        ),
        "nothing without a citation": (
            changed("0.4", "0.0"),
            "give 0.4: the figure is right",
        ),
        "drops the sign": (changed('r"-?', 'r"'), "keep the sign of the number"),
        "only whole answers": (
            grade("""
                value = float(answer.replace(",", ""))
                return 1.0 if value == item["value"] and cited == [item["source"]] else 0.4
            """),
            "'1204.5 or 1302.5', where 1204.5 is right, citing the source",
        ),
        "one percent of a negative value": (
            changed('abs(item["value"])', 'item["value"]'),
            "allow 1% of abs(item['value'])",
        ),
        "credit for the citation alone": (
            grade("""
                numbers = re.findall(r"-?\\d[\\d,]*\\.?\\d*", answer)
                right = [abs(float(n.replace(",", "")) - item["value"]) < 1 for n in numbers]
                return 0.6 * (right == [True]) + 0.4 * (cited == [item["source"]])
            """),
            "0 for a wrong one whatever was cited",
        ),
        "compares a text with a number": (
            grade("return abs(answer - item['value']) < 1"),
            "it raised TypeError",
        ),
        "an exact match": (
            changed("0.01 *", "0.0 *"),
            "allow 1% for rounding",
        ),
    },
}
