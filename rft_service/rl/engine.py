"""What the service may ask of a model it trains, whoever holds its weights.

`Policy` is the only thing that the trainer and the service know of a model: sample a turn for a
conversation, learn from scored trajectories, save, load. The simulated model implements it in
`training.simulated`; a policy held by a real engine can take its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Item = dict[str, Any]
"""One item of a Responses API conversation: message, reasoning, function_call, ..._output."""


@dataclass(frozen=True)
class ToolSpec:
    """A function tool as a request declares it; `parameters` is its JSON Schema."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Conversation:
    """All that a policy is ever shown: what one API request carries, and nothing else.

    `items` are Responses API input items, oldest first; `instructions` stand before them.
    `tool_choice` is "auto", "none", "required" or a tool's name. `response_format` is the JSON
    Schema that the final answer must satisfy, or None for free text.
    """

    items: Sequence[Item]
    tools: Sequence[ToolSpec] = ()
    instructions: str = ""
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    response_format: Mapping[str, Any] | None = None
    reasoning_effort: str = "default"


@dataclass(frozen=True)
class Draw:
    """The source of one turn's randomness: a hash of what identifies the turn, never a clock.

    During training `key` comes from (seed, step, row, sample, turn); for an API request from the
    request itself. The same key gives the same turn.
    """

    key: bytes

    @classmethod
    def of(cls, *parts: object) -> Draw:
        """A draw that depends on every part's text, in order."""
        text = "\x1f".join(str(part) for part in parts)
        return cls(hashlib.sha256(text.encode()).digest())


@dataclass(frozen=True)
class Call:
    """A tool call: the tool's name and its arguments as a JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Turn:
    """What a model says once: reasoning, then either tool calls or a final text.

    Exactly one of `calls` (not empty) and `text` (not None) is set. `decisions` is the policy's
    own note of what it chose among what; the trainer hands it back to `learn` untouched.
    `latency_s` is the time that a real model of this size would have taken, in seconds.
    """

    calls: tuple[Call, ...] = ()
    text: str | None = None
    reasoning_summary: str = ""
    reasoning_tokens: int = 0
    output_tokens: int = 0
    latency_s: float = 0.0
    decisions: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Trajectory:
    """The turns of one rollout with the advantage that they share."""

    turns: Sequence[Turn]
    advantage: float


@dataclass(frozen=True)
class Update:
    """What one update did: size of the gradient and of the change of the weights (L2 norms)."""

    trajectories: int
    gradient_norm: float
    change_norm: float


class Policy(Protocol):
    """A model that can be sampled from and trained."""

    async def sample(self, conversation: Conversation, draw: Draw) -> Turn:
        """The next turn of the conversation."""
        ...

    async def learn(self, trajectories: Sequence[Trajectory], learning_rate: float) -> Update:
        """One policy gradient step: raise the log-probability of turns times their advantage."""
        ...

    def save(self) -> dict[str, Any]:
        """Weights and optimiser state as JSON-ready data; `load` of it continues exactly."""
        ...

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over a state that `save` gave. Raises ValueError if it is not one."""
        ...
