"""What rollouts and jobs use, and what that costs at somebody's prices.

Lesson 05 builds the same from the plain `openai` client. Tokens are counted as the model's service
counts them: `input_tokens` are read again in each turn, so a long conversation is counted often.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from openai import OpenAI

from buildhour_helpers.tools.schemas import for_responses
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

    def times(self, factor: float) -> Usage:
        """The same rollouts, each longer or shorter by a factor."""
        names = [one.name for one in fields(self) if one.name != "rollouts"]
        scaled = {name: round(factor * getattr(self, name)) for name in names}
        return Usage(rollouts=self.rollouts, **scaled)

    def mean(self) -> dict[str, float]:
        """What one rollout used on average, by name. Raises ValueError if there was none."""
        if not self.rollouts:
            raise ValueError("usage of no rollout: measure a few rollouts first")
        return {one.name: getattr(self, one.name) / self.rollouts for one in fields(self)}


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens. `cached` is the price of input that the service has read
    before, in an earlier turn; `trained` that of a token that an update goes over."""

    input: float
    cached: float
    output: float
    trained: float
    grader: float

    def of(self, used: Usage, cached_share: float = 0.0, train_share: float = 1.0) -> float:
        """US dollars for what was used. `cached_share` of the input is read from the cache, and
        `train_share` of the rollouts are trained on: each of their tokens once."""
        cached = cached_share * used.input_tokens
        new = used.input_tokens - cached
        dollars = new * self.input + cached * self.cached + used.output_tokens * self.output
        dollars += train_share * (new + used.output_tokens) * self.trained
        dollars += used.grader_tokens * self.grader
        return dollars / MILLION


def estimate(train: Usage, train_rollouts: int, valid: Usage, valid_rollouts: int) -> Usage:
    """What a job of so many rollouts uses, if they are as those measured in each phase."""
    of_train, of_valid = train.mean(), valid.mean()
    return Usage(
        **{
            name: round(train_rollouts * mean + valid_rollouts * of_valid[name])
            for name, mean in of_train.items()
        }
    )


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


def turn_inputs(client: OpenAI, model: str, record: RolloutRecord) -> list[int]:
    """The input tokens of each turn of a rollout, as the service counts them: its conversation is
    sent again as each turn read it. Together they are the rollout's input tokens."""
    asked = [
        client.responses.create(
            model=model, input=list[Any](prompt), tools=list[Any](for_responses())
        )
        for prompt in _prompts(record)
    ]
    return [one.usage.input_tokens for one in asked if one.usage]


def _prompts(record: RolloutRecord) -> list[list[dict[str, Any]]]:
    """What each turn of a rollout read: the conversation so far."""
    items = record.trace
    was_read = [
        item.get("type") == "function_call_output" or item.get("role") in ("system", "user")
        for item in items
    ]
    return [
        items[: n + 1]
        for n, (mine, next_one) in enumerate(itertools.pairwise(was_read))
        if mine and not next_one
    ]
