"""What the handlers share: the parts of one running service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

if TYPE_CHECKING:
    from rft_service.api.reasoning_encryption import ReasoningSigner
    from rft_service.graders.run import GraderRunner
    from rft_service.jobs.runner import JobRunner
    from rft_service.store.files import FileStore
    from rft_service.store.jobs import JobRecords
    from rft_service.store.models import ModelStore
    from rft_service.store.responses import ResponseStore
    from rft_wire.client import EndpointClient


@dataclass(frozen=True)
class Service:
    """The parts of one service on one state folder. `client` and `graders` are the API's own;
    the job runner has others, on its own event loop."""

    files: FileStore
    models: ModelStore
    jobs: JobRecords
    responses: ResponseStore
    runner: JobRunner
    client: EndpointClient
    graders: GraderRunner
    signer: ReasoningSigner


async def _service(request: Request) -> Service:  # async: a plain function would need a thread
    service: Service = request.app.state.service
    return service


Serving = Annotated[Service, Depends(_service)]
"""A handler's parameter of this type receives the service."""
