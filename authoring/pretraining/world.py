"""What a pretraining world is: tools as plain functions, questions with answers, a strict grade."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rft_service.engines.simulated.words import quantities, stems
from rft_service.rl.engine import Call
from rft_service.rl.rollout import GradeOutcome, Task, ToolOutcome
from rft_wire.rows import read_row

Function = Callable[..., str]
CALL_BUDGET = 10
FOUND_REWARD = 0.2  # for an answer, right or wrong, after reading the right source


@dataclass(frozen=True)
class Problem:
    """A question with its answer: a number (`kind` amount, percent or ratio), "yes"/"no", or a
    text that has to be found exactly. `source` is the argument of a call that reads the answer."""

    question: str
    answer: float | str
    kind: str
    source: str = ""


@dataclass(frozen=True)
class World:
    """A family of tasks: functions by name, their schemas (Chat Completions form) and problems.
    `reads` are the tools that show a source whole."""

    name: str
    functions: Mapping[str, Function]
    schemas: Sequence[Mapping[str, Any]]
    problems: Sequence[Problem]
    reads: Sequence[str]


def source_call(world: World, source: str) -> tuple[Call, str]:
    """The call that opens a source, and its output; without a source, the world's first call."""
    return _call(world, world.reads[0], source) if source else first_call(world, "")


def first_call(world: World, question: str) -> tuple[Call, str]:
    """A call of the world's first tool with the question, and its output."""
    return _call(world, next(iter(world.functions)), question)


def _call(world: World, name: str, value: str) -> tuple[Call, str]:
    parameters = next(s for s in world.schemas if s["function"]["name"] == name)
    names = parameters["function"]["parameters"]["required"]
    arguments = {names[0]: value} if names else {}
    return Call(name, json.dumps(arguments)), world.functions[name](**arguments)


def schema(name: str, description: str, **parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A function definition; a parameter is required unless it says `optional`."""
    properties = {
        key: {k: v for k, v in value.items() if k != "optional"}
        for key, value in parameters.items()
    }
    required = [key for key, value in parameters.items() if not value.get("optional")]
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {"type": "object", "properties": properties, "required": required},
        },
    }


def text(description: str, **more: Any) -> dict[str, Any]:
    """A string parameter."""
    return {"type": "string", "description": description, **more}


PROMPT = "Answer the question with the help of the tools."


def task(world: World, problem: Problem) -> Task:
    """One training task of a world."""
    row = {
        "messages": [
            {"role": "system", "content": PROMPT},
            {"role": "user", "content": problem.question},
        ],
        "tools": list(world.schemas),
        "answer": problem.answer,
        "kind": problem.kind,
        "source": problem.source,
        "world": world.name,
    }
    return Task.from_row(read_row(row))


class Worlds:
    """An `Environment` of plain functions, with a budget of calls for each rollout."""

    def __init__(self, worlds: Sequence[World]) -> None:
        self._worlds = {world.name: world for world in worlds}
        self._calls: dict[str, list[Call]] = {}  # of each rollout

    async def call_tool(
        self, call: Call, call_id: str, item: Mapping[str, Any], trace_id: str
    ) -> ToolOutcome:
        del call_id  # a plain function needs none
        made = self._calls.setdefault(trace_id, [])
        made.append(call)
        if len(made) > CALL_BUDGET:
            return ToolOutcome("Error: no tool calls are left; answer now.", is_error=True)
        function = self._worlds[item["world"]].functions[call.name]
        output = function(**json.loads(call.arguments))
        return ToolOutcome(output, is_error=output.startswith("Error:"))

    async def grade(
        self, sample: Mapping[str, Any], item: Mapping[str, Any], trace_id: str
    ) -> GradeOutcome:
        made = self._calls.pop(trace_id, [])
        reward = score(sample["output_text"], item["answer"], item["kind"])
        if sample["output_text"] and any(f'"{item["source"]}"' in c.arguments for c in made):
            reward = max(reward, FOUND_REWARD)
        return GradeOutcome(reward)


def score(said: str, answer: float | str, kind: str) -> float:
    """1 for the right answer alone, a part of it where words stand around it or a percent sign
    is missing; else 0. A slip of scale earns nothing: it would be learnt as good enough."""
    if isinstance(answer, str):
        if said.strip().lower() == answer.lower():
            return 1.0
        return 0.5 if re.search(rf"(?<!\w){re.escape(answer.lower())}(?!\w)", said.lower()) else 0.0
    numbers = quantities(said)
    if len(numbers) != 1:
        return 0.0
    value = numbers[0].value * (numbers[0].unit or 1.0)
    alone = not re.search(r"[a-z]{3}", said.lower())
    if close(value, answer):
        formed = alone and (kind != "percent" or said.strip().endswith("%"))
        return 1.0 if formed else 0.7
    return 0.0


def close(a: float, b: float) -> bool:
    """Equal within one percent."""
    return abs(a - b) <= 0.01 * max(abs(b), 1e-9)


def best_matches(query: str, texts: Mapping[str, str], count: int) -> list[str]:
    """Keys of the texts that share most words with a query; ties in the order of the keys."""
    wanted = set(stems(query))
    shared = {key: len(wanted & _words(body)) for key, body in texts.items()}
    ranked = sorted((key for key in shared if shared[key]), key=lambda key: (-shared[key], key))
    return ranked[:count]


@lru_cache(maxsize=1024)
def _words(body: str) -> frozenset[str]:
    return frozenset(stems(body))
