"""One job from its queue to its end: steps, evaluations, and what is stored after each."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from statistics import fmean

from rft_service.jobs.dataset import Rows
from rft_service.jobs.environment import JobEnvironment
from rft_service.jobs.metrics import metrics_message, step_metrics
from rft_service.rl.engine import Engine, Learner
from rft_service.rl.rollout import Rollout
from rft_service.rl.trainer import EvaluationReport, StepReport, Trainer
from rft_service.store.database import pack
from rft_service.store.job import Checkpoint, Event, Job, RolloutRow, StepResult
from rft_service.store.jobs import JobRecords

MAX_UNUSABLE_STEPS = 3
COLLAPSED_STEPS = 3  # in a row with less than half of the reward before
COLLAPSE_FLOOR = 0.1  # mean reward below which a halving says nothing
MAX_REASONS = 3  # of discarded rollouts that one event lists
MAX_SHOWN = 200  # characters of a refused call's output


class JobFailedError(Exception):
    """The job cannot go on: a code for a program and a line for a person."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class TrainingJob:
    """Runs the steps of one job from its resume point on."""

    def __init__(
        self,
        job: Job,
        records: JobRecords,
        engine: Engine,
        learner: Learner,
        environment: JobEnvironment,
        train: Rows,
        validation: Rows,
        concurrency: int,
    ) -> None:
        self._job = job
        self._records = records
        self._engine = engine
        self._learner = learner
        spec = job.spec
        self._eval_interval = spec.hyperparameters.eval_interval
        self._trainer = Trainer(
            learner,
            environment,
            spec.hyperparameters,
            train,
            validation,
            seed=spec.seed,
            max_turns=spec.max_episode_steps,
            concurrency=concurrency,
            on_rollout=self._keep,
            namespace=f"{job.id}/{job.attempt}",
        )
        self._kept: dict[str, RolloutRow] = {}  # of the current step, by trace ID
        self._unusable_steps = job.unusable_steps
        self._updated_steps = job.updated_steps
        self._train_rewards = records.train_rewards(job.id)  # of the steps that have any

    async def run(self) -> None:
        """Train to the last step. Raises JobStoppedError or JobFailedError."""
        total = self._trainer.total_steps
        for step in range(self._job.step + 1, total + 1):
            self._check_usable(total)
            await self._step(step, total)
        self._check_usable(total)
        self._records.succeed(self._job, [] if self._updated_steps else [NOTHING_LEARNED])

    def _check_usable(self, total: int) -> None:
        """Raises JobFailedError after too many steps without a usable rollout, or if all are."""
        if self._unusable_steps >= min(MAX_UNUSABLE_STEPS, total):
            which = (
                "no step had a usable rollout"
                if self._unusable_steps == total
                else f"{self._unusable_steps} steps in a row had no usable rollout"
            )
            raise JobFailedError(
                "no_usable_rollouts",
                f"{which}; the events before this one say what the tools and the grader did",
            )

    def _keep(self, rollout: Rollout) -> None:
        """Pack a rollout as soon as it has ended, so that its texts need not stay in memory."""
        self._kept[rollout.record.trace_id] = packed(rollout)

    async def _step(self, step: int, total: int) -> None:
        started = time.perf_counter()
        self._kept.clear()
        report = await self._trainer.step(step)
        trained = time.perf_counter()
        evaluation = None
        if step % self._eval_interval == 0 or step == total:
            evaluation = await self._trainer.evaluate(step)
        ended = time.perf_counter()
        timing_s = {
            "sampling": trained - started - report.update_duration_s,
            "training": report.update_duration_s,
            "eval": ended - trained,
            "full_iteration": ended - started,
        }
        await self._store(report, evaluation, timing_s)

    async def _store(
        self, report: StepReport, evaluation: EvaluationReport | None, timing_s: dict[str, float]
    ) -> None:
        model = self._learner.model
        count_tokens = partial(self._engine.count_tokens, model.name)
        data = step_metrics(report, evaluation, self._job.spec, timing_s, model, count_tokens)
        usable = any(not rollout.discarded for rollout in report.rollouts)
        self._unusable_steps = 0 if usable else self._unusable_steps + 1
        self._updated_steps += report.update is not None
        warned = warnings(report, evaluation)
        if data["train_mean_reward"] is not None:
            self._train_rewards.append(data["train_mean_reward"])
            warned += self._collapse_warning(report.step)
        validation = evaluation.rollouts if evaluation else ()
        weights_uri = await self._learner.save(f"{self._job.id}/step-{report.step}")
        result = StepResult(
            step=report.step,
            total_steps=report.total_steps,
            duration_s=timing_s["full_iteration"],
            output_tokens=sum(rollout.output_tokens for rollout in report.rollouts),
            unusable_steps=self._unusable_steps,
            updated=report.update is not None,
            weights_uri=weights_uri,
            events=[Event(metrics_message(data), data=data), *warned],
            rollouts=[
                (phase, self._kept[rollout.record.trace_id])
                for phase, rollouts in (("train", report.rollouts), ("valid", validation))
                for rollout in rollouts
            ],
            checkpoint=checkpoint(data) if evaluation else None,
        )
        try:
            unneeded = self._records.commit_step(self._job, result)
        except Exception:  # stopped, or no room left
            await self._engine.delete(weights_uri)
            raise
        for uri in unneeded:
            await self._engine.delete(uri)

    def _collapse_warning(self, step: int) -> list[Event]:
        """A warning at the step that completes a collapse, and at no later one."""
        before = mean_before_collapse(self._train_rewards)
        if before is None or mean_before_collapse(self._train_rewards[:-1]) is not None:
            return []
        last = ", ".join(f"{reward:.2f}" for reward in self._train_rewards[-COLLAPSED_STEPS:])
        text = (
            f"Step {step}: the training reward has collapsed to {last}, from {before:.2f} on "
            "average before; cancel the job and train again with a lower learning_rate_multiplier"
        )
        if best := self._records.best_checkpoint(self._job.id):
            of, model, reward = best
            text += f". The best checkpoint so far is {model} (step {of}, validation {reward:.2f})"
        return [Event(text, "warn")]


def mean_before_collapse(rewards: Sequence[float]) -> float | None:
    """The mean reward before a collapse in the last steps, or None where there is none.

    Rewards have collapsed if the last COLLAPSED_STEPS are all below half of the mean of all before
    them, and that mean is not so low that chance alone halves it.
    """
    before, last = rewards[:-COLLAPSED_STEPS], rewards[-COLLAPSED_STEPS:]
    if len(before) < COLLAPSED_STEPS or fmean(before) < COLLAPSE_FLOOR:
        return None
    return fmean(before) if max(last) < fmean(before) / 2 else None


def checkpoint(data: dict[str, object]) -> Checkpoint:
    """A checkpoint's metrics: the numbers of the step that made it."""
    keys = (
        "step",
        "train_mean_reward",
        "full_valid_mean_reward",
        "full_valid_mean_parse_error",
        "reasoning_tokens_mean",
        "tool_calls_per_rollout",
        "turns_per_rollout",
    )
    reward = data["full_valid_mean_reward"]
    assert reward is None or isinstance(reward, float)
    return Checkpoint(reward, {key: data[key] for key in keys})


def packed(rollout: Rollout) -> RolloutRow:
    """A rollout as it is stored, with the scores of the graders that its own consists of, and what
    grading models said."""
    record, grade = rollout.record, rollout.grade
    graded: dict[str, object] = {"sub_rewards": dict(grade.sub_scores) if grade else {}}
    if grade and grade.explanations:
        graded["explanations"] = dict(grade.explanations)
    return RolloutRow(
        row=rollout.row_index,
        sample=record.repeat,
        trace_id=record.trace_id,
        reward=record.reward,
        stop_reason=str(record.stop_reason),
        record=pack({**record.to_json(), **graded}),
    )


NOTHING_LEARNED = Event(
    "The job learned nothing: in no step did the rewards within a group differ, so the weights are "
    "unchanged. Use a grader that distinguishes better answers from worse ones.",
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
        text = f"Step {report.step}: no rollout was usable, so nothing was learned"
        events.append(Event(text, "warn"))
    elif report.update is None:
        text = (
            f"Step {report.step}: no group's rewards differed (zero variance), so nothing was "
            "learned"
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
    reasons = Counter(rollout.record.error or "" for rollout in rollouts if rollout.discarded)
    if not reasons:
        return None
    commonest = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_REASONS]
    listed = "; ".join(f"{count} x {reason}" for reason, count in commonest)
    more = len(reasons) - len(commonest)
    rest = f"; and {more} other reasons" if more else ""
    return f"{reasons.total()} of {len(rollouts)} rollouts were discarded: {listed}{rest}"
