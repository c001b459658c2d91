"""Another seed for everything that the models of a service draw by chance.

With the seed 0 a request gives the answer that it gives on every machine. With another, the same
request gives another answer, and again the same each time: what is claimed of a run can be tried
on runs that chance made differently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rft_service.graders.run import Judge, Judgement
from rft_service.rl.engine import Conversation, Draw, Policy, Trajectory, Turn, Update


class ReseededPolicy:
    """A policy whose draws depend on a seed as well."""

    def __init__(self, policy: Policy, seed: int) -> None:
        self._policy, self._seed = policy, seed

    async def sample(self, conversation: Conversation, draw: Draw) -> Turn:
        return await self._policy.sample(conversation, _reseeded(draw, self._seed))

    async def learn(self, trajectories: Sequence[Trajectory], learning_rate: float) -> Update:
        return await self._policy.learn(trajectories, learning_rate)

    def save(self) -> dict[str, Any]:
        return self._policy.save()

    def load(self, state: Mapping[str, Any]) -> None:
        self._policy.load(state)


def reseeded(
    base_policy: Callable[[], Policy], judge: Judge, seed: int
) -> tuple[Callable[[], Policy], Judge]:
    """Both models of a service with another seed; with the seed 0 as they are."""
    if seed == 0:
        return base_policy, judge

    def judged(
        messages: Sequence[Mapping[str, str]], score_range: tuple[float, float], draw: Draw
    ) -> Judgement:
        return judge(messages, score_range, _reseeded(draw, seed))

    return lambda: ReseededPolicy(base_policy(), seed), judged


def _reseeded(draw: Draw, seed: int) -> Draw:
    return Draw.of("seed", seed, draw.key.hex())
