"""What is kept of a rollout: one JSON line each, in a file that people and programs read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from buildhour_helpers.errors import WorkshopError
from rft_wire import StopReason


@dataclass
class Metrics:
    """What a rollout cost. `simulated_latency_s` is None where a real model answered."""

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

    `reward` is None exactly where the rollout failed, and `error` then says why.
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
        values = _checked(row, "", cls, _TYPES)
        values["metrics"] = Metrics(**_checked(row["metrics"], "metrics.", Metrics, _METRIC_TYPES))
        try:
            values["stop_reason"] = StopReason(row["stop_reason"])
        except ValueError as error:
            raise ValueError(f"stop_reason: {error}") from None
        return cls(**values)


Types = Mapping[str, tuple[type, ...]]
_NUMBER = (int, float)
_TYPES: Types = {
    "question_id": (str,),
    "repeat": (int,),
    "model": (str,),
    "trace_id": (str,),
    "trace": (list,),
    "answer": (str, type(None)),
    "reward": (*_NUMBER, type(None)),
    "correct": (bool,),
    "metrics": (dict,),
    "usage_cumulative": (dict,),
    "stop_reason": (str,),
    "error": (str, type(None)),
}
_METRIC_TYPES: Types = {
    **dict.fromkeys(("steps", "tool_calls", "tool_errors"), (int,)),
    **dict.fromkeys(("reasoning_tokens", "output_tokens", "total_tokens"), (int,)),
    "tool_calls_by_name": (dict,),
    "latency_s": _NUMBER,
    "simulated_latency_s": (*_NUMBER, type(None)),
}


def _checked(row: Any, where: str, kind: type, types: Types) -> dict[str, Any]:
    """The fields of a dataclass from a JSON object, each of its type."""
    if not isinstance(row, dict):
        raise ValueError(f"{where or 'the line'}: must be a JSON object")
    for name, wanted in types.items():
        if name not in row:
            raise ValueError(f"{where}{name}: missing")
        mistaken_for_number = isinstance(row[name], bool) and bool not in wanted
        if not isinstance(row[name], wanted) or mistaken_for_number:
            names = " or ".join("null" if one is type(None) else one.__name__ for one in wanted)
            raise ValueError(f"{where}{name}: must be {names}, not {json.dumps(row[name])[:40]}")
    return {one.name: row[one.name] for one in fields(kind)}


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
            cure = "delete the line, and the evaluation will run that rollout again"
            raise WorkshopError(f"{file}, line {number}: {error}; {cure}") from None
    return records


def write_records(records: Iterable[RolloutRecord], file: Path) -> None:
    """Write a file anew, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(file.name + ".draft")
    with draft.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(record.to_line() for record in records)
    draft.replace(file)
