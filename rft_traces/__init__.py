"""Read a rollout and draw it as HTML, for notebooks, the service's job page and the report.

A trace is read from a record of an evaluation (`trace`), from a rollout as the service lists it
(`items`), or from any JSON object of that shape. This package imports neither side.
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
