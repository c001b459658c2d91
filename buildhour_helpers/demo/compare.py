"""From the records of two evaluations to the figures of the result."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from ..rollouts import RolloutRecord
from ..tasks import Question
from . import page
from .result import MEASURES, Measured, Side

VALUES: Mapping[str, Callable[[RolloutRecord], float | None]] = {
    "reward": lambda record: record.reward,
    "accuracy": lambda record: None if record.reward is None else float(record.correct),
    "tool_calls": lambda record: float(record.metrics.tool_calls),
    "reasoning_tokens": lambda record: float(record.metrics.reasoning_tokens),
    "latency_s": lambda record: record.metrics.simulated_latency_s,
}


def side(records: Sequence[RolloutRecord], checkpoint_step: int | None = None) -> Side:
    """One model's figures; the interval of a mean is bootstrapped over questions."""
    measured = {}
    for measure in MEASURES:
        per = list(_per_question(records, measure.name).values())
        measured[measure.name] = _boot(per)
    return Side(records[0].model, measured, len(records), checkpoint_step)


def difference(
    before: Sequence[RolloutRecord], after: Sequence[RolloutRecord]
) -> dict[str, Measured]:
    """After less before of each measure, paired by question."""
    out = {}
    for measure in MEASURES:
        a, b = _per_question(before, measure.name), _per_question(after, measure.name)
        out[measure.name] = _boot([b[q] - a[q] for q in a if q in b])
    return out


def _per_question(records: Sequence[RolloutRecord], name: str) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for record in records:
        value = VALUES[name](record)
        if record.reward is not None and value is not None:
            values.setdefault(record.question_id, []).append(value)
    return {question: fmean(found) for question, found in values.items()}


def _boot(values: Sequence[float]) -> Measured:
    rng = random.Random(0)
    means = sorted(fmean(rng.choices(values, k=len(values))) for _ in range(2000))
    return Measured(fmean(values), (means[50], means[1949]))


def example(
    questions: Sequence[Question],
    before: Sequence[RolloutRecord],
    after: Sequence[RolloutRecord],
) -> page.Example | None:
    """The question that gained most, with a rollout of each model that shows it."""
    rewards = [_per_question(records, "reward") for records in (before, after)]
    both = [question for question in questions if all(question.id in side for side in rewards)]
    if not both:
        return None
    shown = max(both, key=lambda question: rewards[1][question.id] - rewards[0][question.id])
    worst = min(_of(shown, before), key=_reward)
    best = max(_of(shown, after), key=_reward)
    sides = (_shown("before", worst), _shown("after", best))
    return page.Example(shown.text, shown.answer_text, sides)


def _of(question: Question, records: Sequence[RolloutRecord]) -> list[RolloutRecord]:
    return [r for r in records if r.question_id == question.id and r.reward is not None]


def _reward(record: RolloutRecord) -> float:
    return record.reward or 0.0


def _shown(title: str, record: RolloutRecord) -> page.Shown:
    return page.Shown(title, f"{_reward(record):g}", page.lines_of(record.trace))
