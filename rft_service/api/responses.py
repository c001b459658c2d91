"""`/v1/responses`."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.exceptions import HTTPException

from rft_service.api.context import Serving
from rft_service.api.conversation import seed_for
from rft_service.api.paging import Limit, page
from rft_service.api.response_objects import check_context, response_object
from rft_service.api.response_requests import ResponseRequest
from rft_service.api.streaming import event_stream, response_events
from rft_service.store.database import Order
from rft_service.strict_json import AsciiJSONResponse, StrictRoute

router = APIRouter(prefix="/v1/responses", tags=["responses"], route_class=StrictRoute)


@router.post("")
async def create(service: Serving, body: ResponseRequest) -> Response:
    body.check_offered()
    model = await service.models.sampler(body.model)
    earlier = service.responses.history(body.previous_response_id)
    conversation = body.conversation_after(earlier, service.seal)
    seed = seed_for(model.fingerprint, conversation, body.metadata)
    turn = await model.sample(conversation, seed)
    check_context(turn, model.model, "input")
    response = response_object(body, model.model, turn, seed, service.seal)
    if response["store"]:
        service.responses.add(response, [*earlier, *body.input_items()])
    if body.stream:
        return event_stream(response_events(response))
    return AsciiJSONResponse(response)


@router.post("/compact", include_in_schema=False)
@router.post("/input_tokens", include_in_schema=False)
def not_offered() -> None:
    """As any other unknown path; without this the next route would call the method wrong."""
    raise HTTPException(404)


@router.get("/{response_id}")
def retrieve(
    service: Serving,
    response_id: str,
    stream: bool = False,
    starting_after: Annotated[int, Query(ge=-1)] = -1,
) -> Response:
    """The response, or with `stream` its events after the one numbered `starting_after`."""
    response = service.responses.get(response_id)
    if stream:
        return event_stream(islice(response_events(response), starting_after + 1, None))
    return AsciiJSONResponse(response)


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
