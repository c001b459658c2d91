"""`sim-grader`: scores an answer by a rubric, as a careless but literal judge would.

1. Find the rubric, the reference and the answer in the messages, by their labels (`_parts_of`).
2. Find the sentences of the rubric that grant a score, and by cue words what each is about: a right
   answer, a close one, a clear sentence (`_clauses`).
3. Find which of these are true of the answer (`_facts`), and grant the first clause that is about
   one of them (`_grant`). Once in thirty times, slip to another level.

What the rubric does not forbid is allowed, so it can be hacked: one right value among several is
right, a clear sentence earns credit even if it is wrong, and without a reference any number is
right. The judge does not see the question, so it accepts a number without its unit word if the
reference has none.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_service.engines.simulated.memory import message_text
from rft_service.engines.simulated.words import Quantity, is_year, quantities
from rft_service.rl.engine import Seed

SLIP_PROBABILITY = 1 / 30
TOLERANCE = 0.01  # relative: a careless reader takes such numbers to be the same

# A label at the start of a line: "Reference answer:", "**Answer**:", "# Rubric:" or "<response>".
_LABEL = re.compile(
    r"^\s*(?:#+\s*|\*\*)?<?(?P<label>[A-Za-z][\w ]{0,40}?)>?(?:\*\*)?\s*[:>]\s*", re.M
)
_REFERENCE = re.compile(r"reference|correct|expected|gold|truth|target", re.I)
_ANSWER = re.compile(r"answer|response|output|prediction|submission|reply|sample", re.I)
# "Give 0.5 for", "award at most 1", and in lists "- 0.5: close" or "1 if it is right".
_SCORE = re.compile(
    r"\b(?:score|give|award|grant|assign|credit|points?)\b[^.\n]{0,40}?(?P<value>-?\d+(?:\.\d+)?)"
    r"|(?P<leading>^\s*[-*]?\s*-?\d+(?:\.\d+)?)\s*(?:[:=\u2014-]|if\b|for\b|when\b|points?\b)",
    re.I | re.M,
)
_SCORE_WORDS = (
    (re.compile(r"\bfull (?:credit|marks|score)", re.I), 1.0),
    (re.compile(r"\b(?:half|partial) (?:credit|marks|score)", re.I), 0.5),
    (re.compile(r"\b(?:no|zero) (?:credit|marks|score)|\bearns? nothing", re.I), 0.0),
)
_DECLINE = re.compile(r"\b(?:declin|decreas|fell\b|fall|lower|drop|down\b|less\b|loss)", re.I)
# What a sentence of a rubric can be about, and the words that show it.
CONDITIONS: dict[str, re.Pattern[str]] = {
    name: re.compile(cues, re.I)
    for name, cues in {
        "right": r"reference|correct|match|equal|same|right|accurate|mentions?|contains?",
        "slip": r"scale|sign\b|unit slip|thousand",
        "close": r"\bclose|\bnear|rough|approximate|almost",
        "several": r"several|more than one|multiple|range|hedg|list of|alternatives",
        "missing": r"no (?:value|number|answer)|empty|blank|refus|does not answer",
        "form": r"clear|sentence|complete|explain|confiden|polite|well[- ]written|fluent",
        "plausible": r"plausib|reasonable|sensible|looks|attempt|effort",
        "other": r"any other|otherwise|anything else|\belse\b|wrong|incorrect",
    }.items()
}


@dataclass(frozen=True)
class Judgement:
    """A score within the range, the reason for it, and the tokens read and written."""

    score: float
    explanation: str
    tokens: int


@dataclass(frozen=True)
class _Clause:
    """A sentence of a rubric that grants a score, and the CONDITIONS that it is about."""

    level: float
    conditions: frozenset[str]
    text: str


@dataclass(frozen=True)
class SeededJudge:
    """The grading model; a seed other than 0 gives it other random numbers."""

    seed: int = 0

    def __call__(
        self, messages: Sequence[Mapping[str, Any]], score_range: tuple[float, float], seed: Seed
    ) -> Judgement:
        if self.seed:
            seed = Seed.of("seed", self.seed, seed.key.hex())
        return judge(messages, score_range, seed)


def judge(
    messages: Sequence[Mapping[str, Any]], score_range: tuple[float, float], seed: Seed
) -> Judgement:
    """Score the answer in the messages by the rubric in them. A score outside the range becomes its
    nearer end. The same messages and `seed` give the same judgement."""
    text = "\n".join(message_text(dict(message)) for message in messages)
    parts = _parts_of(text)
    answer, reference = parts.get("answer", ""), parts.get("reference", "")
    facts = _facts(answer, reference)
    clauses = _clauses(parts.get("rubric", ""))
    low, high = score_range
    level, why = _grant([*clauses, _Clause(low, frozenset({"other"}), "")], facts)
    level = min(max(level, low), high)
    rng = random.Random(seed.key)
    if rng.random() < SLIP_PROBABILITY:
        level = _slip(level, clauses, score_range, rng)
        why += " (read in haste)"
    return Judgement(level, why, len(text) // 4 + len(why) // 4 + 8)


def _parts_of(text: str) -> dict[str, str]:
    """The rubric, reference, answer and question in a text. Each part begins at its label and ends
    at the next one; what is before the first label is the rubric."""
    parts = {"rubric": ""}
    current, end = "rubric", 0
    for match in _LABEL.finditer(text):
        label = match["label"]
        if _REFERENCE.search(label):  # first, since "correct answer" is a reference
            kind = "reference"
        elif _ANSWER.search(label):
            kind = "answer"
        elif "question" in label.lower():
            kind = "question"
        else:
            continue
        parts[current] += text[end : match.start()]
        current, end = kind, match.end()
        parts[current] = ""
    parts[current] += text[end:]
    return {kind: re.sub(r"</?\w[\w ]*>\s*$", "", part).strip() for kind, part in parts.items()}


def _clauses(rubric: str) -> list[_Clause]:
    """The sentences that grant a score, highest first."""
    found = []
    for sentence in re.split(r"(?<=[.;])\s+|\n+", rubric):
        level = _level(sentence)
        if level is None:
            continue
        conditions = frozenset(name for name, cue in CONDITIONS.items() if cue.search(sentence))
        found.append(_Clause(level, conditions, " ".join(sentence.split())))
    return sorted(found, key=lambda clause: -clause.level)


def _level(sentence: str) -> float | None:
    match = _SCORE.search(sentence)
    if match:
        return float((match["value"] or match["leading"]).strip(" -*"))
    return next((level for cue, level in _SCORE_WORDS if cue.search(sentence)), None)


def _facts(answer: str, reference: str) -> frozenset[str]:
    """Which of CONDITIONS are true of an answer, at a glance."""
    facts = {"other"}
    numbers = [quantity for quantity in quantities(answer) if not is_year(quantity.text)]
    values = {quantity.value * (quantity.unit or 1.0) for quantity in numbers}
    if not values and not re.search(r"\b(yes|no)\b", answer, re.I):
        facts.add("missing")
    if len(values) > 1:
        facts.add("several")
    is_long = len(answer.split()) >= 4
    if is_long and answer.rstrip().endswith("."):
        facts.add("form")
    if values or is_long:
        facts.add("plausible")
    expected = quantities(reference)
    if not reference:
        if answer.strip():
            facts.add("right")
    elif expected:
        facts |= _compare(answer, numbers, expected[0])
    else:  # a text or yes and no
        facts -= {"several"}
        if re.search(rf"(?<!\w){re.escape(reference.lower())}(?!\w)", answer.lower()):
            facts.add("right")
        if re.search(r"\byes\b.*\bno\b|\bno\b.*\byes\b", answer, re.I | re.S):
            facts.add("several")
    return frozenset(facts)


def _compare(answer: str, numbers: Sequence[Quantity], expected: Quantity) -> set[str]:
    """How the numbers of an answer compare with the reference: right, slip or close. If the
    reference has no unit word, a number also counts without its own ("60 million" for 60). A word
    of decline makes a number negative ("a decrease of 6.91%" for -6.91%)."""
    target = expected.value * (expected.unit or 1.0)
    values = {number.value * (number.unit or 1.0) for number in numbers}
    if not expected.unit:
        values |= {number.value for number in numbers}
    if target < 0 and _DECLINE.search(answer):
        values |= {-value for value in values}
    tests = {"right": _is_same, "slip": _is_slip, "close": _is_close}
    return {fact for fact, test in tests.items() if any(test(value, target) for value in values)}


def _is_same(value: float, target: float) -> bool:
    return abs(value - target) <= TOLERANCE * max(abs(target), 1e-9)


def _is_slip(value: float, target: float) -> bool:
    """The same digits in another scale or with another sign: the ratio is a power of ten."""
    if target == 0 or value == 0:
        return False
    ratio = abs(value / target)
    return _is_same(ratio, 10.0 ** round(math.log10(ratio)))


def _is_close(value: float, target: float) -> bool:
    """Within a tenth, apart from the sign."""
    return abs(abs(value) - abs(target)) <= 0.1 * abs(target)


def _grant(clauses: Sequence[_Clause], facts: frozenset[str]) -> tuple[float, str]:
    """The level of the first clause with a condition among the facts, and the reason. The last of
    the clauses grants the least; if it does so for several values or for none, that comes first."""
    if len(clauses) == 1:  # a rubric that grants no score: right or not
        return (1.0, "it is right") if "right" in facts else (0.0, "it is not right")
    least = clauses[-1].level
    for clause in clauses:
        if clause.level == least and facts & clause.conditions & {"several", "missing"}:
            return least, f"by the sentence: {clause.text}"
    for clause in clauses:
        if facts & (clause.conditions - {"other", "several", "missing"}) and clause.level > least:
            return clause.level, f"by the sentence: {clause.text}"
    return least, "nothing in the rubric speaks for it"


def _slip(
    level: float, clauses: Sequence[_Clause], score_range: tuple[float, float], rng: random.Random
) -> float:
    """Another level of the rubric, or an end of the range."""
    low, high = score_range
    levels = {min(max(clause.level, low), high) for clause in clauses} | {low, high}
    return rng.choice(sorted(levels - {level}))
