"""Rows of a training or validation file: checked with line numbers, read one by one.

A file stays on the disk; memory holds the offset of each line, so that its size hardly matters.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, overload

from ..training.episodes import Task
from .conversations import part_texts
from .errors import ApiError
from .files import StoredFile, numbered_lines, parse_object
from .schemas import SchemaError, check_parameters

MIN_ROWS = 10
ROLES = ("system", "developer", "user", "assistant")


class DatasetError(Exception):
    """A file that cannot be trained on: one line with file, line, field and cure.

    `param` is the job's parameter that names the file.
    """

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param = param


def validate_row(row: Mapping[str, Any], tool_names: set[str]) -> str | None:
    """What is wrong with a row, as `field: problem; cure`, or None."""
    messages = row.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages: missing or empty; a row needs a list of chat messages"
    for number, message in enumerate(messages):
        if problem := _validate_message(message, f"messages[{number}]"):
            return problem
    last = messages[-1]
    if last["role"] != "user":
        return f"messages: the last message has the role {last['role']!r}; it must be 'user'"
    if not part_texts(last["content"], "content"):
        return "messages: the last message is empty; it must hold the task"
    return _validate_tools(row.get("tools"), tool_names)


def _validate_message(message: Any, where: str) -> str | None:
    """What the policy could not read in a message, or None."""
    if not isinstance(message, dict):
        return f"{where}: not an object; write it as {{role, content}}"
    role = message.get("role")
    if role == "tool" or message.get("tool_calls"):
        return f"{where}: calls made before the task are not read; say in words what they brought"
    if role not in ROLES:
        return f"{where}.role: {role!r}; use one of {', '.join(ROLES)}"
    try:
        part_texts(message.get("content"), f"{where}.content")
    except ApiError as error:
        return f"{where}.content: {error.message}"
    return None


def _validate_tools(tools: Any, tool_names: set[str]) -> str | None:
    if tools is None:
        tools = []
    if not isinstance(tools, list):
        return "tools: must be a list of function definitions"
    for number, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            return (
                f"tools[{number}]: not a function definition; "
                'write {"type": "function", "function": {"name", "description", "parameters"}}'
            )
        if problem := _parameters_problem(function.get("parameters", {})):
            return f"tools[{number}].function.parameters: {problem}"
        if function["name"] not in tool_names:
            known = ", ".join(sorted(tool_names)) or "none"
            return (
                f"tools[{number}].function.name: {function['name']!r} is not among "
                f"the job's tools ({known}); name the same tools in both"
            )
    missing = tool_names - {tool["function"]["name"] for tool in tools}
    if missing:
        return f"tools: {min(missing)!r} of the job is missing; name the same tools in both"
    return None


def _parameters_problem(parameters: Any) -> str | None:
    if not isinstance(parameters, dict):
        return "must be a JSON Schema object"
    try:
        check_parameters(parameters)
    except SchemaError as error:
        return f"no usable JSON Schema; {error}"
    return None


class Rows(Sequence[Task]):
    """The tasks of a file, parsed when asked for."""

    def __init__(
        self,
        stored: StoredFile,
        response_format: Mapping[str, Any] | None,
        reasoning_effort: str,
    ) -> None:
        self._response_format = response_format
        self._reasoning_effort = reasoning_effort
        self._file = stored.path.open("rb")
        self._lock = threading.Lock()
        self._offsets = list[int]()
        offset = 0
        for line in self._file:
            if line.strip():
                self._offsets.append(offset)
            offset += len(line)

    def __len__(self) -> int:
        return len(self._offsets)

    def row(self, index: int) -> dict[str, Any]:
        """The row at `index`, from 0. Raises IndexError beyond the last."""
        with self._lock:
            self._file.seek(self._offsets[index])
            return parse_object(self._file.readline())

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | Sequence[Task]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return Task.from_row(self.row(index), self._response_format, self._reasoning_effort)

    def close(self) -> None:
        self._file.close()


def validate_file(stored: StoredFile, param: str, tool_names: set[str], item_keys: set[str]) -> int:
    """Check every row of a file; returns their number.

    `item_keys` are the row's keys that the grader's templates use. Raises DatasetError at the
    first problem.
    """
    count = 0
    try:
        for number, line in numbered_lines(stored.path):
            try:
                row = parse_object(line)
            except ValueError as error:
                raise ValueError(f"line {number} {error}") from None
            problem = validate_row(row, tool_names)
            missing = sorted(item_keys - set(row))
            if problem is None and missing:
                problem = f"{missing[0]}: missing; the grader's template uses item.{missing[0]}"
            if problem is not None:
                raise ValueError(f"line {number}, {problem}")
            count += 1
    except ValueError as error:
        raise DatasetError(param, f"{param} {stored.filename}: {error}.") from None
    if count < MIN_ROWS:
        raise DatasetError(
            param, f"{param} {stored.filename}: {count} rows; at least {MIN_ROWS} are needed."
        )
    return count
