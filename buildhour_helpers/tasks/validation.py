"""Finds what a fine-tuning service would refuse in a dataset file, line by line."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MINIMUM_ROWS = 10
ROLES = ("system", "developer", "user", "assistant", "tool")
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend: `line` counts from 1, and is 0 for the file as a whole."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{place}, {self.field}: {self.message}"


def validate_file(file: Path, job_tools: Collection[str] | None = None) -> list[Fault]:
    """Every fault of a JSONL dataset; an empty list means that it can be uploaded.

    `job_tools` are the names of the job's tools, which the rows' tools must match.
    Raises FileNotFoundError where there is no such file.
    """
    try:
        with file.open(encoding="utf-8") as opened:
            lines = list(opened)
    except UnicodeDecodeError as error:
        return [Fault(str(file), 0, "encoding", f"not UTF-8 ({error.reason}); save it as UTF-8")]
    faults = [
        Fault(str(file), number, name, message)
        for number, line in enumerate(lines, 1)
        for name, message in _line_faults(line, job_tools)
    ]
    if len(lines) < MINIMUM_ROWS:
        message = f"{len(lines)} rows; a job needs at least {MINIMUM_ROWS}, add more"
        faults.append(Fault(str(file), 0, "rows", message))
    return faults


def _line_faults(line: str, job_tools: Collection[str] | None) -> Iterator[tuple[str, str]]:
    try:
        row = json.loads(line)
    except ValueError as error:
        yield "row", f"not JSON ({error}); write one JSON object on each line"
        return
    if not isinstance(row, dict):
        yield "row", "not a JSON object; write {...} with messages and tools"
        return
    yield from _message_faults(row.get("messages"))
    yield from _tool_faults(row.get("tools", []), job_tools)


def _message_faults(messages: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(messages, list) or not messages:
        yield "messages", "missing or empty; give at least one message with role user"
        return
    for place, message in enumerate(messages):
        name = f"messages[{place}]"
        if not isinstance(message, dict):
            yield name, "not an object; write {role, content}"
        elif message.get("role") not in ROLES:
            yield f"{name}.role", f"{message.get('role')!r}; take one of {', '.join(ROLES)}"
        elif message["role"] != "assistant" and not message.get("content"):
            yield f"{name}.content", "missing or empty; write the text"
    last = messages[-1]
    if isinstance(last, dict) and last.get("role") in ROLES and last["role"] != "user":
        yield "messages", f"the last role is {last['role']!r}; end with the user's message"


def _tool_faults(tools: Any, job_tools: Collection[str] | None) -> Iterator[tuple[str, str]]:
    if not isinstance(tools, list):
        yield "tools", "not a list; give chat-completions function definitions"
        return
    names: list[str] = []
    for place, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or tool.get("type") != "function":
            yield f"tools[{place}]", 'not a function; write {"type": "function", "function": {...}}'
            continue
        name, parameters = function.get("name"), function.get("parameters", {})
        if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
            yield f"tools[{place}].function.name", "letters, digits, _ and - only, at most 64"
            continue
        names.append(name)
        if not isinstance(parameters, dict) or parameters.get("type", "object") != "object":
            yield f"tools[{place}].function.parameters", "not a JSON schema of type object"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield "tools", f"{name!r} is defined twice; keep one"
    if job_tools is not None and set(names) != set(job_tools):
        ours, theirs = sorted(names), sorted(job_tools)
        yield "tools", f"the row has {ours}, the job has {theirs}; give both the same names"
