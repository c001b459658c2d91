"""The customer's tool server: `search`, `list` and `cat` over the reports, and the grader.

Read in this order: `schemas` (what the model is told), `functions` (what the tools do), `calls`
(what arrives over HTTP), `state` (what is kept for each rollout), `app` (the server).
"""

from buildhour_helpers.tools.functions import ReportTools, ToolError
from buildhour_helpers.tools.schemas import DEFINITIONS, for_responses
from buildhour_helpers.tools.state import CallRecord, Trace, TraceStore

__all__ = [
    "DEFINITIONS",
    "CallRecord",
    "ReportTools",
    "ToolError",
    "Trace",
    "TraceStore",
    "for_responses",
]
