"""The phrases of a question, and what the word before each says of its part in it.

"What percentage of total cargo did rye make up?" names two things; "of" after a word of shares
marks the whole, "did" the subject. A number is matched with the phrase that names it best, and
may so take a part in the arithmetic. Nothing here is a rule: a role is a feature to learn from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rft_service.engines.simulated.words import CUES, STOP_WORDS, WORD, is_cue, is_year, stem

_AUXILIARIES = frozenset("did do does was were is are will would has have had".split())  # noqa: SIM905
_VERBS = frozenset("come came comes make made represent represented".split())  # noqa: SIM905
_STARTERS = ("than", "and", "between", "against", "times")
_CONNECTORS = frozenset(("of", "in", "on", "for", "as", "from"))
_PASSED_OVER = STOP_WORDS | frozenset(
    "end fiscal year years thousand thousands million millions billion billions dollars".split()  # noqa: SIM905
)
_MEASURES = frozenset(map(stem, ("rate", "level", "size")))
_PARTS = frozenset(stem(word) for group in ("percent", "share") for word in CUES[group])
_RATIOS = frozenset(stem(word) for word in CUES["ratio"])

ROLES = ("opening", "subject", "verb", "from", "to", "of", "of_part", "of_ratio", *_STARTERS)
JOINED = "joined"  # two phrases with "and" between them, which may be one name
YEAR_ROLES = ("from", "to", "and", "between", "in", "for", "of", "than")


@dataclass(frozen=True)
class Phrase:
    """A run of words about one thing. `words` are stems, years among them; `role` is one of
    ROLES, JOINED or "other", or "year_" and one of YEAR_ROLES where it names only a year."""

    role: str
    words: frozenset[str]

    @property
    def is_year(self) -> bool:
        return self.role.startswith("year_")


def phrases_of(question: str, names: frozenset[str]) -> tuple[Phrase, ...]:
    """The phrases of a question, in order. "at" begins one where a word of `names` (in lower case)
    follows: it is a place then."""
    found: list[Phrase] = []
    for role, words in _runs(WORD.findall(question), names):
        years = {word for word in words if is_year(word)}
        role = "of" if role in ("in", "on", "for", "as") and not years else role
        if any(word not in years and not _is_bare(word) for word in words):
            if role == "and" and found and not found[-1].is_year:
                found.append(Phrase(JOINED, found[-1].words | frozenset(words)))
            found.append(Phrase(role if role in ROLES else "other", frozenset(words)))
        elif years:
            found.append(Phrase(_year_role(role), frozenset(years)))
    return tuple(found)


def _year_role(role: str) -> str:
    return f"year_{role}" if role in YEAR_ROLES else "year_in"


def _runs(tokens: list[str], names: frozenset[str]) -> Iterator[tuple[str, list[str]]]:
    """(role, stems) of each run of words between two words that part phrases."""
    role, run = "opening", list[str]()
    for place, token in enumerate(tokens):
        word = token.lower()
        part = _part_begun(word, role, run, tokens[place + 1 : place + 4], names)
        if part:
            if word == "of" and run and run[-1] in _PARTS | _RATIOS:
                run.pop()
            if run:
                yield role, run
            role, run = part, []
        elif word not in _PASSED_OVER:
            run.append(word if is_year(word) else stem(word))
    if run:
        yield role, run


def _part_begun(
    word: str, role: str, run: list[str], after: list[str], names: frozenset[str]
) -> str:
    """The role of the phrase that a word begins; "" where it begins none."""
    if word in _AUXILIARIES:
        return "subject"
    if word in _VERBS:
        return "verb"
    if word in _STARTERS:
        return word
    if word == "at":  # "at Falcon", "at the mill", but not "sold at cost"
        named = any(token.lower() in names for token in after[:2])
        return "other" if named or after[:1] == ["the"] else ""
    if word == "of" and run and run[-1] in _PARTS:
        return "of_part"
    if word == "of" and run and run[-1] in _RATIOS:
        return "of_ratio"
    if word == "to":  # "the ratio of rye to oats", "come to", "to 1990", but not "sold to farms"
        begins = role == "of_ratio" or not run or is_cue(run[-1]) or _year_next(after)
        return "to" if begins else ""
    if word not in _CONNECTORS:
        return ""
    begins = all(map(_is_bare, run)) or (word == "as" and after[:1] == ["of"])
    # "at Falcon in 1990", "sold from 1990 to 1991": a year follows what needs none
    return word if begins or (_year_next(after) and (role == "other" or word == "from")) else ""


def _is_bare(word: str) -> bool:
    """Whether a stem is a word of quantity, and names no thing."""
    return is_cue(word) or word in _MEASURES


def _year_next(after: list[str]) -> bool:
    """Whether the next word is a year, words like "fiscal" or "the end of" passed over."""
    words = [token for token in after if token.lower() not in _PASSED_OVER]
    return bool(words) and is_year(words[0])
