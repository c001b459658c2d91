"""What graders are given: an answer with the tool calls that led to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from buildhour_helpers.graders.endpoint import GraderCall
from buildhour_helpers.spotlights import Environment
from buildhour_helpers.tools import CallRecord, ToolError, Trace


def graded(
    environment: Environment,
    item: Mapping[str, Any],
    calls: list[tuple[str, dict[str, Any]]],
    answer: str = "done",
) -> GraderCall:
    """A rollout that made these calls with the environment's tools."""
    trace = Trace("trace_1")
    for number, (name, arguments) in enumerate(calls):
        try:
            output, is_error = environment.functions[name](**arguments), False
        except ToolError as mistake:
            output, is_error = str(mistake), True
        written = json.dumps(arguments)
        trace.calls.append(
            CallRecord(f"call_{number}", name, written, 0.0, 0.0, len(output), is_error)
        )
    return GraderCall({"output_text": answer}, item, trace)
