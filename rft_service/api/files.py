"""`/v1/files`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, UploadFile
from fastapi.responses import FileResponse

from rft_service.api.context import Serving
from rft_service.api.paging import page
from rft_service.errors import ApiError, invalid_value, unknown_parameter, unsupported_parameter
from rft_service.store.database import Order
from rft_service.store.files import Purpose
from rft_service.strict_json import StrictRoute

router = APIRouter(prefix="/v1/files", tags=["files"], route_class=StrictRoute)


async def _check_fields(request: Request) -> None:
    """Raises ApiError 400 for a field of the form that is not read here.

    A form knows no null: clients write an absent field as an empty text, or as "null".
    """
    for name, value in (await request.form()).multi_items():
        if name.partition("[")[0] == "expires_after":
            if value not in ("", "null"):
                raise unsupported_parameter("expires_after")
        elif name not in ("file", "purpose"):
            raise unknown_parameter(name)


@router.post("", dependencies=[Depends(_check_fields)])
def create(service: Serving, file: UploadFile, purpose: Annotated[Purpose, Form()]) -> Any:
    if not file.filename:
        raise invalid_value("file", "the part has no file name")
    if len(file.filename) > 512:
        raise invalid_value("file", "the file name is longer than 512 characters")
    return service.files.add(file.file, file.filename, purpose).public()


@router.get("")
def list_files(
    service: Serving,
    purpose: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    order: Order = "desc",
) -> Any:
    found = service.files.newest(purpose, after, limit + 1, order)
    return page([file.public() for file in found], limit)


@router.get("/{file_id}")
def retrieve(service: Serving, file_id: str) -> Any:
    return service.files.get(file_id).public()


@router.get("/{file_id}/content", response_class=FileResponse)
def content(service: Serving, file_id: str) -> FileResponse:
    stored = service.files.get(file_id)
    if not stored.path.exists():
        raise ApiError(500, f"The content of {file_id} is missing.", kind="server_error")
    return FileResponse(stored.path, media_type="application/octet-stream")


@router.delete("/{file_id}")
def delete(service: Serving, file_id: str) -> Any:
    service.files.delete(file_id)
    return {"id": file_id, "object": "file", "deleted": True}
