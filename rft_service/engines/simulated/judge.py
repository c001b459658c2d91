"""`sim-grader`: scores an answer by a rubric, as a careless but literal judge would.

1. Find the rubric, the reference and the answer in the messages, by their labels (`_parts_of`).
2. Read the rules of the rubric (`read_rubric`).
3. Find which of their conditions are true of the answer (`_facts`), and grant the first rule that
   has one of them (`_grant`). Once in thirty times, slip to another level.

The explanation says which rules it read. What the rubric does not forbid is allowed, so it can be
hacked: one right value among several is right, a clear sentence earns credit even if it is wrong,
and without a reference any number is right.

It sees the messages alone, not the pages: whether a value is that of another year or row it cannot
know. Nor does it read the question, so it accepts a number without its unit word if the reference
has none.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from rft_service.engines.simulated.memory import message_text
from rft_service.engines.simulated.rubric import CLOSE, CONDITIONS, Rule, read_rubric
from rft_service.engines.simulated.words import Quantity, is_year, quantities
from rft_service.rl.engine import Seed

SLIP_PROBABILITY = 1 / 30
TOLERANCE = 0.01  # relative: a careless reader takes such numbers to be the same
ROUNDING_TOLERANCE = 0.05

# "Reference answer: x", "**Answer:** x", "- Answer: x", "[Answer]", "# Answer",
# {"answer": "x"}, <answer>
_LABEL = re.compile(
    r"^[ \t]*(?P<open>[-#*_\[=]*)[ \t]*(?P<label>[A-Za-z][\w'() ]{0,40}?)[ \t]*"
    r"(?:[*_\]]*[ \t]*:[ \t]*[*_]*|(?P<close>[*_\]=]*)[ \t]*$)"
    r"|[{,]\s*\"(?P<key>[\w ]{1,40})\"\s*:\s*\"?|<(?P<tag>\w{1,40})>",
    re.M,
)
_KINDS = {  # of labels and JSON keys, in this order: "correct answer" is a reference
    "rubric": re.compile(r"rubric|scor|grading|instruct|criteria|format|rules|guide|marking", re.I),
    "reference": re.compile(
        r"reference|correct|right|expected|gold|truth|target|ideal|solution|key", re.I
    ),
    "answer": re.compile(
        r"answer|response|output|prediction|submission|reply|sample|candidate|completion|student",
        re.I,
    ),
    "question": re.compile(r"question|query|prompt|problem|^q$", re.I),
}
_DECLINE = re.compile(r"\b(?:declin|decreas|fell\b|fall|lower|drop|down\b|less\b|loss)", re.I)


@dataclass(frozen=True)
class Judgement:
    """A score within the range, the reason for it, and the tokens read and written."""

    score: float
    explanation: str
    tokens: int


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
    texts = [message_text(dict(message)) for message in messages]
    parts = _parts_of(texts)
    answer, reference = parts.get("answer", ""), parts.get("reference", "")
    low, high = score_range
    rules = read_rubric(parts["rubric"], low, high) or (Rule(high, frozenset({"right"})),)
    level, why = _grant(rules, _facts(answer, reference, rules), low)
    rng = random.Random(seed.key)
    if rng.random() < SLIP_PROBABILITY:
        level = _slip(level, rules, score_range, rng)
        why += ", but read in haste"
    read = "; ".join(map(str, rules))
    explanation = f"read from the rubric: {read}. The answer: {why}, so {level:g}."
    tokens = sum(map(len, texts)) // 4 + len(explanation) // 4 + 8
    return Judgement(level, explanation, tokens)


def _parts_of(texts: Sequence[str]) -> dict[str, str]:
    """The rubric, reference, answer and question in the messages.

    The last message that names an answer holds the case, and all else is the rubric. Where none
    does, the last of several messages is the answer itself.
    """
    parts = {"rubric": ""}
    for n in reversed(range(len(texts))):
        others = "\n".join([*texts[:n], *texts[n + 1 :]])
        case = _case_in(texts[n], has_rubric=bool(read_rubric(others, 0, 1)))
        if "answer" in case:
            before = [*texts[:n], case.pop("rubric", ""), *texts[n + 1 :]]
            # A reference may be in an earlier message, beside the rubric.
            for text in before if "reference" not in case else ():
                case |= {k: v for k, v in _case_in(text).items() if k == "reference"}
            return {"rubric": "\n".join(before), **case}
    if len(texts) > 1 and "reference" not in _case_in(texts[-1]):
        *texts, parts["answer"] = texts
    for text in texts:
        case = _case_in(text)
        parts["rubric"] += case.pop("rubric", "") + "\n"
        parts |= case
    return parts


def _case_in(text: str, *, has_rubric: bool = False) -> dict[str, str]:
    """The labelled parts of a text. A part reaches to its end tag or to the next label. What has no
    label is the rubric; if no other message has one, it may also follow the case. A label that
    comes again belongs to the text: to an answer that brings its own reference, for example."""
    parts, tags = {"rubric": ""}, set[str]()
    current, end = "rubric", 0
    for match in _LABEL.finditer(text):
        kind = _kind(match["label"] or match["key"] or match["tag"].replace("_", " "))
        if match.start() < end or not kind or not _is_label(match, kind):
            continue
        if kind == "rubric":
            has_rubric = has_rubric or bool(read_rubric(parts["rubric"], 0, 1))
        if has_rubric if kind == "rubric" else kind in parts:
            continue
        start = match.start()
        if tag := match["tag"]:
            closing = -1 if tag in tags or kind == "rubric" else _end_tag(match, kind)
            tags.add(tag)  # the first of its name counts, with an end tag or without
            if closing < 0:
                continue
            parts[current] += text[end:start]
            parts[kind] = text[match.end() : closing]
            current, end = "rubric", closing
        else:
            parts[current] += text[end:start]
            parts.setdefault(kind, "")
            current, end = kind, start if kind == "rubric" else match.end()
    last = text[end:]
    if current != "rubric" and not has_rubric and not read_rubric(parts["rubric"], 0, 1):
        first, _, others = last.partition("\n\n")
        if read_rubric(others, 0, 1):
            last, parts["rubric"] = first, others
    parts[current] += last
    return {kind: re.sub(r"\"\s*[,}]?\s*$", "", part).strip() for kind, part in parts.items()}


def _is_label(match: re.Match[str], kind: str) -> bool:
    """Not a line that is only a word, nor a rubric's "Correct answer: 1 point"."""
    if match["close"] is not None and not re.search(r"[#*\[=]", match["open"]):
        return False
    line = match.string[match.end() : match.end() + 40].split("\n", 1)[0]
    score = r"\s*[\d.]+\s*(?:points?|marks?|credits?)\W*|\s*0?\.5\W*"
    return kind == "rubric" or not re.fullmatch(score, line)


def _end_tag(match: re.Match[str], kind: str) -> int:
    """Where the end tag is: of an answer the last one, since an answer may contain anything."""
    find = match.string.rfind if kind == "answer" else match.string.find
    return find(f"</{match['tag']}>", match.end())


def _kind(label: str) -> str:
    return next((kind for kind, cue in _KINDS.items() if cue.search(label)), "")


def _facts(answer: str, reference: str, rules: Sequence[Rule]) -> frozenset[str]:
    """Which of CONDITIONS are true of an answer, at a glance."""
    facts = set()
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
        facts |= _compare(answer, numbers, expected[0], rules)
    else:  # a text or yes and no
        facts -= {"several"}
        if re.search(rf"(?<!\w){re.escape(reference.lower())}(?!\w)", answer.lower()):
            facts.add("right")
        if re.search(r"\byes\b.*\bno\b|\bno\b.*\byes\b", answer, re.I | re.S):
            facts.add("several")
    facts.add("close" if "right" in facts else "wrong")
    return frozenset(facts)


def _compare(
    answer: str, numbers: Sequence[Quantity], expected: Quantity, rules: Sequence[Rule]
) -> set[str]:
    """How the numbers of an answer compare with the reference. If the reference has no unit word, a
    number also counts without its own ("60 million" for 60). A word of decline makes a number
    negative ("a decrease of 6.91%" for -6.91%)."""
    target = expected.value * (expected.unit or 1.0)
    values = {number.value * (number.unit or 1.0) for number in numbers}
    if not expected.unit:
        values |= {number.value for number in numbers}
    if target < 0 and _DECLINE.search(answer):
        values |= {-value for value in values}
    tests: dict[str, Callable[[float], bool]] = {
        "right": lambda value: _is_near(value, target, _within(rules, "right", TOLERANCE)),
        "close": lambda value: _is_near(value, target, _within(rules, "close", CLOSE)),
        "scale": lambda value: _is_scaled(value, target),
        "sign": lambda value: target != 0 and _is_near(-value, target, TOLERANCE),
        "rounded": lambda value: _is_rounded(value, target),
    }
    return {fact for fact, test in tests.items() if any(test(value) for value in values)}


def _within(rules: Sequence[Rule], condition: str, usual: float) -> float:
    """The tolerance that the rubric states for a condition."""
    stated = (rule.within for rule in rules if condition in rule.conditions and rule.within)
    return next(stated, usual)


def _is_near(value: float, target: float, tolerance: float) -> bool:
    return abs(value - target) <= tolerance * max(abs(target), 1e-9) * (1 + 1e-9)


def _is_scaled(value: float, target: float) -> bool:
    """The same digits and sign in another scale: the ratio is a power of ten."""
    if value * target <= 0:
        return False
    power = round(math.log10(value / target))
    return power != 0 and _is_near(value / target, 10.0**power, TOLERANCE)


def _is_rounded(value: float, target: float) -> bool:
    """The target rounded to some place, unless little is left of it."""
    places = range(-9, 7)
    return _is_near(value, target, ROUNDING_TOLERANCE) and any(
        math.isclose(value, round(target, n), rel_tol=1e-9) for n in places
    )


def _grant(rules: Sequence[Rule], facts: frozenset[str], low: float) -> tuple[float, str]:
    """The level of the first rule with a condition among the facts, and that condition. What is
    noticed at a glance comes first: several values (if the rubric mentions them), or none."""
    least = rules[-1].level if rules[-1].conditions & {"wrong", "else"} else low
    for rule in reversed(rules):
        glance = facts & rule.conditions & {"several", "missing"}
        if glance and (rule.level == least or "right" in facts):
            return rule.level, _name(glance)
    for rule in rules:
        met = facts & rule.conditions - {"several", "missing"}
        if met and rule.level > least and not (met == {"wrong"} and "right" in facts):
            return rule.level, _name(met)
    named = facts & (rules[-1].conditions if rules[-1].level == least else frozenset())
    if named:
        return least, _name(named)
    for rule in rules:
        if "else" in rule.conditions:
            return rule.level, CONDITIONS["else"]
    return least, "the rubric grants nothing for it"


def _name(facts: Set[str]) -> str:
    return next(words for name, words in CONDITIONS.items() if name in facts)


def _slip(
    level: float, rules: Sequence[Rule], score_range: tuple[float, float], rng: random.Random
) -> float:
    """Another level of the rubric, or an end of the range."""
    low, high = score_range
    levels = {rule.level for rule in rules} | {low, high}
    return rng.choice(sorted(levels - {level}))
