"""The application: every resource's router behind the gate, over one state folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.types import Lifespan

from rft_service import errors, pages
from rft_service.api import chat, embeddings, files, jobs, models, responses
from rft_service.api import graders as alpha
from rft_service.api.context import Service
from rft_service.api.reasoning_encryption import ReasoningSigner
from rft_service.api.security import (
    LOOPBACK_HOSTS,
    MAX_UPLOAD_BYTES,
    Gate,
    Keys,
    api_key,
)
from rft_service.errors import ApiError
from rft_service.graders.run import GraderRunner, Judge
from rft_service.jobs.disk_reserve import Ballast
from rft_service.jobs.runner import JobRunner
from rft_service.rl.engine import Engine, EngineError, EngineUnavailableError
from rft_service.store.database import Database
from rft_service.store.files import FileStore
from rft_service.store.jobs import JobRecords
from rft_service.store.models import ModelStore
from rft_service.store.responses import ResponseStore
from rft_service.strict_json import AsciiJSONResponse
from rft_wire.client import EndpointClient, EndpointLimits

DATABASE = "service.sqlite"  # within the state folder


@dataclass(frozen=True)
class Settings:
    """What a service is made of. `concurrency` is how many rollouts of a job run at once, `jobs`
    how many jobs train at once; the others are queued.

    For a team: `holders` names the holder of each further key, `hosts` are the names that the
    service may be called by, `upload_bytes` and `stored_bytes` bound one file and all of them.
    """

    home: Path
    engine: Engine
    judge: Judge
    limits: EndpointLimits = field(default_factory=EndpointLimits)
    concurrency: int = 32
    jobs: int = 1
    holders: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = LOOPBACK_HOSTS
    upload_bytes: int = MAX_UPLOAD_BYTES
    stored_bytes: int | None = None


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Service]:
    """Open the state folder, take up its unfinished jobs, and close all of it at the end."""
    settings.home.mkdir(parents=True, exist_ok=True)
    key = api_key(settings.home)
    database = Database(settings.home / DATABASE)
    store = FileStore(database, settings.home, settings.stored_bytes)
    models = ModelStore(database, settings.engine)
    records = JobRecords(database)
    runner = JobRunner(
        records,
        store,
        settings.engine,
        settings.judge,
        settings.limits,
        settings.concurrency,
        Ballast(settings.home),
        settings.jobs,
        settings.home / "wandb",
    )
    async with EndpointClient(settings.limits) as client:
        runner.start()
        try:
            yield Service(
                files=store,
                models=models,
                jobs=records,
                responses=ResponseStore(database),
                runner=runner,
                client=client,
                graders=GraderRunner(client, settings.judge),
                signer=ReasoningSigner(key),
            )
        finally:
            runner.stop()
            await settings.engine.close()
            database.close()


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application; its lifespan opens and closes the state folder."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with serving(settings) as service:
            app.state.service = service
            yield

    app = resources(lifespan)
    settings.home.mkdir(parents=True, exist_ok=True)
    keys = Keys(api_key(settings.home), settings.holders)
    app.add_middleware(Gate, keys=keys, hosts=settings.hosts, upload_bytes=settings.upload_bytes)
    simulated = settings.engine.models[0].simulated
    pages.install(app, keys, settings.home / DATABASE, simulated)
    return app


def resources(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Every resource, before the gate is put in front of them and without a state folder."""
    app = FastAPI(
        title="The Agent RFT workshop's service",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        default_response_class=AsciiJSONResponse,
    )
    for resource in (responses, jobs, files, models, chat, embeddings, alpha):
        app.include_router(resource.router)
    errors.install(app)
    for failure in (EngineError, EngineUnavailableError):
        app.add_exception_handler(failure, engine_failed)
    return app


async def engine_failed(_: Request, error: Exception) -> Response:
    """Say what is wrong with the engine; 503, which clients try again, where it may pass."""
    is_down = isinstance(error, EngineUnavailableError)
    message = str(error)
    return ApiError(
        503 if is_down else 502,
        f"{message[:1].upper()}{message[1:]}.",
        code="engine_unavailable" if is_down else "engine_error",
        kind="server_error",
    ).response()
