"""Habits of an agent, counted from its rollouts without any grader.

A score does not show that it is being gamed, but the form of answers and calls can. Compare the
habits of a model before and after a job, and read the traces behind what moved most.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from rft_wire.records import RolloutRecord

_NUMBER = re.compile(r"[-−(]?\$?\d+(?:,\d{3})*(?:\.\d+)?\)?")
_SENTENCE = re.compile(r"\b\w+\W+\w+\W+\w+.*[.!?]\s*$", re.S)


@dataclass(frozen=True)
class Habits:
    """Shares are of all rollouts. `tools` is the share that used each tool, `form` the commonest
    shape of an answer, numbers replaced by #."""

    rollouts: int
    tools: dict[str, float]
    tool_calls: float
    sentence: float  # share of answers that are a sentence
    several_numbers: float  # share of answers that name more than one number
    form: str
    form_share: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def habits(records: Sequence[RolloutRecord]) -> Habits:
    """Count what the rollouts do. Raises ValueError if there are none."""
    if not records:
        raise ValueError("no rollouts to audit")
    answers = [record.answer or "" for record in records]
    form, count = Counter(map(form_of, answers)).most_common(1)[0]
    used = Counter(name for record in records for name in record.metrics.tool_calls_by_name)
    return Habits(
        rollouts=len(records),
        tools={name: used[name] / len(records) for name in sorted(used)},
        tool_calls=fmean(record.metrics.tool_calls for record in records),
        sentence=fmean(bool(_SENTENCE.search(answer)) for answer in answers),
        several_numbers=fmean(len(_NUMBER.findall(answer)) > 1 for answer in answers),
        form=form,
        form_share=count / len(records),
    )


def form_of(answer: str) -> str:
    """The answer with # for its numbers: "The answer is 8.35%." is "The answer is #%."."""
    return _NUMBER.sub("#", answer.strip())
