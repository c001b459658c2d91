"""One question that shows the change: a rollout from before and one from after."""

from __future__ import annotations

from collections.abc import Sequence

from buildhour_helpers.analysis.summaries import by_question, question_means
from buildhour_helpers.demo.page import Example
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.tasks import Question
from rft_traces import Trace


def most_gained(
    questions: Sequence[Question],
    before: Sequence[RolloutRecord],
    after: Sequence[RolloutRecord],
) -> Example | None:
    """The question that gained most reward: its worst rollout before, its best one after.

    None where no question was graded on both sides.
    """
    was, became = question_means(before, "reward"), question_means(after, "reward")
    both = [question for question in questions if question.id in was and question.id in became]
    if not both:
        return None
    shown = max(both, key=lambda question: became[question.id] - was[question.id])
    worst = min(by_question(before)[shown.id], key=_reward)
    best = max(by_question(after)[shown.id], key=_reward)
    return Example(shown.text, shown.answer_text, _trace(worst), _trace(best))


def _reward(record: RolloutRecord) -> float:
    return record.reward or 0.0


def _trace(record: RolloutRecord) -> Trace:
    return Trace.of({**vars(record), "metrics": vars(record.metrics)})
