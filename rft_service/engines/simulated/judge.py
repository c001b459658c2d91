"""`sim-grader`: scores an answer by a rubric, as a careless but literal judge would.

It takes each sentence of the rubric that grants a score, finds by cue words what that score is for,
and grants the highest for which something in the answer speaks. What the rubric does not
forbid it does not mind: where several values are not ruled out, one right value among them is
right; where a clear sentence earns credit, a clear sentence earns it, true or not; where
there is no reference to compare with, any number will do. It does not see the question, so it takes
a number with a unit word that the reference lacks as it stands. Once in thirty times it slips by a
level.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_service.engines.simulated.memory import message_text
from rft_service.engines.simulated.words import YEAR, Quantity, quantities
from rft_service.rl.engine import Seed

SLIP_PROBABILITY = 1 / 30
TOLERANCE = 0.01  # relative, as a reader who does not compute takes two numbers for the same

_LABEL = re.compile(
    r"^\s*(?:#+\s*|\*\*)?<?(?P<label>[A-Za-z][\w ]{0,40}?)>?(?:\*\*)?\s*[:>]\s*", re.M
)
_REFERENCE = re.compile(r"reference|correct|expected|gold|truth|target", re.I)
_ANSWER = re.compile(r"answer|response|output|prediction|submission|reply|sample", re.I)
_SCORE = re.compile(
    r"\b(?:score|give|award|grant|assign|credit|points?)\b[^.\n]{0,40}?(?P<value>-?\d+(?:\.\d+)?)"
    r"|(?P<leading>^\s*[-*]?\s*-?\d+(?:\.\d+)?)\s*(?:[:=\u2014-]|if\b|for\b|when\b|points?\b)",
    re.I | re.M,
)
_LEVEL_WORDS = (
    (re.compile(r"\bfull (?:credit|marks|score)", re.I), 1.0),
    (re.compile(r"\b(?:half|partial) (?:credit|marks|score)", re.I), 0.5),
    (re.compile(r"\b(?:no|zero) (?:credit|marks|score)|\bearns? nothing", re.I), 0.0),
)
_DECLINE = re.compile(r"\b(?:declin|decreas|fell\b|fall|lower|drop|down\b|less\b|loss)", re.I)
# What a sentence of a rubric can speak of, by its words.
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
    """A score within the range asked for, why, and the tokens that reading and writing took."""

    score: float
    explanation: str
    tokens: int


@dataclass(frozen=True)
class _Clause:
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
    """Score the answer in the messages by the rubric in them. The same messages and seed give
    the same judgement; a score outside the range is moved to its nearer end."""
    text = "\n".join(message_text(dict(message)) for message in messages)
    parts = _labelled(text)
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


def _labelled(text: str) -> dict[str, str]:
    """The rubric, the reference and the answer: labelled parts run to the next label."""
    parts = {"rubric": ""}
    current, end = "rubric", 0
    for match in _LABEL.finditer(text):
        kind = _kind_of(match["label"])
        if kind is None:
            continue
        parts[current] = parts.get(current, "") + text[end : match.start()]
        current, end = kind, match.end()
        parts[current] = ""
    parts[current] = parts.get(current, "") + text[end:]
    return {kind: re.sub(r"</?\w[\w ]*>\s*$", "", part).strip() for kind, part in parts.items()}


def _kind_of(label: str) -> str | None:
    if _REFERENCE.search(label):
        return "reference"
    if _ANSWER.search(label):
        return "answer"
    return "question" if "question" in label.lower() else None


def _clauses(rubric: str) -> list[_Clause]:
    """The sentences that grant a score, highest first, with what each speaks of."""
    found = []
    for sentence in re.split(r"(?<=[.;])\s+|\n+", rubric):
        level = _level(sentence)
        if level is None:
            continue
        spoken = frozenset(name for name, cue in CONDITIONS.items() if cue.search(sentence))
        found.append(_Clause(level, spoken, " ".join(sentence.split())))
    return sorted(found, key=lambda clause: -clause.level)


def _level(sentence: str) -> float | None:
    match = _SCORE.search(sentence)
    if match:
        return float((match["value"] or match["leading"]).strip(" -*"))
    return next((level for cue, level in _LEVEL_WORDS if cue.search(sentence)), None)


def _facts(answer: str, reference: str) -> frozenset[str]:
    """What of CONDITIONS is true of an answer, at a glance."""
    facts = {"other"}
    numbers = [q for q in quantities(answer) if not YEAR.fullmatch(q.text)]
    values = {q.value * (q.unit or 1.0) for q in numbers}
    if not answer.strip():
        facts.add("missing")
    if not values and not re.search(r"\b(yes|no)\b", answer, re.I):
        facts.add("missing")
    if len(values) > 1:
        facts.add("several")
    if len(answer.split()) >= 4 and answer.rstrip().endswith("."):
        facts.add("form")
    if values or len(answer.split()) >= 4:
        facts.add("plausible")
    wanted = quantities(reference)
    if not reference:
        facts |= {"right"} if values or answer.strip() else set()
    elif wanted:
        facts |= _compared(answer, numbers, wanted[0])
    else:
        facts -= {"several"}
        if re.search(rf"(?<!\w){re.escape(reference.lower())}(?!\w)", answer.lower()):
            facts.add("right")
        if re.search(r"\byes\b.*\bno\b|\bno\b.*\byes\b", answer, re.I | re.S):
            facts.add("several")
    return frozenset(facts)


def _compared(answer: str, numbers: Sequence[Quantity], wanted: Quantity) -> set[str]:
    """How the numbers of an answer compare with the reference. Where the reference names no unit
    word, a number is also taken without its own; a word of decline makes a number negative."""
    target = wanted.value * (wanted.unit or 1.0)
    values = {q.value * (q.unit or 1.0) for q in numbers}
    if not wanted.unit:
        values |= {q.value for q in numbers}
    if target < 0 and _DECLINE.search(answer):
        values |= {-value for value in values}
    tests = {"right": _same, "slip": _slipped, "close": _close}
    return {fact for fact, test in tests.items() if any(test(value, target) for value in values)}


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= TOLERANCE * max(abs(b), 1e-9)


def _slipped(value: float, target: float) -> bool:
    """The same digits in another scale or with another sign."""
    if target == 0 or value == 0:
        return False
    ratio = abs(value / target)
    return _same(ratio, 10.0 ** round(math.log10(ratio)))


def _close(value: float, target: float) -> bool:
    """Within a tenth, whatever its sign."""
    return abs(abs(value) - abs(target)) <= 0.1 * abs(target)


def _grant(clauses: Sequence[_Clause], facts: frozenset[str]) -> tuple[float, str]:
    """The level of the first clause that something speaks for; the last clause grants the least.
    A clause that gives the least for several values, or for none, is heeded before any other."""
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
    """Another level of the rubric than the one that was meant."""
    low, high = score_range
    levels = {min(max(clause.level, low), high) for clause in clauses} | {low, high}
    return rng.choice(sorted(levels - {level}))
