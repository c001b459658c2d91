"""Files of rollout records: one JSON line each, which people and programs read.

The record itself is `rft_wire.records.RolloutRecord`, the same that a job stores.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from buildhour_helpers.errors import WorkshopError
from rft_wire.records import RolloutRecord


def read_records(file: Path, *, torn_end: bool = False) -> list[RolloutRecord]:
    """The records of a file, in its order.

    `torn_end` lets the last line be cut short, as an interrupted run may leave it. Raises
    WorkshopError naming file, line and field.
    """
    try:
        lines = file.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise WorkshopError(
            f"{file}: {error.strerror or error}; run the evaluation first"
        ) from None
    records = []
    for number, line in enumerate(lines, 1):
        if torn_end and not line.endswith(b"\n"):
            break
        try:
            records.append(RolloutRecord.from_json(json.loads(line)))
        except ValueError as error:
            fix = "delete the line, and the evaluation will run that rollout again"
            raise WorkshopError(f"{file}, line {number}: {error}; {fix}") from None
    return records


def write_records(records: Iterable[RolloutRecord], file: Path) -> None:
    """Replace a file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(file.name + ".draft")
    with draft.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(record.to_line() for record in records)
    draft.replace(file)
