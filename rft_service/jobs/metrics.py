"""A step's numbers, as the metrics event and the checkpoint carry them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from rft_service.graders.specs import AnyGrader, ScoreModel, parts
from rft_service.rl.engine import ModelInfo
from rft_service.rl.rollout import Rollout
from rft_service.rl.trainer import EvaluationReport, StepReport
from rft_service.store.job_spec import JobSpec
from rft_wire import StopReason

CountTokens = Callable[[str], int]


def mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return fmean(listed) if listed else None


def rewards(rollouts: Sequence[Rollout]) -> list[float]:
    return [rollout.reward for rollout in rollouts if rollout.reward is not None]


def step_metrics(
    report: StepReport,
    evaluation: EvaluationReport | None,
    spec: JobSpec,
    timing_s: Mapping[str, float],
    model: ModelInfo,
    count_tokens: CountTokens,
) -> dict[str, Any]:
    """`data` of a metrics event. Latencies and timings are in seconds of wall time, but for the
    one that says it is simulated: what a rollout of a real model of this size would have taken.

    `timing_s` has the keys sampling, training, eval and full_iteration.
    """
    train, grader = report.rollouts, spec.grader
    valid = evaluation.rollouts if evaluation else ()
    latency = "simulated_latency_mean" if model.simulated else "model_latency_mean"
    return {
        "step": report.step,
        "total_steps": report.total_steps,
        "train_mean_reward": mean(rewards(train)),
        "full_valid_mean_reward": evaluation.reward_mean if evaluation else None,
        "full_valid_mean_parse_error": parse_error_rate(valid) if evaluation else None,
        "reasoning_tokens_mean": mean(r.reasoning_tokens for r in train),
        "completion_tokens_mean": mean(r.output_tokens for r in train),
        "turns_per_rollout": mean(r.record.metrics.turns for r in train),
        "reasoning_token_penalty": spec.hyperparameters.penalty_on(model),
        "update": None if report.update is None else finite(report.update),
        "mean_unresponsive_rewards": report.zero_variance_groups / len(report.groups),
        "model_graders_token_usage": model_usage(grader, [*train, *valid]),
        **tool_metrics(train, count_tokens),
        "scores": {
            "train_reward_mean": mean(rewards(train)),
            "valid_reward_mean": evaluation.reward_mean if evaluation else None,
            "graders": grader_scores(grader, train, valid),
        },
        "usage": usage(train, valid),
        "stop_reasons": {"train": stop_reasons(train), "valid": stop_reasons(valid)},
        "errors": errors(train, valid),
        "timing": {
            "step": dict(timing_s),
            "rollouts": {latency: mean(r.model_latency_s for r in train)},
            "graders": grader_timing(grader, [*train, *valid]),
        },
    }


def finite(update: Mapping[str, float]) -> dict[str, float | None]:
    """The engine's metrics as JSON can hold them: what has diverged to NaN or infinity is null."""
    return {name: value if math.isfinite(value) else None for name, value in update.items()}


def metrics_message(data: Mapping[str, Any]) -> str:
    """The line that OpenAI's dashboard shows; validation where the step had one."""
    parts_ = [
        f"Step {data['step']}/{data['total_steps']} ",
        f" train mean reward={shown(data['train_mean_reward'])}",
    ]
    if data["full_valid_mean_parse_error"] is not None:
        parts_.append(f" full validation mean reward={shown(data['full_valid_mean_reward'])}")
        parse_error = shown(data["full_valid_mean_parse_error"])
        parts_.append(f" full validation mean parse error={parse_error}")
    return ",".join(parts_)


def shown(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"


def parse_error_rate(rollouts: Sequence[Rollout]) -> float:
    """The share of rollouts whose answer did not keep to `response_format`."""
    graded = [rollout.grade for rollout in rollouts if rollout.grade is not None]
    return mean(float(grade.parse_error) for grade in graded) or 0.0


def tool_metrics(rollouts: Sequence[Rollout], count_tokens: CountTokens) -> dict[str, Any]:
    """Foundry's four charts: calls a rollout, tokens a call, latency a call, errors a call."""
    outcomes = [outcome for rollout in rollouts for _, outcome in rollout.tool_outcomes]
    return {
        "tool_calls_per_rollout": mean(len(r.tool_outcomes) for r in rollouts),
        "mean_tokens_per_tool_call": mean(count_tokens(o.output) for o in outcomes),
        "tool_execution_latency": mean(outcome.latency_s for outcome in outcomes),
        "tool_errors": sum(o.is_error or o.failure is not None for o in outcomes),
        "tool_calls_by_name": dict(Counter(n for r in rollouts for n, _ in r.tool_outcomes)),
    }


def grader_scores(
    grader: AnyGrader, train: Sequence[Rollout], valid: Sequence[Rollout]
) -> list[dict[str, Any]]:
    """Mean score of every grader; a multi grader's own reward is not repeated here."""
    return [
        {
            "name": name,
            "type": part.type,
            "train_reward_mean": mean(_scores_of(name, train)),
            "valid_reward_mean": mean(_scores_of(name, valid)),
        }
        for name, part in parts(grader).items()
    ]


def _scores_of(name: str, rollouts: Sequence[Rollout]) -> list[float]:
    grades = [rollout.grade for rollout in rollouts if rollout.grade]
    return [grade.sub_scores[name] for grade in grades if name in grade.sub_scores]


def model_usage(grader: AnyGrader, rollouts: Sequence[Rollout]) -> dict[str, int]:
    """Tokens that grading models read and wrote, by model."""
    models = sorted({p.model for p in parts(grader).values() if isinstance(p, ScoreModel)})
    tokens = sum(rollout.grade.token_usage for rollout in rollouts if rollout.grade)
    return dict.fromkeys(models, tokens)


def usage(train: Sequence[Rollout], valid: Sequence[Rollout]) -> dict[str, Any]:
    """Tokens, calls and turns of the step, in training and in validation."""
    return {
        phase: {
            "rollouts": len(rollouts),
            "prompt_tokens": sum(r.input_tokens for r in rollouts),
            "reasoning_tokens": sum(r.reasoning_tokens for r in rollouts),
            "completion_tokens": sum(r.output_tokens for r in rollouts),
            "tool_calls": sum(len(r.tool_outcomes) for r in rollouts),
            "turns": sum(r.record.metrics.turns for r in rollouts),
        }
        for phase, rollouts in (("train", train), ("valid", valid))
    }


def errors(train: Sequence[Rollout], valid: Sequence[Rollout]) -> dict[str, Any]:
    """Discarded rollouts by phase, and by the reason that they stopped for."""
    discarded = [rollout for rollout in (*train, *valid) if rollout.discarded]
    return {
        "train_discarded": sum(rollout.discarded for rollout in train),
        "valid_discarded": sum(rollout.discarded for rollout in valid),
        "by_reason": stop_reasons(discarded),
    }


def stop_reasons(rollouts: Sequence[Rollout]) -> dict[str, int]:
    """How many rollouts ended for which reason, in the reasons' order."""
    found = Counter(str(rollout.record.stop_reason) for rollout in rollouts)
    return {str(reason): found[reason] for reason in StopReason if reason in found}


def grader_timing(grader: AnyGrader, rollouts: Sequence[Rollout]) -> list[dict[str, Any]]:
    latencies = [rollout.grade.latency_s for rollout in rollouts if rollout.grade]
    return [{"name": grader.name, "type": grader.type, "latency_mean": mean(latencies)}]
