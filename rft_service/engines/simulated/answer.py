"""How the model composes an answer: an operation, its operands, a wording and a style; or a text.

Each part is a separate softmax. If the request has a JSON Schema, each value of the answer is
composed in this way. `arithmetic` computes and words results, `answer_style` delivers them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rft_service.engines.simulated.answer_style import (
    BARE,
    choose_slip,
    choose_style,
    deliver,
    slipped,
)
from rft_service.engines.simulated.arithmetic import (
    JOINT_SHARE,
    OPERATIONS,
    PAIR_OPERATIONS,
    PERCENT_RESULTS,
    PLAIN_WORDINGS,
    RATIO_RESULTS,
    WORDINGS,
    Result,
    compute_joint_share,
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
from rft_service.engines.simulated.shapes import ShapeReader
from rft_service.engines.simulated.weights import Decision, Vector, alike
from rft_service.engines.simulated.words import CUE_NAMES
from rft_service.schemas.check import Part, Schema

GIVE_UP = "I could not find the answer."

TEXT = "text"
ANSWER_KINDS = (*OPERATIONS, TEXT)
MAX_VALUES = 100  # in one answer, however many a schema asks for
MAX_PARTS = 3  # of a joint share
MAX_ITEMS = 10  # of a list, unless its schema requires more
ANOTHER_FEATURES = ("any", "thing_left", "things_left")

Choose = Callable[..., Decision]
"""(features, blocks, own_blocks=()) -> Decision, with the turn's random numbers."""


@dataclass(frozen=True)
class Answer:
    """A final answer as text, and how it was found, for the reasoning summary."""

    text: str
    how: str


@dataclass(frozen=True)
class Known:
    """What an answer can be made from."""

    question: Question
    numbers: NumberPool
    texts: TextPool


class _Asked:
    """What the choice of an operation depends on."""

    def __init__(self, known: Known, kinds: Sequence[str]) -> None:
        self.question, self.kinds = known.question, tuple(kinds)
        self.roles = {phrase.role for phrase in known.question.phrases}
        self.in_rows = [span for span in known.numbers.spans if span.row >= 0]


def _asks(cue: str) -> Callable[[_Asked], float]:
    return lambda a: cue in a.question.cues


def _has(role: str) -> Callable[[_Asked], float]:
    return lambda a: role in a.roles


def _says(cue: str) -> Callable[[_Asked | _Computed], float]:
    return lambda a: cue in a.question.prompt_cues


_OPERATION_FEATURES: dict[str, Callable[[_Asked], float]] = {
    "any": lambda _: True,
    **{f"asks_{cue}": _asks(cue) for cue in CUE_NAMES},
    "one_year": lambda a: len(a.question.years) == 1,
    "two_years": lambda a: len(a.question.years) > 1,
    "unit_asked": lambda a: a.question.unit != 0.0,
    "no_cue": lambda a: not a.question.cues,
    "wants_number": lambda a: TEXT not in a.kinds,
    "wants_text": lambda a: a.kinds == (TEXT,),
    "records_read": lambda a: any(span.heading and span.column == 0 for span in a.in_rows),
    "tables_read": lambda a: bool(a.in_rows),
    **{f"has_{role}": _has(role) for role in PHRASE_ROLES},
    **{cue: _says(cue) for cue in PROMPT_CUE_NAMES},
}
OPERATION_FEATURES = tuple(_OPERATION_FEATURES)


@dataclass(frozen=True)
class _Computed:
    """What the choice of a wording depends on."""

    question: Question
    result: Result
    operation: str

    def is_relative(self) -> bool:
        relative = PERCENT_RESULTS | RATIO_RESULTS
        return self.operation in relative or self.result.kind == "percent"


_WORDING_FEATURES: dict[str, Callable[[_Computed], float]] = {
    "any": lambda _: True,
    "result_percent": lambda c: c.result.kind == "percent",
    "result_ratio": lambda c: c.result.kind == "ratio",
    "result_amount": lambda c: c.result.kind == "amount",
    "asks_percent": lambda c: "percent" in c.question.cues,
    "percent_and_ratio": lambda c: "percent" in c.question.cues and c.is_relative(),
    "unit_asked": lambda c: c.question.unit != 0.0,
    "unit_differs": lambda c: c.question.unit not in (0.0, c.result.unit),
    "unit_unknown": lambda c: c.question.unit != 0.0 and c.result.unit == 1.0,
    **{cue: _says(cue) for cue in PROMPT_CUE_NAMES},
}
WORDING_FEATURES = tuple(_WORDING_FEATURES)


def compose(known: Known, choose: Choose, schema: Schema | None) -> Answer:
    """Choose an answer. With a schema the text is JSON that satisfies it."""
    if schema is None:
        return _free(known, choose, ANSWER_KINDS, has_style=True)
    value = _ValueBuilder(known, choose, ShapeReader(schema)).build(schema)
    return Answer(json.dumps(value), "answer in the asked JSON form")


def _free(known: Known, choose: Choose, kinds: Sequence[str], has_style: bool = False) -> Answer:
    """An answer of one of `kinds`, which are operations or TEXT."""
    usable = [kind for kind in kinds if is_possible(kind, known)]
    if not usable:
        return Answer(GIVE_UP, "nothing was read that could answer")
    features = operation_features(known, kinds)
    kind = usable[choose(*alike(features, "operation", usable)).index]
    if kind == TEXT:
        chosen = known.texts.candidates[choose(known.texts.features, ("answer_text",)).index]
        return Answer(str(chosen.value), f"the answer is the {chosen.kind} {chosen.value!r}")
    result, how = _number(known, choose, kind)
    wording = _wording(known.question, choose, result, kind)
    if result.kind != "yes_no":
        slip = choose_slip(known.question, choose)
        result = slipped(result, slip)
    text = word(result, wording, known.question.unit)
    style = choose_style(known.question, choose) if has_style else BARE
    return Answer(deliver(text, style, result), how)


def operation_features(known: Known, kinds: Sequence[str]) -> list[float]:
    """What the choice among `kinds` depends on [OPERATION_FEATURES]."""
    state = _Asked(known, kinds)
    return [float(feature(state)) for feature in _OPERATION_FEATURES.values()]


def is_possible(kind: str, known: Known) -> bool:
    if kind == TEXT:
        return bool(known.texts.candidates)
    least = 3 if kind == JOINT_SHARE else 2 if kind in PAIR_OPERATIONS else 1
    return len(known.numbers) >= least


def _number(known: Known, choose: Choose, operation: str) -> tuple[Result, str]:
    """Choose operands for an operation and compute it."""
    pool = known.numbers
    # The operations on rows share their weights here: they all look for a line, not a cell.
    role = "row" if operation.startswith("row_") else operation
    first = choose(pool.first, ("first", f"first/{role}")).index
    a = pool.spans[first]
    if operation == "value":
        return compute_value(a), f"read {a.text}"
    if operation in PAIR_OPERATIONS:
        b = pool.spans[_beside(known, choose, [first], operation)]
        return compute_pair(operation, a, b), f"{operation} of {a.text} and {b.text}"
    if operation == JOINT_SHARE:
        return _joint_share(known, choose, first)
    direction, _, name = operation.partition("_")
    line = line_of(pool.spans, pool.page.tolist(), first, direction == "row")
    spans = within_years([pool.spans[index] for index in line], known.question.years) or [a]
    texts = ", ".join(span.text for span in spans)
    return compute_line(name, a, spans), f"{name.removeprefix('line_')} of {texts}"


def _joint_share(known: Known, choose: Choose, first: int) -> tuple[Result, str]:
    """Add parts to the first, each chosen beside the one before it, and choose the whole."""
    pool, taken = known.numbers, [first]
    room = min(MAX_PARTS, len(pool) - 1)  # one number is left for the whole
    while len(taken) < room and (len(taken) < 2 or another(known, choose, len(taken), "part")):
        taken.append(_beside(known, choose, taken, "part"))
    whole = pool.spans[_beside(known, choose, taken, "whole")]
    parts = [pool.spans[index] for index in taken]
    texts = " and ".join(part.text for part in parts)
    return compute_joint_share(parts, whole), f"share of {texts} together in {whole.text}"


def _beside(known: Known, choose: Choose, taken: Sequence[int], role: str) -> int:
    """One more operand, none of those that are taken already; the index of its number."""
    pool = known.numbers
    left = np.delete(np.arange(len(pool)), taken)
    rows = pool.second(taken[-1], known.question)[left]
    return int(left[choose(rows, ("second", f"second/{role}")).index])


def another_features(question: Question, taken: int) -> list[float]:
    """What the choice to take one more part depends on [ANOTHER_FEATURES]: how many things the
    question names beyond the parts taken and the whole."""
    left = question.things - taken - 1
    return [1.0, float(left >= 1), float(left >= 2)]


def another(known: Known, choose: Choose, taken: int, of: str) -> bool:
    """Whether to take one more part of a sum or one more value of a list."""
    rows = another_rows(known.question, taken)
    return choose(rows, ("another", f"another/{of}")).index == 1


def another_rows(question: Question, taken: int) -> Vector:
    """The candidates "no" and "yes" [2, ANOTHER_FEATURES]."""
    yes = another_features(question, taken)
    return np.array([[0.0] * len(yes), yes])


def within_years(line: Sequence[NumberSpan], asked: Sequence[int]) -> list[NumberSpan]:
    """The numbers of a row or column, without those of years outside the range asked for."""
    numbers = [span for span in line if not span.is_year]
    if len(asked) < 2:
        return numbers
    first, last = min(asked), max(asked)
    return [n for n in numbers if not n.years or first <= n.years[0] <= last]


def _wording(question: Question, choose: Choose, result: Result, operation: str) -> str:
    features = wording_features(question, result, operation)
    usable = usable_wordings(result)
    return usable[choose(*alike(features, "wording", usable)).index]


def usable_wordings(result: Result) -> Sequence[str]:
    return WORDINGS if result.kind == "percent" else PLAIN_WORDINGS


def wording_features(question: Question, result: Result, operation: str) -> list[float]:
    """What the choice of a wording depends on [WORDING_FEATURES]."""
    computed = _Computed(question, result, operation)
    return [float(feature(computed)) for feature in _WORDING_FEATURES.values()]


# --- answers in a JSON Schema -------------------------------------------------------------------


@dataclass
class _ValueBuilder:
    """Builds a JSON value, with at most `values_left` further values in it."""

    known: Known
    choose: Choose
    shapes: ShapeReader
    values_left: int = MAX_VALUES

    def build(self, part: Part, within: frozenset[str] = frozenset()) -> Any:
        """A value that nearly satisfies a schema, or None if no values are left or the schema leads
        back to one of the references that it is `within`."""
        shape = self.shapes.read(part)
        if not self.values_left or shape.references & within:
            return None
        self.values_left -= 1
        within |= shape.references
        schema = shape.schema
        if "enum" in schema:
            return self._one_of(schema["enum"])
        if shape.kind == "object":
            properties = schema.get("properties", {})
            return {name: self.build(child, within) for name, child in properties.items()}
        if shape.kind == "array":
            return self._list(schema, within)
        if shape.kind in ("number", "integer"):
            return self._number(whole=shape.kind == "integer")
        if shape.kind == "boolean":
            if not is_possible("compare", self.known):
                return False
            return bool(_number(self.known, self.choose, "compare")[0].value > 0)
        return None if shape.kind == "null" else _free(self.known, self.choose, ANSWER_KINDS).text

    def _number(self, whole: bool) -> float | int:
        """The number in an answer such as "8.35%"; 0 if nothing could be read from one."""
        answer = _free(self.known, self.choose, OPERATIONS).text
        digits = "".join(c for c in answer.split(",")[0] if c.isdigit() or c in ".-").strip(".")
        try:
            value = float(digits)
        except ValueError:
            value = 0.0
        return round(value) if whole else value

    def _one_of(self, values: Sequence[Any]) -> Any:
        rows = np.zeros((len(values), len(PARAMETER_FEATURES)))
        asked = self.known.question.text.lower()
        rows[:, PARAMETER_FEATURES.index("own_words_match")] = [
            str(value).lower() in asked for value in values
        ]
        return values[self.choose(rows, ("answer_text",)).index]

    def _list(self, schema: Schema, within: frozenset[str]) -> list[Any]:
        """Distinct answers: as many as the schema requires but at least one, and then one more for
        as long as that is chosen. An answer that is already in the list counts as an attempt:
        there are twice as many of these as required values."""
        least = max(1, int(schema.get("minItems", 1)))
        most = int(schema.get("maxItems", MAX_ITEMS)) if least < MAX_ITEMS else least
        values: list[Any] = []
        attempts = 2 * least
        while self.values_left and attempts and len(values) < most:
            if len(values) >= least and not another(self.known, self.choose, len(values), "value"):
                break
            value = self.build(schema.get("items", {}), within)
            if value is not None and value not in values:
                values.append(value)
            else:
                attempts -= 1
        return values
