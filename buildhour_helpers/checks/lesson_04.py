"""Checks of lesson 04: numeric comparison with partial credit, a rubric without its loophole."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from openai import OpenAI

from buildhour_helpers.checks.verdict import Finding, Findings, exercise, right, wrong
from buildhour_helpers.graders import specs

HINTS = {
    "4.1": (
        "Find the numbers first, each with its sign, and put their values into a set: what is not "
        "exactly one value is worth 0. Then compare with the value wanted, then with its slips.",
        "re.findall(r'([-(]?)\\$?(\\d[\\d,]*\\.?\\d*)', answer) gives sign and digits of each "
        "number. The slips are -wanted, and wanted times 100 and 0.01 for a percentage, times "
        "1e3, 1e6 and their inverses for an amount; close is abs(a - b) <= 0.01 * abs(b).",
    ),
    "4.2": (
        "Ask of each line: what is the least work that gets this score? The first line of the "
        "sloppy rubric asks for nothing about the value.",
        "Score 1 if the answer gives the reference value. Score 0.5 if it is right but for scale "
        "or sign. Score 0 for any other value, for several values, and for no value.",
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
        "abs(value - wanted) <= 0.01 * abs(wanted), which holds for negative values too",
        (
            Case("8.4%", 8.35, "percent", 1),
            Case("-5.8%", -5.84, "percent", 1),
            Case("8.5%", 8.35, "percent", 0),
        ),
    ),
    "minus signs and parentheses": (
        "a '-' or a '(' right before the digits makes the value negative",
        (Case("-5.84%", -5.84, "percent", 1), Case("(22)", -22, "amount", 1)),
    ),
    "half for the sign": (
        "compare with -wanted as well, for 0.5",
        (Case("5.84%", -5.84, "percent", 0.5), Case("-22", 22, "amount", 0.5)),
    ),
    "half for a percentage as a decimal": (
        "for kind 'percent' compare with wanted * 0.01 and wanted * 100, for 0.5",
        (Case("0.0835", 8.35, "percent", 0.5), Case("835", 8.35, "percent", 0.5)),
    ),
    "half for thousands and millions": (
        "for kind 'amount' compare with wanted times 1e3, 1e6 and their inverses, for 0.5",
        (
            Case("1,204,000", 1204, "amount", 0.5),
            Case("2.163", 2163158, "amount", 0.5),
            Case("1,204,000,000", 1204, "amount", 0.5),
        ),
    ),
    "each kind has slips of its own": (
        "a hundred is no slip of an amount, a thousand none of a percentage",
        (Case("12.04", 1204, "amount", 0), Case("8350", 8.35, "percent", 0)),
    ),
    "two slips at once": (
        "give 0.5 for one slip alone: do not compare absolute values",
        (Case("0.0584", -5.84, "percent", 0), Case("-22000", 22, "amount", 0)),
    ),
    "several values": (
        "count the different values before you compare; take neither the first nor the best",
        (
            Case("8.35% or 7.2%", 8.35, "percent", 0),
            Case("7.2%, or else 8.35%", 8.35, "percent", 0),
        ),
    ),
    "no value": (
        "return 0.0 where no number is found",
        (Case("I could not find it.", 8.35, "percent", 0), Case("", 22, "amount", 0)),
    ),
    "another value": ("only wanted and its slips earn anything", (Case("12", 22, "amount", 0),)),
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
        asked = f"score({case.answer!r}, {case.expected:g}, {case.kind!r})"
        try:
            given = score(case.answer, case.expected, case.kind)
        except NotImplementedError:
            raise
        except Exception as error:
            return wrong(f"{family}: {asked} raises {type(error).__name__}: {error}", fix)
        if given is None or given != case.score:
            return wrong(f"{family}: {asked} gives {given}, and should give {case.score:g}", fix)
    return right(family)


# Answers to try a rubric on: the kind, the answer, the reference, and the score a person gives.
TRIALS: tuple[tuple[str, str, str, float], ...] = (
    ("a bare right value", "8.35%", "8.35%", 1),
    ("a bare right value", "1,204", "1,204", 1),
    ("a right value in a sentence", "The answer is 8.35%.", "8.35%", 1),
    ("a value in the wrong scale", "0.0835", "8.35%", 0.5),
    ("a value with the wrong sign", "5.84%", "-5.84%", 0.5),
    ("a wrong value", "12", "8.35%", 0),
    ("a wrong value in a clear sentence", "The answer is 12.4%.", "8.35%", 0),
    ("a wrong value in a clear sentence", "Net sales clearly rose to 310 million.", "1,204", 0),
    ("several values", "It is probably about 8.35%, or else 3.", "8.35%", 0),
    ("several values", "8.35%, 7.2% or 6.1%", "8.35%", 0),
    ("no answer", "I could not find the answer.", "8.35%", 0),
    ("no answer", "The filing is clear and complete on this point.", "1,204", 0),
)
FIXES = {
    "a bare right value": "let Score 1 be for the reference value, however it is worded",
    "a right value in a sentence": "let Score 1 be for the reference value, however it is worded",
    "a value in the wrong scale": "grant Score 0.5 if the value is right but for its scale",
    "a value with the wrong sign": "grant Score 0.5 if the value is right but for its sign",
    "a wrong value": "grant nothing for what does not equal the reference value",
    "a wrong value in a clear sentence": (
        "no line that grants a score may mention clear, complete or confident answers: that is "
        "the loophole"
    ),
    "several values": "say Score 0 for several values; what a rubric does not forbid it allows",
    "no answer": "say Score 0 for no value, and grant nothing for a sentence by itself",
}
TRIES = 5  # the judge makes mistakes, so each answer is graded in several spellings


@exercise("4.2")
def exercise_4_2(rubric: str) -> Findings:
    """Twelve answers, graded by the simulated judge with the learner's rubric."""
    if os.environ.get("BUILDHOUR_SESSION") != "offline":
        yield wrong(
            "this check asks the simulated judge, which only the offline service has",
            "start the notebook without OPENAI_BASE_URL, and run it again",
        )
        return
    spec = specs.score_model(rubric=rubric)
    client = OpenAI()
    bad: dict[str, float] = {}
    for what, answer, reference, person in TRIALS:
        given = _usual(client, spec, answer, reference)
        if given != person:
            bad.setdefault(what, given)
    for what in dict.fromkeys(trial[0] for trial in TRIALS):
        if what in bad:
            person = next(trial[3] for trial in TRIALS if trial[0] == what)
            yield wrong(f"{what} gets {bad[what]:g}; a person gives {person:g}", FIXES[what])
        else:
            yield right(what)


def _usual(client: OpenAI, spec: dict[str, object], answer: str, reference: str) -> float:
    """The most frequent score over spellings that differ only in trailing spaces."""
    scores = [
        client.fine_tuning.alpha.graders.run(
            grader=spec,  # type: ignore[arg-type]  # a plain dict, as it goes over the wire
            model_sample=answer,
            item={"reference_answer": reference + " " * n},
        ).reward
        for n in range(TRIES)
    ]
    return max(scores, key=scores.count)
