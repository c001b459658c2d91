"""`/v1/fine_tuning/jobs`."""

from __future__ import annotations

import secrets
from typing import Any, Literal

from fastapi import APIRouter, Request

from .context import Serving
from .errors import bad_request
from .job import ACTIVE
from .job_specs import JobRequest, checked_spec
from .paging import Limit, Step, page
from .strict_json import StrictRoute

router = APIRouter(prefix="/v1/fine_tuning/jobs", tags=["fine-tuning"], route_class=StrictRoute)


@router.post("")
def create(service: Serving, body: JobRequest) -> Any:
    spec = checked_spec(body, default_seed=secrets.randbelow(2**31))
    weights = service.models.to_train_from(spec.model)
    for param in ("training_file", "validation_file"):
        stored = service.files.get(getattr(spec, param), param)
        if stored.purpose != "fine-tune":
            message = f"The file {stored.id} was uploaded with the purpose {stored.purpose!r}; "
            raise bad_request(message + "upload it with 'fine-tune'.", param)
    job = service.jobs.create(spec, weights)
    service.runner.wake()
    return job.public()


@router.get("")
def list_jobs(
    service: Serving, request: Request, after: str | None = None, limit: Limit = 20
) -> Any:
    jobs = service.jobs.newest(after, limit + 1, metadata_filter(request))
    return page([job.public() for job in jobs], limit)


def metadata_filter(request: Request) -> dict[str, str] | None:
    """The pairs of `metadata[key]=value` query parameters, or None."""
    pairs = {
        name.removeprefix("metadata[").removesuffix("]"): value
        for name, value in request.query_params.items()
        if name.startswith("metadata[") and name.endswith("]")
    }
    return pairs or None


@router.get("/{job_id}")
def retrieve(service: Serving, job_id: str) -> Any:
    return service.jobs.get(job_id).public()


@router.get("/{job_id}/events")
def events(service: Serving, job_id: str, after: str | None = None, limit: Limit = 20) -> Any:
    return page(service.jobs.events(job_id, after, limit + 1), limit)


@router.get("/{job_id}/checkpoints")
def checkpoints(service: Serving, job_id: str, after: str | None = None, limit: Limit = 10) -> Any:
    return page(service.jobs.checkpoints(job_id, after, limit + 1), limit)


@router.get("/{job_id}/rollouts")
def rollouts(
    service: Serving,
    job_id: str,
    step: Step | None = None,
    phase: Literal["train", "valid"] | None = None,
    after: str | None = None,
    limit: Limit = 20,
) -> Any:
    """An extension: the traces of a job's rollouts, in the order of their rows."""
    return page(service.jobs.rollouts(job_id, step, phase, after, limit + 1), limit)


@router.post("/{job_id}/cancel")
def cancel(service: Serving, job_id: str) -> Any:
    sources = (*ACTIVE, "paused")
    job = service.jobs.move(job_id, sources, "cancelled", "The job has been cancelled")
    service.runner.interrupt(job_id)
    return job.public()


@router.post("/{job_id}/pause")
def pause(service: Serving, job_id: str) -> Any:
    sources = ("queued", "running")
    job = service.jobs.move(job_id, sources, "paused", "The job has been paused")
    service.runner.interrupt(job_id)
    return job.public()


@router.post("/{job_id}/resume")
def resume(service: Serving, job_id: str) -> Any:
    message = "The job has been resumed, moving it to queued state"
    job = service.jobs.move(job_id, ("paused",), "queued", message)
    service.runner.wake()
    return job.public()
