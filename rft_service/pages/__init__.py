"""The service's own pages: `/` lists the jobs, `/finetune/{job_id}` shows one, live.

Plain HTML, CSS and JavaScript from this package; nothing is fetched from any other host. `door`
lets a browser in, `reading` asks the database, `stream` pushes what is new, `views` are the routes.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from rft_service.pages import views
from rft_service.pages.access import Door
from rft_service.pages.queries import Reading


def install(app: FastAPI, key: str, database: Path) -> None:
    """Add the pages to an application whose gate is already in place."""
    app.state.reading = Reading(database)
    app.include_router(views.router, include_in_schema=False)
    app.add_middleware(Door, key=key)  # added last, so it stands in front of the gate


__all__ = ["install"]
