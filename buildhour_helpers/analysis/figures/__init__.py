"""Figures: each takes records or a job's steps, and returns a `Chart` with a title and alt text.

`evaluations` draws records, `training` a job's steps, `graders` a grader beside a human,
`measurements` several measurements under each other.
"""

from buildhour_helpers.analysis.figures.chart import Chart
from buildhour_helpers.analysis.figures.evaluations import (
    distributions,
    question_deltas,
    reward_against_latency,
    reward_variance,
    tool_transitions,
)
from buildhour_helpers.analysis.figures.graders import grader_agreement, paid_and_earned
from buildhour_helpers.analysis.figures.measurements import intervals
from buildhour_helpers.analysis.figures.training import (
    reward_gaps,
    tool_mix,
    training_curves,
    training_gaps,
    unusable_rollouts,
)

__all__ = [
    "Chart",
    "distributions",
    "grader_agreement",
    "intervals",
    "paid_and_earned",
    "question_deltas",
    "reward_against_latency",
    "reward_gaps",
    "reward_variance",
    "tool_mix",
    "tool_transitions",
    "training_curves",
    "training_gaps",
    "unusable_rollouts",
]
