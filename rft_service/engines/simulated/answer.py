"""How the model puts an answer together: an operation, its operands, a wording; or a text.

Each part is a choice of its own, so an answer is a short sequence of softmaxes. Where the request
carries a JSON Schema, each property of it is answered in this way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rft_service.engines.simulated.answer_style import BARE, choose_manner, deliver
from rft_service.engines.simulated.arithmetic import (
    OPERATIONS,
    PAIR_OPERATIONS,
    PERCENT_RESULTS,
    RATIO_RESULTS,
    WORDINGS,
    Result,
    compute_line,
    compute_pair,
    compute_value,
    line_of,
    word,
)
from rft_service.engines.simulated.numbers import PHRASE_ROLES
from rft_service.engines.simulated.operands import NumberPool
from rft_service.engines.simulated.parameters import PARAMETER_FEATURES, TextPool
from rft_service.engines.simulated.perception import NumberSpan
from rft_service.engines.simulated.question import PROMPT_CUE_NAMES, Question
from rft_service.engines.simulated.weights import Decision, Vector
from rft_service.engines.simulated.words import CUE_NAMES

GIVE_UP = "I could not find the answer."

OPERATION_FEATURES = (
    "any",
    *(f"asks_{cue}" for cue in CUE_NAMES),
    "one_year",
    "two_years",
    "unit_asked",
    "no_cue",
    "wants_number",
    "wants_text",
    "records_read",
    "tables_read",
    *(f"has_{role}" for role in PHRASE_ROLES),
    *PROMPT_CUE_NAMES,
)
WORDING_FEATURES = (
    "any",
    "result_percent",
    "result_ratio",
    "result_amount",
    "asks_percent",
    "percent_and_ratio",
    "unit_asked",
    "unit_differs",
    "unit_unknown",
    *PROMPT_CUE_NAMES,
)
TEXT = "text"
ANSWER_KINDS = (*OPERATIONS, TEXT)
MOST_VALUES = 100  # made for one answer, however many a schema asks for

Choose = Callable[..., Decision]
"""(features, blocks, own_blocks=()) -> Decision, drawing from the turn's randomness."""


@dataclass(frozen=True)
class Answer:
    """A final answer as text, and how it came about, in words."""

    text: str
    how: str


@dataclass
class _Room:
    """How many values an answer may still take."""

    values: int = MOST_VALUES


@dataclass(frozen=True)
class Known:
    """What an answer can be made of."""

    question: Question
    numbers: NumberPool
    texts: TextPool


def compose(known: Known, choose: Choose, schema: Mapping[str, Any] | None) -> Answer:
    """Choose an answer. With a schema the text is JSON that satisfies it."""
    if schema is None:
        return _free(known, choose, ANSWER_KINDS, spoken=True)
    value = _by_schema(known, choose, schema, _Room())
    text = json.dumps(value)
    return Answer(text, "answer in the asked JSON form")


def _free(known: Known, choose: Choose, kinds: Sequence[str], spoken: bool = False) -> Answer:
    usable = [kind for kind in kinds if _possible(kind, known)]
    if not usable:
        return Answer(GIVE_UP, "nothing was read that could answer")
    state = _operation_state(known, kinds)
    rows = np.repeat(state[None, :], len(usable), axis=0)
    decision = choose(rows, ("operation",), [f"operation/{kind}" for kind in usable])
    kind = usable[decision.index]
    if kind == TEXT:
        return _text(known, choose)
    result, how = _number(known, choose, kind)
    wording = _wording(known.question, choose, result, kind)
    text = word(result, wording, known.question.unit)
    manner = choose_manner(known.question, choose) if spoken else BARE
    return Answer(deliver(text, manner, result), how)


def _possible(kind: str, known: Known) -> bool:
    if kind == TEXT:
        return bool(known.texts.candidates)
    return len(known.numbers) >= (2 if kind in PAIR_OPERATIONS else 1)


def _operation_state(known: Known, kinds: Sequence[str]) -> Vector:
    question = known.question
    roles = {phrase.role for phrase in question.phrases}
    in_rows = [span for span in known.numbers.spans if span.row >= 0]
    values = {
        "any": True,
        **{f"asks_{cue}": cue in question.cues for cue in CUE_NAMES},
        "one_year": len(question.years) == 1,
        "two_years": len(question.years) > 1,
        "unit_asked": question.unit != 0.0,
        "no_cue": not question.cues,
        "wants_number": TEXT not in kinds,
        "wants_text": kinds == (TEXT,),
        "records_read": any(span.heading and span.column == 0 for span in in_rows),
        "tables_read": bool(in_rows),
        **{f"has_{role}": role in roles for role in PHRASE_ROLES},
        **{cue: cue in question.prompt_cues for cue in PROMPT_CUE_NAMES},
    }
    return np.array(list(values.values()), dtype=float)


def _text(known: Known, choose: Choose) -> Answer:
    pool = known.texts
    decision = choose(pool.features, ("answer_text",))
    chosen = pool.candidates[decision.index]
    return Answer(str(chosen.value), f"the answer is the {chosen.kind} {chosen.value!r}")


def _number(known: Known, choose: Choose, operation: str) -> tuple[Result, str]:
    """Choose operands for an operation and compute it."""
    pool = known.numbers
    first = choose(pool.first, ("first", f"first/{_first_role(operation)}")).index
    a = pool.spans[first]
    if operation == "value":
        return compute_value(a), f"read {a.text}"
    if operation in PAIR_OPERATIONS:
        rows = np.delete(pool.second(first, known.question), first, axis=0)
        chosen = choose(rows, ("second", f"second/{operation}")).index
        b = pool.spans[chosen + (chosen >= first)]
        return compute_pair(operation, a, b), f"{operation} of {a.text} and {b.text}"
    direction, _, name = operation.partition("_")
    line = line_of(pool.spans, pool.page.tolist(), first, direction == "row")
    spans = _within_years([pool.spans[place] for place in line], known.question.years) or [a]
    texts = ", ".join(span.text for span in spans)
    return compute_line(name, a, spans), f"{name.removeprefix('line_')} of {texts}"


def _within_years(line: Sequence[NumberSpan], asked: Sequence[int]) -> list[NumberSpan]:
    """The numbers of a line, those of other years than the question spans left out."""
    numbers = [span for span in line if not span.is_year]
    if len(asked) < 2:
        return numbers
    first, last = min(asked), max(asked)
    return [n for n in numbers if not n.years or first <= n.years[0] <= last]


def _first_role(operation: str) -> str:
    """Row and column operations share what they look for: a line, not a cell."""
    return "row" if operation.startswith("row_") else operation


def _wording(question: Question, choose: Choose, result: Result, operation: str) -> str:
    percent = result.kind == "percent"
    values = {
        "any": True,
        "result_percent": percent,
        "result_ratio": result.kind == "ratio",
        "result_amount": result.kind == "amount",
        "asks_percent": "percent" in question.cues,
        "percent_and_ratio": "percent" in question.cues
        and (operation in PERCENT_RESULTS or operation in RATIO_RESULTS or percent),
        "unit_asked": question.unit != 0.0,
        "unit_differs": question.unit not in (0.0, result.unit),
        "unit_unknown": question.unit != 0.0 and result.unit == 1.0,
        **{cue: cue in question.prompt_cues for cue in PROMPT_CUE_NAMES},
    }
    state = np.array(list(values.values()), dtype=float)
    usable = WORDINGS if percent else [w for w in WORDINGS if w not in ("percent", "decimal")]
    rows = np.repeat(state[None, :], len(usable), axis=0)
    own = [f"wording/{wording}" for wording in usable]
    return usable[choose(rows, ("wording",), own).index]


# --- answers in a JSON Schema -------------------------------------------------------------------


def _by_schema(known: Known, choose: Choose, schema: Mapping[str, Any] | bool, room: _Room) -> Any:
    """A value that satisfies a schema of objects, arrays, enums and plain types, or None where
    there is no room. A boolean schema, like an empty one, asks for nothing."""
    if not room.values:
        return None
    room.values -= 1
    if isinstance(schema, bool):
        schema = {}
    if "enum" in schema:
        return _enumerated(known, choose, schema["enum"])
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type", "string")
    kind = next((k for k in kind if k != "null"), "null") if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: _by_schema(known, choose, child, room) for name, child in properties.items()}
    if kind == "array":
        return _several(known, choose, schema, room)
    if kind in ("number", "integer"):
        return _plain_number(known, choose, kind == "integer")
    if kind == "boolean":
        return bool(_pair_or_false(known, choose))
    return None if kind == "null" else _free(known, choose, ANSWER_KINDS).text


def _plain_number(known: Known, choose: Choose, whole: bool) -> float | int:
    answer = _free(known, choose, OPERATIONS).text
    digits = "".join(c for c in answer.split(",")[0] if c.isdigit() or c in ".-").strip(".")
    try:
        value = float(digits)
    except ValueError:
        value = 0.0
    return round(value) if whole else value


def _pair_or_false(known: Known, choose: Choose) -> bool:
    if not _possible("compare", known):
        return False
    result, _ = _number(known, choose, "compare")
    return result.value > 0


def _enumerated(known: Known, choose: Choose, values: Sequence[Any]) -> Any:
    rows = np.zeros((len(values), len(PARAMETER_FEATURES)))
    place = PARAMETER_FEATURES.index("own_words_match")
    for row, value in zip(rows, values, strict=True):
        row[place] = str(value).lower() in known.question.text.lower()
    return values[choose(rows, ("answer_text",)).index]


def _several(known: Known, choose: Choose, schema: Mapping[str, Any], room: _Room) -> list[Any]:
    """A list of distinct answers: as many as the schema demands, one at least, while there is
    room."""
    wanted = max(1, int(schema.get("minItems", 1)))
    values: list[Any] = []
    for _ in range(min(wanted * 2, room.values)):
        value = _by_schema(known, choose, schema.get("items", {}), room)
        if value not in values:
            values.append(value)
        if len(values) >= wanted:
            break
    return values
