"""Pandas tables of records and of summaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildhour_helpers.analysis.statistics import Interval
from buildhour_helpers.analysis.summaries import MEASURES, Comparison, Summary

if TYPE_CHECKING:
    import pandas as pd


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
