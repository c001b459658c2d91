"""Words, years, units and numbers in plain text: the alphabet that perception is written in.

Nothing here belongs to one domain. Words are stemmed with the Snowball English stemmer so that
"increased" meets "increase".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import snowballstemmer

_STEMMER = snowballstemmer.stemmer("english")

WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?|\d+(?:\.\d+)?")
YEAR = re.compile(r"(?<![\d.,])(?:19|20)\d\d(?!\d|[.,]\d)")
_DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_BEFORE = re.compile(
    r"(?P<open>\(\s?)?(?P<minus>[-\u2212]\s?)?(?:\$\s?)?(?P<minus_after>[-\u2212])?$"
)
_AFTER = re.compile(
    r"(?:\s?(?P<percent>%|percent\b))?(?P<close>\s?\))?(?:\s?(?P<percent_after>%))?"
    r"(?:\s(?P<unit>thousand|million|billion)s?\b)?"
)
_MONTH = re.compile(
    r"\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?\s$",
    re.I,
)
_SIGNS_BEFORE = frozenset("($-\u2212")  # one of them stands before a number, or _BEFORE is empty
_SIGNS_AFTER = frozenset("%p)tmb")  # likewise after it, the first letters of its words
_BEFORE_LENGTH = 8  # characters before the digits that may belong to a number
UNITS = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
_UNIT = re.compile(r"\b(thousand|million|billion)s?\b", re.I)

STOP_WORDS = frozenset(
    """
    a an and are as at be by did do does for from had has have how in into is it its of on
    or per s than that the their then there these this those to was were what when which who
    will with would whose many much
    """.split()  # noqa: SIM905  (a list of words reads best as a text)
)

# Generic words of quantity that a question may carry, grouped by what they hint at. The policy
# gets no rule from them: it learns what each is worth for each operation.
CUES: dict[str, tuple[str, ...]] = {
    "percent": ("percent", "percentage", "%", "pct"),
    "change": ("change", "changed", "move", "moved", "shift"),
    "growth": ("growth", "grow", "grew", "increase", "increased", "rise", "rose", "gain"),
    "decline": ("decline", "declined", "decrease", "decreased", "fall", "fell", "drop", "lower"),
    "difference": ("difference", "differ", "gap", "exceed", "exceeded", "more", "less", "higher"),
    "total": ("total", "sum", "add", "combined", "together", "altogether", "both", "aggregate"),
    "average": ("average", "mean", "typical", "averaged"),
    "ratio": ("ratio", "times", "multiple", "relative", "divided", "against"),
    "share": ("share", "portion", "proportion", "fraction", "part", "account", "accounted"),
    "most": ("most", "highest", "largest", "greatest", "maximum", "biggest", "peak", "longest"),
    "least": ("least", "lowest", "smallest", "minimum", "fewest", "shortest"),
    "product": ("multiply", "multiplied", "product", "each", "apiece"),
    "compare": ("greater", "larger", "above", "below", "surpass", "beat", "outpace"),
    "period": ("between", "from", "since", "over", "during", "compared"),
    "absolute": ("amount", "value", "dollars", "number", "count"),
    "which": ("which", "who", "name", "code", "identifier"),
    "question": ("did", "was", "is", "does", "were", "do"),
    "remove": ("after", "net", "excluding", "without", "minus", "deducting", "remaining", "left"),
}
CUE_NAMES = tuple(CUES)


MOST_STEMS = 131_072  # kept; a request may send any words that it likes


class _Stems(dict[str, str]):
    """Stem of each lower-case word met so far; a number is its own stem."""

    def __missing__(self, word: str) -> str:
        if len(self) == MOST_STEMS:
            self.clear()
        is_number = word[:1].isdigit()
        self[word] = found = word if is_number else str(_STEMMER.stemWord(word.split("'")[0]))
        return found


class _ContentStems(_Stems):
    """The same, but empty for a stop word."""

    def __missing__(self, word: str) -> str:
        if word in STOP_WORDS:
            self[word] = ""
            return ""
        return super().__missing__(word)


_ALL_STEMS, _STEMS = _Stems(), _ContentStems()


def stem(word: str) -> str:
    """The stem of one word, in lower case; empty for a stop word."""
    return _STEMS[word.lower()]


def stems(text: str) -> list[str]:
    """Stems of all words of a text, in order, stop words left out."""
    return [found for word in WORD.findall(text.lower()) if (found := _STEMS[word])]


_CUE_OF = {str(_STEMMER.stemWord(word)): name for name, words in CUES.items() for word in words}


def cues_in(text: str) -> frozenset[str]:
    """Names of the cue groups of which a word stands in the text."""
    words = WORD.findall(text.lower())
    found = {_CUE_OF[s] for word in words if (s := _ALL_STEMS[word]) in _CUE_OF}
    if "%" in text:
        found.add("percent")
    first = re.match(r"\W*(\w+)", text)
    if "question" in found and (not first or first.group(1).lower() not in CUES["question"]):
        found.discard("question")
    return frozenset(found)


def is_cue(word_stem: str) -> bool:
    """Whether a stem is a word of quantity rather than of a topic."""
    return word_stem in _CUE_OF


def years_in(text: str) -> tuple[int, ...]:
    """Years named in a text, in order, each once."""
    return tuple(dict.fromkeys(int(match) for match in YEAR.findall(text)))


def is_year(word: str) -> bool:
    """Whether a word is a year and nothing else."""
    return bool(YEAR.fullmatch(word))


def unit_in(text: str) -> float:
    """The first unit word of a text as a multiplier; 0.0 where there is none."""
    match = _UNIT.search(text)
    return UNITS[match.group(1).lower()] if match else 0.0


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as it stands in a text. `unit` is 0.0 where no unit word follows it."""

    start: int
    end: int
    text: str
    value: float
    percent: bool
    unit: float


def quantities(text: str) -> list[Quantity]:
    """All numbers of a text, in order. Parentheses around a number make it negative, unless the
    same number stands just before them: "-0.3 ( 0.3 )" is one number, written twice."""
    found: list[Quantity] = []
    for match in _DIGITS.finditer(text):
        start, end = match.span()
        if (start and text[start - 1] in _JOINS) or (end < len(text) and text[end] in _JOINS):
            continue  # part of an identifier
        if start > 1 and text[start - 1] == "-" and text[start - 2] in _JOINS:
            continue  # likewise, as in A-17
        if end - start < 3 and _MONTH.search(text, max(0, start - 11), start):
            continue  # a day of a month
        before = after = None
        if _last_sign(text, start) in _SIGNS_BEFORE:
            before = _BEFORE.search(text, max(0, start - _BEFORE_LENGTH), start)
        if _next_sign(text, end) in _SIGNS_AFTER:
            after = _AFTER.match(text, end)
        value = float(match.group().replace(",", ""))
        negative = before and _is_negative(text, before, after, match.group())
        whole_start = before.start() if before else start
        whole_end = after.end() if after else end
        twice = before and before["open"] and found and whole_start - found[-1].end < 2
        if twice and abs(found[-1].value) == value:
            continue
        percent = bool(after and (after["percent"] or after["percent_after"]))
        unit = UNITS[after["unit"]] if after and after["unit"] else 0.0
        span = text[whole_start:whole_end].strip()
        found.append(
            Quantity(whole_start, whole_end, span, -value if negative else value, percent, unit)
        )
    return found


def _last_sign(text: str, end: int) -> str:
    """What stands before a place, one space passed over; a space where nothing does."""
    last = text[end - 1] if end else " "
    return text[end - 2] if last.isspace() and end > 1 else last


def _next_sign(text: str, start: int) -> str:
    """What stands at a place, one space passed over; a space where nothing does."""
    following = text[start : start + 2]
    return (following[1:] if following[:1].isspace() else following[:1]) or " "


_JOINS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")


def _is_negative(
    text: str, before: re.Match[str], after: re.Match[str] | None, digits: str
) -> bool:
    """A minus that is no hyphen, or parentheses around what is no year."""
    if before["open"] and after and after["close"] and not YEAR.fullmatch(digits):
        return True
    if before["minus"]:
        dash = before.start("minus")
        return not (dash and text[dash - 1].isalnum())  # else a range or an identifier
    return bool(before["minus_after"])
