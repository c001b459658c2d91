"""Words, years, units and numbers in plain text: what perception and questions are built from.

Nothing here belongs to one domain. Words are stemmed with the Snowball English stemmer so that
"increased" matches "increase". Read `perception` next.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import snowballstemmer

_STEMMER = snowballstemmer.stemmer("english")

WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?|\d+(?:\.\d+)?")
# Not within a longer number: no digit, decimal point or thousands separator around it ("12,012").
YEAR = re.compile(r"(?<![\d.,])(?:19|20)\d\d(?!\d|[.,]\d)")

# A number is matched in three parts, so that the common bare number costs one cheap search: its
# digits, then what is before them (read backwards, hence the `$`), then what is after them.
_DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_BEFORE = re.compile(  # "(", "- $", "$-", each with or without a space
    r"(?P<open>\(\s?)?(?P<minus>[-\u2212]\s?)?(?:\$\s?)?(?P<minus_after>[-\u2212])?$"
)
_AFTER = re.compile(  # "%", "%)", ")%", " percent", " million"
    r"(?:\s?(?P<percent>%|percent\b))?(?P<close>\s?\))?(?:\s?(?P<percent_after>%))?"
    r"(?:\s(?P<unit>thousand|million|billion)s?\b)?"
)
_BEFORE_LENGTH = 8  # characters before the digits that may belong to a number
# _BEFORE and _AFTER match nothing unless one of these characters is next to the digits.
_SIGNS_BEFORE = frozenset("($-\u2212")
_SIGNS_AFTER = frozenset("%p)tmb")  # percent, thousand, million, billion
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_MONTH = re.compile(
    r"\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?\s$",
    re.I,
)
UNITS = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
_UNIT = re.compile(r"\b(thousand|million|billion)s?\b", re.I)
_STATED_UNIT = re.compile(
    r"\b(?:tables?|tabular|amounts|figures|numbers)\b[^.|\n]{0,60}"
    r"\bin (thousand|million|billion)s\b",
    re.I,
)
NUMBER_WORDS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}

STOP_WORDS = frozenset(
    """
    a an and are as at be by did do does for from had has have how in into is it its of on
    or per s than that the their then there these this those to was were what when which who
    will with would whose many much
    """.split()  # noqa: SIM905  (a list of words reads best as text)
)

# Generic words of quantity, grouped by what they hint at. They are not rules: each group is a
# feature, and the model learns what it is worth for each operation.
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


class _Stems(dict[str, str]):
    """Stem of each lower-case word so far, stop words included; a number is its own stem. A dict,
    since this is the most frequent look-up of all and `lru_cache` is slower."""

    def __missing__(self, word: str) -> str:
        if len(self) == MAX_STEMS:
            self.clear()
        found = NUMBER_WORDS.get(word, word)
        if not found[0].isdigit():
            found = _STEMMER.stemWord(word.split("'")[0])
        self[word] = found
        return found


_STEMS = _Stems()
MAX_STEMS = 131_072  # a request may contain any words


def stem(word: str) -> str:
    """The stem of one word, in lower case; empty for a stop word."""
    return "" if (lower := word.lower()) in STOP_WORDS else _STEMS[lower]


def stems(text: str) -> list[str]:
    """Stems of all words of a text, in order, without stop words."""
    return [_STEMS[word] for word in WORD.findall(text.lower()) if word not in STOP_WORDS]


@lru_cache(maxsize=4096)
def stem_set(text: str) -> frozenset[str]:
    """The distinct stems of a text. Cached: lines, labels and clauses recur from page to page."""
    return frozenset(stems(text))


_CUE_OF = {_STEMS[word]: name for name, words in CUES.items() for word in words}


def cues_in(text: str) -> frozenset[str]:
    """Names of the cue groups that have a word in the text. "did" and its like make a yes-no
    question only as the first word: "Did sales rise?", but not "How high did sales rise?"."""
    found = {_CUE_OF[s] for word in WORD.findall(text.lower()) if (s := _STEMS[word]) in _CUE_OF}
    if "%" in text:
        found.add("percent")
    first = re.match(r"\W*(\w+)", text)
    if not first or first.group(1).lower() not in CUES["question"]:
        found.discard("question")
    return frozenset(found)


def is_cue(word_stem: str) -> bool:
    """Whether a stem belongs to a cue group: it is about quantity rather than a topic."""
    return word_stem in _CUE_OF


@lru_cache(maxsize=4096)
def years_in(text: str) -> tuple[int, ...]:
    """Years named in a text, in order, each once. Cached, as `stem_set` is."""
    return tuple(dict.fromkeys(int(match) for match in YEAR.findall(text)))


def is_year(word: str) -> bool:
    """Whether a word is a year and nothing else."""
    return bool(YEAR.fullmatch(word))


def unit_in(text: str) -> float:
    """The first unit word of a text as a multiplier; 0.0 where there is none."""
    match = _UNIT.search(text)
    return UNITS[match.group(1).lower()] if match else 0.0


def unit_stated(text: str) -> float:
    """The unit that some sentence of a page gives for its tables ("tabular amounts are in
    thousands"), as a multiplier; 0.0 where none does."""
    match = _STATED_UNIT.search(text)
    return UNITS[match.group(1).lower()] if match else 0.0


class Quantity(NamedTuple):
    """A number in a text: `text[start:end]` with its signs. `unit` multiplies `value`; it is 0.0
    where no unit word follows."""

    start: int
    end: int
    text: str
    value: float
    percent: bool
    unit: float

    @property
    def is_year(self) -> bool:
        return is_year(self.text) and self.unit == 0.0


def quantities(text: str) -> list[Quantity]:
    """All numbers of a text, in order. Parentheses around a number make it negative, unless the
    same number is just before them: "-0.3 ( 0.3 )" is one number, written twice."""
    found: list[Quantity] = []
    for match in _DIGITS.finditer(text):
        start, end = match.span()
        if (start and text[start - 1] in _LETTERS) or (end < len(text) and text[end] in _LETTERS):
            continue  # part of an identifier: page_45, x12
        if start > 1 and text[start - 1] == "-" and text[start - 2] in _LETTERS:
            continue  # likewise: A-17
        if end - start < 3 and _MONTH.search(text, max(0, start - 11), start):
            continue  # a day of a month
        before = after = None
        # The nearest characters, one space ignored, decide whether the slower patterns can match.
        left = text[start - 1] if start else " "
        if (text[start - 2] if left.isspace() and start > 1 else left) in _SIGNS_BEFORE:
            before = _BEFORE.search(text, max(0, start - _BEFORE_LENGTH), start)
        right = text[end : end + 2]
        if (right[1:] if right[:1].isspace() else right[:1]) in _SIGNS_AFTER:
            after = _AFTER.match(text, end)
        value = float(match.group().replace(",", ""))
        whole_start = before.start() if before else start
        whole_end = after.end() if after else end
        follows_closely = found and whole_start - found[-1].end < 2
        if before and before["open"] and follows_closely and abs(found[-1].value) == value:
            continue  # the same number, written twice
        percent = bool(after and (after["percent"] or after["percent_after"]))
        unit = UNITS[after["unit"]] if after and after["unit"] else 0.0
        span = text[whole_start:whole_end].strip()
        if before and _is_negative(text, before, after, match.group()):
            value = -value
        found.append(Quantity(whole_start, whole_end, span, value, percent, unit))
    return found


def _is_negative(
    text: str, before: re.Match[str], after: re.Match[str] | None, digits: str
) -> bool:
    """A minus that is not a hyphen, or parentheses around anything but a year."""
    if before["open"] and after and after["close"] and not YEAR.fullmatch(digits):
        return True
    if before["minus"]:
        dash = before.start("minus")
        return not (dash and text[dash - 1].isalnum())  # else a range or an identifier
    return bool(before["minus_after"])
