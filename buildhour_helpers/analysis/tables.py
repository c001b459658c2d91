"""Pandas tables of records and of summaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from buildhour_helpers.analysis.statistics import Interval
from buildhour_helpers.analysis.summaries import MEASURES, Comparison, Summary, latency_s
from rft_wire.records import RolloutRecord

if TYPE_CHECKING:
    import pandas as pd


def rollouts_table(records: Sequence[RolloutRecord]) -> pd.DataFrame:
    """One row per rollout: its outcome, its metrics, and a column `calls_NAME` for each tool.

    `latency_s` is simulated if that is known; `wall_s` is always wall time.
    """
    import pandas as pd

    tools = sorted({name for record in records for name in record.metrics.tool_calls_by_name})
    rows = [
        {
            "question_id": record.question_id,
            "repeat": record.repeat,
            "model": record.model,
            "reward": record.reward,
            "correct": record.correct,
            "answer": record.answer,
            "stop_reason": str(record.stop_reason),
            "error": record.error,
            "turns": record.metrics.turns,
            "tool_calls": record.metrics.tool_calls,
            "tool_errors": record.metrics.tool_errors,
            **{f"calls_{tool}": record.metrics.tool_calls_by_name.get(tool, 0) for tool in tools},
            "reasoning_tokens": record.metrics.reasoning_tokens,
            "output_tokens": record.metrics.output_tokens,
            "total_tokens": record.metrics.total_tokens,
            "latency_s": latency_s(record),
            "wall_s": record.metrics.latency_s,
            "trace_id": record.trace_id,
        }
        for record in records
    ]
    return pd.DataFrame(rows).astype({"reward": float}) if rows else pd.DataFrame()


def summary_table(*summaries: Summary, comparison: Comparison | None = None) -> pd.DataFrame:
    """A row per measure, a column per model, each cell "mean [low, high]"; then the difference.

    The intervals of one job are over its questions alone, as in `summarise`.
    """
    import pandas as pd

    columns = {summary.model: summary.measures for summary in summaries}
    if comparison:
        columns["difference"] = comparison.difference
    return pd.DataFrame(
        {name: {row: _cell(column[row]) for row in MEASURES} for name, column in columns.items()}
    )


def _cell(interval: Interval) -> str:
    """Rewards with three decimals, tokens without any."""
    return format(interval, ".0f" if abs(interval.value) >= 100 else ".3f")
