"""The demo's report: one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import platform, python_version

from jinja2 import Environment, PackageLoader

from buildhour_helpers.analysis.figures import Chart
from buildhour_helpers.demo.result import DemoResult
from rft_traces import Trace, pair_html, style

PACKAGES = ("agent-rft-workshop", "openai", "numpy", "fastapi", "bm25s", "matplotlib")
"""Whose versions the report names, beside Python's."""


@dataclass(frozen=True)
class Example:
    """One question with a rollout of each model."""

    question: str
    reference: str
    before: Trace
    after: Trace


@dataclass(frozen=True)
class Parts:
    """What the report shows beside the result. `settings` and `charts` are in reading order."""

    simulated: Sequence[str]
    settings: Mapping[str, str]
    charts: Sequence[Chart]
    example: Example | None


def write(result: DemoResult, parts: Parts, file: Path) -> Path:
    """Render the report into `file`, with the pictures in it."""
    templates = Environment(loader=PackageLoader("buildhour_helpers.demo", "."), autoescape=True)
    example = parts.example
    text = templates.get_template("report.html").render(
        result=result,
        headline=result.headline(),
        rows=result.table(),
        pictures=[
            (chart.finding, base64.b64encode(chart.svg()).decode(), chart.alt_text())
            for chart in parts.charts
        ],
        simulated=parts.simulated,
        settings=parts.settings,
        versions=versions(),
        example=example,
        pair=pair_html(example.before, example.after) if example else "",
        trace_style=style(),
    )
    file.write_text(text, encoding="utf-8", newline="\n")
    return file


def versions() -> dict[str, str]:
    """Python, the platform, and the packages that the result rests on."""
    return {
        "Python": f"{python_version()} on {platform(terse=True)}",
        **{name: version(name) for name in PACKAGES},
    }
