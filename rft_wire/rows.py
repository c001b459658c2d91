"""What a fine-tuning job accepts as a row of its dataset: one rule for both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from rft_wire import ContentError, text_of
from rft_wire.functions import NAME, parameters_problem

MIN_ROWS = 10
ROLES = ("system", "developer", "user", "assistant")

Problem = tuple[str, str]
"""A field of a row, and what is wrong there with how to fix it."""
SchemaCheck = Callable[[Mapping[str, Any]], str | None]
"""Says what is wrong with a tool's parameters, or None."""


def row_problems(
    row: Any,
    job_tools: Collection[str] | None = None,
    schema_problem: SchemaCheck = parameters_problem,
) -> Iterator[Problem]:
    """Everything a fine-tuning job would refuse in a dataset row.

    `job_tools` are the names of the job's tools; None leaves that comparison out.
    """
    if not isinstance(row, dict):
        yield "row", "not a JSON object; write {...} with messages and tools"
        return
    yield from _message_problems(row.get("messages"))
    yield from _tool_problems(row.get("tools"), job_tools, schema_problem)


def _message_problems(messages: Any) -> Iterator[Problem]:
    if not isinstance(messages, list) or not messages:
        yield "messages", "missing or empty; a row needs a list of chat messages"
        return
    problems = [
        problem
        for index, message in enumerate(messages)
        for problem in _one_message(message, f"messages[{index}]")
    ]
    yield from problems
    if problems:
        return
    last = messages[-1]
    if last["role"] != "user":
        yield "messages", f"the last message has the role {last['role']!r}; it must be 'user'"
    elif not text_of(last["content"]):
        yield "messages", "the last message is empty; it must contain the task"


def _one_message(message: Any, where: str) -> Iterator[Problem]:
    if not isinstance(message, dict):
        yield where, "not an object; write it as {role, content}"
    elif message.get("role") == "tool" or message.get("tool_calls"):
        yield where, "earlier tool calls are not supported; put their results into a message"
    elif message.get("role") not in ROLES:
        yield f"{where}.role", f"{message.get('role')!r}; use one of {', '.join(ROLES)}"
    else:
        try:
            text_of(message.get("content"))
        except ContentError as error:
            yield f"{where}.content{error.path}", str(error)


def _tool_problems(
    tools: Any, job_tools: Collection[str] | None, schema_problem: SchemaCheck
) -> Iterator[Problem]:
    if not isinstance(tools, list | None):
        yield "tools", "must be a list of function definitions"
        return
    names = list[str]()
    for index, tool in enumerate(tools or ()):
        where = f"tools[{index}]"
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or tool.get("type", "function") != "function":
            definition = '{"type": "function", "function": {"name", "description", "parameters"}}'
            yield where, f"not a function definition; write {definition}"
            continue
        name, parameters = function.get("name"), function.get("parameters")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            yield f"{where}.function.name", f"{name!r}; use 1 to 64 letters, digits, '_' and '-'"
            continue
        names.append(name)
        if not isinstance(parameters, dict | None):
            yield f"{where}.function.parameters", "must be a JSON Schema object"
        elif parameters is not None and (problem := schema_problem(parameters)):
            yield f"{where}.function.parameters", problem
        if job_tools is not None and name not in job_tools:
            known = ", ".join(sorted(job_tools)) or "none"
            message = f"{name!r} is not one of the job's tools ({known}); use the same in both"
            yield f"{where}.function.name", message
    for name in sorted(name for name, count in Counter(names).items() if count > 1):
        yield "tools", f"{name!r} is defined twice; keep one"
    for name in sorted(set(job_tools or ()) - set(names)):
        yield "tools", f"the job's tool {name!r} is missing; use the same tools in both"
