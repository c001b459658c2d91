"""A training script for TRL's `GRPOTrainer(environment_factory=...)`, from a job.

TRL 1.16 calls `reset(**row)` of an environment, and offers its public methods to the model as
tools; their type hints and docstrings become the JSON Schemas that the model sees. So each tool of
the job becomes a method that calls the tool's endpoint, and this module turns schemas into hints.
"""

from __future__ import annotations

import json
import keyword
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buildhour_helpers.errors import WorkshopError, writing
from buildhour_helpers.export.job import Job
from buildhour_helpers.templates import text_templates

TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "object": "dict"}
TAKEN = ("reset", "get_reward", "self")
"""Names that TRL's environments reserve."""
GROUP = 8  # rollouts of a row, as a service takes them where compute_multiplier is 1
SCALARS = (str, int, float, bool)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a method: its type hint, and what its schema says beyond that."""

    name: str
    hint: str
    description: str
    required: bool


@dataclass(frozen=True)
class Method:
    """A tool as a method."""

    name: str
    description: str
    parameters: Sequence[Parameter]

    @property
    def signature(self) -> str:
        """The parameters, required ones first."""
        ordered = sorted(self.parameters, key=lambda one: not one.required)
        return ", ".join(
            ["self"] + [f"{p.name}: {p.hint}" + ("" if p.required else " = None") for p in ordered]
        )

    def arguments(self, required: bool) -> str:
        """The dictionary of the required parameters, or of the others, as source."""
        chosen = (p for p in self.parameters if p.required == required)
        return "{" + ", ".join(f'"{p.name}": {p.name}' for p in chosen) + "}"


def write_script(job: Job, file: Path) -> list[str]:
    """Write the script, which reads job and rows where they are now; returns lines for the user.

    Raises WorkshopError where TRL cannot do what the job needs.
    """
    method = job.method
    if method.grader.get("type") != "endpoint":
        raise WorkshopError(
            f"{job.file}: method.reinforcement.grader.type is {method.grader.get('type')!r}, and "
            "TRL has nothing that runs it; use a grader of the type 'endpoint'"
        )
    rows = job.dataset("--rows")
    here = file.resolve().parent
    given = {name: v for name, v in method.hyperparameters.items() if v not in ("auto", None)}
    text = text_templates("buildhour_helpers.export").get_template("trl_script.py.jinja").render(
        script=file.name,
        job_file=relative(job.file, here),
        rows_file=relative(rows, here),
        validation_file=job.validation and relative(job.dataset("--validation"), here),
        methods=methods(rows),
        tool_iterations=max(0, method.max_episode_steps - 1),
        generations=max(2, round(GROUP * given.get("compute_multiplier", 1))),
        rows_a_step=given.get("batch_size", 16),
        epochs=given.get("n_epochs", 1),
        rate_multiplier=given.get("learning_rate_multiplier", 1),
        eval_interval=given.get("eval_interval", 5),
        eval_samples=given.get("eval_samples", 1),
        seed=job.parsed.seed or 0,
        left_out=left_out(job),
    )  # fmt: skip
    with writing(file):
        here.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    return [
        f"Wrote {file}; it reads {job.file} and {rows}.",
        *(f"Not in it: {line}" for line in left_out(job)),
        *(
            f"{job.file}: write the headers of {who}; no service shows them."
            for who in job.hidden()
        ),
        f'Now: pip install "trl>=1.16,<1.17", then python {file} --model FOLDER_OR_HUB_NAME',
    ]


def relative(file: Path, folder: Path) -> str:
    """The path from the script's folder; the file itself where it is on another drive."""
    try:
        return Path(os.path.relpath(file.resolve(), folder)).as_posix()
    except ValueError:
        return file.resolve().as_posix()


def left_out(job: Job) -> list[str]:
    """What the job asks for and TRL does not do, for the script's reader."""
    method, found = job.method, []
    if method.response_format:
        found.append("response_format: answers are not made to satisfy it; say so in the prompt.")
    if method.hyperparameters.get("reasoning_token_penalty"):
        found.append("reasoning_token_penalty: rewards are the grader's alone.")
    if method.hyperparameters.get("reasoning_effort", "default") not in ("default", "auto"):
        found.append("reasoning_effort: set the model's own switch (chat_template_kwargs).")
    return found


def methods(rows: Path) -> list[Method]:
    """The tools of the rows. Raises WorkshopError where they differ, since TRL shows every row the
    same tools, or where one cannot be a method."""
    tools: Any = None
    with rows.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            found = json.loads(line).get("tools") or []
            if tools is None:
                tools = found
            if found != tools:
                raise WorkshopError(
                    f"{rows}, line {number}: its tools differ from those of line 1, and TRL shows "
                    "every row the same tools; export rows with the same tools together"
                )
    return [as_method(tool["function"], rows) for tool in tools or ()]


def as_method(function: Mapping[str, Any], rows: Path) -> Method:
    """A function definition as a method. Raises WorkshopError where a name cannot be Python's."""
    name, schema = function["name"], function.get("parameters") or {}
    properties, required = schema.get("properties") or {}, schema.get("required") or ()
    for what, word in ((f"the tool {name!r}", name), *((f"{name}.{p}", p) for p in properties)):
        if not word.isidentifier() or keyword.iskeyword(word) or word in TAKEN or word[0] == "_":
            raise WorkshopError(
                f"{rows}: {what} cannot be a name in a TRL environment, whose tools are Python "
                "methods; rename it in rows, job and tool server"
            )
    parameters = [
        Parameter(key, hint(value), description(key, value), key in required)
        for key, value in properties.items()
    ]
    text = function.get("description") or name
    return Method(name, in_docstring(text), parameters)


def hint(schema: Mapping[str, Any]) -> str:
    """The type hint from which transformers makes this schema again, constraints left out."""
    values = schema.get("enum")
    if values and all(isinstance(value, SCALARS) for value in values):
        return f"Literal[{', '.join(map(repr, values))}]"
    kinds = schema.get("type")
    if isinstance(kinds, list):
        hints = [hint({**schema, "type": kind}) for kind in kinds if kind != "null"]
        return " | ".join([*hints, *(["None"] if "null" in kinds else [])])
    if kinds == "array":
        items = schema.get("items")
        return f"list[{hint(items)}]" if isinstance(items, dict) and items else "list"
    return TYPES.get(str(kinds), "Any")


def description(name: str, schema: Mapping[str, Any]) -> str:
    """What a parameter is for, with what of its schema no type hint can say."""
    told = {"type", "enum", "description"}
    if not isinstance(schema.get("items"), dict) or set(schema["items"]) <= {"type"}:
        told.add("items")
    beyond = {key: value for key, value in schema.items() if key not in told}
    text = schema.get("description") or name
    return in_docstring(f"{text} {json.dumps(beyond, ensure_ascii=False)}" if beyond else text)


def in_docstring(text: str) -> str:
    """Text as one line within a docstring."""
    return " ".join(text.split()).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
