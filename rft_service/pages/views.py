"""The routes of the pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool

from rft_service.api import jobs as api
from rft_service.api.context import Service, Serving
from rft_service.api.paging import Step
from rft_service.errors import ApiError, not_found
from rft_service.pages import stream
from rft_service.pages.html import page
from rft_service.pages.queries import PageQueries, Row
from rft_service.store.jobs import BEST_KEPT
from rft_service.strict_json import AsciiJSONResponse
from rft_traces import Outcome, Trace, pair_html, style, trace_html

router = APIRouter()
ASSETS = Path(__file__).with_name("assets")
PHASES = {"train": "training", "valid": "validation"}
"""The phases of a step, and what the pages call them."""
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
ACTIONS: dict[str, Callable[[Service, str], Any]] = {
    "pause": api.pause,
    "resume": api.resume,
    "cancel": api.cancel,
}


async def _queries(request: Request) -> PageQueries:
    queries: PageQueries = request.app.state.queries
    return queries


async def _simulated(request: Request) -> bool:
    return bool(request.app.state.simulated)


Queries = Annotated[PageQueries, Depends(_queries)]
Simulated = Annotated[bool, Depends(_simulated)]


@router.get("/")
def jobs_page(queries: Queries, simulated: Simulated, before: str | None = None) -> Response:
    jobs = queries.jobs(before)
    return page("jobs.html", simulated=simulated, jobs=jobs, is_newest=before is None)


@router.get("/stream")
async def jobs_stream(queries: Queries) -> Response:
    return stream.response(stream.jobs(queries))


@router.get("/finetune/{job_id}")
def job_page(queries: Queries, simulated: Simulated, job_id: str) -> Response:
    try:
        job = queries.job(job_id)
    except ApiError as error:
        return page("not_found.html", 404, simulated=simulated, message=error.message)
    return page("job.html", simulated=simulated, job=job, best_kept=BEST_KEPT)


@router.get("/finetune/{job_id}/stream")
async def job_stream(
    queries: Queries, job_id: str, last_event_id: Annotated[str, Header()] = ""
) -> Response:
    await run_in_threadpool(queries.job, job_id)
    seen = int(last_event_id) if last_event_id.isdecimal() else 0
    return stream.response(stream.job(queries, job_id, seen))


@router.get("/finetune/{job_id}/log")
def log(queries: Queries, job_id: str, before: int) -> Response:
    queries.job(job_id)
    return AsciiJSONResponse(queries.log(job_id, before=before))


@router.get("/finetune/{job_id}/rollouts")
def rollouts(
    queries: Queries,
    job_id: str,
    step: Step | None = None,
    phase: Literal["train", "valid"] | None = None,
    outcome: Outcome | None = None,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> Response:
    queries.job(job_id)
    found = queries.rollouts(job_id, step, phase, outcome, after)
    return AsciiJSONResponse(found)


@router.get("/finetune/{job_id}/rollouts/{trace_id}")
def rollout(queries: Queries, job_id: str, trace_id: str, beside: str | None = None) -> Response:
    """A rollout as HTML, or two of them side by side."""
    one = shown(queries, job_id, trace_id)
    if beside is None:
        return HTMLResponse(trace_html(one, level=2, copy=True))
    other = shown(queries, job_id, beside)
    return HTMLResponse(pair_html(one, other, ("Left", "Right"), level=2, copy=True))


@router.post("/finetune/{job_id}/{action}")
def act(service: Serving, job_id: str, action: Literal["pause", "resume", "cancel"]) -> Any:
    return ACTIONS[action](service, job_id)


@router.get("/assets/{name}")
def asset(name: str) -> Response:
    if name == "trace.css":
        return Response(style(), media_type="text/css")
    files = {file.name: file for file in ASSETS.iterdir()}
    if name not in files:
        raise not_found("asset", name)
    return Response(files[name].read_bytes(), media_type=MEDIA_TYPES[files[name].suffix])


def shown(queries: PageQueries, job_id: str, trace_id: str) -> Trace:
    """A rollout under the name that the pages give it, which includes the repeat (sample)."""
    found = queries.rollout(job_id, trace_id)
    return replace(Trace.of(found), question_id=title(found), repeat=None)


def title(rollout: Row) -> str:
    """How the pages name a rollout; a trace ID would tell a reader nothing."""
    phase = PHASES[rollout["phase"]]
    return f"Step {rollout['step']}, {phase}, row {rollout['row']}, sample {rollout['sample']}"
