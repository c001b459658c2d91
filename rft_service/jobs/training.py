"""One job from its queue to its end: steps, evaluations, and what is stored after each."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from rft_service.jobs.dataset import Rows
from rft_service.jobs.environment import JobEnvironment
from rft_service.jobs.metrics import metrics_message, step_metrics
from rft_service.rl.engine import Conversation, Draw, Policy, Trajectory, Turn, Update
from rft_service.rl.rollout import Rollout
from rft_service.rl.trainer import EvaluationReport, StepReport, Trainer
from rft_service.schemas.structured import sample
from rft_service.store.database import pack, unpack
from rft_service.store.job import Checkpoint, Event, Job, StepResult, StoredRollout
from rft_service.store.jobs import JobRecords
from rft_service.store.models import ModelRegistry

MAX_BARREN_STEPS = 3
MAX_REASONS = 3  # of discarded rollouts that one event lists
MAX_SHOWN = 200  # characters of a refused call's output


class JobFailedError(Exception):
    """The job cannot go on: a code for a program and a line for a person."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class ServedPolicy:
    """A policy as the service trains it: answers held to the response format, updates timed."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.save = policy.save
        self.load = policy.load
        self.learning_s = 0.0  # of wall time, in updates

    async def sample(self, conversation: Conversation, draw: Draw) -> Turn:
        return await sample(self._policy, conversation, draw)

    async def learn(self, trajectories: Sequence[Trajectory], learning_rate: float) -> Update:
        started = time.perf_counter()
        update = await self._policy.learn(trajectories, learning_rate)
        self.learning_s += time.perf_counter() - started
        return update


class TrainingJob:
    """Runs the steps of one job from its resume point on."""

    def __init__(
        self,
        job: Job,
        records: JobRecords,
        models: ModelRegistry,
        environment: JobEnvironment,
        train: Rows,
        validation: Rows,
        concurrency: int,
    ) -> None:
        self._job = job
        self._records = records
        self._models = models
        spec = job.spec
        self._settings = spec.hyperparameters.resolved().settings(
            spec.seed, spec.max_episode_steps, concurrency
        )
        self._policy = ServedPolicy(models.base())
        if (state := records.policy(job.id)) is not None:
            self._policy.load(unpack(state))
        self._trainer = Trainer(
            self._policy,
            environment,
            self._settings,
            train,
            validation,
            on_rollout=self._keep,
            namespace=f"{job.id}/{job.attempt}",
        )
        self._kept: dict[str, StoredRollout] = {}  # of the step under way, by trace ID
        self._barren_steps = job.barren_steps
        self._learnt_steps = job.learnt_steps

    async def run(self) -> None:
        """Train to the last step. Raises JobStoppedError or JobFailedError."""
        total = self._trainer.total_steps
        for step in range(self._job.step + 1, total + 1):
            self._check_barren(total)
            await self._step(step, total)
        self._check_barren(total)
        self._records.succeed(self._job, [] if self._learnt_steps else [NOTHING_LEARNT])

    def _check_barren(self, total: int) -> None:
        """Raises JobFailedError after too many steps without a usable rollout, or if all are."""
        if self._barren_steps >= min(MAX_BARREN_STEPS, total):
            barren = (
                "no step had a usable rollout"
                if self._barren_steps == total
                else f"{self._barren_steps} steps in a row had no usable rollout"
            )
            raise JobFailedError(
                "no_usable_rollouts",
                f"{barren}; the events before this one say what the tools and the grader did",
            )

    def _keep(self, rollout: Rollout) -> None:
        """Pack a rollout as soon as it has ended, so that its texts need not stay in memory."""
        self._kept[rollout.trace_id] = stored(rollout)

    async def _step(self, step: int, total: int) -> None:
        started = time.perf_counter()
        self._policy.learning_s = 0.0
        self._kept.clear()
        report = await self._trainer.step(step)
        trained = time.perf_counter()
        evaluation = None
        if step % self._settings.eval_interval == 0 or step == total:
            evaluation = await self._trainer.evaluate(step)
        ended = time.perf_counter()
        timing_s = {
            "sampling": trained - started - self._policy.learning_s,
            "training": self._policy.learning_s,
            "eval": ended - trained,
            "full_iteration": ended - started,
        }
        self._store(report, evaluation, timing_s)

    def _store(
        self, report: StepReport, evaluation: EvaluationReport | None, timing_s: dict[str, float]
    ) -> None:
        data = step_metrics(report, evaluation, self._job.spec.grader, timing_s)
        usable = any(not rollout.discarded for rollout in report.rollouts)
        self._barren_steps = 0 if usable else self._barren_steps + 1
        self._learnt_steps += report.update is not None
        validation = evaluation.rollouts if evaluation else ()
        result = StepResult(
            step=report.step,
            total_steps=report.total_steps,
            seconds=timing_s["full_iteration"],
            tokens=sum(rollout.output_tokens for rollout in report.rollouts),
            barren_steps=self._barren_steps,
            learnt=report.update is not None,
            policy=pack(self._policy.save()),
            events=[Event(metrics_message(data), data=data), *warnings(report, evaluation)],
            rollouts=[
                (phase, self._kept[rollout.trace_id])
                for phase, rollouts in (("train", report.rollouts), ("valid", validation))
                for rollout in rollouts
            ],
            checkpoint=checkpoint(data) if evaluation else None,
        )
        for name in self._records.commit_step(self._job, result):
            self._models.forget(name)


def checkpoint(data: dict[str, object]) -> Checkpoint:
    """A checkpoint's metrics: the numbers of the step that made it."""
    keys = (
        "step",
        "train_mean_reward",
        "full_valid_mean_reward",
        "full_valid_mean_parse_error",
        "reasoning_tokens_mean",
        "tool_calls_per_rollout",
    )
    reward = data["full_valid_mean_reward"]
    assert reward is None or isinstance(reward, float)
    return Checkpoint(reward, {key: data[key] for key in keys})


def stored(rollout: Rollout) -> StoredRollout:
    """A rollout as it is kept: its items, its outcome, and what each tool call cost."""
    trace = {
        "answer": rollout.answer,
        "failure": rollout.failure,
        "items": rollout.items,
        "metrics": {
            "steps": len(rollout.turns),
            "tool_calls": len(rollout.tool_outcomes),
            "tool_calls_by_name": rollout.tool_calls_by_name,
            "reasoning_tokens": rollout.reasoning_tokens,
            "output_tokens": rollout.output_tokens,
            "simulated_latency_s": rollout.latency_s,
            "tool_latency_s": sum(outcome.latency_s for _, outcome in rollout.tool_outcomes),
        },
        "sub_rewards": dict(rollout.grade.sub_scores) if rollout.grade else {},
    }
    return StoredRollout(
        row=rollout.row_index,
        sample=rollout.sample_index,
        trace_id=rollout.trace_id,
        reward=rollout.reward,
        stop_reason=str(rollout.stop_reason),
        trace=pack(trace),
    )


NOTHING_LEARNT = Event(
    "The job learnt nothing: in no step did the rewards within a group differ, so the weights are "
    "those that it began with. Give a grader that tells better answers from worse ones.",
    "warn",
)


def warnings(report: StepReport, evaluation: EvaluationReport | None) -> list[Event]:
    """What a step's owner should know: tools that take no call, discarded rollouts, and nothing to
    learn from."""
    events = list[Event]()
    if text := refused_text(report.rollouts):
        events.append(Event(f"Step {report.step}: {text}", "warn"))
    phases = (("training", report.rollouts), ("validation", evaluation and evaluation.rollouts))
    for phase, rollouts in phases:
        if text := discarded_text(rollouts or ()):
            events.append(Event(f"Step {report.step}: {phase}: {text}", "warn"))
    if all(rollout.discarded for rollout in report.rollouts):
        text = f"Step {report.step}: no rollout was usable, so nothing was learnt"
        events.append(Event(text, "warn"))
    elif report.update is None:
        text = (
            f"Step {report.step}: no group's rewards differed (zero variance), so nothing was "
            "learnt"
        )
        events.append(Event(text, "warn"))
    return events


def refused_text(rollouts: Sequence[Rollout]) -> str | None:
    """That most tool calls were refused, as with a wrong key, and how the tools put it.

    The model is shown each refusal as if it were its own mistake, so no rollout is discarded.
    """
    outcomes = [outcome for rollout in rollouts for _, outcome in rollout.tool_outcomes]
    refused = Counter(outcome.output for outcome in outcomes if outcome.refused)
    if refused.total() * 2 <= len(outcomes):
        return None
    commonest = min(refused, key=lambda output: (-refused[output], output))
    counts = f"{refused.total()} of {len(outcomes)} tool calls"
    return f"{counts} were answered with 4xx, most often: {commonest[:MAX_SHOWN]}"


def discarded_text(rollouts: Sequence[Rollout]) -> str | None:
    """How many rollouts were discarded and why, the commonest reasons first."""
    reasons = Counter(rollout.failure or "" for rollout in rollouts if rollout.discarded)
    if not reasons:
        return None
    commonest = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_REASONS]
    listed = "; ".join(f"{count} x {reason}" for reason, count in commonest)
    more = len(reasons) - len(commonest)
    rest = f"; and {more} other reasons" if more else ""
    return f"{reasons.total()} of {len(rollouts)} rollouts were discarded: {listed}{rest}"
