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
def weights(service: Serving, model: str) -> Any:
    """An extension: the state of a model, as its policy saves it."""
    return service.models.get(model).policy.save()


@router.delete("/{model}")
def delete(service: Serving, model: str) -> Any:
    service.models.delete(model)
    return {"id": model, "object": "model", "deleted": True}
