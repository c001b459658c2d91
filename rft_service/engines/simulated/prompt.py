"""What the model is asked: the question, taken apart, and the cues of the prompt around it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rft_service.engines.simulated.perception import IDENTIFIER, PATH
from rft_service.engines.simulated.phrases import Phrase, phrases_of
from rft_service.engines.simulated.words import (
    STOP_WORDS,
    WORD,
    cues_in,
    is_cue,
    stem,
    stems,
    unit_in,
    years_in,
)

_NAME = re.compile(r"\b[A-Z][\w&'.\-]*")

# What a prompt may say, and the words by which it is recognised. Each is a feature that the model
# learns to heed or not; none of them is a rule.
PROMPT_CUES: dict[str, str] = {
    "says_only_answer": r"\b(only|just|nothing but)\b.{0,30}\b(answer|number|value|result)\b",
    "says_percent_sign": r"%|\bpercent(age)?s?\b",
    "says_units": r"\bunits?\b|\b(thousands|millions|billions)\b",
    "says_read_before": r"\b(open|read|check|verify)\b.{0,60}\b(before|page|file|record|source)",
    "says_budget": r"\b(at most|no more|budget|limit|up to)\b.{0,30}\b(calls?|steps?|tools?)\b",
    "says_sentence": r"\b(sentence|explain|explanation|describe)\b",
    "says_search_first": r"\b(first|start|begin)\b.{0,40}\b(search|find|query|look)",
    "says_identifier": r"\b(identifier|id|code|name)\b.{0,30}\b(only|alone)\b|\bexact(ly)?\b",
}
_PROMPT_CUES = {name: re.compile(text, re.I | re.S) for name, text in PROMPT_CUES.items()}
PROMPT_CUE_NAMES = tuple(PROMPT_CUES)


@dataclass(frozen=True, eq=False)  # one object for each prompt and question: see read_brief
class Brief:
    """A question and its prompt. `topic` are its content stems without cues, years and numbers;
    `names` the words that stand out as names, in lower case; `unit` is 0.0 where none is named;
    `queries` are ways to put the question to a search, by kind."""

    question: str
    topic: frozenset[str]
    words: tuple[str, ...]
    word_set: frozenset[str]
    names: tuple[str, ...]
    name_stems: frozenset[str]
    years: tuple[int, ...]
    unit: float
    cues: frozenset[str]
    phrases: tuple[Phrase, ...]
    identifiers: tuple[str, ...]
    paths: tuple[str, ...]
    queries: tuple[tuple[str, str], ...]
    prompt_cues: frozenset[str]
    prompt: str


@lru_cache(maxsize=4096)
def read_brief(prompt: str, question: str) -> Brief:
    """Take a question and the prompt that goes with it apart."""
    names = _names(question)
    words = tuple(dict.fromkeys(stems(question)))
    name_stems = frozenset(stem(part) for name in names for part in WORD.findall(name))
    topic = [w for w in words if not is_cue(w) and not w[0].isdigit()]
    return Brief(
        question=question,
        topic=frozenset(topic),
        words=words,
        word_set=frozenset(words),
        names=names,
        name_stems=name_stems - {""},
        years=years_in(question),
        unit=unit_in(question),
        cues=cues_in(question),
        phrases=phrases_of(question, frozenset(p for name in names for p in WORD.findall(name))),
        identifiers=tuple(dict.fromkeys(IDENTIFIER.findall(PATH.sub(" ", question)))),
        paths=tuple(dict.fromkeys(PATH.findall(question))),
        queries=tuple(_queries(question, names)),
        prompt_cues=frozenset(n for n, cue in _PROMPT_CUES.items() if cue.search(prompt)),
        prompt=prompt.lower(),
    )


def _names(question: str) -> tuple[str, ...]:
    """Capitalised words that do not open a sentence. Where a text has no capitals at all, any
    word might be a name, and none is told apart."""
    found = []
    for match in _NAME.finditer(question):
        before = question[: match.start()].rstrip(" \"'(")
        if not before or before[-1] in ".?!:":
            continue
        word = match.group().rstrip(".'").removesuffix("'s")
        found.append(word.lower())
    return tuple(dict.fromkeys(found))


def _queries(question: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Kind and text of each way to search for a question; duplicates left out."""
    words = [w for w in WORD.findall(question) if w.lower() not in STOP_WORDS]
    years = [str(year) for year in years_in(question)]
    topic = [w for w in words if not is_cue(stem(w)) and w not in years]
    without_names = [w for w in topic if w.lower() not in names]
    forms = {
        "whole": question,
        "content": " ".join(words),
        "topic": " ".join(topic),
        "topic_years": " ".join([*topic, *years]),
        "unnamed": " ".join([*without_names, *years]),
        "names": " ".join(names),
        "names_years": " ".join([*names, *years]),
    }
    found: dict[str, str] = {}
    for kind, text in forms.items():
        if text and text not in found.values():
            found[kind] = text
    return list(found.items())
