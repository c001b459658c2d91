"""The phrases of a question, and the role that the word before each gives it.

"What percentage of total cargo did rye make up?" names two things: "of" after "percentage" marks
the whole, "did" the subject. `numbers` matches each number that was read with the phrase that names
it best, so the number can take that role in the arithmetic. A role is a feature to learn from, not
a rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rft_service.engines.simulated.words import CUES, STOP_WORDS, WORD, is_cue, is_year, stem

_AUXILIARIES = frozenset("did do does was were is are will would has have had".split())  # noqa: SIM905
_VERBS = frozenset("come came comes make made represent represented".split())  # noqa: SIM905
_STARTERS = ("than", "and", "between", "against", "times")
_CONNECTORS = frozenset(("of", "in", "on", "for", "as", "from"))
_IGNORED = STOP_WORDS | frozenset(
    "end fiscal year years thousand thousands million millions billion billions dollars".split()  # noqa: SIM905
)
_MEASURES = frozenset(map(stem, ("rate", "level", "size")))
_PARTS = frozenset(stem(word) for group in ("percent", "share") for word in CUES[group])
_RATIOS = frozenset(stem(word) for word in CUES["ratio"])

_TOKEN = re.compile(rf"{WORD.pattern}|,")

ROLES = ("opening", "subject", "verb", "from", "to", "of", "of_part", "of_ratio", *_STARTERS)
JOINED = "joined"  # two phrases with "and" between them, which may be one name
YEAR_ROLES = ("from", "to", "and", "between", "in", "for", "of", "than")


@dataclass(frozen=True)
class Phrase:
    """A run of words about one thing. `words` are stems, and years as they are written. `role` is
    one of ROLES, JOINED or "other"; for a phrase of years alone, "year_" and one of YEAR_ROLES."""

    role: str
    words: frozenset[str]

    @property
    def is_year(self) -> bool:
        return self.role.startswith("year_")

    @property
    def is_thing(self) -> bool:
        """Whether the phrase names something that could be looked up, by its role."""
        return self.role in ROLES and self.role not in ("verb", "opening")


def phrases_of(question: str, names: frozenset[str]) -> tuple[Phrase, ...]:
    """The phrases of a question, in order; `names` are the words of its names, in lower case."""
    found: list[Phrase] = []
    for role, words in _runs(_TOKEN.findall(question), names):
        years = {word for word in words if is_year(word)}
        if role in ("in", "on", "for", "as") and not years:
            role = "of"
        if any(word not in years and not _is_bare(word) for word in words):
            if role == "and" and found and not found[-1].is_year:
                found.append(Phrase(JOINED, found[-1].words | frozenset(words)))
            found.append(Phrase(role if role in ROLES else "other", frozenset(words)))
        elif years:
            year_role = role if role in YEAR_ROLES else "in"
            found.append(Phrase(f"year_{year_role}", frozenset(years)))
    return tuple(found)


def _runs(tokens: list[str], names: frozenset[str]) -> Iterator[tuple[str, list[str]]]:
    """(role, stems) of each run of words between two words that begin a phrase."""
    role, run = "opening", list[str]()
    for index, token in enumerate(tokens):
        word = token.lower()
        next_role = _role_begun(word, role, run, tokens[index + 1 : index + 4], names)
        if next_role:
            if word == "of" and run and run[-1] in _PARTS | _RATIOS:
                run.pop()  # "percentage of" is in the role now
            if run:
                yield role, run
            role, run = next_role, []
        elif word not in _IGNORED and word != ",":
            run.append(word if is_year(word) else stem(word))
    if run:
        yield role, run


def _role_begun(
    word: str, role: str, run: list[str], after: list[str], names: frozenset[str]
) -> str:
    """The role of the phrase that a word begins, or "" if it does not begin one. `role` and `run`
    are the current phrase, `after` the next three words."""
    if word in _AUXILIARIES:
        return "subject"
    if word in _VERBS:
        return "verb"
    if word in _STARTERS:
        return word
    if word == "at":  # "at Falcon" or "at the mill", but not "sold at cost"
        named = any(token.lower() in names for token in after[:2])
        return "other" if named or after[:1] == ["the"] else ""
    if word == "of" and run and run[-1] in _PARTS:
        return "of_part"
    if word == "of" and run and run[-1] in _RATIOS:
        return "of_ratio"
    if word == "to":  # "the ratio of rye to oats", "come to", "to 1990", but not "sold to farms"
        begins = role == "of_ratio" or not run or is_cue(run[-1]) or _year_is_next(after)
        return "to" if begins else ""
    if word == ",":  # "rye, oats and barley", but not "rye at Falcon, in tons"
        follows = after[0].lower() if after else "in"
        return "" if not run or follows in STOP_WORDS or role == "other" else "and"
    if word not in _CONNECTORS:
        return ""
    begins = all(map(_is_bare, run)) or (word == "as" and after[:1] == ["of"])
    # "at Falcon in 1990" and "sold from 1990 to 1991": only a year begins another phrase here.
    if begins or (_year_is_next(after) and (role == "other" or word == "from")):
        return word
    return ""


def _is_bare(word: str) -> bool:
    """Whether a stem is only about quantity and does not name a thing."""
    return is_cue(word) or word in _MEASURES


def _year_is_next(after: list[str]) -> bool:
    """Whether the next word, apart from ones like "fiscal" or "the end of", is a year."""
    words = [token for token in after if token.lower() not in _IGNORED]
    return bool(words) and is_year(words[0])
