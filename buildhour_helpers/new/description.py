"""What a project is made from: its tools, and what each kind of source adds to them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import yaml

from buildhour_helpers.errors import WorkshopError
from rft_wire.functions import MAX_NAME_CHARACTERS, name_problem, parameters_problem

Kind = Literal["python", "schema", "openapi", "mcp"]
Json = dict[str, Any]


@dataclass(frozen=True)
class Tool:
    """A tool as the model sees it. `output` is a JSON Schema of what it returns, where known."""

    name: str
    description: str
    parameters: Json
    output: Json | None = None

    def definition(self) -> Json:
        """As a dataset row has it."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }
        return {"type": "function", "function": function}


@dataclass(frozen=True)
class Example:
    """A call with its output, and a question whose answer is part of that output."""

    tool: str
    arguments: Json
    output: str
    question: str
    answer: str


@dataclass(frozen=True)
class Description:
    """The tools, and what else the project needs: `files` by name, `settings` for the templates.

    `module` is that of Python functions.
    """

    kind: Kind
    tools: list[Tool]
    files: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    module: ModuleType | None = None


def checked(tools: Iterable[Tool], source: str) -> list[Tool]:
    """The tools, if a service would take all of them. Raises WorkshopError naming the first that it
    would not."""
    by_name = dict[str, Tool]()
    for tool in tools:
        if problem := name_problem(tool.name):
            raise WorkshopError(f"{source}: the tool {tool.name!r}: name: {problem}")
        if tool.name in by_name:
            raise WorkshopError(f"{source}: two tools are called {tool.name!r}; rename one")
        if problem := parameters_problem(tool.parameters):
            raise WorkshopError(f"{source}: the tool {tool.name!r}: parameters: {problem}")
        by_name[tool.name] = tool
    if not by_name:
        raise WorkshopError(f"{source}: describes no tool; describe at least one")
    return list(by_name.values())


def tool_name(text: str) -> str:
    """A name that a service takes, from one that it may not."""
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", text).strip("_")[:MAX_NAME_CHARACTERS]


def read_document(file: Path) -> Any:
    """A JSON or YAML file's content. Raises WorkshopError with line and fix."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise WorkshopError(f"{file}: cannot be read ({said}); give a file that can") from error
    try:
        if file.suffix in (".yaml", ".yml"):
            return yaml.safe_load(text)
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise WorkshopError(
            f"{file}, line {error.lineno}: is not JSON ({error.msg}); correct it"
        ) from error
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise WorkshopError(f"{file}: is not YAML ({said}); correct it") from error


def from_schema(document: Any, file: Path) -> Description:
    """Tools from OpenAI's `tools` list, an object that holds one, a single tool, or the JSON Schema
    of a tool's parameters with its name as `title`. Raises WorkshopError."""
    if isinstance(document, dict) and isinstance(document.get("tools"), list):
        document = document["tools"]
    listed = document if isinstance(document, list) else [document]
    tools = [_tool(one, f"{file}: tool {number}") for number, one in enumerate(listed, 1)]
    return Description("schema", checked(tools, str(file)))


def _tool(written: Any, where: str) -> Tool:
    tool = written.get("function", written) if isinstance(written, dict) else None
    if not isinstance(tool, dict):
        raise WorkshopError(f"{where}: is not an object; write {{name, description, parameters}}")
    is_schema = "properties" in tool and "name" not in tool
    parameters = tool if is_schema else next(
        (tool[key] for key in ("parameters", "input_schema", "inputSchema") if tool.get(key)),
        {"type": "object", "properties": {}},
    )  # fmt: skip
    name, description = tool.get("title" if is_schema else "name"), tool.get("description") or ""
    if not isinstance(name, str) or not name:
        raise WorkshopError(f"{where}: has no name; add {'title' if is_schema else 'name'}")
    if not isinstance(description, str) or not isinstance(parameters, dict):
        raise WorkshopError(f"{where}: description must be text and parameters a JSON Schema")
    if is_schema:
        name = tool_name(name)
        parameters = {k: v for k, v in tool.items() if k not in ("title", "description", "$schema")}
    return Tool(name, description, parameters)
