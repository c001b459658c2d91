"""Read a rollout and draw it as HTML, for notebooks, the service's job page and the report.

A trace is read from a rollout's record, as an evaluation writes it and a job lists it, or from any
JSON object with its items under `trace` or `items`. This package imports neither side.
"""

from rft_traces.align import aligned
from rft_traces.render import pair_html, style, table_html, trace_html
from rft_traces.trace import Call, Outcome, Step, Trace

__all__ = [
    "Call",
    "Outcome",
    "Step",
    "Trace",
    "aligned",
    "pair_html",
    "style",
    "table_html",
    "trace_html",
]
