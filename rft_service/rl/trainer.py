"""The training loop: group-relative policy gradient over rollouts of a live environment.

A step takes `batch_size` rows, runs a group of rollouts for each, and gives every rollout its
advantage over its own group (GRPO: Shao et al., "DeepSeekMath", arXiv 2402.03300, without the
division by the group's standard deviation, after Liu et al., "Dr. GRPO", arXiv 2503.20783). The
learner turns trajectories and advantages into an update.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import random
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from statistics import fmean

from rft_service.rl.engine import Learner, Seed, Trajectory, Turn
from rft_service.rl.hyperparameters import Hyperparameters
from rft_service.rl.rollout import Environment, Rollout, Task, run_rollout

# The rate rises over the first steps, as in most recipes: Adam's first updates are as large as its
# later ones, although it knows the gradient from one batch only.
WARM_UP_STEPS = 6


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
    """What one training step did. Rewards are the grader's, without any penalty.

    `zero_variance_groups` counts groups whose usable rollouts all got the same reward: their
    advantages are zero, so nothing is learned from them. `update` holds the engine's metrics of
    the update, and is None where there was none.
    """

    step: int
    total_steps: int
    groups: tuple[Group, ...]
    zero_variance_groups: int
    update: Mapping[str, float] | None
    update_duration_s: float = 0.0

    @property
    def rollouts(self) -> tuple[Rollout, ...]:
        return tuple(rollout for group in self.groups for rollout in group.rollouts)


@dataclass(frozen=True)
class EvaluationReport:
    """One pass over the validation rows, `eval_samples` rollouts per row."""

    step: int
    rollouts: tuple[Rollout, ...]

    @property
    def reward_mean(self) -> float | None:
        """Mean reward of the usable rollouts; None where there are none."""
        rewards = [r.reward for r in self.rollouts if r.reward is not None]
        return fmean(rewards) if rewards else None


class Trainer:
    """Runs steps one at a time, so that its owner can save, pause or stop between any two.

    `on_rollout` receives every rollout as it ends. `namespace` keeps trace IDs of two jobs apart;
    it is never part of a seed.
    """

    def __init__(
        self,
        learner: Learner,
        environment: Environment,
        hyperparameters: Hyperparameters,
        train: Sequence[Task],
        validation: Sequence[Task],
        *,
        seed: int = 0,
        max_turns: int = 10,
        concurrency: int = 32,
        on_rollout: Callable[[Rollout], None] | None = None,
        namespace: str = "",
    ) -> None:
        if not train:
            raise ValueError("no training rows")
        self.learner = learner
        self.environment = environment
        self.hyperparameters = hyperparameters
        self.train = train
        self.validation = validation
        self.seed = seed
        self.max_turns = max_turns
        self.concurrency = concurrency
        self.on_rollout = on_rollout
        self.namespace = namespace

    @property
    def group_size(self) -> int:
        """Rollouts per row and step: at least two, since a single one has no advantage."""
        scaled = self.learner.model.group_size * self.hyperparameters.compute_multiplier
        return max(2, round(scaled))

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.train) / self.hyperparameters.batch_size)

    @property
    def total_steps(self) -> int:
        return self.hyperparameters.n_epochs * self.steps_per_epoch

    def rows_of_step(self, step: int) -> list[int]:
        """Row indices of step 1..total_steps; each epoch has its own shuffle."""
        epoch, index = divmod(step - 1, self.steps_per_epoch)
        order = list(range(len(self.train)))
        random.Random(f"{self.seed}/epoch/{epoch}").shuffle(order)
        size = self.hyperparameters.batch_size
        return order[index * size : (index + 1) * size]

    async def step(self, step: int) -> StepReport:
        """Sample, grade and update once. `step` counts from 1."""
        rows = self.rows_of_step(step)
        rollouts = await self._run(self.train, rows, self.group_size, ("train", step))
        groups = tuple(Group(row, tuple(r for r in rollouts if r.row_index == row)) for row in rows)
        penalty = self.hyperparameters.penalty_on(self.learner.model)
        by_group = [trajectories(group.usable, penalty) for group in groups]
        zero_variance = sum(all(t.advantage == 0.0 for t in group) for group in by_group)
        update, started = None, time.perf_counter()
        if zero_variance < len(groups):
            together = [trajectory for group in by_group for trajectory in group]
            warm = min(1.0, step / WARM_UP_STEPS)
            rate = self.hyperparameters.learning_rate_multiplier * warm
            update = await self.learner.update(together, rate)
        return StepReport(
            step, self.total_steps, groups, zero_variance, update, time.perf_counter() - started
        )

    async def evaluate(self, step: int) -> EvaluationReport:
        """Roll out every validation row. Nothing is learned from it, and rollouts are slim."""
        samples = self.hyperparameters.eval_samples
        rows = range(len(self.validation))
        rollouts = await self._run(self.validation, rows, samples, ("valid", step), slim=True)
        return EvaluationReport(step, rollouts)

    async def _run(
        self,
        tasks: Sequence[Task],
        rows: Sequence[int],
        samples: int,
        phase: tuple[str, int],
        slim: bool = False,
    ) -> tuple[Rollout, ...]:
        """Run `samples` rollouts of each row, at most `concurrency` at once, in this order.

        `on_rollout` receives each one complete; with `slim` only its numbers are kept after that.
        """
        slots = asyncio.Semaphore(self.concurrency)

        async def one(group: _Start, row: int, sample: int) -> Rollout:
            parts = (self.seed, *phase, row, sample)
            name = "/".join(map(str, (self.namespace, *parts)))
            trace = hashlib.sha256(name.encode()).hexdigest()[:32]
            async with slots:
                rollout = await run_rollout(
                    self.learner,
                    self.environment,
                    group.task,
                    trace_id=f"trace_{trace}",
                    seed_parts=parts,
                    max_turns=self.max_turns,
                    row_index=row,
                    sample_index=sample,
                    first_turn=partial(group.first_turn, sample),
                )
            if self.on_rollout:
                self.on_rollout(rollout)
            return rollout.slim() if slim else rollout

        def group(row: int) -> list[Coroutine[None, None, Rollout]]:
            seeds = [Seed.of(self.seed, *phase, row, sample, 0) for sample in range(samples)]
            start = _Start(self.learner, partial(tasks.__getitem__, row), seeds)
            return [one(start, row, sample) for sample in range(samples)]

        running = [asyncio.create_task(rollout) for row in rows for rollout in group(row)]
        try:
            return tuple(await asyncio.gather(*running))
        finally:  # one that raises leaves the others without a use
            for rollout in running:
                rollout.cancel()


class _Start:
    """What the rollouts of a group share: the task, read when the first of them starts, and their
    first turns, sampled in one call."""

    def __init__(
        self, learner: Learner, read_task: Callable[[], Task], seeds: Sequence[Seed]
    ) -> None:
        self._learner, self._read_task, self._seeds = learner, read_task, seeds
        self._sampling: asyncio.Task[Sequence[Turn]] | None = None

    @cached_property
    def task(self) -> Task:
        return self._read_task()

    async def first_turn(self, sample: int) -> Turn:
        if self._sampling is None:
            self._sampling = asyncio.create_task(self._sample())
        return (await self._sampling)[sample]

    async def _sample(self) -> Sequence[Turn]:
        return await self._learner.sample_group(self.task.request, self._seeds)


def trajectories(rollouts: Sequence[Rollout], reasoning_token_penalty: float) -> list[Trajectory]:
    """Rollouts of one group with their advantages: each one's penalized reward minus the group's
    mean. All are zero if no reward differs: then the penalty alone would be learned.

    `reasoning_token_penalty` is subtracted per 1,000 reasoning tokens.
    """
    rewards = [rollout.reward for rollout in rollouts if rollout.reward is not None]
    if len(set(rewards)) < 2:
        return [Trajectory(rollout.turns, 0.0) for rollout in rollouts]
    scores = [
        reward - reasoning_token_penalty * rollout.reasoning_tokens / 1000
        for reward, rollout in zip(rewards, rollouts, strict=True)
    ]
    baseline = fmean(scores)
    return [
        Trajectory(rollout.turns, score - baseline)
        for score, rollout in zip(scores, rollouts, strict=True)
    ]
