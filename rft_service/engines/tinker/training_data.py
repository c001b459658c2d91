"""Rollouts as what `forward_backward` learns from, and what its answer says about them.

A datum is a sequence of tokens with a log-probability and an advantage for each, both zero on what
the model did not say. A rollout is one datum as long as each prompt extends all tokens before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray
from tinker import types

from rft_service.engines.tinker.chat_format import Sampled
from rft_service.rl.engine import Trajectory

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """The tokens of a rollout, or of the part of it that is one sequence.

    `said` marks the tokens that the model sampled, and `logprobs` holds theirs (0 elsewhere).
    """

    tokens: NDArray[np.int32]
    said: NDArray[np.bool_]
    logprobs: Floats
    advantage: float

    def datum(self, scale: float) -> types.Datum:
        """Each token predicts the next, so that everything is shifted by one."""
        said = self.said[1:]
        advantages = np.where(said, self.advantage * scale, 0.0).astype(np.float32)
        return types.Datum(
            model_input=types.ModelInput.from_ints(self.tokens[:-1].tolist()),
            loss_fn_inputs={
                "target_tokens": types.TensorData.from_numpy(self.tokens[1:].astype(np.int64)),
                "logprobs": types.TensorData.from_numpy(self.logprobs[1:]),
                "advantages": types.TensorData.from_numpy(advantages),
            },
        )


@dataclass
class _Growing:
    """The sequence that a rollout's turns add to."""

    tokens: list[NDArray[np.int32]] = field(default_factory=list)
    said: list[NDArray[np.bool_]] = field(default_factory=list)
    logprobs: list[Floats] = field(default_factory=list)
    length: int = 0

    def add(self, tokens: NDArray[np.int32], logprobs: Floats | None) -> None:
        """Add tokens: sampled ones with their log-probabilities, or others."""
        self.tokens.append(tokens)
        self.said.append(np.full(len(tokens), logprobs is not None))
        self.logprobs.append(np.zeros(len(tokens), np.float32) if logprobs is None else logprobs)
        self.length += len(tokens)

    def example(self, advantage: float) -> Example:
        return Example(
            np.concatenate(self.tokens),
            np.concatenate(self.said),
            np.concatenate(self.logprobs),
            advantage,
        )


def examples_of(trajectory: Trajectory) -> Iterator[Example]:
    """The sequences of a rollout: one, unless a turn's prompt had to be rendered anew."""
    growing = _Growing()
    for sampled in _sampled(trajectory):
        if growing.length and not sampled.extends:
            yield growing.example(trajectory.advantage)
            growing = _Growing()
        growing.add(sampled.prompt[growing.length :], None)
        growing.add(sampled.tokens, sampled.logprobs)
    if growing.length:
        yield growing.example(trajectory.advantage)


def _sampled(trajectory: Trajectory) -> Iterator[Sampled]:
    for turn in trajectory.turns:
        if len(turn.sampled.tokens):
            yield turn.sampled


@dataclass(frozen=True)
class Batch:
    """What one update learns from. `padding` is how many of the data stand for nothing."""

    examples: Sequence[Example]
    data: Sequence[types.Datum]
    padding: int

    @classmethod
    def of(cls, trajectories: Iterable[Trajectory], multiple: int = 1) -> Batch:
        """Rollouts with no advantage are left out: they add nothing to the gradient.

        Losses are sums over tokens, so that advantages are divided by the number of sampled ones.
        With `multiple`, data without advantages fill the batch up: a compiled back end compiles
        anew for each number of data.
        """
        useful = [trajectory for trajectory in trajectories if trajectory.advantage]
        examples = [example for trajectory in useful for example in examples_of(trajectory)]
        scale = 1 / max(1, sum(int(example.said.sum()) for example in examples))
        data = [example.datum(scale) for example in examples]
        shortest_first = sorted(examples, key=lambda example: len(example.tokens))
        padding = [e.datum(0.0) for e in islice(cycle(shortest_first), -len(data) % multiple)]
        return cls(examples, data + padding, len(padding))

    def metrics(self, output: types.ForwardBackwardOutput) -> dict[str, float]:
        """How far the trainer's log-probabilities of the sampled tokens are from the sampler's, in
        nats: they would be equal if both computed the same. Empty if the engine gives none."""
        gaps = []
        for example, found in zip(self.examples, output.loss_fn_outputs, strict=False):
            if "logprobs" in found:
                said = example.said[1:]
                trained = found["logprobs"].to_numpy()[: len(said)]
                gaps.append(np.abs(trained[said] - example.logprobs[1:][said]))
        if not gaps:
            return {}
        together = np.concatenate(gaps)
        return {"logprob_gap": float(together.mean()), "logprob_gap_max": float(together.max())}


def sampling_metrics(trajectories: Sequence[Trajectory]) -> dict[str, float]:
    """Of all rollouts: an estimate of the entropy in nats (the mean of minus the log-probabilities
    that were sampled), and how many later turns extend the exact tokens of the turns before."""
    turns = [list(_sampled(trajectory)) for trajectory in trajectories]
    logprobs = [sampled.logprobs for rollout in turns for sampled in rollout]
    later = [sampled for rollout in turns for sampled in rollout[1:]]
    return {
        "entropy": -float(np.concatenate(logprobs).mean()) if logprobs else 0.0,
        "sampled_tokens": float(sum(map(len, logprobs))),
        "later_turns": float(len(later)),
        "extended_turns": float(sum(sampled.extends for sampled in later)),
    }
