"""The record of a rollout: what an evaluation writes to a file and what a job stores and lists.

Both sides make the same record, so everything that reads an evaluation (tables, figures, viewer)
also reads the rollouts of a job.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from rft_wire import Item, StopReason


@dataclass
class Metrics:
    """What a rollout cost. `simulated_latency_s` is None if a real model answered."""

    turns: int = 0
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

    `reward` is None only if the rollout failed, and `error` then says why. `reference_answer` is
    that of the dataset row, for a reader; a row need not have one.
    """

    question_id: str
    repeat: int
    model: str
    trace_id: str
    trace: list[Item] = field(default_factory=list)
    answer: str | None = None
    reward: float | None = None
    correct: bool = False
    metrics: Metrics = field(default_factory=Metrics)
    usage_cumulative: dict[str, int] = field(default_factory=dict)
    stop_reason: StopReason = StopReason.STEP_LIMIT
    error: str | None = None
    reference_answer: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The record as plain JSON values, in the order of its fields."""
        row = {**vars(self), "metrics": vars(self.metrics)}
        if self.reference_answer is None:
            del row["reference_answer"]
        return row

    def to_line(self) -> str:
        """The record as one line of JSON."""
        return json.dumps(self.to_json(), ensure_ascii=False, separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, row: Any) -> RolloutRecord:
        """Read a record; other keys, such as a job's `step`, are left out.

        Raises ValueError naming the field.
        """
        if not isinstance(row, dict):
            raise ValueError("the line must be a JSON object")
        metrics = row.get("metrics")
        needed = [one.name for one in fields(cls) if one.name != "reference_answer"]
        missing = [name for name in needed if name not in row]
        if isinstance(metrics, dict):
            missing += [f"metrics.{one.name}" for one in fields(Metrics) if one.name not in metrics]
        if missing:  # no default: the record once had a value
            raise ValueError(f"{missing[0]}: missing")
        try:
            # Strict, so that "1" is not a reward; from JSON, so that text can be a StopReason.
            return _ADAPTER.validate_json(json.dumps(row), strict=True)
        except ValidationError as error:
            raise ValueError(first_problem(error)) from None

    def count_turn(self, input_tokens: int, output_tokens: int, reasoning_tokens: int) -> None:
        """Add what one turn of the model cost."""
        metrics = self.metrics
        metrics.turns += 1
        metrics.reasoning_tokens += reasoning_tokens
        metrics.output_tokens += output_tokens
        metrics.total_tokens += input_tokens + output_tokens
        self.usage_cumulative = {
            "input_tokens": metrics.total_tokens - metrics.output_tokens,
            "output_tokens": metrics.output_tokens,
            "reasoning_tokens": metrics.reasoning_tokens,
            "total_tokens": metrics.total_tokens,
        }

    def add_outputs(self, calls: Sequence[Item], outputs: Sequence[str]) -> None:
        """Add the tools' answers to the calls of one turn, in the order of the calls."""
        for call, output in zip(calls, outputs, strict=True):
            self.trace.append(
                {"type": "function_call_output", "call_id": call["call_id"], "output": output}
            )
        metrics = self.metrics
        made = Counter(metrics.tool_calls_by_name)
        made.update(call["name"] for call in calls)
        metrics.tool_calls_by_name = dict(sorted(made.items()))
        metrics.tool_calls += len(calls)
        metrics.tool_errors += sum(output.startswith("Error:") for output in outputs)


_ADAPTER = TypeAdapter(RolloutRecord)


def first_problem(error: ValidationError) -> str:
    """The first thing that pydantic found wrong with some JSON: "FIELD: what it should be"."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "row"
    found = "" if first["type"] == "missing" else f", not {first['input']!r:.40}"
    return f"{where}: {first['msg']}{found}"
