"""A fine-tuning job as a value, and what one step of it leaves to be stored."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rft_service.store.job_spec import JobSpec

ACTIVE = ("validating_files", "queued", "running")
COLUMNS = (
    "id, created_at, status, spec, step, total_steps, attempt, unusable_steps, updated_steps,"
    " trained_tokens, seconds, fine_tuned_model, finished_at, error"
)


def base_of(model: str) -> str:
    """The base model of a fine-tuned one, from its name; any other name is a base model's."""
    return model.split(":")[1] if model.startswith("ft:") else model


@dataclass(frozen=True)
class Job:
    """One fine-tuning job; `step` is the last one that is stored, from which it goes on."""

    id: str
    created_at: int
    status: str
    spec: JobSpec
    step: int
    total_steps: int | None
    attempt: int
    unusable_steps: int
    updated_steps: int
    trained_tokens: int
    seconds: float
    fine_tuned_model: str | None
    finished_at: int | None
    error: dict[str, Any] | None

    @classmethod
    def of(cls, row: sqlite3.Row | Mapping[str, Any]) -> Job:
        """A job from the COLUMNS of its row."""
        values = dict(row)
        values["spec"] = JobSpec.model_validate_json(values["spec"])
        values["error"] = json.loads(values["error"]) if values["error"] else None
        return cls(**values)

    @property
    def model_name(self) -> str:
        """`ft:BASE:workshop:SUFFIX:ID`, as OpenAI forms it."""
        short_id = self.id.removeprefix("ftjob-")[:12]
        return f"ft:{base_of(self.spec.model)}:workshop:{self.spec.suffix}:{short_id}"

    def checkpoint_name(self, step: int) -> str:
        return f"{self.model_name}:ckpt-step-{step}"

    def public(self) -> dict[str, Any]:
        """The `fine_tuning.job` object."""
        done = self.status in ("succeeded", "failed", "cancelled")
        error = self.error or {"code": None, "message": None, "param": None}
        created_by = self.spec.created_by
        return {
            "id": self.id,
            "object": "fine_tuning.job",
            "created_at": self.created_at,
            **({"created_by": created_by} if created_by else {}),
            "error": error if self.status == "failed" else None,
            "estimated_finish": self._estimated_finish(),
            "fine_tuned_model": self.fine_tuned_model,
            "finished_at": self.finished_at,
            "hyperparameters": {
                key: value
                for key, value in self.spec.hyperparameters.model_dump().items()
                if key in ("n_epochs", "batch_size", "learning_rate_multiplier")
            },
            "integrations": [one.model_dump() for one in self.spec.integrations],
            "metadata": self.spec.metadata or None,
            "method": self.spec.public_method(),
            "model": self.spec.model,
            "organization_id": "org-workshop",
            "result_files": [],
            "seed": self.spec.seed,
            "status": self.status,
            "trained_tokens": self.trained_tokens if done else None,
            "training_file": self.spec.training_file,
            "user_provided_suffix": self.spec.suffix or None,
            "validation_file": self.spec.validation_file,
        }

    def _estimated_finish(self) -> int | None:
        if self.status != "running" or not self.step or not self.total_steps:
            return None
        left_s = self.seconds / self.step * (self.total_steps - self.step)
        return int(time.time() + left_s)


@dataclass(frozen=True)
class Event:
    """A line of a job's log; `data` where it is of the type `metrics`."""

    message: str
    level: str = "info"
    data: dict[str, Any] | None = None

    @property
    def type(self) -> str:
        return "message" if self.data is None else "metrics"


class RolloutRow(NamedTuple):
    """A rollout as the database keeps it: columns to select by, and its packed record."""

    row: int
    sample: int
    trace_id: str
    reward: float | None
    stop_reason: str
    record: bytes


@dataclass(frozen=True)
class Checkpoint:
    """What a validation step leaves behind."""

    valid_reward: float | None
    metrics: dict[str, Any]


@dataclass(frozen=True)
class StepResult:
    """Everything that one step changes; stored whole or not at all, it is the resume point.

    `duration_s` is its wall time, `weights_uri` where the engine saved the state after it.
    `unusable_steps` counts the latest steps in a row without any usable rollout. `updated` tells
    whether the weights changed. A rollout stands beside its phase, `train` or `valid`.
    """

    step: int
    total_steps: int
    duration_s: float
    output_tokens: int
    unusable_steps: int
    updated: bool
    weights_uri: str
    events: Sequence[Event]
    rollouts: Sequence[tuple[str, RolloutRow]]
    checkpoint: Checkpoint | None
