"""For notebooks: `JobDashboard` follows a job, `TraceViewer` reads rollouts, `side_by_side` shows
two of them.

Each leaves something behind that needs no kernel: the dashboard a picture and a table, the viewer a
table. Both draw traces and charts with the modules that the job page and the report use.
"""

from buildhour_helpers.analysis.widgets.dashboard import JobDashboard
from buildhour_helpers.analysis.widgets.viewer import TraceViewer, read_traces, side_by_side

__all__ = ["JobDashboard", "TraceViewer", "read_traces", "side_by_side"]
