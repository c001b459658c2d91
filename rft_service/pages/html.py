"""The templates of the pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

TEMPLATES = Environment(
    loader=PackageLoader("rft_service.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)


def utc(at: int) -> str:
    """A time for a browser without scripts; `dom.js` puts it into the reader's time zone."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


TEMPLATES.filters["utc"] = utc


def page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(TEMPLATES.get_template(name).render(values), status)
