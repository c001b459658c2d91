"""The demo's report: one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from .figure import alt_text
from .result import DemoResult

MOST_SHOWN = 1200
"""Characters of a tool's output that the report shows."""


@dataclass(frozen=True)
class Line:
    """One item of a trace: who said it, and what."""

    by: str
    text: str


@dataclass(frozen=True)
class Shown:
    """One rollout, ready to be shown."""

    title: str
    reward: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Example:
    """One question with a rollout of each model."""

    question: str
    reference: str
    sides: tuple[Shown, Shown]


def write(
    result: DemoResult, figure: Path, simulated: Sequence[str], example: Example | None, file: Path
) -> Path:
    """Render the report into `file`; `figure` is an SVG and becomes part of it."""
    templates = Environment(loader=PackageLoader("buildhour_helpers.demo", "."), autoescape=True)
    text = templates.get_template("report.html").render(
        result=result,
        headline=result.headline(),
        rows=result.table(),
        figure=base64.b64encode(figure.read_bytes()).decode(),
        alt=alt_text(result),
        simulated=simulated,
        example=example,
    )
    file.write_text(text, encoding="utf-8", newline="\n")
    return file


def lines_of(trace: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    """The items of a trace after the prompt, in words."""
    lines = []
    for item in trace:
        kind = item.get("type", "message")
        if kind == "reasoning":
            said = "\n".join(part["text"] for part in item["summary"])
            lines.append(Line("reasoning", said))
        elif kind == "function_call":
            lines.append(Line("call", f"{item['name']}({_arguments(item['arguments'])})"))
        elif kind == "function_call_output":
            lines.append(Line("tool", _cut(item["output"])))
        elif kind == "message" and item.get("role") == "assistant":
            said = "".join(part.get("text", "") for part in item["content"])
            lines.append(Line("answer", said))
    return tuple(lines)


def _arguments(text: str) -> str:
    try:
        return ", ".join(f"{name}={value!r}" for name, value in json.loads(text).items())
    except (ValueError, AttributeError):
        return text


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} ..."
