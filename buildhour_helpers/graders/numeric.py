"""Compare an answer in words with the reference value: 1.0, 0.5 or 0.0.

Which number of an answer counts is decided without looking at the reference, so that naming many
numbers earns nothing. In this order:

1. The sentence after the last "answer:", "answer is" or "=", if it contains a number.
2. Labels (`Q3`, `10-K`, `page 3`), page paths, and years (a bare 1900 to 2099) are not answers; a
   year counts only if there is no other number.
3. Of several numbers, those with the unit that was asked for: a percent sign for a percentage, a
   currency or a scale word for an amount.
   An "or" offers both numbers as the answer, so there a unit of one is meant for the other, too.
4. What is left must agree, as in "8.35% (8.35 percent)". Two values are a hedge, which is wrong.

What it scores:

- 1.0: the value in the asked unit, within 1% or within the rounding of the reference text. A bare
  number is read in the asked unit: of a percentage "8.35%", "8.35" and "8.35 percent" are one.
- 0.5: one slip: of scale (0.0835 for 8.35%; thousands, millions, billions), of sign, or of rounding
  (8 for 8.35, up to 5% off). Two slips earn nothing.
- 0.0: anything else. A yes or no is right or wrong.

Signs are read as written: "-4", "minus 4" and "(4)" are negative, "fell by 4" is 4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

RIGHT, HALF, WRONG = 1.0, 0.5, 0.0
RELATIVE_TOLERANCE = 0.01
ROUNDING_TOLERANCE = 0.05  # relative; rounding to one digit can be half of the value off
LONGEST_ANSWER = 2_000  # characters; of a longer answer only the end is read

KINDS = ("percent", "amount", "ratio", "yes_no")
SCALES = {"thousand": 1e3, "k": 1e3, "million": 1e6, "mm": 1e6, "mn": 1e6, "m": 1e6}
SCALES |= {"billion": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12}
SLIPS = {  # factors by which a value may be off and still earn half
    "percent": (100.0, 0.01),
    "ratio": (100.0, 0.01),
    "amount": (1e3, 1e6, 1e9, 1e-3, 1e-6, 1e-9),
}

_CURRENCY = r"(?:us\s?\$|[$€£]|\b(?:usd|eur|gbp)\b)"
_MARKER = re.compile(r"answer\s*(?:is\b|[:=])|=", re.IGNORECASE)
_SENTENCE_END = re.compile(r"\n|[.;]\s")
_REFERENCE = re.compile(
    r"\S+\.pdf\b|\b\w+/\d{4}\b/?|\b(?:page|note|table|item|step) \d+", re.IGNORECASE
)
_DIGITS = re.compile(
    r"(?<![\w.,/])(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?P<exponent>e[-+]?\d{1,2})?",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    rf"(?P<sign>(?<![\w)%])[-−–]|\b(?:minus|negative)\b)?\s*(?P<currency>{_CURRENCY})?\s*"
    rf"(?P<open>\()?\s*(?P<inner_currency>{_CURRENCY})?\s*(?P<inner_sign>(?<![\w)%])[-−–])?\s*$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?P<close>\s*\))?\s*(?:(?P<percent>\\?%|percent\b|percentage points?\b|per cent\b|pct\b)"
    r"|\(?(?:in )?(?P<scale>thousand|million|billion|trillion|mm|mn|bn|[kmb])s?\b\)?)?"
    r"(?P<close_after_unit>\s*\))?",
    re.IGNORECASE,
)
_LABEL = re.compile(r"-?(?!x\b)[^\W\d_]")
_JOINT = re.compile(r"\s*(?:-|–|to|and)\s*", re.IGNORECASE)
_ALTERNATIVE = re.compile(
    r"\s*[,;]?\s*(?:or|otherwise|alternatively)\b,?"
    r"(?:\s+(?:else|maybe|perhaps|possibly|rather|about|around|roughly))*\s*",
    re.IGNORECASE,
)
_YES_NO = re.compile(r"\b(?:yes|no)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Number:
    """A number as an answer names it. `value` has its sign but not its scale or percent applied."""

    value: float
    decimals: int
    percent: bool
    scale: float | None  # 1e6 where "million" stands behind it
    currency: bool
    start: int
    end: int

    @property
    def has_unit(self) -> bool:
        return self.percent or self.scale is not None or self.currency

    @property
    def is_year(self) -> bool:
        bare = not (self.has_unit or self.decimals)
        return bare and self.end - self.start == 4 and 1900 <= self.value < 2100

    @property
    def precision(self) -> float:
        """Half a unit of the last digit, final zeros apart: 0.5 for 8, 50 for 1,200."""
        digits = f"{abs(self.value):.0f}" if not self.decimals else ""
        return 0.5 * 10.0 ** (len(digits) - len(digits.rstrip("0")) - self.decimals)

    def has_unit_of(self, kind: str) -> bool:
        if kind == "amount":
            return self.currency or self.scale is not None
        return kind == "percent" and self.percent


@dataclass(frozen=True)
class Reference:
    """The right answer: its value, its kind (one of `KINDS`) and how a person would write it.

    For "percent" the value is in percent (8.35, not 0.0835); for "yes_no" it is "yes" or "no".
    """

    value: float | str
    kind: str
    text: str = ""

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Reference:
        """Read a dataset row. Raises ValueError naming the key that is missing or wrong."""
        value, kind = item.get("answer_value"), item.get("answer_kind")
        if kind not in KINDS:
            raise ValueError(f"item.answer_kind is {kind!r}; it must be one of {', '.join(KINDS)}")
        expected = str if kind == "yes_no" else (int, float)
        if not isinstance(value, expected) or isinstance(value, bool):
            what = '"yes" or "no"' if kind == "yes_no" else "a number"
            raise ValueError(f"item.answer_value is {value!r}; for {kind} it must be {what}")
        return cls(value, kind, str(item.get("reference_answer", "")))


@dataclass(frozen=True)
class Verdict:
    """A score and the reason for it, in words that a learner can act on."""

    score: float
    reason: str


def compare(answer: str, reference: Reference) -> Verdict:
    """Score an answer against its reference by the rules at the top of this module."""
    text = answer[-LONGEST_ANSWER:]
    if isinstance(reference.value, str):
        return _compare_yes_no(text, reference.value)
    number = the_number(text, reference.kind)
    if isinstance(number, str):
        return Verdict(WRONG, number)
    return _compare_number(number, reference.value, reference)


def find_numbers(text: str) -> list[Number]:
    """Every number of the text, in order; labels and page paths are passed over."""
    text = _REFERENCE.sub(lambda reference: " " * len(reference[0]), text)
    numbers: list[Number] = []
    for match in _DIGITS.finditer(text):
        before = _BEFORE.search(text, 0, match.start())
        after = _AFTER.match(text, match.end())
        assert before is not None  # both patterns match the empty string
        assert after is not None
        unit = after["percent"] or after["scale"]
        if not unit and _LABEL.match(text, match.end()):
            continue
        closed = bool(after["close"] or after["close_after_unit"])
        value = float(match[0].replace(",", ""))
        follows = bool(numbers) and not text[numbers[-1].end : before.start()].strip()
        if follows and before["open"] and value == abs(numbers[-1].value):
            continue  # "-0.3 (0.3)" says one number twice
        # Right after a number "-" is a range and "(8.35%)" a restatement, neither a minus.
        signed = before["sign"] or before["inner_sign"] or (before["open"] and closed)
        negative = bool(signed) and not follows
        numbers.append(
            Number(
                value=-value if negative else value,
                decimals=len(match["digits"].partition(".")[2]),
                percent=after["percent"] is not None,
                scale=SCALES[after["scale"].lower()] if after["scale"] else None,
                currency=bool(before["currency"] or before["inner_currency"]),
                start=before.start() if before["currency"] or negative else match.start(),
                end=after.end() if unit or closed else match.end(),
            )
        )
    return _share_units(text, numbers)


def the_number(text: str, kind: str) -> Number | str:
    """The one number that counts as the answer, or the reason why there is none."""
    numbers = find_numbers(_after_marker(text)) or find_numbers(text)
    numbers = [number for number in numbers if not number.is_year] or numbers
    numbers = [number for number in numbers if number.has_unit_of(kind)] or numbers
    if not numbers:
        return "no number in the answer"
    first, *others = numbers
    values = [_in_unit(number, kind, None)[-1] for number in (first, *others)]
    if any(not _close(value, values[0]) for value in values):
        return f"several numbers ({len(numbers)}) and none of them marked as the answer"
    return first


def _after_marker(text: str) -> str:
    """The first sentence after the last "answer:" or "="; the whole text if there is none."""
    *before, last = _MARKER.split(text)
    return _SENTENCE_END.split(last.lstrip(), maxsplit=1)[0] if before else text


def _share_units(text: str, numbers: Sequence[Number]) -> list[Number]:
    """Let "8 or 9%" and "8-9%" be two percentages: the unit at the end is meant for both. Of two
    alternatives, as in "8%, or else 9", the first one's is, too."""
    shared = list(numbers)
    for i in range(len(shared) - 2, -1, -1):
        one, other = shared[i], shared[i + 1]
        between = text[one.end : other.start]
        if _ALTERNATIVE.fullmatch(between):
            if not one.has_unit:
                shared[i] = _with_unit_of(other, one)
            elif not other.has_unit and not _restates(other, one):
                shared[i + 1] = _with_unit_of(one, other)
        elif _JOINT.fullmatch(between) and not (one.percent or one.scale):
            shared[i] = replace(one, percent=other.percent, scale=other.scale)
    return shared


def _with_unit_of(named: Number, bare: Number) -> Number:
    return replace(bare, percent=named.percent, scale=named.scale, currency=named.currency)


def _restates(decimal: Number, percentage: Number) -> bool:
    """Whether one number is the other as a decimal, as in "8.35% or 0.0835"."""
    return percentage.percent and _close(100 * decimal.value, percentage.value)


def _compare_yes_no(text: str, value: str) -> Verdict:
    said = {word.lower() for word in _YES_NO.findall(_after_marker(text)) or _YES_NO.findall(text)}
    if len(said) != 1:
        return Verdict(WRONG, "both yes and no" if said else "neither yes nor no")
    return Verdict(RIGHT, "right") if said == {value.lower()} else Verdict(WRONG, "wrong")


def _compare_number(number: Number, expected: float, reference: Reference) -> Verdict:
    written = next(iter(find_numbers(reference.text)), None)
    rounding = 0.5 * 10.0**-written.decimals if written else 0.0
    readings = _in_unit(number, reference.kind, written.scale if written else None)
    if any(_close(value, expected, rounding) for value in readings):
        return Verdict(RIGHT, "right")
    if expected and any(_close(-value, expected) for value in readings):
        return Verdict(HALF, "right but for the sign")
    for factor in SLIPS[reference.kind]:
        if expected and any(_close(value * factor, expected) for value in readings):
            return Verdict(HALF, f"right but for the scale: off by {1 / factor:g}")
    if expected and any(_is_rounded(value, number, expected) for value in readings):
        return Verdict(HALF, "right but rounded too coarsely")
    return Verdict(WRONG, "wrong value")


def _in_unit(number: Number, kind: str, asked_scale: float | None) -> list[float]:
    """The values that a number can mean in the unit asked for.

    "5 million" is 5 where millions were asked for; where the reference names no scale it may be
    5 (its scale is then known from the question) or 5,000,000.
    """
    if number.percent and kind != "percent":
        return [number.value / 100]
    if number.scale is None:
        return [number.value]
    full = number.value * number.scale
    return [full / asked_scale] if asked_scale else [number.value, full]


def _is_rounded(reading: float, number: Number, expected: float) -> bool:
    """Whether a number, in one of its readings, is `expected` rounded to the digits it shows."""
    scale = abs(reading / number.value) if number.value else 1.0
    off = abs(reading - expected)
    return off <= min(number.precision * scale, ROUNDING_TOLERANCE * abs(expected)) * (1 + 1e-9)


def _close(value: float, expected: float, rounding: float = 0.0) -> bool:
    """Within 1% of `expected` or within `rounding`; a hair wider, for binary fractions."""
    tolerance = max(RELATIVE_TOLERANCE * abs(expected), rounding)
    return abs(value - expected) <= tolerance * (1 + 1e-9)
