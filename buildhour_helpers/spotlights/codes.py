"""Ambience's task, made small: which codes belong to a doctor's visit?

Notes of visits are generated from the seed. A note has findings, which are coded, and what was
denied or runs in the family, which is not. The agent reads a note, looks findings up in a code
book, and answers with a list of codes. The reward is the F1 of that list against a panel of three
coders, who do not always agree. Bodies, findings and codes are invented: none is a real code.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence

from buildhour_helpers.graders.endpoint import GraderCall
from buildhour_helpers.spotlights.environment import (
    Environment,
    dataset_row,
    f1,
    list_answer,
    list_format,
    precision,
    recall,
)
from buildhour_helpers.tasks.dataset import Row
from buildhour_helpers.tools.functions import Tool, ToolError
from buildhour_helpers.tools.schemas import definition

PROMPT = (
    "You code visits for a clinic. Code what was found in this visit: not what the patient denies, "
    "and not what relatives have. Answer with the list of codes."
)
TRAIN, VALIDATION, HELD_OUT = 96, 16, 40
CODERS, MISSES = 3, 0.12  # a coder of the panel leaves out one code in eight
MOST_HITS = 4

TOOLS = [
    definition(
        "read_note",
        "Read the note of a visit. Returns JSON: findings, what was denied, what relatives have.",
        visit={"type": "string", "description": "The identifier of a visit, such as V-1234."},
    ),
    definition(
        "find_codes",
        "Look up one finding in the code book. Returns JSON: the codes that fit best, best first.",
        finding={"type": "string", "description": "The label of a finding, as the note has it."},
    ),
]

PLACES = tuple(
    "ankle calf elbow hip jaw knee neck scalp shoulder thumb toe wrist".split()  # noqa: SIM905
)
SIDES = ("left", "right")
SIGNS = {
    "ache": ("dull ache", "aching"),
    "rash": ("itchy rash", "red, itchy patches"),
    "swelling": ("swelling", "puffiness"),
    "stiffness": ("stiffness", "hardly any movement"),
    "tremor": ("slight tremor", "shaking"),
    "numbness": ("numbness", "no feeling"),
}
TIMES = ("since spring", "for a week", "after a fall", "in the morning", "when climbing stairs")


def make(seed: int) -> Environment:
    """A code book, visits with their notes, and a panel that has coded them."""
    rng = random.Random(f"spotlights/codes/{seed}")
    book = _code_book(rng)
    notes: dict[str, str] = {}
    numbers = rng.sample(range(1000, 10_000), TRAIN + VALIDATION + HELD_OUT)
    rows = [_row(rng, f"V-{number}", book, notes) for number in numbers]
    return Environment(
        name="codes",
        definitions=TOOLS,
        functions=_functions(book, notes),
        train=rows[:TRAIN],
        validation=rows[TRAIN : TRAIN + VALIDATION],
        held_out=rows[TRAIN + VALIDATION :],
        grade=grade_codes,
        graders={
            "precision": lambda call: precision(*_lists(call)),
            "recall": lambda call: recall(*_lists(call)),
        },
        response_format=list_format("codes"),
        hyperparameters={
            "batch_size": 16,
            "n_epochs": 2,
            "eval_interval": 100,
            "learning_rate_multiplier": 2.0,
        },
    )


def grade_codes(call: GraderCall) -> float:
    """F1 against the codes that most of the panel gave."""
    return f1(*_lists(call))


def _lists(call: GraderCall) -> tuple[list[str], list[str]]:
    """The codes of an answer, and the panel's."""
    return list_answer(call.answer, "codes"), call.item["panel_codes"]


# --- the generated clinic ------------------------------------------------------------------------


def _code_book(rng: random.Random) -> dict[str, str]:
    """The label of each code: a sign and a place, each side with a separate code."""
    labels = [f"{sign}, {side} {place}" for sign in SIGNS for place in PLACES for side in SIDES]
    numbers = rng.sample(range(100, 1000), len(labels))
    return {f"X{number}": label for number, label in zip(numbers, labels, strict=True)}


def _row(rng: random.Random, visit: str, book: Mapping[str, str], notes: dict[str, str]) -> Row:
    codes = rng.sample(sorted(book), 7)
    found, other = codes[: rng.randint(2, 4)], codes[4 : 4 + rng.randint(1, 3)]
    records = [{"finding": _said(rng, book[code])} for code in found]
    for code in other:
        records.append({rng.choice(("denied", "family")): _said(rng, book[code])})
    rng.shuffle(records)
    notes[visit] = json.dumps(records)
    panel = [[c for c in found if rng.random() > MISSES] for _ in range(CODERS)]
    wanted = [c for c in found if 2 * sum(c in coder for coder in panel) > CODERS]
    question = f"Which codes do the findings of visit {visit} get?"
    return dataset_row(visit, PROMPT, question, TOOLS, panel=panel, panel_codes=wanted or found)


def _said(rng: random.Random, label: str) -> str:
    """A code's label as a doctor would dictate it."""
    sign, _, place = label.partition(", ")
    return f"{rng.choice(SIGNS[sign])} of the {place} {rng.choice(TIMES)}"


# --- the tools -----------------------------------------------------------------------------------


def _functions(book: Mapping[str, str], notes: Mapping[str, str]) -> Mapping[str, Tool]:
    words = {code: _words(label) for code, label in book.items()}
    signs = {phrase: sign for sign, phrases in SIGNS.items() for phrase in phrases}

    def read_note(visit: str) -> str:
        if visit not in notes:
            raise ToolError(f"there is no visit {visit!r}")
        return notes[visit]

    def find_codes(finding: str) -> str:
        asked = _words(finding)
        asked |= {sign for phrase, sign in signs.items() if _words(phrase) <= asked}
        shared = {code: len(asked & own) for code, own in words.items()}
        hits = sorted((c for c in book if shared[c]), key=lambda c: (-shared[c], c))
        if not hits:
            raise ToolError(f"the code book has nothing like {finding!r}")
        return json.dumps([{"code": code, "label": book[code]} for code in hits[:MOST_HITS]])

    return {"read_note": read_note, "find_codes": find_codes}


def _words(text: str) -> set[str]:
    return set(text.replace(",", " ").lower().split())


def agreement_of_coders(rows: Sequence[Row]) -> float:
    """The mean F1 of one coder against the panel: what a person reaches by the same measure."""
    scores = [f1(coder, row["panel_codes"]) for row in rows for coder in row["panel"]]
    return sum(scores) / len(scores)
