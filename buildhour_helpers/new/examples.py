"""Example calls, made up from schemas, and the rows that ask for what they return.

They give a new project something that runs from end to end. Its owner replaces them.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import random
import string
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import jsonschema_rs
from pydantic import validate_call
from pydantic_core import to_jsonable_python

from buildhour_helpers.new.description import Example, Json, Tool
from buildhour_helpers.new.schemas import ROLLOUT_ID

TRIES = 40  # calls of each tool that are thought up, of which those that differ are kept
DEEPEST = 4
WORDS = ("amber", "birch", "cedar", "dune", "ember", "fern", "grove", "heath", "iris", "juniper")
FORMATS: dict[str, Callable[[random.Random], str]] = {
    "date": lambda rng: f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
    "date-time": lambda rng: f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T09:00:00Z",
    "time": lambda rng: f"{rng.randint(0, 23):02}:00:00Z",
    "email": lambda rng: f"{rng.choice(WORDS)}@example.com",
    "uri": lambda rng: f"https://example.com/{rng.choice(WORDS)}",
    "uuid": lambda rng: "-".join(
        "".join(rng.choices(string.hexdigits.lower()[:16], k=k)) for k in (8, 4, 4, 4, 12)
    ),
}
UNKNOWN_OUTPUT: Json = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "code": {"type": "string"}},
}


def made_up(tools: list[Tool], count: int) -> list[Example]:
    """Up to `count` examples whose outputs are made up, too; the tools take turns."""

    def output(tool: Tool, _: Json, rng: random.Random) -> str:
        known = tool.output or UNKNOWN_OUTPUT
        value = value_of(known, rng, known) or value_of(UNKNOWN_OUTPUT, rng, UNKNOWN_OUTPUT)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return _examples(tools, count, output)


def called(tools: list[Tool], module: ModuleType, count: int) -> list[Example]:
    """Up to `count` examples from calling functions; calls that fail are left out."""

    def output(tool: Tool, arguments: Json, _: random.Random) -> str | None:
        function = getattr(module, tool.name)
        if ROLLOUT_ID in inspect.signature(function).parameters:
            arguments = {**arguments, ROLLOUT_ID: "trace_example"}
        try:
            result = validate_call(function)(**arguments)
            result = asyncio.run(result) if inspect.iscoroutine(result) else result
            return (
                result if isinstance(result, str)
                else json.dumps(to_jsonable_python(result), ensure_ascii=False)
            )  # fmt: skip
        except Exception:  # whatever the owner's code raises for values that were made up
            return None

    return _examples(tools, count, output)


def of_parts(module: ModuleType) -> list[Example]:
    """An example for each part of the small example that a project has without a source."""
    return [
        Example(
            "lookup_parts",
            {"terms": f"{part['description']} {part['machine']}"},
            "",
            f"Which part replaces the {part['description']} of my {part['machine']}?",
            str(part["article"]),
        )
        for part in random.Random("rows").sample(module.PARTS, len(module.PARTS))
    ]


def _examples(
    tools: list[Tool], count: int, output: Callable[[Tool, Json, random.Random], str | None]
) -> list[Example]:
    found = dict[str, Example]()
    rounds = [_of_tool(tool, output) for tool in tools]
    while rounds and len(found) < count:
        for one in list(rounds):
            example = next((e for e in one if e.question not in found), None)
            if example is None:
                rounds.remove(one)
            elif len(found) < count:
                found[example.question] = example
    return list(found.values())


def _of_tool(
    tool: Tool, output: Callable[[Tool, Json, random.Random], str | None]
) -> Iterator[Example]:
    validator = jsonschema_rs.validator_for(tool.parameters)
    for number in range(TRIES):
        rng = random.Random(f"{tool.name}/{number}")
        arguments = value_of(tool.parameters, rng, tool.parameters)
        if not validator.is_valid(arguments):  # a pattern, or a rule that no example here follows
            continue
        text = output(tool, arguments, rng)
        if text is not None and (leaf := _leaf(text)):
            name, answer = leaf
            given = ", ".join(f"{key} {value}" for key, value in _leaves(arguments))
            asked = f"{tool.name.replace('_', ' ')}: what is the {name}"
            question = f"{asked} for {given}?" if given else f"{asked}?"
            yield Example(tool.name, arguments, text, question, answer)


def _leaf(output: str) -> tuple[str, str] | None:
    """A value of an output with its name: the last text or number of a JSON value, or the text."""
    try:
        leaves = list(_leaves(json.loads(output), "answer"))
    except ValueError:
        leaves = [("answer", output)]
    return next((leaf for leaf in reversed(leaves) if leaf[1].strip()), None)


def _leaves(value: Any, name: str = "value") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, key)
    elif isinstance(value, list):
        for inner in value[:1]:
            yield from _leaves(inner, name)
    elif isinstance(value, str):
        yield name.replace("_", " "), value
    elif value is not None:
        yield name.replace("_", " "), json.dumps(value)


def value_of(schema: Any, rng: random.Random, root: Json, depth: int = 0) -> Any:
    """A value that most probably satisfies a JSON Schema; its examples and enums come first."""
    if not isinstance(schema, dict) or depth > DEEPEST:
        return None
    if isinstance(reference := schema.get("$ref"), str):
        target: Any = root
        for step in reference.split("/")[1:]:
            target = target.get(step) if isinstance(target, dict) else None
        return value_of(target, rng, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if listed := schema.get("examples") or schema.get("enum"):
        return rng.choice(listed)
    for keyword in ("anyOf", "oneOf"):
        if parts := [one for one in schema.get(keyword, ()) if one != {"type": "null"}]:
            return value_of(parts[0], rng, root, depth)
    if all_of := schema.get("allOf"):
        values = [value_of(part, rng, root, depth) for part in all_of]
        objects = [value for value in values if isinstance(value, dict)]
        return {k: v for one in objects for k, v in one.items()} if objects else values[0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    return _of_kind(kind, schema, rng, root, depth)


def _of_kind(kind: str, schema: Json, rng: random.Random, root: Json, depth: int) -> Any:
    match kind:
        case "object":
            properties, required = schema.get("properties") or {}, schema.get("required") or ()
            others = schema.get("additionalProperties")
            if not properties and isinstance(others, dict):  # any names
                properties = {"code": others}
            return {
                name: value_of(part, rng, root, depth + 1)
                for name, part in properties.items()
                if name in required or "default" not in part or rng.random() < 0.5
            }
        case "array":
            count = max(1, schema.get("minItems", 1))
            return [value_of(schema.get("items"), rng, root, depth + 1) for _ in range(count)]
        case "integer" | "number":
            least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
            most = schema.get("maximum", schema.get("exclusiveMaximum", max(least, 0) + 999) - 1)
            number = rng.randint(int(least), max(int(least), int(most)))
            step = schema.get("multipleOf")
            return number - number % step if step else number
        case "boolean":
            return rng.random() < 0.5
        case "null":
            return None
    text = FORMATS.get(schema.get("format", ""), _word)(rng)
    return text[: schema.get("maxLength", len(text))].ljust(schema.get("minLength", 0), "x")


def _word(rng: random.Random) -> str:
    return f"{rng.choice(WORDS)}-{rng.randint(100, 999)}"
