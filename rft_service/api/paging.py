"""Paged lists: `limit` and `after` in the request, `has_more` in the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query

Limit = Annotated[int, Query(ge=1, le=100)]
Step = Annotated[int, Query(ge=1, lt=2**31)]


def page(objects: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
    """One page of at most `limit` objects; `objects` holds one more where there is a next page."""
    shown = list(objects[:limit])
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(objects) > limit,
    }
