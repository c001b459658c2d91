"""What the model sees: a text becomes segments, and segments carry typed spans.

A segment is a line, a sentence, a table row or a JSON record. Spans are numbers with their row and
column, paths, identifiers and short strings with what stands around them. Perception knows
four forms and no domain: prose, tables of pipes, lists of lines, JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from rft_service.engines.simulated.words import YEAR, Quantity, quantities, stems, unit_in, years_in

PATH = re.compile(
    r"(?<![\w:/])(?:[\w.\-]+/)+(?:[\w.\-]+)?|\b[\w\-]+\.(?:pdf|txt|log|md|json|csv)\b"
)
_HINT_OF_PATH = re.compile(r"/|\.(?:pdf|txt|log|md|json|csv)\b")  # in every PATH, soon found
IDENTIFIER = re.compile(r"\b(?=[\w\-]*\d)(?=[\w\-]*[A-Za-z])[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*\b")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+(?=[A-Z\"'(])|(?<= \.)\s+")
_DIGIT = re.compile(r"\d")
_EARLIER = re.compile(r"\b(?:year (?:earlier|before|ago)|(?:prior|previous|preceding) year)\b")
_EARLIER_WITHIN = 40  # characters after a number
_CLAUSE_WORDS = 7  # words to either side of a number that count as its label in prose
MAX_SEGMENTS = 400  # beyond it an output is too long to be taken in at all


@dataclass(frozen=True, slots=True)
class NumberSpan:
    """A number that was read. `label` are the stems that name it (row label, key, clause),
    `heading` those of its column, sentence or record. `row` and `column` are -1 in prose;
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
    """A string that was read. `kind` is path, folder, identifier or string; `key` are stems of
    the JSON key it stands under; `context` those of what stands around it; `place` its number
    among the spans of its kind."""

    text: str
    kind: str
    segment: int
    place: int
    key: frozenset[str]
    context: frozenset[str]


@dataclass(frozen=True, eq=False)
class View:
    """One text, perceived. `segment_words` has the stems of each segment."""

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
    places: dict[str, int] = field(default_factory=dict)
    derived: set[str] = field(default_factory=set)
    tables: int = 0

    def add_segment(self, words: frozenset[str]) -> int:
        self.segments.append(words)
        return len(self.segments) - 1

    def add_text(
        self, text: str, kind: str, segment: int, key: frozenset[str], context: frozenset[str]
    ) -> None:
        place = self.places.get(kind, 0)
        self.places[kind] = place + 1
        self.texts.append(TextSpan(text, kind, segment, place, key, context))


@lru_cache(maxsize=768)
def perceive(text: str) -> View:
    """The view of a text. Cached, since the same page is read in many rollouts."""
    draft = _Draft()
    records = _json_records(text)
    if records is not None:
        for number, record in enumerate(records[:MAX_SEGMENTS]):
            _read_record(draft, record, number)
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


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, (*path, str(key)))
    elif isinstance(value, list):
        for child in value:
            yield from _leaves(child, path)
    elif value is not None and not isinstance(value, bool):
        yield path, value


def _read_record(draft: _Draft, record: Any, row: int) -> None:
    leaves = list(_leaves(record))
    strings = " ".join(str(value) for _, value in leaves if isinstance(value, str))
    keys = " ".join(" ".join(path) for path, _ in leaves)
    context = frozenset(stems(strings))
    segment = draft.add_segment(context | frozenset(stems(_spaced(keys))))
    for column, (path, value) in enumerate(leaves):
        key = frozenset(stems(_spaced(" ".join(path))))
        if isinstance(value, int | float):
            unit = unit_in(_spaced(" ".join(path))) or 1.0
            draft.numbers.append(
                NumberSpan(
                    value=float(value),
                    text=f"{value}",
                    unit=unit,
                    percent="percent" in key or "pct" in key,
                    is_year=isinstance(value, int) and 1900 <= value < 2100,
                    segment=segment,
                    table=0,
                    row=row,
                    column=column,
                    label=key,
                    heading=context,
                    years=years_in(strings) or years_in(" ".join(path)),
                )
            )
        else:
            text = str(value)
            _read_string(draft, text, segment, key, context)


def _spaced(key: str) -> str:
    """`partNumber` and `part_number` as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", key)


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
        _read_prose_numbers(draft, text, segment, frozenset(stems(text)))


# --- lines --------------------------------------------------------------------------------------


def _read_lines(draft: _Draft, text: str) -> None:
    """Prose, lists and pipe tables. A line that names a path owns the lines up to the next."""
    table: list[str] = []
    previous = ""
    caption_unit = 0.0
    pending: list[tuple[str, int]] = []  # paths whose context is still growing
    context: set[str] = set()
    for line in [*text.split("\n"), ""]:
        if len(draft.segments) >= MAX_SEGMENTS:
            break
        if line.startswith("|"):
            table.append(line)
            continue
        if table:
            caption_unit = unit_in(previous)
            _read_table(draft, table, caption_unit)
            table = []
        if not line.strip():
            continue
        paths = PATH.findall(line) if _HINT_OF_PATH.search(line) else []
        if paths:
            _flush_paths(draft, pending, context)
            context = set()
        sentences = _SENTENCE_END.split(line)
        for sentence in sentences:
            words = frozenset(stems(sentence))
            segment = draft.add_segment(words)
            context |= words
            _read_sentence(draft, sentence, segment, skip_identifiers=bool(paths))
        pending += [(path, len(draft.segments) - 1) for path in paths]
        if not pending:
            context = set()
        previous = sentences[-1]
    _flush_paths(draft, pending, context)


def _flush_paths(draft: _Draft, pending: list[tuple[str, int]], context: set[str]) -> None:
    frozen = frozenset(context)
    for path, segment in pending:
        kind = "folder" if path.endswith("/") else "path"
        draft.add_text(path.rstrip("/"), kind, segment, frozenset(), frozen)
        parent = path.rstrip("/").rpartition("/")[0]
        while parent and parent not in draft.derived:
            draft.derived.add(parent)
            draft.add_text(parent, "folder", segment, frozenset(), frozen)
            parent = parent.rpartition("/")[0]
    pending.clear()


def _read_sentence(draft: _Draft, sentence: str, segment: int, skip_identifiers: bool) -> None:
    key, colon, value = sentence.partition(": ")
    if colon and len(key.split()) <= 4:  # "key: value"
        words = frozenset(stems(_spaced(key)))
        text = value.strip()
        if text and len(text) <= 60 and not quantities(text):
            kind = "identifier" if IDENTIFIER.fullmatch(text) else "string"
            draft.add_text(text, kind, segment, words, draft.segments[segment])
    if not _DIGIT.search(sentence):
        return
    if not skip_identifiers:
        for match in IDENTIFIER.finditer(sentence):
            if not PATH.search(match.group()):
                draft.add_text(
                    match.group(), "identifier", segment, frozenset(), draft.segments[segment]
                )
    _read_prose_numbers(draft, sentence, segment, draft.segments[segment])


def _read_prose_numbers(
    draft: _Draft, sentence: str, segment: int, heading: frozenset[str]
) -> None:
    """The numbers of a sentence; `heading` are its stems."""
    if "/" in sentence or "_" in sentence:
        without_paths = PATH.sub(lambda match: " " * len(match.group()), sentence)
        if without_paths != sentence:
            sentence, heading = without_paths, frozenset(stems(without_paths))
    found = quantities(sentence)
    if not found:
        return
    years = years_in(sentence)
    spoken = [q for q in found if not _is_year(q)]
    for quantity in found:
        left = sentence[: quantity.start].rsplit(None, _CLAUSE_WORDS)[-_CLAUSE_WORDS:]
        right = sentence[quantity.end :].split(None, _CLAUSE_WORDS)[:_CLAUSE_WORDS]
        draft.numbers.append(
            NumberSpan(
                value=quantity.value,
                text=quantity.text,
                unit=quantity.unit or 1.0,
                percent=quantity.percent,
                is_year=_is_year(quantity),
                segment=segment,
                table=-1,
                row=-1,
                column=0,
                label=frozenset(stems(" ".join(left + right))),
                heading=heading,
                years=_year_of(quantity, sentence, spoken, years),
            )
        )


def _is_year(quantity: Quantity) -> bool:
    return bool(YEAR.fullmatch(quantity.text)) and quantity.unit == 0.0


def _year_of(
    quantity: Quantity, sentence: str, spoken: list[Quantity], years: tuple[int, ...]
) -> tuple[int, ...]:
    """The year a number of a sentence belongs to: "$ 5 and $ 4 in 2012 and 2011, respectively"
    pairs them off in order; otherwise the nearest year after it, or else before it. What stood
    "a year earlier" is of the year before the one named."""
    if _is_year(quantity) or not years:
        return years
    if len(years) == 1:
        nearby = sentence[quantity.end :][:_EARLIER_WITHIN]
        following = _DIGIT.search(nearby)
        earlier = _EARLIER.search(nearby[: following.start()] if following else nearby)
        return (years[0] - 1,) if earlier else years
    if len(spoken) == len(years):
        return (years[spoken.index(quantity)],) if quantity in spoken else years
    after = years_in(sentence[quantity.end :])
    before = years_in(sentence[: quantity.start])
    return after[:1] or before[-1:]


# --- tables -------------------------------------------------------------------------------------


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _read_table(draft: _Draft, lines: list[str], caption_unit: float) -> None:
    """A table of pipes; its first row is the header, its first column the row labels."""
    rows = [cells for line in lines if any(cells := _cells(line)) and not _is_rule(cells)]
    if not rows:
        return
    header, number = rows[0], draft.tables
    draft.tables += 1
    unit = unit_in(" ".join(header)) or caption_unit
    draft.add_segment(frozenset(stems(" ".join(header))))
    headings = [frozenset(stems(cell)) for cell in header]
    header_years = [years_in(cell) for cell in header]
    for row, cells in enumerate(rows[1:]):
        label = cells[0]
        label_words = frozenset(stems(label))
        segment = draft.add_segment(label_words)
        draft.add_text(label, "string", segment, frozenset({"label"}), label_words)
        for column, cell in enumerate(cells[1:], 1):
            found = quantities(cell)
            if not found:
                continue
            quantity = found[0]
            has_header = column < len(header)
            years = header_years[column] if has_header else ()
            heading = headings[column] if has_header else frozenset()
            percent = quantity.percent or "%" in label or (has_header and "%" in header[column])
            draft.numbers.append(
                NumberSpan(
                    value=quantity.value,
                    text=quantity.text,
                    unit=1.0 if percent else quantity.unit or unit or 1.0,
                    percent=percent,
                    is_year=_is_year(quantity),
                    segment=segment,
                    table=number,
                    row=row,
                    column=column,
                    label=label_words,
                    heading=heading,
                    years=years or years_in(label),
                )
            )


def _is_rule(cells: list[str]) -> bool:
    return all(set(cell) <= set("-: ") for cell in cells)
