"""The job to export: from a file with the body of `POST /v1/fine_tuning/jobs`, or of a service."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai import DefaultHttpxClient, NotFoundError, OpenAI, OpenAIError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from buildhour_helpers import proxies, session
from buildhour_helpers.errors import WorkshopError, writing
from buildhour_helpers.tasks.dataset import validate_file
from rft_wire.records import first_problem

HIDDEN = "[not shown]"
"""What a service shows in place of a header's value."""


class Endpoint(BaseModel):
    """A tool of a job, at its owner's address."""

    model_config = ConfigDict(extra="allow")
    name: str
    server_url: str
    headers: dict[str, str] | None = None


class Reinforcement(BaseModel):
    """What `method.reinforcement` of a job says; what is not read here is kept as it is."""

    model_config = ConfigDict(extra="allow")
    grader: dict[str, Any]
    tools: list[Endpoint] = Field(default_factory=list)
    max_episode_steps: int = 10
    response_format: dict[str, Any] | None = None
    hyperparameters: dict[str, Any] = Field(default_factory=dict)


class Method(BaseModel):
    reinforcement: Reinforcement


class Body(BaseModel):
    """The body of a request for a job, as far as an export reads it."""

    model_config = ConfigDict(extra="allow")
    model: str
    method: Method
    seed: int | None = None


@dataclass(frozen=True)
class Job:
    """A job and its files. `body` is the JSON, `parsed` what of it is read; `file` holds it."""

    body: dict[str, Any]
    parsed: Body
    file: Path
    rows: Path | None
    validation: Path | None

    @property
    def method(self) -> Reinforcement:
        return self.parsed.method.reinforcement

    def dataset(self, option: str) -> Path:
        """The file that `--rows` or `--validation` names, checked. Raises WorkshopError."""
        file = {"--rows": self.rows, "--validation": self.validation}[option]
        if file is None:
            which = {"--rows": "training", "--validation": "validation"}[option]
            raise WorkshopError(f"{which} rows are missing: give them as {option} FILE.jsonl")
        try:
            faults = validate_file(file, [tool.name for tool in self.method.tools])
        except OSError as error:
            raise WorkshopError(f"{file}: {error.strerror}; give another {option}") from error
        if faults:
            raise WorkshopError(str(faults[0]))
        return file

    @property
    def graders(self) -> list[dict[str, Any]]:
        """The grader, and the parts of one of several."""
        return [self.method.grader, *(self.method.grader.get("graders") or {}).values()]

    def hidden(self) -> list[str]:
        """The tools and graders whose header values the service did not show."""
        found = [(f"the tool {tool.name}", tool.headers) for tool in self.method.tools]
        found += [
            (f"the grader {grader.get('name', grader.get('type'))}", grader.get("headers"))
            for grader in self.graders
        ]
        return [who for who, headers in found if HIDDEN in (headers or {}).values()]


def parse(body: Any, file: Path, rows: Path | None, validation: Path | None) -> Job:
    """A job from its JSON. Raises WorkshopError that names the field."""
    try:
        return Job(body, Body.model_validate(body), file, rows, validation)
    except ValidationError as error:
        fix = "give the body of POST /v1/fine_tuning/jobs for an Agent RFT job"
        raise WorkshopError(f"{file}: {first_problem(error)}; {fix}") from None


def read_job(file: Path, rows: Path | None = None, validation: Path | None = None) -> Job:
    """A job from a file. Raises WorkshopError."""
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WorkshopError(
            f"{file}: {error.strerror}; give a file with a job's JSON, or the ID of a job"
        ) from error
    except ValueError as error:
        raise WorkshopError(f"{file}: not JSON ({error}); write one JSON object") from error
    return parse(body, file, rows, validation)


def fetch_job(client: OpenAI, job_id: str, folder: Path, validation: Path | None = None) -> Job:
    """A job of a service, with its files, written into `folder`. Raises WorkshopError.

    `validation` takes the place of the job's validation file: other services do without one.
    """
    with asking(job_id):
        body = client.get(f"/fine_tuning/jobs/{job_id}", cast_to=dict[str, Any])
        contents = {
            name: client.files.content(body[f"{name}_file"]).content
            for name in ("training", "validation")
            if body.get(f"{name}_file")
        }
    kept = ("model", "method", "seed", "metadata", "integrations")
    body = {name: body[name] for name in kept if body.get(name)}
    file = folder / "job.json"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_json(body, file)
        for name, content in contents.items():
            (folder / f"{name}.jsonl").write_bytes(content)
    fetched = {name: folder / f"{name}.jsonl" for name in contents}
    return parse(body, file, fetched.get("training"), validation or fetched.get("validation"))


def write_json(value: Any, file: Path) -> None:
    """Write JSON for a reader, in a file of its owner alone: it may hold keys."""
    file.touch(mode=0o600)
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    file.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def asking(job_id: str) -> Iterator[None]:
    """Turn what a service refuses in the block into a WorkshopError."""
    try:
        yield
    except NotFoundError as error:
        raise WorkshopError(
            f"{job_id}: no such job there; OPENAI_BASE_URL and OPENAI_API_KEY choose the service"
        ) from error
    except OpenAIError as error:
        raise WorkshopError(f"{job_id}: the service refuses ({error})") from error


def service() -> OpenAI:
    """A client of the service that OPENAI_BASE_URL names, or else of the one that runs here.

    Raises WorkshopError where there is none.
    """
    if os.environ.get("OPENAI_BASE_URL", "").strip():
        url, key = os.environ["OPENAI_BASE_URL"].strip(), os.environ.get("OPENAI_API_KEY", "")
    elif server := session.running().get("service"):
        url, key = server.url, server.key
    else:
        raise WorkshopError(
            "no service is running to ask for the job; start one (`serve`), or set OPENAI_BASE_URL "
            "and OPENAI_API_KEY"
        )
    if not key:
        raise WorkshopError("OPENAI_API_KEY is not set; OPENAI_BASE_URL needs it")
    http = DefaultHttpxClient(trust_env=not proxies.is_local(url))
    return OpenAI(base_url=url, api_key=key, http_client=http)
