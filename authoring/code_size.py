"""`python -m authoring.code_size [FOLDER]`: how large the code of a checkout is, per package."""

from __future__ import annotations

import argparse
import ast
import io
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PACKAGES = ("buildhour_helpers", "rft_service", "rft_wire", "rft_traces", "authoring", "tests")
SPLIT = "buildhour_helpers"
"""The package whose subfolders get a row each: version 6742e4d kept everything in it."""
HEADS = (
    f"{'package':32}{'files':>6}{'lines':>8}{'median':>8}{'max':>6}"
    f"{'functions':>11}{'median':>8}{'p90':>5}{'typed':>7}{'comments':>10}"
)


@dataclass(frozen=True)
class File:
    """The sizes of one module. `functions` holds the lines of each, nested ones included."""

    lines: int
    comment_lines: int
    functions: list[int]
    typed: int  # functions with a return annotation


def read(path: Path) -> File:
    text = path.read_text(encoding="utf-8")
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    nodes = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return File(
        lines=len(text.splitlines()),
        comment_lines=len(comments),
        functions=[(node.end_lineno or node.lineno) - node.lineno + 1 for node in nodes],
        typed=sum(node.returns is not None for node in nodes),
    )


def row(name: str, paths: Sequence[Path]) -> str:
    """One line of the table; comments are lines with a comment per 100 lines."""
    files = [read(path) for path in paths]
    lines = sum(file.lines for file in files)
    functions = sorted(length for file in files for length in file.functions)
    typed = sum(file.typed for file in files) / max(1, len(functions))
    p90 = functions[int(0.9 * (len(functions) - 1))] if functions else 0
    return (
        f"{name:32}{len(files):6}{lines:8,}{median(file.lines for file in files):8.0f}"
        f"{max(file.lines for file in files):6}{len(functions):11,}"
        f"{median(functions or [0]):8.0f}{p90:5}{typed:7.0%}"
        f"{100 * sum(file.comment_lines for file in files) / max(1, lines):10.1f}"
    )


def table(root: Path) -> str:
    """A row for each package of a checkout, and for each subfolder of the helper package."""
    rows = [HEADS]
    for package in PACKAGES:
        paths = sorted((root / package).rglob("*.py"))
        if not paths:
            continue
        rows.append(row(package, paths))
        if package == SPLIT:
            folders = sorted({path.relative_to(root).parts[1] for path in paths})
            for folder in folders:
                inside = [path for path in paths if path.relative_to(root).parts[1] == folder]
                if not folder.endswith(".py"):
                    rows.append(row(f"  {folder}", inside))
    return "\n".join(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m authoring.code_size", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(), help="default: this one")
    print(table(parser.parse_args().folder))
