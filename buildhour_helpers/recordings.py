"""Runs that take too long for a lesson, recorded once in `data/runs/`.

`load` reads the results of a recorded comparison, `load_records` its rollouts. Rollouts are stored
slim, without tool outputs: `whole` makes the same calls to the same reports again. The model's
turns and the tools' error messages are kept.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.home import data_folder
from buildhour_helpers.tools.functions import Tool
from rft_wire.records import RolloutRecord

RUNS = data_folder() / "runs"
KEPT = ("type", "role", "content", "summary", "name", "arguments", "call_id", "output")
"""Fields of an item; the rest (IDs, status, encrypted reasoning) tells a reader nothing."""

Items = list[dict[str, Any]]


def load(name: str, folder: Path = RUNS) -> dict[str, Any]:
    """The results in `NAME.json`. Raises WorkshopError naming the file."""
    file = folder / f"{name}.json"
    try:
        results: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorkshopError(
            f"{file}: {error}; restore it from git, or install the package again"
        ) from None
    return results


def load_records(name: str, folder: Path = RUNS) -> list[RolloutRecord]:
    """The rollouts of `NAME.jsonl.gz`, slim. Raises WorkshopError naming the file."""
    file = folder / f"{name}.jsonl.gz"
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            return [RolloutRecord.from_json(json.loads(line)) for line in lines]
    except (OSError, ValueError) as error:
        raise WorkshopError(f"{file}: {error}; record the run again") from None


def save_records(records: Iterable[RolloutRecord], file: Path) -> None:
    """Write rollouts slim; the same rollouts give the same bytes."""
    text = "".join(slim(record).to_line() for record in records)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(text.encode(), mtime=0))


def slim(record: RolloutRecord) -> RolloutRecord:
    """The rollout without what `whole` restores, without IDs, and without wall time."""
    call_ids: dict[str, str] = {}
    trace: Items = []
    for item in record.trace:
        if item.get("type") == "function_call":
            call_ids[item["call_id"]] = f"call_{len(call_ids) + 1}"
        if item.get("type") == "function_call_output" and not item["output"].startswith("Error:"):
            continue
        kept = {key: value for key, value in item.items() if key in KEPT}
        if "call_id" in kept:
            kept["call_id"] = call_ids[kept["call_id"]]
        if item.get("type") == "message" and item.get("role") == "assistant":
            kept["content"] = [
                {"type": part["type"], "text": part.get("text", "")} for part in item["content"]
            ]
        trace.append(kept)
    metrics = replace(record.metrics, latency_s=0.0)
    return replace(record, trace=trace, metrics=metrics, reference_answer=None)


def whole(record: RolloutRecord, tools: Mapping[str, Tool]) -> RolloutRecord:
    """A slim rollout with the outputs of its tool calls, which are made again.

    `tools` are those of `ReportTools(reports).functions()`, over the reports of the run.
    """
    errors = {
        item["call_id"]: item for item in record.trace if item.get("type") == "function_call_output"
    }
    trace: Items = []
    waiting: Items = []  # calls of one turn, whose outputs come after the last of them
    for item in record.trace:
        if item.get("type") == "function_call_output":
            continue
        if item.get("type") != "function_call":
            trace += [errors.get(call["call_id"]) or _output(call, tools) for call in waiting]
            waiting = []
        else:
            waiting.append(item)
        trace.append(item)
    trace += [errors.get(call["call_id"]) or _output(call, tools) for call in waiting]
    return replace(record, trace=trace)


def _output(call: Mapping[str, Any], tools: Mapping[str, Tool]) -> dict[str, Any]:
    output = tools[call["name"]](**json.loads(call["arguments"]))
    return {"type": "function_call_output", "call_id": call["call_id"], "output": output}
