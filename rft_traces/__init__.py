"""A rollout as something to look at: one way to read a trace, and one way to draw it as HTML.

Neutral: it imports neither the customer's side nor the service. Notebook, job page and report all
draw with it. A trace is read from a record of an evaluation (`trace`), from a rollout as the
service lists it (`items`), or from any JSON object of such a shape.
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
