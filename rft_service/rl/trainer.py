"""The training loop: group-relative policy gradient over rollouts of a live environment.

A step takes `batch_size` rows, runs a group of rollouts for each, and rewards every rollout by
its advantage over its own group (GRPO: Shao et al., "DeepSeekMath", arXiv 2402.03300, without
the division by the group's standard deviation, after Liu et al., "Dr. GRPO", arXiv 2503.20783).
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from rft_service.rl.engine import Policy, Trajectory, Update
from rft_service.rl.rollout import Environment, Rollout, Task, run_episode


@dataclass(frozen=True)
class TrainingSettings:
    """Every hyperparameter, resolved: nothing here is "auto" any more.

    `group_size` is the number of rollouts a row and step. `token_penalty` is subtracted from a
    reward per 1,000 reasoning tokens before advantages are taken; it is never reported as reward.
    """

    seed: int = 0
    n_epochs: int = 1
    batch_size: int = 16
    group_size: int = 8
    learning_rate: float = 0.12
    max_episode_steps: int = 10
    eval_interval: int = 5
    eval_samples: int = 1
    token_penalty: float = 0.2
    concurrency: int = 32


@dataclass(frozen=True)
class Group:
    """The rollouts of one row in one step."""

    row_index: int
    rollouts: tuple[Rollout, ...]

    @property
    def usable(self) -> tuple[Rollout, ...]:
        return tuple(rollout for rollout in self.rollouts if not rollout.discarded)


@dataclass(frozen=True)
class StepReport:
    """What one training step did. Rewards are the grader's own, without any penalty.

    `zero_variance_groups` counts groups whose usable rollouts all got the same reward: they
    teach nothing by reward: their advantages are zero. `update` is None where nothing could
    be learnt.
    """

    step: int
    total_steps: int
    groups: tuple[Group, ...]
    zero_variance_groups: int
    update: Update | None

    @property
    def rollouts(self) -> tuple[Rollout, ...]:
        return tuple(rollout for group in self.groups for rollout in group.rollouts)


@dataclass(frozen=True)
class EvaluationReport:
    """One pass over the validation rows, `eval_samples` rollouts a row."""

    step: int
    rollouts: tuple[Rollout, ...]

    @property
    def reward_mean(self) -> float | None:
        """Mean reward of the usable rollouts; None where there are none."""
        rewards = [r.reward for r in self.rollouts if r.reward is not None]
        return fmean(rewards) if rewards else None


class Trainer:
    """Runs steps one by one, so that its owner can save, pause or stop between any two."""

    def __init__(
        self,
        policy: Policy,
        environment: Environment,
        settings: TrainingSettings,
        train: Sequence[Task],
        validation: Sequence[Task],
        on_rollout: Callable[[Rollout], None] | None = None,
        namespace: str = "",
    ) -> None:
        if not train:
            raise ValueError("no training rows")
        self.policy = policy
        self.environment = environment
        self.settings = settings
        self.train = train
        self.validation = validation
        self.on_rollout = on_rollout
        self.namespace = namespace  # keeps trace IDs of two jobs apart; never part of a draw

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.train) / self.settings.batch_size)

    @property
    def total_steps(self) -> int:
        return self.settings.n_epochs * self.steps_per_epoch

    def rows_of_step(self, step: int) -> list[int]:
        """Row indices of step 1..total_steps: each epoch is a shuffle of its own."""
        epoch, place = divmod(step - 1, self.steps_per_epoch)
        order = list(range(len(self.train)))
        random.Random(f"{self.settings.seed}/epoch/{epoch}").shuffle(order)
        return order[place * self.settings.batch_size :][: self.settings.batch_size]

    async def step(self, step: int) -> StepReport:
        """Sample, grade and learn once. `step` counts from 1."""
        settings = self.settings
        wanted = [(row, n) for row in self.rows_of_step(step) for n in range(settings.group_size)]
        rollouts = await self._run(self.train, wanted, ("train", step))
        groups = tuple(
            Group(row, tuple(r for r in rollouts if r.row_index == row))
            for row in dict.fromkeys(row for row, _ in wanted)
        )
        trajectories, flat = [], 0
        for group in groups:
            learnt = advantages(group.usable, settings.token_penalty)
            flat += all(trajectory.advantage == 0.0 for trajectory in learnt)
            trajectories += learnt
        update = None
        if flat < len(groups):
            update = await self.policy.learn(trajectories, settings.learning_rate)
        return StepReport(step, self.total_steps, groups, flat, update)

    async def evaluate(self, step: int) -> EvaluationReport:
        """Roll out every validation row; nothing is learnt from it, and the rollouts are slim."""
        samples = range(self.settings.eval_samples)
        wanted = [(row, n) for row in range(len(self.validation)) for n in samples]
        rollouts = await self._run(self.validation, wanted, ("valid", step), slim=True)
        return EvaluationReport(step, rollouts)

    async def _run(
        self,
        tasks: Sequence[Task],
        wanted: Sequence[tuple[int, int]],
        phase: tuple[str, int],
        slim: bool = False,
    ) -> tuple[Rollout, ...]:
        """Run rollouts at bounded concurrency; the result's order is that of `wanted`.

        `on_rollout` gets each whole; with `slim` only its numbers are kept after that.
        """
        places = asyncio.Semaphore(self.settings.concurrency)

        async def one(row: int, sample: int) -> Rollout:
            parts = (self.settings.seed, *phase, row, sample)
            name = "/".join(map(str, (self.namespace, *parts)))
            trace = hashlib.sha256(name.encode()).hexdigest()[:32]
            async with places:
                rollout = await run_episode(
                    self.policy,
                    self.environment,
                    tasks[row],
                    trace_id=f"trace_{trace}",
                    draw_parts=parts,
                    max_steps=self.settings.max_episode_steps,
                    row_index=row,
                    sample_index=sample,
                )
            if self.on_rollout:
                self.on_rollout(rollout)
            return rollout.slim() if slim else rollout

        return tuple(await asyncio.gather(*(one(row, sample) for row, sample in wanted)))


def advantages(rollouts: Sequence[Rollout], token_penalty: float) -> list[Trajectory]:
    """Each rollout's penalised reward less its group's mean; all zero if no reward differs.

    `token_penalty` is the loss per 1,000 reasoning tokens.
    """
    rewards = [rollout.reward for rollout in rollouts if rollout.reward is not None]
    if len(set(rewards)) < 2:
        return [Trajectory(rollout.turns, 0.0) for rollout in rollouts]
    scores = [
        reward - token_penalty * rollout.reasoning_tokens / 1000
        for reward, rollout in zip(rewards, rollouts, strict=True)
    ]
    baseline = fmean(scores)
    return [
        Trajectory(rollout.turns, score - baseline)
        for score, rollout in zip(scores, rollouts, strict=True)
    ]
