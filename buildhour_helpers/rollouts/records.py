"""What is kept of a rollout: one JSON line each, in a file that people and programs read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from buildhour_helpers.errors import WorkshopError, first_problem
from rft_wire import StopReason


@dataclass
class Metrics:
    """What a rollout cost. `simulated_latency_s` is None if a real model answered."""

    steps: int = 0
    tool_calls: int = 0
    tool_calls_by_name: dict[str, int] = field(default_factory=dict)
    tool_errors: int = 0
    reasoning_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    latency_s: float = 0.0  # wall time
    simulated_latency_s: float | None = None


@dataclass
class RolloutRecord:
    """One rollout. `trace` holds its Responses items, prompt included.

    `reward` is None only if the rollout failed, and `error` then says why.
    """

    question_id: str
    repeat: int
    model: str
    trace_id: str
    trace: list[dict[str, Any]] = field(default_factory=list)
    answer: str | None = None
    reward: float | None = None
    correct: bool = False
    metrics: Metrics = field(default_factory=Metrics)
    usage_cumulative: dict[str, int] = field(default_factory=dict)
    stop_reason: StopReason = StopReason.STEP_LIMIT
    error: str | None = None

    def to_line(self) -> str:
        """The record as one line of JSON."""
        row = {**vars(self), "metrics": vars(self.metrics)}
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, row: Any) -> RolloutRecord:
        """Read a record. Raises ValueError naming the field."""
        if not isinstance(row, dict):
            raise ValueError("the line must be a JSON object")
        metrics = row.get("metrics")
        missing = [one.name for one in fields(cls) if one.name not in row]
        if isinstance(metrics, dict):
            missing += [f"metrics.{one.name}" for one in fields(Metrics) if one.name not in metrics]
        if missing:  # no default: the record once had a value
            raise ValueError(f"{missing[0]}: missing")
        try:
            # Strict, so that "1" is not a reward; from JSON, so that text can be a StopReason.
            return _ADAPTER.validate_json(json.dumps(row), strict=True)
        except ValidationError as error:
            raise ValueError(first_problem(error)) from None


_ADAPTER = TypeAdapter(RolloutRecord)


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
    """Write a file anew, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(file.name + ".draft")
    with draft.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(record.to_line() for record in records)
    draft.replace(file)
