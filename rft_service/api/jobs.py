"""`/v1/fine_tuning/jobs`."""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from rft_service.api.context import Serving
from rft_service.api.conversation import answer_schema
from rft_service.api.paging import Limit, Step, page
from rft_service.errors import bad_request, invalid_value
from rft_service.graders.run import check_grader
from rft_service.graders.specs import parse_grader
from rft_service.rl.hyperparameters import Hyperparameters
from rft_service.store.job import ACTIVE
from rft_service.store.job_spec import Integration, JobSpec, Metadata, Tool
from rft_service.strict_json import RequestModel, StrictRoute

router = APIRouter(prefix="/v1/fine_tuning/jobs", tags=["fine-tuning"], route_class=StrictRoute)


class Reinforcement(RequestModel):
    """`method.reinforcement` of a request; `parse_grader` reads the grader, for better errors."""

    grader: dict[str, Any]
    tools: Annotated[list[Tool], Field(max_length=128)] = Field(default_factory=list)
    max_episode_steps: Annotated[int, Field(ge=1, le=100)] = 10
    response_format: dict[str, Any] | None = None
    hyperparameters: Hyperparameters = Field(default_factory=Hyperparameters)


class Method(RequestModel):
    type: Literal["reinforcement", "supervised", "dpo"]
    reinforcement: Reinforcement | None = None
    supervised: dict[str, Any] | None = None
    dpo: dict[str, Any] | None = None


class JobRequest(RequestModel):
    """The body of `POST /v1/fine_tuning/jobs`."""

    model: str
    training_file: str
    validation_file: str | None = None
    suffix: Annotated[str, Field(max_length=64)] = ""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    metadata: Annotated[Metadata, Field(max_length=16)] = Field(default_factory=dict)
    method: Method
    hyperparameters: dict[str, Any] | None = None
    integrations: Annotated[list[Integration], Field(max_length=8)] | None = None

    def reinforcement(self) -> Reinforcement:
        """`method.reinforcement`. Raises ApiError 400 for what only the real service offers."""
        if self.method.type != "reinforcement" or self.method.reinforcement is None:
            message = "this service offers reinforcement fine-tuning only; set method.reinforcement"
            raise invalid_value("method.type", message)
        if any(value is not None for value in (self.hyperparameters or {}).values()):
            message = "put them into method.reinforcement.hyperparameters"
            raise invalid_value("hyperparameters", message)
        return self.method.reinforcement


def checked_spec(request: JobRequest, default_seed: int) -> JobSpec:
    """The job as it is stored; its files are not read yet. Raises ApiError 400."""
    method = request.reinforcement()
    if request.validation_file is None:
        message = "A reinforcement job needs a validation_file beside the training_file."
        raise bad_request(message, "validation_file", "missing_required_parameter")
    where = "method.reinforcement.grader"
    grader = parse_grader(method.grader, where)
    check_grader(grader, where)
    names = [tool.name for tool in method.tools]
    for name in names:
        if names.count(name) > 1:
            message = f"two tools are named {name!r}; rename one"
            raise invalid_value("method.reinforcement.tools", message)
    _check_format(method.response_format)
    if not re.fullmatch(r"[A-Za-z0-9._-]*", request.suffix):
        raise invalid_value("suffix", "use letters, digits, '.', '_' and '-' only")
    return JobSpec(
        model=request.model,
        training_file=request.training_file,
        validation_file=request.validation_file,
        suffix=request.suffix,
        seed=default_seed if request.seed is None else request.seed,
        metadata=request.metadata,
        tools=method.tools,
        grader=grader,
        max_episode_steps=method.max_episode_steps,
        response_format=method.response_format,
        hyperparameters=method.hyperparameters,
        integrations=request.integrations or [],
    )


def _check_format(response_format: dict[str, Any] | None) -> None:
    where = "method.reinforcement.response_format"
    if response_format is None:
        return
    schema = response_format.get("json_schema")
    if response_format.get("type") != "json_schema" or not isinstance(schema, dict):
        message = 'write it as {"type": "json_schema", "json_schema": {"name", "schema"}}'
        raise invalid_value(where, message)
    if not isinstance(schema.get("schema"), dict):
        raise invalid_value(f"{where}.json_schema.schema", "must be a JSON Schema object")
    answer_schema("json_schema", schema.get("name"), schema["schema"], f"{where}.json_schema")


@router.post("")
def create(service: Serving, request: Request, body: JobRequest) -> Any:
    spec = checked_spec(body, default_seed=secrets.randbelow(2**31))
    weights_uri = service.models.uri_to_train_from(spec.model)
    hyperparameters = spec.hyperparameters.resolved(service.models.base(spec.model))
    filled_in = {"hyperparameters": hyperparameters, "created_by": request.user}
    spec = spec.model_copy(update=filled_in)
    for param in ("training_file", "validation_file"):
        stored = service.files.get(getattr(spec, param), param)
        if stored.purpose != "fine-tune":
            message = f"{stored.id} has the purpose {stored.purpose!r}; upload it with 'fine-tune'"
            raise invalid_value(param, message)
    job = service.jobs.create(spec, weights_uri)
    service.runner.wake()
    return job.public()


@router.get("")
def list_jobs(
    service: Serving, request: Request, after: str | None = None, limit: Limit = 20
) -> Any:
    """The newest jobs first; `metadata[key]=value` parameters select among them."""
    metadata = {
        name.removeprefix("metadata[").removesuffix("]"): value
        for name, value in request.query_params.items()
        if name.startswith("metadata[") and name.endswith("]")
    }
    jobs = service.jobs.newest(after, limit + 1, metadata or None)
    return page([job.public() for job in jobs], limit)


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
