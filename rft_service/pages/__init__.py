"""The service's own pages: `/` lists the jobs, `/finetune/{job_id}` shows one, live.

Plain HTML, CSS and JavaScript from this package; nothing is fetched from any other host. `access`
lets a browser in, `queries` reads the database, `stream` pushes updates, `views` has the routes.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from rft_service.api.security import Keys
from rft_service.pages import views
from rft_service.pages.access import PageAccess
from rft_service.pages.queries import PageQueries


def install(app: FastAPI, keys: Keys, database: Path, simulated: bool) -> None:
    """Add the pages to an application that already has its gate; they say if a model is
    `simulated`."""
    app.state.simulated = simulated
    app.state.queries = PageQueries(database)
    app.include_router(views.router, include_in_schema=False)
    app.add_middleware(PageAccess, keys=keys)  # added last, so it runs before the gate
