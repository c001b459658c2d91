"""What an environment is, and the few functions that several of them share."""

from __future__ import annotations

import importlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from buildhour_helpers.graders.endpoint import Grade, GraderCall
from buildhour_helpers.tasks.dataset import Row
from buildhour_helpers.tools.functions import Tool
from buildhour_helpers.tools.schemas import Definition

NAMES = ("files", "codes", "filings", "kernels", "slides")


@dataclass(frozen=True)
class ModelGrader:
    """A model that grades by a rubric: it sees the answer and the row's `reference_answer`, and no
    tool call. Its score is multiplied by `check`, for what only code can see."""

    rubric: str
    check: Grade | None = None


AnyGrader = Grade | ModelGrader


@dataclass(frozen=True)
class Environment:
    """A task with its tools, rows and grader, all generated from one seed.

    `grade` is what counts: the reward of a job unless another grader is asked for, and the reward
    of every held-out rollout. `graders` are others to train with (one that charges for turns, one
    with a loophole); held-out answers are scored by all of them. No row of `held_out` has a subject
    in common with `train` or `validation`.
    """

    name: str
    definitions: Sequence[Definition]
    functions: Mapping[str, Tool]
    train: Sequence[Row]
    validation: Sequence[Row]
    held_out: Sequence[Row]
    grade: Grade
    graders: Mapping[str, AnyGrader] = field(default_factory=dict)
    response_format: Mapping[str, Any] | None = None
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    budget: int = 10  # tool calls that a rollout may make
    max_turns: int = 8

    def grader(self, name: str = "") -> AnyGrader:
        """The grader of that name; "" is `grade`. Raises KeyError naming those there are."""
        if name and name not in self.graders:
            known = ", ".join(self.graders) or "none"
            raise KeyError(f"{self.name} has no grader {name!r}; beside its own it has: {known}")
        return self.graders[name] if name else self.grade


def make(name: str, seed: int = 0) -> Environment:
    """The environment of that name. Raises KeyError naming those there are."""
    if name not in NAMES:
        raise KeyError(f"no environment {name!r}; there are: {', '.join(NAMES)}")
    module = importlib.import_module(f"buildhour_helpers.spotlights.{name}")
    made: Environment = module.make(seed)
    return made


def dataset_row(
    question_id: str, prompt: str, question: str, tools: Sequence[Definition], **reference: Any
) -> Row:
    """One row: what the model sees, and the reference that only tools and grader see."""
    messages = [{"role": "system", "content": prompt}, {"role": "user", "content": question}]
    return {
        "messages": messages,
        "tools": list(tools),
        "question_id": question_id,
        **reference,
    }


# --- answers that are lists ----------------------------------------------------------------------


def list_format(key: str) -> dict[str, Any]:
    """The `response_format` of an answer `{key: [text, ...]}`."""
    schema = {
        "type": "object",
        "properties": {key: {"type": "array", "items": {"type": "string"}}},
        "required": [key],
        "additionalProperties": False,
    }
    named = {"name": f"{key}_answer", "strict": True, "schema": schema}
    return {"type": "json_schema", "json_schema": named}


def list_answer(answer: str, key: str) -> list[str]:
    """The texts of an answer `{key: [text, ...]}`; an answer in another form has none."""
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return []
    found = value.get(key) if isinstance(value, dict) else None
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def f1(found: Collection[str], expected: Collection[str]) -> float:
    """F1 of two sets, 0 to 1: the harmonic mean of precision (how much of what was found is
    right) and recall (how much of what is right was found). 1 if both are empty."""
    right = len(set(found) & set(expected))
    total = len(set(found)) + len(set(expected))
    return 2 * right / total if total else 1.0


def precision(found: Collection[str], expected: Collection[str]) -> float:
    """How much of what was found is right, 0 to 1; 0 if nothing was found."""
    return len(set(found) & set(expected)) / len(set(found)) if found else 0.0


def recall(found: Collection[str], expected: Collection[str]) -> float:
    """How much of what is right was found, 0 to 1. `expected` must not be empty."""
    return len(set(found) & set(expected)) / len(set(expected))


def turns_taken(call: GraderCall) -> int:
    """How many turns led to an answer, the answer's own included.

    It reads them from the ids of the tool calls, `call_TURN_NUMBER` in a job of this service.
    Another provider's ids say nothing; there, every call counts as a turn.
    """
    ids = [tool["id"] for tool in call.sample.get("output_tools", ())]
    parts = [one.split("_") for one in ids]
    return 1 + len({p[1] if len(p) == 3 and p[0] == "call" else n for n, p in enumerate(parts)})
