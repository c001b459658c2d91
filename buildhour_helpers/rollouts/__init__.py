"""Rollouts from the client's side.

Read in this order: `loop` (one rollout over the Responses API), `endpoints` (the tools and the
grader that it calls), `records` (files of them), `evaluate` (many of them at once).
"""

from buildhour_helpers.rollouts.evaluate import evaluate
from buildhour_helpers.rollouts.loop import run_rollout, trace_id_of
from buildhour_helpers.rollouts.records import read_records, write_records
from rft_wire import StopReason
from rft_wire.records import Metrics, RolloutRecord

__all__ = [
    "Metrics",
    "RolloutRecord",
    "StopReason",
    "evaluate",
    "read_records",
    "run_rollout",
    "trace_id_of",
    "write_records",
]
