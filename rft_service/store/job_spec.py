"""What a job was asked to do, as it is stored, and what of it may be shown again."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from rft_service.endpoints import Headers, Url
from rft_service.graders.specs import AnyGrader, Grader
from rft_service.redaction import REDACTED
from rft_service.rl.hyperparameters import Hyperparameters
from rft_service.strict_json import RequestModel

Metadata = dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]]


class Tool(RequestModel):
    """A tool that the job's model may call, at the customer's `server_url`."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
    server_url: Url
    headers: Headers = Field(default_factory=dict)


class WandbRun(RequestModel):
    """Where a job's metrics go at Weights & Biases; the run is named after the job if not here."""

    project: Annotated[str, Field(min_length=1, max_length=128)]
    name: Annotated[str, Field(max_length=128)] | None = None
    entity: Annotated[str, Field(max_length=128)] | None = None
    tags: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=64)] | None = None


class Integration(RequestModel):
    """An entry of a job's `integrations`, in the form of OpenAI's API."""

    type: Literal["wandb"]
    wandb: WandbRun


class JobSpec(BaseModel):
    """A checked job as it is stored, secrets and all. `created_by` is the holder of the key that it
    was created with, "" on a service with one key."""

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
    integrations: list[Integration] = Field(default_factory=list)
    created_by: str = ""

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
        reinforcement["hyperparameters"] = self.hyperparameters.model_dump()
        return {"type": "reinforcement", "reinforcement": reinforcement}


def public_grader(grader: AnyGrader) -> dict[str, Any]:
    """A grader's spec without the values of its headers."""
    spec = grader.model_dump(mode="json", exclude_unset=True)
    for part in [spec, *spec.get("graders", {}).values()]:
        if part.get("headers"):
            part["headers"] = dict.fromkeys(part["headers"], REDACTED)
    return spec
