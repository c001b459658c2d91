"""The candidates for a tool's parameter: texts that were read, ways to put the question, or values
of the parameter's schema.

Their features compare a candidate with the question, with the parameter's name and description,
and with what has been tried before. None of them names a tool, a parameter or a domain. `actions`
uses the same candidates to decide which tool has something new to be called with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from rft_service.engines.simulated.memory import Memory
from rft_service.engines.simulated.perception import TextSpan, perceive
from rft_service.engines.simulated.question import Question, abbreviates_name
from rft_service.engines.simulated.weights import Column, Vector
from rft_service.engines.simulated.words import WORD, stem, stem_set, stems, years_in

MAX_SAFE_INTEGER = 2**53 - 1  # of JavaScript, whose clients declare it as a bound
QUERY_KINDS = ("whole", "content", "topic", "topic_years", "unnamed", "names", "names_years")

# Words by which a parameter's name or description asks for a kind of candidate.
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


class _Texts:
    """What the features of texts below are made of: one entry for each text span of an output."""

    def __init__(self, spans: Sequence[TextSpan], question: Question) -> None:
        self.spans, self.question = spans, question
        self.index = np.array([span.index for span in spans], dtype=np.int64)
        asked = question.topic | question.name_stems
        in_context = np.array([len(span.context & asked) for span in spans])
        self.context_cover = in_context / max(1, len(asked))
        # The top folder of a path, "acm" of "ACM/2012/page_3.pdf", may be short for a name.
        heads = [
            s.text.partition("/")[0] if s.kind in ("path", "folder") else s.text for s in spans
        ]
        self.heads = [head.lower() for head in heads]
        self.years = [years_in(span.text) for span in spans]
        self.year_match = [not set(question.years).isdisjoint(years) for years in self.years]
        self.own_words = [stem_set(span.text) for span in spans]


def _of_kind(kind: str) -> Callable[[_Texts], Column]:
    return lambda t: [span.kind == kind for span in t.spans]


# What a text is to the question, in the order of the weights' vectors.
_TEXT_FEATURES: dict[str, Callable[[_Texts], Column]] = {
    **{f"is_{kind}": _of_kind(kind) for kind in ("path", "folder", "identifier", "string")},
    # Among the texts of its kind in its output.
    "first": lambda t: t.index == 0,
    "second": lambda t: t.index == 1,
    "early": lambda t: 1.0 / (1 + t.index),
    "context_cover": lambda t: t.context_cover,
    "context_best": lambda t: (
        (t.context_cover > 0) & (t.context_cover == t.context_cover.max(initial=0.0))
    ),
    "context_names": lambda t: [bool(span.context & t.question.name_stems) for span in t.spans],
    "year_match": lambda t: t.year_match,
    "year_next": lambda t: [
        not match and any(year + 1 in years for year in t.question.years)
        for years, match in zip(t.years, t.year_match, strict=True)
    ],
    "year_other": lambda t: [
        bool(years and t.question.years and not match)
        for years, match in zip(t.years, t.year_match, strict=True)
    ],
    "name_exact": lambda t: [head in t.question.names for head in t.heads],
    "name_letters": lambda t: [abbreviates_name(head, t.question) for head in t.heads],
    "key_match": lambda t: [bool(span.key & t.question.word_set) for span in t.spans],
    "own_words_match": lambda t: [
        len(words & t.question.word_set) / max(1, len(words)) for words in t.own_words
    ],
}
PARAMETER_FEATURES = (
    *_TEXT_FEATURES,
    *(f"is_query_{kind}" for kind in QUERY_KINDS),
    "is_number",
    "is_enum",
    "is_boolean",
    "is_omitted",
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
_INDEX = {name: index for index, name in enumerate(PARAMETER_FEATURES)}
_KIND_INDICES = [_INDEX[n] for n in ("kind_in_name", "kind_in_description", "kind_not_in_name")]
MATCHES = ("year_match", "name_exact", "name_letters", "context_cover")
_MATCH_INDICES = [_INDEX[name] for name in MATCHES]


class Candidate(NamedTuple):
    """A value for a parameter; `omit` means to leave an optional one out."""

    value: Any
    kind: str
    text: str = ""
    omit: bool = False


@lru_cache(maxsize=1024)
def text_table(text: str, question: Question) -> tuple[tuple[Candidate, ...], Vector]:
    """The distinct texts of an output and their features [n, PARAMETER_FEATURES]. Cached: the
    rollouts of a group read the same pages."""
    spans = list({span.text: span for span in reversed(perceive(text).texts)}.values())[::-1]
    texts = _Texts(spans, question)
    features = np.zeros((len(spans), len(PARAMETER_FEATURES)))
    for index, feature in enumerate(_TEXT_FEATURES.values()):
        features[:, index] = feature(texts)
    return tuple(Candidate(span.text, span.kind, span.text) for span in spans), features


@dataclass(frozen=True, eq=False)
class TextPool:
    """The n texts of one turn, for any string parameter: the question's and those of all outputs.

    `features` [n, PARAMETER_FEATURES] are without those that depend on the parameter. `sources`
    are the tools that the texts came from, "" for the question.
    """

    candidates: tuple[Candidate, ...]
    features: Vector
    sources: tuple[str, ...]

    @cached_property
    def by_kind(self) -> dict[str, list[tuple[int, str]]]:
        """Index and text of the candidates of each kind."""
        found: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for index, candidate in enumerate(self.candidates):
            found[candidate.kind].append((index, candidate.text))
        return found

    @cached_property
    def matches(self) -> Vector:
        """How well each candidate fits the question [n, MATCHES]."""
        return self.features[:, _MATCH_INDICES]

    def readable(self) -> TextPool:
        """Only the texts of outputs: an answer does not repeat the question."""
        keep = [index for index, source in enumerate(self.sources) if source]
        return TextPool(
            tuple(self.candidates[index] for index in keep),
            self.features[keep],
            tuple(self.sources[index] for index in keep),
        )


@lru_cache(maxsize=64)
def text_pool(memory: Memory) -> TextPool:
    """The texts of a turn; one that occurs several times counts where it was read last. Cached:
    the rollouts of a group begin alike."""
    of_question = _texts_of(memory.question)
    candidates, sources = list(of_question.candidates), list(of_question.sources)
    blocks = [of_question.features]
    seen = {candidate.text for candidate in candidates}
    last = len(memory.outputs) - 1
    for number in range(last, -1, -1):
        output = memory.outputs[number]
        found, features = text_table(output.text, memory.question)
        keep = [index for index, candidate in enumerate(found) if candidate.text not in seen]
        kept = [found[index] for index in keep]
        seen.update([candidate.text for candidate in kept])
        block = features[keep]
        block[:, _INDEX["from_last_output"]] = number == last
        block[:, _INDEX["from_error"]] = output.view.is_error
        blocks.append(block)
        candidates += kept
        sources += [output.call.name] * len(keep)
    return TextPool(tuple(candidates), np.concatenate(blocks), tuple(sources))


@lru_cache(maxsize=1024)
def _texts_of(question: Question) -> TextPool:
    """The candidates that the question itself offers."""
    found = [(text, f"query_{kind}") for kind, text in question.queries]
    found += [(text, "identifier") for text in question.identifiers]
    found += [(text.rstrip("/"), "path") for text in question.paths]
    rows = np.zeros((len(found), len(PARAMETER_FEATURES)))
    for row, (_, kind) in zip(rows, found, strict=True):
        row[_INDEX[f"is_{kind}"]] = row[_INDEX["from_question"]] = 1.0
    candidates = tuple(Candidate(text, kind.partition("_")[0], text) for text, kind in found)
    return TextPool(candidates, rows, ("",) * len(found))


def parameter_candidates(
    pool: TextPool, memory: Memory, tool: str, name: str, schema: Mapping[str, Any], required: bool
) -> tuple[list[Candidate], Vector]:
    """All n candidates for one parameter and their features [n, PARAMETER_FEATURES]."""
    if "enum" in schema:
        chosen, rows = _enumerated(schema["enum"], memory)
    elif schema.get("type") in ("integer", "number"):
        chosen, rows = _numeric(schema, memory)
    elif schema.get("type") == "boolean":
        chosen = [Candidate(value, "boolean") for value in (False, True)]
        rows = np.zeros((2, len(PARAMETER_FEATURES)))
        rows[:, _INDEX["is_boolean"]] = 1.0
    else:
        chosen, rows = list(pool.candidates), pool.features.copy()
        _compare_with_past(rows, pool, memory, tool)
    if not required or not chosen:
        chosen = [*chosen, Candidate(None, "omitted", omit=True)]
        rows = np.concatenate([rows, np.zeros((1, len(PARAMETER_FEATURES)))])
        rows[-1, _INDEX["is_omitted"]] = 1.0
    _compare_with_parameter(rows, chosen, name, str(schema.get("description", "")))
    return chosen, rows


def _compare_with_past(rows: Vector, pool: TextPool, memory: Memory, tool: str) -> None:
    """Set the features that depend on the calls so far. A path is beside another in the same
    folder: the page after one that was read, for example."""
    with_tool = frozenset().union(*(c.texts for c in memory.calls if c.name == tool))
    used = memory.used_texts
    folders = {text.rpartition("/")[0] for text in used if "/" in text}
    texts = [candidate.text for candidate in pool.candidates]
    rows[:, _INDEX["from_same_tool"]] = [source == tool for source in pool.sources]
    rows[:, _INDEX["used_before"]] = [text in used for text in texts]
    rows[:, _INDEX["used_with_tool"]] = [text in with_tool for text in texts]
    rows[:, _INDEX["above_used"]] = [text in folders for text in texts]
    rows[:, _INDEX["beside_used"]] = [
        text not in used and text.rpartition("/")[0] in folders for text in texts
    ]


def _compare_with_parameter(
    rows: Vector, candidates: Sequence[Candidate], name: str, description: str
) -> None:
    """Set whether the parameter asks for a candidate's kind; kinds without KIND_WORDS have none."""
    in_name, in_description = kinds_named(name), kinds_named(description)
    fits = {
        kind: (kind in in_name, kind in in_description, bool(in_name) and kind not in in_name)
        for kind in KIND_WORDS
    }
    nothing = (False, False, False)
    rows[:, _KIND_INDICES] = [fits.get(candidate.kind, nothing) for candidate in candidates]


@lru_cache(maxsize=1024)
def kinds_named(text: str) -> frozenset[str]:
    """The kinds of KIND_WORDS that a parameter's name or description asks for."""
    words = frozenset(stems(text.replace("_", " ")))
    return frozenset(kind for kind, cues in KIND_WORDS.items() if cues & words)


def _enumerated(values: Sequence[Any], memory: Memory) -> tuple[list[Candidate], Vector]:
    rows = np.zeros((len(values), len(PARAMETER_FEATURES)))
    rows[:, _INDEX["is_enum"]] = 1.0
    for row, value in zip(rows, values, strict=True):
        own = frozenset(stems(str(value).replace("_", " ")))
        row[_INDEX["own_words_match"]] = len(own & memory.question.word_set) / max(1, len(own))
        row[_INDEX["used_before"]] = str(value) in memory.used_texts
    return [Candidate(value, "enum", str(value)) for value in values], rows


def _numeric(schema: Mapping[str, Any], memory: Memory) -> tuple[list[Candidate], Vector]:
    """Numbers that the schema or the question names, within the schema's bounds."""
    named = (schema.get(key) for key in ("default", "maximum", "minimum"))
    # A default may be anything: null, a word, or an integer too large for a float. And a bound may
    # be what a language can hold, which nobody means.
    numbers = (value for value in named if isinstance(value, int | float))
    bounds = [value for value in numbers if abs(value) < MAX_SAFE_INTEGER]
    asked = [float(text) for text in WORD.findall(memory.question.text) if text[0].isdigit()]
    whole = schema.get("type") == "integer"
    values = [value for value in (*bounds, *asked) if not whole or float(value).is_integer()]
    low, high = schema.get("minimum", -np.inf), schema.get("maximum", np.inf)
    values = [value for value in dict.fromkeys(map(float, values)) if low <= value <= high]
    values = values or [float(max(1, schema.get("minimum", 1)))]
    rows = np.zeros((len(values), len(PARAMETER_FEATURES)))
    rows[:, _INDEX["is_number"]] = 1.0
    rows[:, _INDEX["number_is_greatest"]] = [
        len(values) > 1 and value == schema.get("maximum") for value in values
    ]
    rows[:, _INDEX["from_question"]] = [value in asked for value in values]
    return [Candidate(int(v) if whole else v, "number", f"{v:g}") for v in values], rows
