"""Checks of lesson 04: partial credit for numbers, a rubric's loophole, a colleague's grader."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from openai import OpenAI
from openai.types.fine_tuning.alpha import GraderRunResponse

from buildhour_helpers.checks.verdict import Finding, Findings, exercise, right, wrong
from buildhour_helpers.graders import specs

HINTS = {
    "4.1": (
        "First find the numbers, each with its sign. Then ask: is there exactly one value? Only "
        "then compare it.",
        "Put the values of all numbers into a set; unless it has exactly one, the score is 0. "
        "Compare that value with `expected` for 1, and with every slip of `expected` for 0.5.",
        "`re.findall(r'([-(]?)\\$?(\\d[\\d,]*\\.?\\d*)', answer)` gives sign and digits of each "
        "number. The slips are `-expected`, and `expected` times 100 and 0.01 for a percentage, or "
        "times 1e3, 1e6, 1e-3 and 1e-6 for an amount. Close is `abs(a - b) <= 0.01 * abs(b)`.",
    ),
    "4.2": (
        "Ask of each line: what is the laziest answer that gets this score?",
        "The first line says nothing about the value. Let each score depend on the value alone, "
        "and say what several values and no value get.",
        "Score 1 if the answer gives the reference value. Score 0.5 if it is right but for scale "
        "or sign. Score 0 for any other value, for several values, and for no value.",
    ),
    "4.3": (
        "Try four answers in your head: every file of the repository, one right file three times, "
        "an empty list, and a sentence that is not JSON.",
        "Compare two sets. Wrong names must cost something, so divide by what was listed as well "
        "as by what was needed. An answer that cannot be read is a mistake of the model: 0.",
        "`found = set(json.loads(...))`, with 0.0 for ValueError and TypeError. F1 is "
        "`2 * len(found & needed) / (len(found) + len(needed))`.",
    ),
}


@dataclass(frozen=True)
class Case:
    answer: str
    expected: float
    kind: str
    score: float


# What is tested, how to fix it, and the answers that show it.
FAMILIES: dict[str, tuple[str, tuple[Case, ...]]] = {
    "the value as asked": (
        "compare as numbers, not as strings",
        (Case("8.35%", 8.35, "percent", 1), Case("1204", 1204, "amount", 1)),
    ),
    "percent signs, currency signs and commas": (
        "take only digits and the point: drop '%', '$' and ','",
        (
            Case("8.35", 8.35, "percent", 1),
            Case("$1,204", 1204, "amount", 1),
            Case("2,163,158", 2163158, "amount", 1),
        ),
    ),
    "words around the value": (
        "search for the number in the answer with re.findall, instead of float(answer)",
        (
            Case("The answer is 8.35%.", 8.35, "percent", 1),
            Case("about 1,204 million", 1204, "amount", 1),
        ),
    ),
    "rounding within 1%": (
        "abs(value - expected) <= 0.01 * abs(expected), which works for negative values too",
        (
            Case("8.4%", 8.35, "percent", 1),
            Case("-5.8%", -5.84, "percent", 1),
            Case("8.5%", 8.35, "percent", 0),
        ),
    ),
    "minus signs and parentheses": (
        "a '-' or a '(' right before the digits makes the value negative; use abs(expected) for "
        "the tolerance",
        (Case("-5.84%", -5.84, "percent", 1), Case("(22)", -22, "amount", 1)),
    ),
    "half for the sign": (
        "compare with -expected as well, for 0.5",
        (Case("5.84%", -5.84, "percent", 0.5), Case("-22", 22, "amount", 0.5)),
    ),
    "half for a percentage as a decimal": (
        "for kind 'percent' compare with expected * 0.01 and expected * 100, for 0.5",
        (Case("0.0835", 8.35, "percent", 0.5), Case("835", 8.35, "percent", 0.5)),
    ),
    "half for thousands and millions": (
        "for kind 'amount' compare with expected times 1e3, 1e6 and their inverses, for 0.5",
        (
            Case("1,204,000", 1204, "amount", 0.5),
            Case("2.163", 2163158, "amount", 0.5),
            Case("1,204,000,000", 1204, "amount", 0.5),
        ),
    ),
    "each kind has its own slips": (
        "a factor of 100 is a slip for percentages only, a factor of 1,000 for amounts only",
        (Case("12.04", 1204, "amount", 0), Case("8350", 8.35, "percent", 0)),
    ),
    "two slips at once": (
        "give 0.5 for a single slip only: do not compare absolute values",
        (Case("0.0584", -5.84, "percent", 0), Case("-22000", 22, "amount", 0)),
    ),
    "several values": (
        "count the different values before you compare; do not take the first or the best one",
        (
            Case("8.35% or 7.2%", 8.35, "percent", 0),
            Case("7.2%, or else 8.35%", 8.35, "percent", 0),
        ),
    ),
    "no value": (
        "return 0.0 where no number is found",
        (Case("I could not find it.", 8.35, "percent", 0), Case("", 22, "amount", 0)),
    ),
    "another value": (
        "only `expected` and its slips score anything",
        (Case("12", 22, "amount", 0),),
    ),
}


@exercise("4.1")
def exercise_4_1(score: Callable[[str, float, str], float]) -> Findings:
    """1 for the value, 0.5 for one error of scale or sign, 0 for the rest."""
    for family, (fix, cases) in FAMILIES.items():
        yield _graded(score, family, fix, cases)


def _graded(
    score: Callable[[str, float, str], float], family: str, fix: str, cases: tuple[Case, ...]
) -> Finding:
    """One finding for a family of answers: the first that gets another score."""
    for case in cases:
        asked = f"score({case.answer!r}, {case.expected!r}, {case.kind!r})"
        try:
            given = score(case.answer, case.expected, case.kind)
        except NotImplementedError:
            raise
        except Exception as error:
            return wrong(f"{family}: {asked} raises {type(error).__name__}: {error}", fix)
        if given is None or given != case.score:
            return wrong(f"{family}: {asked} gives {given}, and should give {case.score:g}", fix)
    return right(family)


@dataclass(frozen=True)
class Trial:
    """An answer to try a rubric on, and the score that a person gives it."""

    what: str
    answer: str
    reference: str
    score: float


TRIALS = (
    Trial("a bare right value", "8.35%", "8.35%", 1),
    Trial("a bare right value", "1,204", "1,204", 1),
    Trial("a right value in a sentence", "The answer is 8.35%.", "8.35%", 1),
    Trial("a value in the wrong scale", "0.0835", "8.35%", 0.5),
    Trial("a value with the wrong sign", "5.84%", "-5.84%", 0.5),
    Trial("a wrong value", "12", "8.35%", 0),
    Trial("a wrong value in a clear sentence", "The answer is 12.4%.", "8.35%", 0),
    Trial(
        "a wrong value in a clear sentence", "Net sales clearly rose to 310 million.", "1,204", 0
    ),
    Trial("several values", "It is probably about 8.35%, or else 3.", "8.35%", 0),
    Trial("several values", "8.35%, 7.2% or 6.1%", "8.35%", 0),
    Trial("no answer", "I could not find the answer.", "8.35%", 0),
    Trial("no answer", "The filing is clear and complete on this point.", "1,204", 0),
)
FIXES = {
    "a bare right value": "give 1 for the reference value, however it is worded",
    "a right value in a sentence": "give 1 for the reference value, however it is worded",
    "a value in the wrong scale": "give 0.5 if the value is right but for its scale",
    "a value with the wrong sign": "give 0.5 if the value is right but for its sign",
    "a wrong value": "give nothing for what does not equal the reference value",
    "a wrong value in a clear sentence": (
        "let no line give a score for clear, complete or confident answers: that is the loophole"
    ),
    "several values": "say Score 0 for several values: the judge allows what is not forbidden",
    "no answer": "say Score 0 for no value, and give nothing for a sentence by itself",
}
TRIES = 5  # the judge makes mistakes, so each answer is graded in several spellings
NOT_UNDERSTOOD = "what it does not understand"


@exercise("4.2")
def exercise_4_2(rubric: object) -> Findings:
    """Twelve answers, graded by the simulated judge with the learner's rubric."""
    if not isinstance(rubric, str):
        yield wrong(
            f"the rubric is of type {type(rubric).__name__}", "write the rubric as one string"
        )
        return
    if os.environ.get("BUILDHOUR_SESSION") != "offline":
        yield wrong(
            "this check asks the simulated judge, which only the offline service has",
            "start the notebook without OPENAI_BASE_URL, and run it again",
        )
        return
    client, spec = OpenAI(), specs.score_model(rubric=rubric)
    given = {trial: _usual(client, spec, trial.answer, trial.reference) for trial in TRIALS}
    for what in dict.fromkeys(trial.what for trial in TRIALS):
        scores = {trial: given[trial] for trial in TRIALS if trial.what == what}
        bad = next((trial for trial, score in scores.items() if score != trial.score), None)
        if bad is None:
            yield right(what)
        else:
            asked = f"{bad.answer!r} (reference {bad.reference})"
            gap = f"gets {scores[bad]:g}, and a person gives {bad.score:g}"
            yield wrong(f"{what}: {asked} {gap}", FIXES[what])
    if any(score != trial.score for trial, score in given.items()):
        yield _as_read(_rules(client, spec))


def _as_read(rules: str) -> Finding:
    if NOT_UNDERSTOOD in rules:
        return wrong(
            f"the judge read your rubric as: {rules}",
            "the simulated judge knows only some words, and a real one might understand you; name "
            "the reference value, other values, several values, no value, scale and sign",
        )
    return wrong(
        f"the judge read your rubric as: {rules}",
        "change the line that it did not read as you meant it",
    )


def _usual(client: OpenAI, spec: dict[str, object], answer: str, reference: str) -> float:
    """The most frequent score over spellings that differ only in trailing spaces."""
    scores = [_run(client, spec, answer, reference + " " * n).reward for n in range(TRIES)]
    return max(scores, key=scores.count)


def _rules(client: OpenAI, spec: dict[str, object]) -> str:
    """The rules that the judge read from the rubric, in its own words."""
    metadata = _run(client, spec, "12", "12").metadata.to_dict()
    explanation = str(metadata["explanations"])
    found = re.search(r"read from the rubric: (.*?)\. The answer", explanation)
    return found[1] if found else "nothing"


def _run(client: OpenAI, spec: dict[str, object], answer: str, reference: str) -> GraderRunResponse:
    return client.fine_tuning.alpha.graders.run(
        grader=spec,  # type: ignore[arg-type]  # a plain dict, as it goes over the wire
        model_sample=answer,
        item={"reference_answer": reference},
    )


FILES = ("app.py", "db.py", "auth.py", "tests/test_app.py")
ITEM = {"files": ["app.py", "auth.py"]}
MANY = [f"module_{n}.py" for n in range(50)]
UNREADABLE = ("app.py and auth.py", "", "null", "7", '[["app.py"]]', '[{"file": "app.py"}]')


@exercise("4.3")
def exercise_4_3(grade: Callable[[Mapping[str, Any], Mapping[str, Any]], float]) -> Findings:
    """Any score that is 1 for the exact list, and that missing and wrong names both lower."""

    def score(*names: str) -> float:
        return grade({"output_text": json.dumps(names)}, ITEM)

    exact = score("auth.py", "app.py")
    if not _is_number(exact):
        yield wrong(f"for a right list it returns {exact!r}", "return a number from 0 to 1")
        return
    yield _needs(
        _is(exact, 1),
        "the right files score 1, in any order",
        f"the right files in another order score {exact:g}",
        "compare sets, not lists; a perfect answer deserves 1",
    )
    one = score("app.py")
    yield _needs(
        0 < one < 1,
        "one of two files scores between 0 and 1",
        f"one of two files scores {one:g}",
        "partial credit: the share of needed files that were found belongs into the score",
    )
    none = max(score("db.py"), score("db.py", "README.md"), score())
    yield _needs(
        _is(none, 0),
        "a list without a right file scores 0",
        f"a list without a right file scores {none:g}",
        "do not reward form: valid JSON is worth nothing by itself",
    )
    most = score("app.py", "auth.py", *MANY)
    yield _needs(
        most <= 0.3,
        "listing every file does not pay",
        f"listing two right files among {len(MANY)} wrong ones scores {most:.2f}",
        "wrong names must cost: divide by the number of files listed as well, as F1 does",
    )
    repeated = score("app.py", "app.py", "app.py")
    yield _needs(
        repeated <= one + 1e-9,
        "repeating a name does not pay",
        f"one right file three times scores {repeated:.2f}, once it scores {one:.2f}",
        "make a set of the answer's names before you count",
    )
    yield _reads_anything(grade)


def _reads_anything(grade: Callable[[Mapping[str, Any], Mapping[str, Any]], float]) -> Finding:
    fix = "the model's mistake scores 0; an exception is a fault, and discards the rollout"
    for text in UNREADABLE:
        try:
            given = grade({"output_text": text}, ITEM)
        except NotImplementedError:
            raise
        except Exception as error:
            return wrong(f"the answer {text!r} raises {type(error).__name__}", fix)
        if not _is_number(given) or given > 0.99:
            return wrong(f"the answer {text!r} scores {given!r}", fix)
    return right("an answer that is not a list of names raises nothing")


def _needs(holds: bool, what: str, otherwise: str, fix: str) -> Finding:
    return right(what) if holds else wrong(otherwise, fix)


def _is(found: float, expected: float) -> bool:
    return math.isclose(found, expected, abs_tol=1e-9)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(float(value))
