"""What the server keeps for each rollout, by its `trace_id`.

A rollout has one `trace_id` in all of its tool calls and in the grader call. So the server can
enforce a budget, and a grader can reward how an answer was found, not only what it is.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One tool call that the budget allowed. `latency_s` is the tool's own time."""

    call_id: str
    name: str
    arguments: str
    started_at: float  # seconds since the epoch
    latency_s: float
    output_chars: int
    is_error: bool


@dataclass(slots=True)
class Trace:
    """The state of one rollout. `refused` counts calls beyond the budget."""

    trace_id: str
    calls: list[CallRecord] = field(default_factory=list)
    refused: int = 0
    score: float | None = None

    @property
    def pages_read(self) -> list[str]:
        """The pages that `cat` returned, in the order in which they were first read."""
        paths = [
            json.loads(call.arguments)["path"].strip().strip("/")
            for call in self.calls
            if call.name == "cat" and not call.is_error
        ]
        return list(dict.fromkeys(paths))

    def has_made(self, call_id: str, name: str, arguments: str) -> bool:
        """Whether this call was made before: the service retries a call whose answer was lost."""
        made = ((call.call_id, call.name, call.arguments) for call in self.calls)
        return (call_id, name, arguments) in made

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "pages_read": self.pages_read}


class TraceStore:
    """The traces of recent rollouts; beyond `capacity` the least recently used one is dropped."""

    def __init__(self, capacity: int = 10_000) -> None:
        self.capacity = capacity
        self._traces: OrderedDict[str, Trace] = OrderedDict()

    def __len__(self) -> int:
        return len(self._traces)

    def get(self, trace_id: str) -> Trace | None:
        return self._traces.get(trace_id)

    def open(self, trace_id: str) -> Trace:
        """The trace of a rollout, new at its first call."""
        trace = self._traces.setdefault(trace_id, Trace(trace_id))
        self._traces.move_to_end(trace_id)
        if len(self._traces) > self.capacity:
            self._traces.popitem(last=False)
        return trace

    def forget(self, trace_id: str) -> None:
        """Let a rollout with this `trace_id` start again."""
        self._traces.pop(trace_id, None)
