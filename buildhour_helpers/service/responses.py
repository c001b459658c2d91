"""`/v1/responses`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from .context import Serving
from .conversations import draw_for
from .paging import Limit, Order, page
from .response_objects import response_object
from .response_requests import ResponseRequest
from .streaming import event_stream, response_events
from .strict_json import AsciiJSONResponse, StrictRoute
from .structured import sample

router = APIRouter(prefix="/v1/responses", tags=["responses"], route_class=StrictRoute)


@router.post("")
async def create(service: Serving, body: ResponseRequest) -> Response:
    body.check_offered()
    model = service.models.get(body.model)
    earlier = service.responses.history(body.previous_response_id)
    conversation = body.conversation_after(earlier, service.seal)
    draw = draw_for(model.digest, conversation, body.metadata)
    turn = await sample(model.policy, conversation, draw)
    response = response_object(body, conversation, turn, draw, service.seal)
    if response["store"]:
        service.responses.add(response, [*earlier, *body.input_items()])
    if body.stream:
        return event_stream(response_events(response))
    return AsciiJSONResponse(response)


@router.get("/{response_id}")
def retrieve(service: Serving, response_id: str) -> Any:
    return service.responses.get(response_id)


@router.delete("/{response_id}")
def delete(service: Serving, response_id: str) -> Any:
    service.responses.delete(response_id)
    return {"id": response_id, "object": "response", "deleted": True}


@router.get("/{response_id}/input_items")
def input_items(
    service: Serving,
    response_id: str,
    after: str | None = None,
    limit: Limit = 20,
    order: Order = "desc",
) -> Any:
    return page(service.responses.input_items(response_id, after, limit + 1, order), limit)
