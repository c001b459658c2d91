"""Server-sent events: updates of the jobs, as they happen.

The stream queries the database twice a second, which costs one small query while nothing happens.
It ends after LASTS_S, so that a forgotten page does not hold a connection; the browser reconnects
by itself with the number of the last event that it has (`Last-Event-ID`), so nothing is lost.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from rft_service.pages.queries import STEPS_AT_ONCE, PageQueries

POLL_S = 0.5
LASTS_S = 30.0
RETRY_MS = 200
ENDED = ("succeeded", "failed", "cancelled")


def response(messages: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(messages, media_type="text/event-stream")


def message(event: str, data: Any, number: int | None = None) -> str:
    """One event in the format of the HTML standard (9.2, server-sent events)."""
    id_line = "" if number is None else f"id: {number}\n"
    return f"{id_line}event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


async def jobs(queries: PageQueries) -> AsyncIterator[str]:
    """The newest jobs, each time one of them changes."""
    yield f"retry: {RETRY_MS}\n\n"
    shown: Any = None
    until = time.monotonic() + LASTS_S
    while time.monotonic() < until:
        found = await run_in_threadpool(queries.jobs)
        if found != shown:
            yield message("jobs", found)
            shown = found
        await asyncio.sleep(POLL_S)


async def job(queries: PageQueries, job_id: str, seen: int) -> AsyncIterator[str]:
    """All that is new in a job since its event number `seen`, then each change."""
    yield f"retry: {RETRY_MS}\n\n"
    shown: Any = None
    until = time.monotonic() + LASTS_S
    while time.monotonic() < until:
        state = await run_in_threadpool(queries.job, job_id)
        last = await run_in_threadpool(queries.last_event, job_id)
        if state != shown:
            yield message("job", state)
            shown = state
        if last > seen or not seen:
            for part in await run_in_threadpool(lambda: list(news(queries, job_id, seen, last))):  # noqa: B023
                yield part
            seen = last
        if state["status"] in ENDED:
            yield message("end", {}, seen)
            return
        await asyncio.sleep(POLL_S)


def news(queries: PageQueries, job_id: str, seen: int, last: int) -> Iterator[str]:
    """Steps, events and checkpoints since the event number `seen`, up to `last`.

    The last message carries the number, so that a stream that breaks is sent again from `seen`.
    """
    after = seen
    while steps := queries.steps(job_id, after, last):
        yield message("steps", steps)
        after = steps[-1]["seq"]
        if len(steps) < STEPS_AT_ONCE:
            break
    yield message("log", queries.log(job_id, after=seen, before=last + 1))
    yield message("checkpoints", queries.checkpoints(job_id), last)
