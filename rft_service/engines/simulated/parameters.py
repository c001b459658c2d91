"""How a tool's parameter may be filled: every candidate is a span that was read, or the question.

The features compare a span with the question, with the parameter's name and description and
with what has been tried before. None of them names a tool, a parameter or a domain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from rft_service.engines.simulated.memory import Memory
from rft_service.engines.simulated.perception import TextSpan, perceive
from rft_service.engines.simulated.question import Question
from rft_service.engines.simulated.weights import Vector
from rft_service.engines.simulated.words import WORD, stem, stems, years_in

QUERY_KINDS = ("whole", "content", "topic", "topic_years", "unnamed", "names", "names_years")
SPAN_KINDS = ("path", "folder", "identifier", "string")
OTHER_KINDS = ("number", "enum", "boolean", "omitted")

# Words by which a parameter's name or description speaks of a kind of span.
KIND_WORDS: dict[str, frozenset[str]] = {
    kind: frozenset(map(stem, words.split()))
    for kind, words in {
        "query": "query question search words text keywords terms phrase",
        "path": "path file page document filename record",
        "folder": "folder directory dir tree prefix",
        "identifier": "id identifier code key number sku ref reference",
        "string": "name title label category term station word",
    }.items()
}

STATIC_FEATURES = (
    *(f"is_{kind}" for kind in SPAN_KINDS),
    "first",
    "second",
    "early",
    "context_cover",
    "context_best",
    "context_names",
    "year_match",
    "year_next",
    "year_other",
    "name_exact",
    "name_letters",
    "key_match",
    "own_words_match",
)
FILL_FEATURES = (
    *STATIC_FEATURES,
    *(f"is_query_{kind}" for kind in QUERY_KINDS),
    *(f"is_{kind}" for kind in OTHER_KINDS),
    "from_question",
    "from_last_output",
    "from_same_tool",
    "from_error",
    "kind_in_name",
    "kind_in_description",
    "kind_not_in_name",
    "used_before",
    "used_with_tool",
    "beside_used",
    "above_used",
    "number_is_greatest",
)
_PLACE = {name: place for place, name in enumerate(FILL_FEATURES)}
_STATIC_SIZE = len(STATIC_FEATURES)
MATCHES = ("year_match", "name_exact", "name_letters", "context_cover")
_MATCH_PLACES = [_PLACE[name] for name in MATCHES]


@dataclass(frozen=True)
class Candidate:
    """A value for a parameter; `omit` stands for leaving an optional one out."""

    value: Any
    kind: str
    text: str = ""
    omit: bool = False


@dataclass(frozen=True)
class TextTable:
    """The text spans of one output as one question sees them: candidates and their features
    [n, static]."""

    candidates: tuple[Candidate, ...]
    features: Vector


@lru_cache(maxsize=1024)
def text_table(text: str, question: Question) -> TextTable:
    """The table of an output's text spans. Cached: the rollouts of a group read the same pages."""
    view = perceive(text)
    spans = tuple({span.text: span for span in reversed(view.texts)}.values())[::-1]
    rows = np.zeros((len(spans), _STATIC_SIZE))
    wanted = question.topic | question.name_stems
    covers = [len(span.context & wanted) / max(1, len(wanted)) for span in spans]
    best = max(covers, default=0.0)
    for row, span, cover in zip(rows, spans, covers, strict=True):
        _set_static(row, span, question, cover, cover == best > 0)
    return TextTable(tuple(Candidate(s.text, s.kind, s.text) for s in spans), rows)


def _set_static(row: Vector, span: TextSpan, question: Question, cover: float, best: bool) -> None:
    years = years_in(span.text)
    match = set(years) & set(question.years)
    own = frozenset(stems(span.text))
    head = span.text.partition("/")[0].lower() if span.kind in ("path", "folder") else span.text
    values = {
        f"is_{span.kind}": 1.0,
        "first": span.index == 0,
        "second": span.index == 1,
        "early": 1.0 / (1 + span.index),
        "context_cover": cover,
        "context_best": best,
        "context_names": bool(span.context & question.name_stems),
        "year_match": bool(match),
        "year_next": bool(years) and not match and any(y + 1 in years for y in question.years),
        "year_other": bool(years) and not match and bool(question.years),
        "name_exact": head.lower() in question.names,
        "name_letters": letters_of_name(head.lower(), question),
        "key_match": bool(span.key & question.word_set),
        "own_words_match": len(own & question.word_set) / max(1, len(own)),
    }
    for name, value in values.items():
        row[_PLACE[name]] = value


@lru_cache(maxsize=65536)
def letters_of_name(abbreviation: str, question: Question) -> bool:
    """Whether an abbreviation's letters follow one another in a name of the question, the first
    at the start of one of its words: "acm" for "Acme Corporation Marine"."""
    letters = "".join(filter(str.isalpha, abbreviation))
    if len(letters) < 2 or len(letters) > 6:
        return False
    names = question.names or tuple(w for w in WORD.findall(question.text.lower()) if len(w) > 3)
    for start, name in enumerate(names):
        if name[0] == letters[0] and _follows(letters, "".join(names[start : start + 3])):
            return True
    return False


def _follows(letters: str, text: str) -> bool:
    remaining = iter(text)
    return all(letter in remaining for letter in letters)


@dataclass(frozen=True, eq=False)
class Pool:
    """The text candidates of one turn, for any string parameter: the question's own and those of
    all outputs. `features` [n, FILL_FEATURES] lacks what depends on the parameter."""

    candidates: tuple[Candidate, ...]
    features: Vector
    sources: tuple[str, ...]

    @cached_property
    def by_kind(self) -> dict[str, list[tuple[int, str]]]:
        """Place and text of the candidates of each kind."""
        found: dict[str, list[tuple[int, str]]] = {}
        for place, candidate in enumerate(self.candidates):
            found.setdefault(candidate.kind, []).append((place, candidate.text))
        return found

    @cached_property
    def matches(self) -> Vector:
        """How each candidate speaks to the question [n, MATCHES]."""
        return self.features[:, _MATCH_PLACES]

    def readable(self) -> Pool:
        """Only what was read in outputs: an answer is not a repetition of the question."""
        keep = [place for place, source in enumerate(self.sources) if source]
        return Pool(
            tuple(self.candidates[place] for place in keep),
            self.features[keep],
            tuple(self.sources[place] for place in keep),
        )


@lru_cache(maxsize=64)
def text_pool(memory: Memory) -> Pool:
    """Gather the candidates of a turn; a text met twice counts once, where it was met last. Cached,
    since the rollouts of one group begin alike."""
    question = memory.question
    own = _of_question(question)
    candidates: list[Candidate] = list(own.candidates)
    sources = list(own.sources)
    blocks = [own.features]
    seen = {candidate.text for candidate in candidates}
    last = len(memory.outputs) - 1
    for number in range(last, -1, -1):
        output = memory.outputs[number]
        table = text_table(output.text, question)
        keep = [place for place, found in enumerate(table.candidates) if found.text not in seen]
        kept = [table.candidates[place] for place in keep]
        seen.update(candidate.text for candidate in kept)
        block = np.zeros((len(keep), len(FILL_FEATURES)))
        block[:, :_STATIC_SIZE] = table.features[keep]
        block[:, _PLACE["from_last_output"]] = number == last
        block[:, _PLACE["from_error"]] = output.view.is_error
        blocks.append(block)
        candidates += kept
        sources += [output.call.name] * len(keep)
    return Pool(tuple(candidates), np.concatenate(blocks), tuple(sources))


@lru_cache(maxsize=1024)
def _of_question(question: Question) -> Pool:
    """The candidates that the question itself offers."""
    own = [(text, f"query_{kind}") for kind, text in question.queries]
    own += [(text, "identifier") for text in question.identifiers]
    own += [(text.rstrip("/"), "path") for text in question.paths]
    rows = np.zeros((len(own), len(FILL_FEATURES)))
    for row, (_, kind) in zip(rows, own, strict=True):
        row[_PLACE[f"is_{kind}"]] = row[_PLACE["from_question"]] = 1.0
    candidates = tuple(Candidate(text, kind.partition("_")[0], text) for text, kind in own)
    return Pool(candidates, rows, ("",) * len(own))


def parameter_candidates(
    pool: Pool, memory: Memory, tool: str, name: str, schema: Mapping[str, Any], required: bool
) -> tuple[list[Candidate], Vector]:
    """All fillings of one parameter and their features [n, FILL_FEATURES]."""
    if "enum" in schema:
        chosen, rows = _enumerated(schema["enum"], memory)
    elif schema.get("type") in ("integer", "number"):
        chosen, rows = _numeric(schema, memory)
    elif schema.get("type") == "boolean":
        chosen = [Candidate(value, "boolean") for value in (False, True)]
        rows = np.zeros((2, len(FILL_FEATURES)))
        rows[:, _PLACE["is_boolean"]] = 1.0
    else:
        chosen, rows = list(pool.candidates), pool.features.copy()
        _compare_with_past(rows, pool, memory, tool)
    if not required or not chosen:
        chosen = [*chosen, Candidate(None, "omitted", omit=True)]
        rows = np.concatenate([rows, np.zeros((1, len(FILL_FEATURES)))])
        rows[-1, _PLACE["is_omitted"]] = 1.0
    _compare_with_parameter(rows, chosen, name, str(schema.get("description", "")))
    return chosen, rows


def _compare_with_past(rows: Vector, pool: Pool, memory: Memory, tool: str) -> None:
    with_tool = frozenset().union(*(c.texts for c in memory.calls if c.name == tool))
    used = memory.used_texts
    folders = {text.rpartition("/")[0] for text in used if "/" in text}
    texts = [candidate.text for candidate in pool.candidates]
    rows[:, _PLACE["from_same_tool"]] = [source == tool for source in pool.sources]
    rows[:, _PLACE["used_before"]] = [text in used for text in texts]
    rows[:, _PLACE["used_with_tool"]] = [text in with_tool for text in texts]
    rows[:, _PLACE["above_used"]] = [text in folders for text in texts]
    rows[:, _PLACE["beside_used"]] = [
        text not in used and text.rpartition("/")[0] in folders for text in texts
    ]


_KIND_PLACES = [_PLACE[n] for n in ("kind_in_name", "kind_in_description", "kind_not_in_name")]


def _compare_with_parameter(
    rows: Vector, candidates: Sequence[Candidate], name: str, description: str
) -> None:
    in_name, in_description = kinds_named(name), kinds_named(description)
    fits = {
        kind: (kind in in_name, kind in in_description, bool(in_name) and kind not in in_name)
        for kind in KIND_WORDS
    }
    nothing = (False, False, False)
    rows[:, _KIND_PLACES] = [fits.get(candidate.kind, nothing) for candidate in candidates]


@lru_cache(maxsize=1024)
def kinds_named(text: str) -> frozenset[str]:
    words = frozenset(stems(text.replace("_", " ")))
    return frozenset(kind for kind, cues in KIND_WORDS.items() if cues & words)


def _enumerated(values: Sequence[Any], memory: Memory) -> tuple[list[Candidate], Vector]:
    rows = np.zeros((len(values), len(FILL_FEATURES)))
    for row, value in zip(rows, values, strict=True):
        own = frozenset(stems(str(value).replace("_", " ")))
        row[_PLACE["is_enum"]] = 1.0
        row[_PLACE["own_words_match"]] = len(own & memory.question.word_set) / max(1, len(own))
        row[_PLACE["used_before"]] = str(value) in memory.used_texts
    return [Candidate(value, "enum", str(value)) for value in values], rows


def _numeric(schema: Mapping[str, Any], memory: Memory) -> tuple[list[Candidate], Vector]:
    """Whole numbers that the schema or the question names."""
    named = (schema.get(key) for key in ("default", "maximum", "minimum"))
    # A default may be anything: null, a word, more digits than a float can have.
    bounds = [value for value in named if isinstance(value, int | float) and abs(value) < 1e300]
    asked = [float(text) for text in WORD.findall(memory.question.text) if text[0].isdigit()]
    whole = schema.get("type") == "integer"
    values = [value for value in (*bounds, *asked) if not whole or float(value).is_integer()]
    low, high = schema.get("minimum", -np.inf), schema.get("maximum", np.inf)
    values = [value for value in dict.fromkeys(map(float, values)) if low <= value <= high]
    values = values or [float(max(1, schema.get("minimum", 1)))]
    rows = np.zeros((len(values), len(FILL_FEATURES)))
    rows[:, _PLACE["is_number"]] = 1.0
    for row, value in zip(rows, values, strict=True):
        row[_PLACE["number_is_greatest"]] = len(values) > 1 and value == max(values)
        row[_PLACE["from_question"]] = value in asked
    return [Candidate(int(v) if whole else v, "number", f"{v:g}") for v in values], rows
