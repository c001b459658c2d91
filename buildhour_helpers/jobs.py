"""A fine-tuning job from the client's side: upload, launch, follow, compare the checkpoints.

Everything goes through the unmodified `openai` client. A job belongs to the service: leaving
`follow` or `wait`, also by Ctrl-C, does not stop it; `client.fine_tuning.jobs.cancel` does.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai import APIStatusError, OpenAI
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint
from tqdm.auto import tqdm

from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.tools.schemas import DEFINITIONS, Definition

ENDED = ("succeeded", "failed", "cancelled")


def tool_endpoints(
    url: str, key: str, definitions: Iterable[Definition] = DEFINITIONS
) -> list[dict[str, Any]]:
    """The `tools` of a job: the addresses to which the service POSTs each tool call."""
    return [
        {
            "name": tool["function"]["name"],
            "server_url": f"{url}/{tool['function']['name']}",
            "headers": {"Authorization": f"Bearer {key}"},
        }
        for tool in definitions
    ]


def need_fine_tuning(client: OpenAI) -> None:
    """Raises WorkshopError in a sentence if the service offers no fine-tuning jobs."""
    try:
        client.fine_tuning.jobs.list(limit=1)
    except APIStatusError as error:
        raise WorkshopError(
            "this lesson needs a service that offers fine-tuning, and this one does not (or not to "
            f"you: {error.status_code}). Unset OPENAI_BASE_URL to stay offline"
        ) from None


def upload(client: OpenAI, file: Path) -> str:
    """Upload a dataset file and return its ID. The service names the line of an invalid row."""
    return client.files.create(file=file, purpose="fine-tune").id


def launch(
    client: OpenAI,
    *,
    model: str,
    training_file: str,
    validation_file: str,
    tools: Iterable[Mapping[str, Any]],
    grader: Mapping[str, Any],
    max_episode_steps: int = 12,
    response_format: Mapping[str, Any] | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    suffix: str = "agent-rft",
    seed: int = 0,
) -> FineTuningJob:
    """Start an Agent RFT job on uploaded files.

    `graders.specs` builds `grader`, `tool_endpoints` builds `tools`; hyperparameters that are left
    out are "auto". `response_format` is the JSON Schema of the answers, as Chat Completions takes
    it. Raises openai.BadRequestError with the reason.
    """
    reinforcement = {
        "tools": list(tools),
        "grader": grader,
        "max_episode_steps": max_episode_steps,
        "hyperparameters": dict(hyperparameters or {}),
    }
    if response_format is not None:
        reinforcement["response_format"] = dict(response_format)
    return client.fine_tuning.jobs.create(
        model=model,
        training_file=training_file,
        validation_file=validation_file,
        suffix=suffix,
        seed=seed,
        # A plain dict: the client's types know neither `tools` nor the endpoint grader, but
        # the client passes both on as they are.
        method={"type": "reinforcement", "reinforcement": reinforcement},  # type: ignore[arg-type]
    )


def follow(
    client: OpenAI, job_id: str, *, after: str | None = None, poll_s: float = 0.5
) -> Iterator[FineTuningJobEvent]:
    """A job's events as they come, oldest first, until the job has ended.

    `after` is the ID of the last event already seen: only later ones are given.
    """
    while True:
        ended = client.fine_tuning.jobs.retrieve(job_id).status in ENDED
        fresh: list[FineTuningJobEvent] = []
        for event in client.fine_tuning.jobs.list_events(job_id, limit=100):  # newest first
            if event.id == after:
                break
            fresh.append(event)
        for event in reversed(fresh):
            after = event.id
            yield event
        if ended:  # the status was read before the events, so none is missed
            return
        time.sleep(poll_s)


def step_of(event: FineTuningJobEvent) -> Mapping[str, Any] | None:
    """The metrics of a training step, or None for other events."""
    return event.data if event.type == "metrics" and isinstance(event.data, Mapping) else None


def wait(
    client: OpenAI, job_id: str, *, poll_s: float = 0.5, progress: bool = True
) -> FineTuningJob:
    """Follow a job to its end with a progress bar and return it.

    Raises WorkshopError with the service's reason if the job failed or was cancelled, or if the
    service paused it: that is a warning, unlike the event of a pause that was asked for.
    """
    with tqdm(desc=job_id, unit="step", disable=not progress) as bar:
        for event in follow(client, job_id, poll_s=poll_s):
            if step := step_of(event):
                bar.total = step["total_steps"]
                bar.set_postfix_str(event.message.partition(",")[2].strip())
                bar.update(step["step"] - bar.n)
            elif (
                event.level == "warn"
                and "has been paused" in event.message
                and str(client.fine_tuning.jobs.retrieve(job_id).status) == "paused"  # still
            ):
                raise WorkshopError(f"{job_id}: {event.message}")
    job = client.fine_tuning.jobs.retrieve(job_id)
    if job.status != "succeeded":
        why = job.error.message if job.error and job.error.message else "see its events"
        raise WorkshopError(f"job {job_id} {job.status}: {why}")
    return job


@dataclass(frozen=True)
class Checkpoint:
    """A saved model. `valid_reward_mean` is None if its step was not validated."""

    step: int
    model: str
    train_reward_mean: float | None
    valid_reward_mean: float | None

    @classmethod
    def of(cls, checkpoint: FineTuningJobCheckpoint) -> Checkpoint:
        metrics = checkpoint.metrics.to_dict()
        return cls(
            step=checkpoint.step_number,
            model=checkpoint.fine_tuned_model_checkpoint,
            train_reward_mean=_number(metrics.get("train_mean_reward")),
            valid_reward_mean=_number(metrics.get("full_valid_mean_reward")),
        )


def checkpoints(client: OpenAI, job_id: str) -> list[Checkpoint]:
    """The checkpoints that the service kept, by step."""
    listed = client.fine_tuning.jobs.checkpoints.list(job_id)
    return sorted((Checkpoint.of(one) for one in listed), key=lambda one: one.step)


def best(found: Iterable[Checkpoint]) -> Checkpoint:
    """The checkpoint with the highest validation reward; the earliest of several equal ones.

    Never choose on the test questions: the measured gain would be too high.
    Raises WorkshopError if no checkpoint was validated.
    """
    validated = [one for one in found if one.valid_reward_mean is not None]
    if not validated:
        raise WorkshopError("no checkpoint was validated; set eval_interval to fewer steps")
    return max(validated, key=lambda one: (one.valid_reward_mean, -one.step))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
