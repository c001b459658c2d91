"""`/v1/models`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from rft_service.api.context import Serving
from rft_service.store.models import unknown_model
from rft_service.strict_json import StrictRoute

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=StrictRoute)


@router.get("")
def list_models(service: Serving) -> Any:
    return {"object": "list", "data": service.models.public()}


@router.get("/{model}")
def retrieve(service: Serving, model: str) -> Any:
    for found in service.models.public():
        if found["id"] == model:
            return found
    raise unknown_model(model)


@router.get("/{model}/weights")
async def weights(service: Serving, model: str) -> Any:
    """An extension: the weights as JSON; null where the engine cannot show them."""
    return await (await service.models.sampler(model)).weights()


@router.delete("/{model}")
async def delete(service: Serving, model: str) -> Any:
    await service.models.delete(model)
    return {"id": model, "object": "model", "deleted": True}
