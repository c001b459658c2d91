"""What the model sees: a text becomes segments, which contain typed spans.

A segment is a line, a sentence, a table row or a JSON record. Spans are numbers with their row and
column, and paths, identifiers and short strings with their context. Perception knows four forms and
no domain: prose, pipe tables, lists of lines, JSON. `numbers` and `parameters` compare the spans
with the question.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from rft_service.engines.simulated.words import (
    Quantity,
    quantities,
    stem_set,
    unit_in,
    unit_stated,
    years_in,
)

# "AC/2012/page_3.pdf", "AC/2012/" or "notes.txt", but not the path in a URL.
PATH = re.compile(
    r"(?<![\w:/])(?:[\w.\-]+/)+(?:[\w.\-]+)?|\b[\w\-]+\.(?:pdf|txt|log|md|json|csv)\b"
)
_HINT_OF_PATH = re.compile(r"/|\.(?:pdf|txt|log|md|json|csv)\b")  # in every PATH, faster to find
# Letters and digits together, in parts: "A-17", "x12", "SKU_9". Two look-aheads require both.
IDENTIFIER = re.compile(r"\b(?=[\w\-]*\d)(?=[\w\-]*[A-Za-z])[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*\b")
# The next sentence begins with a capital, or this one ends in the " ." of tokenized text.
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+(?=[A-Z\"'(])|(?<= \.)\s+")
_DIGIT = re.compile(r"\d")
_EARLIER = re.compile(r"\b(?:year (?:earlier|before|ago)|(?:prior|previous|preceding) year)\b")
_EARLIER_WITHIN = 40  # characters after a number
_CLAUSE_WORDS = 7  # words on either side of a number that are its label in prose
MAX_SEGMENTS = 400  # the rest of a longer output is not read, so that no text takes long


class NumberSpan(NamedTuple):
    """A number in a text. `label` are the stems that name it (row label, key, clause), `heading`
    those of its column, sentence or record. In prose, `table` and `row` are -1 and `column` is 0.
    `unit` multiplies `value` (1.0 where none is known)."""

    value: float
    text: str
    unit: float
    percent: bool
    is_year: bool
    segment: int
    table: int
    row: int
    column: int
    label: frozenset[str]
    heading: frozenset[str]
    years: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TextSpan:
    """A string in a text. `kind` is path, folder, identifier or string; `index` counts the spans
    of this kind; `key` are the stems of its key in JSON, `context` those of the text around it."""

    text: str
    kind: str
    segment: int
    index: int
    key: frozenset[str]
    context: frozenset[str]


@dataclass(frozen=True, eq=False)
class View:
    """What the model sees of one text. `segment_words` has the stems of each segment, `words` all
    of them."""

    segment_words: tuple[frozenset[str], ...]
    numbers: tuple[NumberSpan, ...]
    texts: tuple[TextSpan, ...]
    words: frozenset[str]
    is_error: bool


@dataclass
class _Draft:
    """A view under construction."""

    segments: list[frozenset[str]] = field(default_factory=list)
    numbers: list[NumberSpan] = field(default_factory=list)
    texts: list[TextSpan] = field(default_factory=list)
    texts_of_kind: Counter[str] = field(default_factory=Counter)
    parents: set[str] = field(default_factory=set)  # folders added since a path is in them
    tables: int = 0

    def add_segment(self, words: frozenset[str]) -> int:
        self.segments.append(words)
        return len(self.segments) - 1

    def add_text(
        self, text: str, kind: str, segment: int, key: frozenset[str], context: frozenset[str]
    ) -> None:
        index = self.texts_of_kind[kind]
        self.texts_of_kind[kind] += 1
        self.texts.append(TextSpan(text, kind, segment, index, key, context))

    def add_prose_numbers(self, sentence: str, segment: int) -> None:
        self.numbers += [span._replace(segment=segment) for span in _prose_numbers(sentence)]


@lru_cache(maxsize=768)
def perceive(text: str) -> View:
    """The view of a text. Cached: many rollouts read the same page."""
    draft = _Draft()
    records = _json_records(text)
    if records is not None:
        for row, record in enumerate(records[:MAX_SEGMENTS]):
            _read_record(draft, record, row)
    else:
        _read_lines(draft, text)
    return View(
        segment_words=tuple(draft.segments),
        numbers=tuple(draft.numbers),
        texts=tuple(draft.texts),
        words=frozenset().union(*draft.segments),
        is_error=text.lstrip()[:6].lower() == "error:",
    )


# --- JSON ---------------------------------------------------------------------------------------


def _json_records(text: str) -> list[Any] | None:
    """The records of a JSON text: the items of its outermost list, else itself; or None."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        data = json.loads(text)
    except ValueError:
        return None
    if isinstance(data, dict):
        lists = [value for value in data.values() if isinstance(value, list) and value]
        if len(lists) == 1 and all(isinstance(item, dict) for item in lists[0]):
            return list(lists[0])
        return [data]
    return list(data)


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """(key, value) of each number and string in a record, keys as words: "sale price"."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, (*path, str(key)))
    elif isinstance(value, list):
        for child in value:
            yield from _leaves(child, path)
    elif value is not None and not isinstance(value, bool):
        yield _as_words(" ".join(path)), value


def _as_words(key: str) -> str:
    """`partNumber` and `part_number` as "part Number" and "part number"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", key)


def _read_record(draft: _Draft, record: Any, row: int) -> None:
    leaves = list(_leaves(record))
    strings = " ".join(str(value) for _, value in leaves if isinstance(value, str))
    context = stem_set(strings)
    segment = draft.add_segment(context | stem_set(" ".join(key for key, _ in leaves)))
    for column, (key, value) in enumerate(leaves):
        key_words = stem_set(key)
        if not isinstance(value, int | float):
            _read_string(draft, str(value), segment, key_words, context)
            continue
        draft.numbers.append(
            NumberSpan(
                value=float(value),
                text=f"{value}",
                unit=unit_in(key) or 1.0,
                percent="percent" in key_words or "pct" in key_words,
                is_year=isinstance(value, int) and 1900 <= value < 2100,
                segment=segment,
                table=0,
                row=row,
                column=column,
                label=key_words,
                heading=context,
                years=years_in(strings) or years_in(key),
            )
        )


def _read_string(
    draft: _Draft, text: str, segment: int, key: frozenset[str], context: frozenset[str]
) -> None:
    if PATH.fullmatch(text):
        kind = "folder" if text.endswith("/") else "path"
        draft.add_text(text.rstrip("/"), kind, segment, key, context)
    elif IDENTIFIER.fullmatch(text):
        draft.add_text(text, "identifier", segment, key, context)
    elif len(text) <= 80:
        draft.add_text(text, "string", segment, key, context)
    if " " in text:
        draft.add_prose_numbers(text, segment)


# --- lines --------------------------------------------------------------------------------------


def _read_lines(draft: _Draft, text: str) -> None:
    """Prose, lists and pipe tables. The context of a path are the lines up to the next path, as in
    a list of search results."""
    table: list[str] = []
    previous = ""
    pending: list[tuple[str, int]] = []  # paths and their segments; `context` is still growing
    context: set[str] = set()
    for line in [*text.split("\n"), ""]:
        if len(draft.segments) >= MAX_SEGMENTS:
            break
        if line.startswith("|"):
            table.append(line)
            continue
        if table:
            _read_table(draft, table, unit_in(previous) or unit_stated(text))
            table = []
        if not line.strip():
            continue
        paths = PATH.findall(line) if _HINT_OF_PATH.search(line) else []
        if paths:
            _add_paths(draft, pending, frozenset(context))
            pending, context = [], set()
        sentences = _SENTENCE_END.split(line)
        for sentence in sentences:
            words = stem_set(sentence)
            segment = draft.add_segment(words)
            context |= words
            _read_sentence(draft, sentence, segment, skip_identifiers=bool(paths))
        pending += [(path, len(draft.segments) - 1) for path in paths]
        if not pending:
            context = set()
        previous = sentences[-1]
    _add_paths(draft, pending, frozenset(context))


def _add_paths(draft: _Draft, paths: list[tuple[str, int]], context: frozenset[str]) -> None:
    """Add paths and, once, each folder above them."""
    for path, segment in paths:
        kind = "folder" if path.endswith("/") else "path"
        draft.add_text(path.rstrip("/"), kind, segment, frozenset(), context)
        parent = path.rstrip("/").rpartition("/")[0]
        while parent and parent not in draft.parents:
            draft.parents.add(parent)
            draft.add_text(parent, "folder", segment, frozenset(), context)
            parent = parent.rpartition("/")[0]


def _read_sentence(draft: _Draft, sentence: str, segment: int, skip_identifiers: bool) -> None:
    """The "key: value" pair, identifiers and numbers of a sentence or line."""
    words = draft.segments[segment]
    key, colon, value = sentence.partition(": ")
    text = value.strip()
    if colon and len(key.split()) <= 4 and text and len(text) <= 60 and not quantities(text):
        kind = "identifier" if IDENTIFIER.fullmatch(text) else "string"
        draft.add_text(text, kind, segment, stem_set(_as_words(key)), words)
    if not _DIGIT.search(sentence):
        return  # neither an identifier nor a number
    if not skip_identifiers:
        for identifier in IDENTIFIER.findall(sentence):
            if not PATH.search(identifier):
                draft.add_text(identifier, "identifier", segment, frozenset(), words)
    draft.add_prose_numbers(sentence, segment)


@lru_cache(maxsize=4096)
def _prose_numbers(sentence: str) -> tuple[NumberSpan, ...]:
    """The numbers of a sentence, as if it were segment 0. Cached: search results repeat the
    sentences of pages."""
    if "/" in sentence or "_" in sentence:  # the digits of a path are not numbers
        sentence = PATH.sub(lambda match: " " * len(match.group()), sentence)
    found = quantities(sentence)
    heading, years = stem_set(sentence), years_in(sentence)
    values = [q for q in found if not q.is_year]
    spans = []
    for quantity in found:
        left = sentence[: quantity.start].rsplit(None, _CLAUSE_WORDS)[-_CLAUSE_WORDS:]
        right = sentence[quantity.end :].split(None, _CLAUSE_WORDS)[:_CLAUSE_WORDS]
        spans.append(
            NumberSpan(
                value=quantity.value,
                text=quantity.text,
                unit=quantity.unit or 1.0,
                percent=quantity.percent,
                is_year=quantity.is_year,
                segment=0,
                table=-1,
                row=-1,
                column=0,
                label=stem_set(" ".join(left + right)),
                heading=heading,
                years=_years_of(quantity, sentence, values, years),
            )
        )
    return tuple(spans)


def _years_of(
    quantity: Quantity, sentence: str, values: list[Quantity], years: tuple[int, ...]
) -> tuple[int, ...]:
    """The years that a number of a sentence belongs to, given the sentence's `values` and `years`.

    "$ 5 and $ 4 in 2012 and 2011, respectively" pairs values with years in order; otherwise the
    next year after the number counts, or else the last before it. "5 in 2012 and 4 a year
    earlier" makes the 4 one of 2011.
    """
    if quantity.is_year or not years:
        return years
    if len(years) == 1:
        nearby = sentence[quantity.end :][:_EARLIER_WITHIN]
        following = _DIGIT.search(nearby)  # from there on it is said of the next number
        earlier = _EARLIER.search(nearby[: following.start()] if following else nearby)
        return (years[0] - 1,) if earlier else years
    if len(values) == len(years):
        return (years[values.index(quantity)],)
    after = years_in(sentence[quantity.end :])
    before = years_in(sentence[: quantity.start])
    return after[:1] or before[-1:]


# --- tables -------------------------------------------------------------------------------------


def _read_table(draft: _Draft, lines: list[str], caption_unit: float) -> None:
    """A pipe table: the first row is the header, the first column the row labels. The unit is in
    the cell, else in the header ("(in thousands)"), else in the line before the table, else in
    any sentence that says what tables are in."""
    split = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    rows = [cells for cells in split if any(cells) and not set().union(*cells) <= set("-: ")]
    if not rows:
        return
    header, table = rows[0], draft.tables
    draft.tables += 1
    unit = unit_in(" ".join(header)) or caption_unit
    draft.add_segment(stem_set(" ".join(header)))
    headings = [stem_set(cell) for cell in header]
    header_years = [years_in(cell) for cell in header]
    for row, cells in enumerate(rows[1:]):
        label = cells[0]
        label_words = stem_set(label)
        segment = draft.add_segment(label_words)
        draft.add_text(label, "string", segment, frozenset({"label"}), label_words)
        for column, cell in enumerate(cells[1:], 1):
            found = quantities(cell)
            if not found:
                continue
            quantity = found[0]
            has_header = column < len(header)  # a row may be longer than the header
            percent = quantity.percent or "%" in label or (has_header and "%" in header[column])
            draft.numbers.append(
                NumberSpan(
                    value=quantity.value,
                    text=quantity.text,
                    unit=1.0 if percent else quantity.unit or unit or 1.0,
                    percent=percent,
                    is_year=quantity.is_year,
                    segment=segment,
                    table=table,
                    row=row,
                    column=column,
                    label=label_words,
                    heading=headings[column] if has_header else frozenset(),
                    years=(header_years[column] if has_header else ()) or years_in(label),
                )
            )
