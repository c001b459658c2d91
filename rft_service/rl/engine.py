"""What the service asks of an engine: sample turns, learn from trajectories, save, load.

An `Engine` offers models. A `Sampler` is one model with fixed weights; a `Learner` is a model that
a job trains. The service knows nothing else about a model: the simulated one (`engines.simulated`)
and a real one behind HTTP look the same from here. The interface is the field's sample-and-train
interface (`sample`, `forward_backward`, `optim_step`, `save_state`, as Tinker introduced it).

Every coroutine here may be awaited on any event loop: the API and the jobs have one each, and an
engine whose client belongs to one loop has to switch to it by itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol

from rft_wire import Item


@dataclass(frozen=True)
class ModelInfo:
    """A base model, with the defaults that suit it.

    `group_size` is the number of rollouts per row and step, `learning_rate` what a multiplier of 1
    means, `reasoning_token_penalty` what 1,000 reasoning tokens cost in reward during training.
    `simulated` marks latencies that are computed rather than measured.
    """

    name: str
    context_window_tokens: int
    group_size: int
    learning_rate: float
    reasoning_token_penalty: float = 0.0
    simulated: bool = False


@dataclass(frozen=True)
class ToolSpec:
    """A function tool as a request declares it; `parameters` is its JSON Schema."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def parameters_text(self) -> str:
        """`parameters` as JSON, written once for all turns that share the tool."""
        return json.dumps(self.parameters)


@dataclass(frozen=True)
class Seed:
    """The source of one turn's randomness: a hash of what identifies the turn, never a clock.

    In a job `key` comes from (seed, phase, step, row, sample, turn); for an API request from the
    request itself. An engine that is deterministic returns the same turn for the same key.
    """

    key: bytes

    @classmethod
    def of(cls, *parts: object) -> Seed:
        """A seed that depends on every part's text, in order."""
        text = "\x1f".join(str(part) for part in parts)
        return cls(hashlib.sha256(text.encode()).digest())

    @property
    def number(self) -> int:
        """The seed as an integer below 2**31, the range that real engines accept."""
        return int.from_bytes(self.key[:4], "big") >> 1


@dataclass(frozen=True)
class TurnRequest:
    """Everything a model is shown for one turn, and how to sample it.

    `items` are Responses API items, oldest first; `instructions` precede them. `tool_choice` is
    "auto", "none", "required" or a tool's name. `response_format` is the JSON Schema that a final
    answer must satisfy (constrained decoding is the engine's job), or None for free text. A
    sampling parameter that is None is left to the engine.
    """

    items: Sequence[Item]
    tools: Sequence[ToolSpec] = ()
    instructions: str = ""
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    response_format: Mapping[str, Any] | None = None
    reasoning_effort: str = "default"
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: Sequence[str] = ()


class TurnEnd(StrEnum):
    """Why a turn ended."""

    ANSWERED = "answered"
    CALLED_TOOLS = "called_tools"
    LENGTH_LIMIT = "length_limit"  # max_output_tokens; `text` is what fit
    CONTEXT_FULL = "context_full"  # the request does not fit the context window; nothing sampled
    UNPARSABLE = "unparsable"  # neither text nor call could be read; `text` is what was sampled


@dataclass(frozen=True)
class Call:
    """A tool call: the tool's name, and its arguments as JSON text as the model wrote them."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Turn:
    """What a model said once: reasoning, then text, tool calls, or both.

    `sampled` is the engine's own record of what it sampled (actions, or tokens with their
    log-probabilities). The service hands it back untouched: to `sample` as the rollout's previous
    turn, and to `update` within a trajectory. `latency_s` is measured by a real engine; a
    simulated one says what a model of its size would have taken.
    """

    calls: tuple[Call, ...] = ()
    text: str | None = None
    end: TurnEnd = TurnEnd.ANSWERED
    reasoning_summary: str = ""
    reasoning_tokens: int = 0
    output_tokens: int = 0
    input_tokens: int = 0
    latency_s: float = 0.0
    sampled: Any = None


@dataclass(frozen=True)
class Trajectory:
    """The turns of one rollout, oldest first, with the advantage that they share."""

    turns: Sequence[Turn]
    advantage: float


class EngineError(Exception):
    """The engine refused a request; the message names the engine, the reason and what to do.

    In a rollout it discards that rollout; in an update or a save it pauses the job.
    """


class EngineUnavailableError(Exception):
    """The engine does not answer, or no longer knows the model. `reason` completes "it ...".

    The step in flight is given up and made again from the last saved state, with a new learner.
    """

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"the engine at {url} {reason}")
        self.url, self.reason = url, reason


class Sampler(Protocol):
    """A model with fixed weights. What `sample` raises discards the rollout and not the job, except
    for EngineUnavailableError."""

    @property
    def model(self) -> ModelInfo: ...

    @property
    def fingerprint(self) -> str:
        """A text that identifies the weights: the same for the same weights."""
        ...

    async def sample(self, request: TurnRequest, seed: Seed, previous: Turn | None = None) -> Turn:
        """The next turn. `previous` is the rollout's last turn, whose tokens the new prompt
        extends; None at the start of a rollout and for an API request."""
        ...

    async def sample_group(self, request: TurnRequest, seeds: Sequence[Seed]) -> Sequence[Turn]:
        """The first turns of a group, one per seed: they share a prompt, so that an engine can
        sample them in one call."""
        ...

    async def weights(self) -> Mapping[str, Any] | None:
        """The weights as JSON, or None where an engine cannot show them."""
        ...


class Learner(Sampler, Protocol):
    """A model in training. It belongs to one job."""

    async def update(
        self, trajectories: Sequence[Trajectory], rate_multiplier: float
    ) -> Mapping[str, float]:
        """One policy gradient step: raise the log-probability of each turn in proportion to its
        advantage. Returns the engine's metrics of the step, such as `gradient_norm`."""
        ...

    async def save(self, name: str) -> str:
        """Save weights and optimizer state durably; returns a URI that `Engine.learner` and
        `Engine.sampler` accept. The same name again replaces what it named before."""
        ...

    async def close(self) -> None:
        """Release what the learner occupies on the engine, such as an adapter slot, without
        waiting for it. Saved states stay."""
        ...


class Engine(Protocol):
    """Where models live. It caches and shares weights; the service keeps only their URIs."""

    @property
    def models(self) -> Sequence[ModelInfo]:
        """The base models, the default first."""
        ...

    def count_tokens(self, model: str, text: str) -> int:
        """The length of a text in the tokens of a base model."""
        ...

    def prompt_tokens(self, model: str, request: TurnRequest) -> int:
        """The length of a request in tokens, tool definitions included: as `sample` counts it."""
        ...

    async def sampler(self, model: str, uri: str | None = None) -> Sampler:
        """A base model, with its own weights or with saved ones."""
        ...

    async def learner(self, model: str, uri: str | None = None) -> Learner:
        """A base model to train, from its own weights or from a saved state.

        On the simulated engine a learner made from `uri` continues exactly."""
        ...

    async def delete(self, uri: str) -> None:
        """Forget saved weights that nothing refers to any more."""
        ...

    async def is_available(self) -> bool:
        """Whether the engine answers now."""
        ...

    async def close(self) -> None:
        """Release connections; the engine is not used afterwards."""
        ...
