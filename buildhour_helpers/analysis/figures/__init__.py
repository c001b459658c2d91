"""Figures: each takes records or a job's steps, and returns a `Chart` with a title and alt text.

`evaluations` draws records, `training` a job's steps, `comparisons` measurements and graders,
`loop` the method itself.
"""

from buildhour_helpers.analysis.figures.chart import Chart
from buildhour_helpers.analysis.figures.comparisons import (
    against_length,
    grader_agreement,
    intervals,
    sample_efficiency,
    score_and_accuracy,
)
from buildhour_helpers.analysis.figures.evaluations import (
    distributions,
    question_deltas,
    reward_against_latency,
    reward_variance,
    tool_transitions,
)
from buildhour_helpers.analysis.figures.loop import agent_rft_loop
from buildhour_helpers.analysis.figures.seeds import before_and_after
from buildhour_helpers.analysis.figures.training import (
    reward_gaps,
    token_columns,
    token_metrics,
    tool_mix,
    training_curves,
    training_gaps,
    unusable_rollouts,
)

__all__ = [
    "Chart",
    "against_length",
    "agent_rft_loop",
    "before_and_after",
    "distributions",
    "grader_agreement",
    "intervals",
    "question_deltas",
    "reward_against_latency",
    "reward_gaps",
    "reward_variance",
    "sample_efficiency",
    "score_and_accuracy",
    "token_columns",
    "token_metrics",
    "tool_mix",
    "tool_transitions",
    "training_curves",
    "training_gaps",
    "unusable_rollouts",
]
