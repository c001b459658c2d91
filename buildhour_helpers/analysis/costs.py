"""What rollouts and jobs use, and what that costs at somebody's prices.

Lesson 05 builds the same from the plain `openai` client. Tokens are counted as the model's service
counts them: `input_tokens` are read again in each turn, so a long conversation is counted often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from rft_wire.records import RolloutRecord

MILLION = 1_000_000


@dataclass(frozen=True)
class Usage:
    """What a number of rollouts used, all together. Reasoning is part of the output tokens."""

    rollouts: int = 0
    turns: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    grader_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        names = [one.name for one in fields(self)]
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def scaled(self, rollouts: int) -> Usage:
        """What so many rollouts of the same kind use: an estimate. Raises ValueError if this is the
        usage of no rollout."""
        if not self.rollouts:
            raise ValueError("usage of no rollout: measure a few rollouts first")
        share = rollouts / self.rollouts
        return Usage(**{one.name: round(share * getattr(self, one.name)) for one in fields(self)})


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens. `cached` is the price of input that the service has read
    before, in an earlier turn of the same conversation."""

    input: float
    cached: float
    output: float
    grader: float = 0.0

    def of(self, usage: Usage, cached_share: float = 0.0) -> float:
        """US dollars, with this share of the input tokens read from the cache."""
        rate = cached_share * self.cached + (1 - cached_share) * self.input
        dollars = usage.input_tokens * rate
        dollars += usage.output_tokens * self.output + usage.grader_tokens * self.grader
        return dollars / MILLION


def usage_of(records: Iterable[RolloutRecord]) -> Usage:
    """What rollouts used; a grading model's tokens are not in the records."""
    found = [one.metrics for one in records]
    output = sum(one.output_tokens for one in found)
    return Usage(
        rollouts=len(found),
        turns=sum(one.turns for one in found),
        tool_calls=sum(one.tool_calls for one in found),
        input_tokens=sum(one.total_tokens for one in found) - output,
        output_tokens=output,
    )


def usage_of_phase(used: Mapping[str, int]) -> Usage:
    """The `usage.train` or `usage.valid` of a metrics event, or the sum of several."""
    return Usage(
        rollouts=used["rollouts"],
        turns=used["turns"],
        tool_calls=used["tool_calls"],
        input_tokens=used["prompt_tokens"],
        output_tokens=used["completion_tokens"],
    )


def usage_of_job(steps: Iterable[Mapping[str, Any]]) -> Usage:
    """What a job used, its validation and a grading model's tokens included, from the `data` of its
    metrics events."""
    total = Usage()
    for step in steps:
        for used in step["usage"].values():
            total += usage_of_phase(used)
        total += Usage(grader_tokens=sum(step["model_graders_token_usage"].values()))
    return total
