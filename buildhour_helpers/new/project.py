"""Write a project: its files are templates, filled with what is known of its tools."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from buildhour_helpers.errors import WorkshopError, writing
from buildhour_helpers.new import examples, functions, mcp_server, openapi
from buildhour_helpers.new.description import Description, Example, Json, from_schema, read_document
from buildhour_helpers.templates import text_templates

ROWS = {"train.jsonl": 16, "valid.jsonl": 10}
PROMPT = "Use the tools to find the answer. Answer with the value alone."
REPLACE = "REPLACE THIS"
PACKAGE = Path(__file__).parent
COMMON = (
    "README.md",
    "Makefile",
    "requirements.txt",
    ".gitignore",
    "server.py",
    "grader.py",
    "rows.py",
    "rollout.py",
    "baseline.py",
    "launch.py",
    "check.py",
    "test_grader.py",
    "test_server.py",
)
SECRETS = re.compile(
    r"\b(?:sk-[\w-]{16,}|tml-[\w-]{16,}|gh[pousr]_\w{20,}|AKIA[0-9A-Z]{16}|xox[abp]-[\w-]{10,})"
)
SECRET_VARIABLE = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD)$")
LEAST_SECRET_CHARACTERS = 8


def create(folder: Path, source: Path | None = None, mcp: str | None = None) -> Description:
    """Write a project into `folder`, which must be new or empty, and return what it was made from.

    `source` is a file that describes the tools, `mcp` an MCP server's address or command; without
    either the project gets a small example tool. Raises WorkshopError with the fix.
    """
    _check_target(folder)
    if source is not None and mcp is not None:
        raise WorkshopError("--from and --mcp: give one of them; a project has one source of tools")
    description = mcp_server.from_mcp(mcp, folder) if mcp is not None else _read(source)
    files = _files(folder.resolve().name, description, source is None and mcp is None)
    _check_secrets(files)
    with writing(folder):
        for name, text in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
    return description


def _check_target(folder: Path) -> None:
    if folder.is_file():
        raise WorkshopError(f"{folder}: is a file; give a new folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise WorkshopError(f"{folder}: is not empty; give a new folder")


def _read(source: Path | None) -> Description:
    if source is None:
        return functions.from_functions(PACKAGE / "parts.py")
    if not source.is_file():
        raise WorkshopError(f"--from {source}: is not a file; give a .json, .yaml or .py file")
    if source.suffix == ".py":
        return functions.from_functions(source)
    if source.suffix not in (".json", ".yaml", ".yml"):
        raise WorkshopError(f"--from {source}: must end in .json, .yaml or .py; rename it")
    document = read_document(source)
    if isinstance(document, dict) and ("openapi" in document or "swagger" in document):
        return openapi.from_openapi(document, source)
    return from_schema(document, source)


def _files(name: str, description: Description, is_small_example: bool) -> dict[str, str]:
    """All files of the project by their names."""
    kind, tools = description.kind, description.tools
    found = _examples(description, is_small_example)
    environment = text_templates("buildhour_helpers.new")
    environment.filters["repr"] = repr
    environment.filters["makefile"] = lambda text: text.replace("$", "$$").replace("#", r"\#")
    environment.filters["oneline"] = lambda text: " ".join(text.split())[:70]
    values = {
        "name": name,
        "slug": re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "agent",
        "kind": kind,
        "tools": tools,
        "prompt": PROMPT,
        "example": found[0] if found else None,
        "upstream": {"openapi": "API", "mcp": "MCP server"}.get(kind, ""),
        "python": sys.executable,
        "is_small_example": is_small_example,
        **description.settings,
    }

    def rendered(template: str) -> str:
        return environment.get_template(f"{template}.jinja").render(values)

    files = {file: rendered(file) for file in COMMON}
    files["local.mk"] = rendered("local.mk")
    files["tools.py"] = rendered(f"tools_{kind}.py")
    definitions = [tool.definition() for tool in tools]
    files["tools.json"] = _json(definitions)
    copied = "schemas.py" if kind == "python" else "recorded.py"
    files[copied] = (PACKAGE / copied).read_text(encoding="utf-8")
    if kind != "python":
        calls = [{"tool": e.tool, "arguments": e.arguments, "output": e.output} for e in found]
        files["examples.json"] = _json(calls)
    return files | dict(description.files) | _rows(found, definitions)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _examples(description: Description, is_small_example: bool) -> list[Example]:
    """As many examples as there are rows, or fewer where no more could be thought up."""
    count = sum(ROWS.values())
    if description.module is None:
        return examples.made_up(description.tools, count)
    if is_small_example:
        return examples.of_parts(description.module)[:count]
    return examples.called(description.tools, description.module, count)


def _rows(found: list[Example], definitions: list[Json]) -> dict[str, str]:
    """Both files of rows. Where there are too few examples, rows to be replaced fill them up."""
    pairs = [(example.question, example.answer) for example in found]
    for number in range(len(pairs), sum(ROWS.values())):
        pairs.append((f"{REPLACE}: question {number + 1}", f"{REPLACE}: answer {number + 1}"))
    remaining, files = iter(pairs), dict[str, str]()
    for name, count in ROWS.items():
        lines = (_row(*next(remaining), definitions) for _ in range(count))
        files[f"data/{name}"] = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines)
    return files


def _row(question: str, answer: str, definitions: list[Json]) -> Json:
    messages = [
        {"role": "system", "content": PROMPT},
        {"role": "user", "content": question},
    ]
    return {
        "messages": messages,
        "tools": definitions,
        "reference_answer": answer,
        "example": True,
    }


def _check_secrets(files: Mapping[str, str]) -> None:
    """Raises WorkshopError where a file contains a key, or the value of a variable for one."""
    secret = {
        value: name
        for name, value in os.environ.items()
        if SECRET_VARIABLE.search(name) and len(value) >= LEAST_SECRET_CHARACTERS
    }
    for file, text in files.items():
        if found := next((name for value, name in secret.items() if value in text), None):
            raise WorkshopError(
                f"{file} would contain the value of ${found}; read it from the environment instead"
            )
        if SECRETS.search(text):
            raise WorkshopError(
                f"{file} would contain what looks like a key; read it from an environment variable"
            )
