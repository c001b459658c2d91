"""The question that the model is asked, taken apart, and the cues of the prompt around it.

`phrases` takes it further apart; `numbers` and `parameters` compare what was read with it.
"""

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

# What a prompt may say, and the pattern that recognises it. Each is a feature, not a rule: the
# model learns whether to follow it. `.{0,30}` allows a few words between the parts of a phrase.
PROMPT_CUES: dict[str, str] = {
    "says_only_answer": r"\b(only|just|nothing but)\b.{0,30}\b(answer|number|value|result)\b",
    "says_percent_sign": r"%|\bpercent(age)?s?\b",
    "says_units": r"\bunits?\b|\b(thousands|millions|billions)\b",
    "says_sign": r"\b(negative|minus|parenthes[ie]s)\b",
    "says_decimals": r"\bdecimals?\b|\b\d+\.\d\d\b|\bround",
    "says_read_before": r"\b(open|read|check|verify)\b.{0,60}\b(before|page|file|record|source)",
    "says_budget": r"\b(at most|no more|budget|limit|up to)\b.{0,30}\b(calls?|steps?|tools?)\b",
    "says_sentence": r"\b(sentence|explain|explanation|describe)\b",
    "says_search_first": r"\b(first|start|begin)\b.{0,40}\b(search|find|query|look)",
    "says_no_tools": r"\b(never|without|do not|don't|no)\b[^.:;,]{0,20}\btools?\b",
    "says_wrong": r"\b(wrong(ly)?|incorrect(ly)?|false|made.up|make up|random|guess)\b",
    "says_identifier": r"\b(identifier|id|code|name)\b.{0,30}\b(only|alone)\b|\bexact(ly)?\b",
}
_PROMPT_CUES = {name: re.compile(text, re.I | re.S) for name, text in PROMPT_CUES.items()}
PROMPT_CUE_NAMES = tuple(PROMPT_CUES)


@dataclass(frozen=True, eq=False)  # compared by identity: read_question is cached
class Question:
    """A question and its prompt. `words` are its stems, each once; `topic` those without cues,
    years and numbers; `names` the capitalised words, in lower case; `unit` is 0.0 where none is
    named; `queries` are (kind, text) of ways to put the question to a search; `prompt` is in
    lower case."""

    text: str
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

    @property
    def things(self) -> int:
        """How many things it names that could be looked up."""
        return sum(phrase.is_thing for phrase in self.phrases)


@lru_cache(maxsize=4096)
def read_question(prompt: str, text: str) -> Question:
    """Take apart a question and the prompt that goes with it."""
    names = _names(text)
    name_words = frozenset(word for name in names for word in WORD.findall(name))
    words = tuple(dict.fromkeys(stems(text)))
    return Question(
        text=text,
        topic=frozenset(word for word in words if not is_cue(word) and not word[0].isdigit()),
        words=words,
        word_set=frozenset(words),
        names=names,
        name_stems=frozenset(map(stem, name_words)) - {""},
        years=years_in(text),
        unit=unit_in(text),
        cues=cues_in(text),
        phrases=phrases_of(text, name_words),
        identifiers=tuple(dict.fromkeys(IDENTIFIER.findall(PATH.sub(" ", text)))),
        paths=tuple(dict.fromkeys(PATH.findall(text))),
        queries=tuple(_queries(text, names)),
        prompt_cues=frozenset(n for n, cue in _PROMPT_CUES.items() if cue.search(prompt)),
        prompt=prompt.lower(),
    )


def _names(question: str) -> tuple[str, ...]:
    """Capitalised words that do not begin a sentence, in lower case and without "'s". A text in
    lower case has none, although any of its words might be a name."""
    found = []
    for match in _NAME.finditer(question):
        before = question[: match.start()].rstrip(" \"'(")
        if before and before[-1] not in ".?!:":
            found.append(match.group().rstrip(".'").removesuffix("'s").lower())
    return tuple(dict.fromkeys(found))


def _queries(question: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """(kind, text) of each way to search for a question, without empty and repeated texts."""
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


@lru_cache(maxsize=65536)
def abbreviates_name(text: str, question: Question) -> bool:
    """Whether a text's two to six letters are in a name of the question in this order, the first at
    the start of a word: "acm" in "Acme Corporation Marine". Both are in lower case."""
    letters = "".join(filter(str.isalpha, text))
    if not 2 <= len(letters) <= 6:
        return False
    words = (word for word in WORD.findall(question.text.lower()) if len(word) > 3)
    names = question.names or tuple(words)
    for start, name in enumerate(names):
        following = iter("".join(names[start : start + 3]))
        # `in` consumes the iterator up to the letter, so the letters have to come in order.
        if name[0] == letters[0] and all(letter in following for letter in letters):
            return True
    return False
