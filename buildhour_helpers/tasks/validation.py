"""Finds what a fine-tuning service would refuse in a dataset file, line by line."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from rft_wire.rows import MIN_ROWS, Problem, row_problems


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to fix: `line` counts from 1, and is 0 for the file as a whole."""

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
    Raises FileNotFoundError if there is no such file.
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
    if len(lines) < MIN_ROWS:
        message = f"{len(lines)} rows; a job needs at least {MIN_ROWS}, add more"
        faults.append(Fault(str(file), 0, "rows", message))
    return faults


def _line_faults(line: str, job_tools: Collection[str] | None) -> Iterator[Problem]:
    try:
        row = json.loads(line)
    except ValueError as error:
        yield "row", f"not JSON ({error}); write one JSON object on each line"
        return
    yield from row_problems(row, job_tools)
