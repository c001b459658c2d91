"""What a fine-tuning job accepts as a row of its dataset: one rule for both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_wire import ContentError, Item, text_of
from rft_wire.functions import NAME, parameters_problem

MIN_ROWS = 10
ROLES = ("system", "developer", "user", "assistant")

Problem = tuple[str, str]
"""A field of a row, and what is wrong there with how to fix it."""
SchemaCheck = Callable[[Mapping[str, Any]], str | None]
"""Says what is wrong with a tool's parameters, or None."""


class RowError(ValueError):
    """A row that a job refuses, with everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Function:
    """A tool as a row declares it; `parameters` is its JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A row as a job uses it. Each message is its role and its text; `item` is the whole row as it
    was written, for tools and graders."""

    messages: tuple[Item, ...]
    tools: tuple[Function, ...]
    item: Mapping[str, Any]


def read_row(
    row: Any,
    job_tools: Collection[str] | None = None,
    schema_problem: SchemaCheck = parameters_problem,
) -> Row:
    """A row from its JSON. In messages and tools, null means absent. Raises RowError.

    `job_tools` are the names of the job's tools; None leaves that comparison out.
    """
    if not isinstance(row, dict):
        raise RowError([("row", "not a JSON object; write {...} with messages and tools")])
    problems = list[Problem]()
    messages = tuple(_messages(row.get("messages"), problems))
    tools = tuple(_tools(row.get("tools"), schema_problem, problems))
    if not any(field.startswith("tools") for field, _ in problems):
        problems += _name_problems([tool.name for tool in tools], job_tools)
    if problems:
        raise RowError(problems)
    return Row(messages, tools, row)


def _present(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if inner is not None}


def _messages(messages: Any, problems: list[Problem]) -> list[Item]:
    if not isinstance(messages, list) or not messages:
        problems.append(("messages", "missing or empty; a row needs a list of chat messages"))
        return []
    read = list[Item]()
    for index, message in enumerate(messages):
        try:
            read.append(_message(message, f"messages[{index}]"))
        except RowError as error:
            problems += error.problems
    if problems:
        return read
    last = read[-1]
    if last["role"] != "user":
        problem = f"the last message has the role {last['role']!r}; it must be 'user'"
        problems.append(("messages", problem))
    elif not last["content"]:
        problems.append(("messages", "the last message is empty; it must contain the task"))
    return read


def _message(raw: Any, where: str) -> Item:
    if not isinstance(raw, dict):
        raise RowError([(where, "not an object; write it as {role, content}")])
    message = _present(raw)
    role = message.get("role")
    if role == "tool" or message.get("tool_calls") or message.get("function_call"):
        problem = "earlier tool calls are not supported; put their results into a message"
        raise RowError([(where, problem)])
    if role not in ROLES:
        raise RowError([(f"{where}.role", f"{role!r}; use one of {', '.join(ROLES)}")])
    try:
        return {"role": role, "content": text_of(message.get("content"))}
    except ContentError as error:
        raise RowError([(f"{where}.content{error.path}", str(error))]) from None


def _tools(tools: Any, schema_problem: SchemaCheck, problems: list[Problem]) -> list[Function]:
    if not isinstance(tools, list | None):
        problems.append(("tools", "must be a list of function definitions"))
        return []
    read = list[Function]()
    for index, tool in enumerate(tools or ()):
        try:
            read.append(_function(tool, f"tools[{index}]", schema_problem))
        except RowError as error:
            problems += error.problems
    return read


def _function(raw: Any, where: str, schema_problem: SchemaCheck) -> Function:
    tool = _present(raw) if isinstance(raw, dict) else {}
    if not isinstance(tool.get("function"), dict) or tool.get("type", "function") != "function":
        definition = '{"type": "function", "function": {"name", "description", "parameters"}}'
        raise RowError([(where, f"not a function definition; write {definition}")])
    function, where = _present(tool["function"]), f"{where}.function"
    name, parameters = function.get("name"), function.get("parameters")
    description = function.get("description", "")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise RowError([(f"{where}.name", f"{name!r}; use 1 to 64 letters, digits, '_' and '-'")])
    if not isinstance(description, str):
        raise RowError([(f"{where}.description", "must be a string")])
    if parameters is None:
        return Function(name, description, {})
    if not isinstance(parameters, dict):
        raise RowError([(f"{where}.parameters", "must be a JSON Schema object")])
    if problem := schema_problem(parameters):
        raise RowError([(f"{where}.parameters", problem)])
    return Function(name, description, parameters)


def _name_problems(names: Sequence[str], job_tools: Collection[str] | None) -> Iterator[Problem]:
    """What is wrong with the names of a row's tools, by themselves and beside the job's."""
    for index, name in enumerate(names):
        if job_tools is not None and name not in job_tools:
            known = ", ".join(sorted(job_tools)) or "none"
            problem = f"{name!r} is not one of the job's tools ({known}); use the same in both"
            yield f"tools[{index}].function.name", problem
    for name in sorted(name for name, count in Counter(names).items() if count > 1):
        yield "tools", f"{name!r} is defined twice; keep one"
    for name in sorted(set(job_tools or ()) - set(names)):
        yield "tools", f"the job's tool {name!r} is missing; use the same tools in both"
