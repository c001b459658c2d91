"""What a job is asked to do: the request's body, checked, and what of it may be shown again."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .endpoints import Headers, Url
from .errors import bad_request
from .graders.run import check_grader
from .graders.specs import AnyGrader, Grader, parse_grader
from .hyperparameters import Hyperparameters
from .redaction import REDACTED
from .schemas import SchemaError
from .structured import check_schema

Metadata = dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]]


class Tool(BaseModel):
    """A tool that the job's model may call, at the customer's `server_url`."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
    server_url: Url
    headers: Headers = Field(default_factory=dict)


class Reinforcement(BaseModel):
    """`method.reinforcement` of a request; the grader is checked by itself, for better errors."""

    model_config = ConfigDict(extra="forbid")

    grader: dict[str, Any]
    tools: Annotated[list[Tool], Field(max_length=128)] = Field(default_factory=list)
    max_episode_steps: Annotated[int, Field(ge=1, le=100)] = 10
    response_format: dict[str, Any] | None = None
    hyperparameters: Hyperparameters = Field(default_factory=Hyperparameters)


class Method(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["reinforcement", "supervised", "dpo"]
    reinforcement: Reinforcement | None = None
    supervised: dict[str, Any] | None = None
    dpo: dict[str, Any] | None = None


class JobRequest(BaseModel):
    """The body of `POST /v1/fine_tuning/jobs`."""

    model_config = ConfigDict(extra="forbid")

    model: str
    training_file: str
    validation_file: str | None = None
    suffix: Annotated[str, Field(max_length=64)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    metadata: Annotated[Metadata, Field(max_length=16)] | None = None
    method: Method
    hyperparameters: dict[str, Any] | None = None
    integrations: list[dict[str, Any]] | None = None

    def reinforcement(self) -> Reinforcement:
        """The method's part. Raises ApiError 400 for what only the real service offers."""
        if self.method.type != "reinforcement" or self.method.reinforcement is None:
            message = "This service offers reinforcement fine-tuning only: set method.type and "
            raise bad_request(message + "method.reinforcement.", "method.type")
        if self.integrations:
            raise bad_request("Integrations are not offered here.", "integrations")
        if self.hyperparameters:
            message = "Put hyperparameters into method.reinforcement.hyperparameters."
            raise bad_request(message, "hyperparameters")
        return self.method.reinforcement


class JobSpec(BaseModel):
    """A checked job as it is stored, secrets and all."""

    model: str
    training_file: str
    validation_file: str
    suffix: str
    seed: int
    metadata: Metadata
    tools: list[Tool]
    grader: Grader
    max_episode_steps: int
    response_format: dict[str, Any] | None
    hyperparameters: Hyperparameters

    def json_schema(self) -> dict[str, Any] | None:
        """The schema that a final answer must satisfy, or None."""
        if self.response_format is None:
            return None
        schema: dict[str, Any] = self.response_format.get("json_schema", {}).get("schema", {})
        return schema

    def public_method(self) -> dict[str, Any]:
        """`method` as the API shows it: `auto` resolved, header values left out."""
        reinforcement = self.model_dump(
            include={"tools", "max_episode_steps", "response_format"}, mode="json"
        )
        for tool in reinforcement["tools"]:
            tool["headers"] = dict.fromkeys(tool["headers"], REDACTED)
        reinforcement["grader"] = public_grader(self.grader)
        reinforcement["hyperparameters"] = self.hyperparameters.resolved().model_dump()
        return {"type": "reinforcement", "reinforcement": reinforcement}


def public_grader(grader: AnyGrader) -> dict[str, Any]:
    """A grader's spec without the values of its headers."""
    spec = grader.model_dump(mode="json", exclude_unset=True)
    for part in [spec, *spec.get("graders", {}).values()]:
        if part.get("headers"):
            part["headers"] = dict.fromkeys(part["headers"], REDACTED)
    return spec


def checked_spec(request: JobRequest, default_seed: int) -> JobSpec:
    """Everything that can be known without reading a file. Raises ApiError 400."""
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
            message = f"Two tools are named {name!r}."
            raise bad_request(message, "method.reinforcement.tools")
    _check_format(method.response_format)
    suffix = request.suffix or ""
    if not re.fullmatch(r"[A-Za-z0-9._-]*", suffix):
        raise bad_request("Use letters, digits, '.', '_' and '-' only.", "suffix")
    return JobSpec(
        model=request.model,
        training_file=request.training_file,
        validation_file=request.validation_file,
        suffix=suffix,
        seed=default_seed if request.seed is None else request.seed,
        metadata=request.metadata or {},
        tools=method.tools,
        grader=grader,
        max_episode_steps=method.max_episode_steps,
        response_format=method.response_format,
        hyperparameters=method.hyperparameters,
    )


def _check_format(response_format: dict[str, Any] | None) -> None:
    where = "method.reinforcement.response_format"
    if response_format is None:
        return
    schema = response_format.get("json_schema")
    if response_format.get("type") != "json_schema" or not isinstance(schema, dict):
        message = 'Write it as {"type": "json_schema", "json_schema": {"name", "schema"}}.'
        raise bad_request(message, where)
    if not isinstance(schema.get("schema"), dict):
        raise bad_request("Missing: the JSON Schema itself.", f"{where}.json_schema.schema")
    try:
        check_schema(schema["schema"])
    except SchemaError as error:
        raise bad_request(f"Invalid schema: {error}.", f"{where}.json_schema.schema") from None
