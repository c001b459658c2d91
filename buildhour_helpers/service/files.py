"""`/v1/files`: uploaded files, and training files checked line by line."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, UploadFile
from fastapi.responses import FileResponse

from .context import Serving
from .database import Database
from .errors import ApiError, bad_request, conflict, not_found
from .ids import random_id
from .paging import Order, page
from .strict_json import StrictRoute, loads

Purpose = Literal["fine-tune", "user_data", "assistants", "batch", "evals", "vision"]
MAX_LINE_BYTES = 4 * 2**20
CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class StoredFile:
    """An uploaded file; `path` is made of its ID, never of its name."""

    id: str
    filename: str
    purpose: str
    bytes: int
    created_at: int
    path: Path

    def public(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.bytes,
            "created_at": self.created_at,
            "expires_at": None,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


class FileStore:
    """Contents in `files/` of the state folder, what is known about them in the database."""

    def __init__(self, database: Database, home: Path) -> None:
        self._database = database
        self._folder = home / "files"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._sweep()

    def _sweep(self) -> None:
        """Remove contents whose upload or deletion a crash cut short: never acknowledged."""
        known = {row["id"] for row in self._database.rows("SELECT id FROM files")}
        for path in self._folder.iterdir():
            if path.name not in known:
                path.unlink()

    def _stored(self, row: sqlite3.Row) -> StoredFile:
        fields = {key: row[key] for key in ("id", "filename", "purpose", "bytes", "created_at")}
        return StoredFile(**fields, path=self._folder / row["id"])

    def add(self, source: BinaryIO, filename: str, purpose: str) -> StoredFile:
        """Store a file durably. Raises ApiError if a training file has a line that is no object."""
        file_id = random_id("file-")
        path = self._folder / file_id
        try:
            with path.open("wb") as target:
                while chunk := source.read(CHUNK_BYTES):
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
            if purpose == "fine-tune":
                check_lines(path, filename)
            stored = StoredFile(
                file_id, filename, purpose, path.stat().st_size, int(time.time()), path
            )
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT INTO files (id, filename, purpose, bytes, created_at)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (file_id, filename, purpose, stored.bytes, stored.created_at),
                )
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return stored

    def get(self, file_id: str, param: str | None = None) -> StoredFile:
        """Raises ApiError 404 if there is no such file."""
        row = self._database.row("SELECT * FROM files WHERE id = ?", file_id)
        if row is None:
            raise not_found("file", file_id, param)
        return self._stored(row)

    def newest(
        self, purpose: str | None, after: str | None, limit: int, order: Order
    ) -> list[StoredFile]:
        """At most `limit` files; the newest first, or last for `asc`."""
        conditions, values = ["1 = 1"], list[Any]()
        if purpose is not None:
            conditions.append("purpose = ?")
            values.append(purpose)
        if after is not None:
            row = self._database.row("SELECT seq FROM files WHERE id = ?", after)
            if row is None:
                raise bad_request(f"No such file: {after!r}.", "after")
            conditions.append("seq < ?" if order == "desc" else "seq > ?")
            values.append(row["seq"])
        sql = f"SELECT * FROM files WHERE {' AND '.join(conditions)} ORDER BY seq {order} LIMIT ?"  # noqa: S608
        return [self._stored(row) for row in self._database.rows(sql, *values, limit)]

    def delete(self, file_id: str) -> None:
        """Raises ApiError: 404 if there is none, 409 while an unfinished job needs it."""
        stored = self.get(file_id)
        user = self._database.row(
            "SELECT id FROM jobs WHERE status NOT IN ('succeeded', 'failed', 'cancelled')"
            " AND ? IN (json_extract(spec, '$.training_file'),"
            " json_extract(spec, '$.validation_file'))",
            file_id,
        )
        if user is not None:
            raise conflict(
                f"The file {file_id} is in use by the job {user['id']}; cancel it first."
            )
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM files WHERE id = ?", (file_id,))
        stored.path.unlink(missing_ok=True)


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers from 1. Raises ValueError at an endless one."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise ValueError(f"line {number} is longer than {MAX_LINE_BYTES // 2**20} MiB")
            if line.strip():
                yield number, line


def parse_object(line: bytes) -> dict[str, Any]:
    """One JSONL line as an object. Raises ValueError that says what is wrong with it."""
    try:
        value = loads(line)
    except ValueError as error:
        raise ValueError(f"is not valid JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError(f"is not a JSON object but {_json_type(value)}")
    return value


def _json_type(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def check_lines(path: Path, filename: str) -> None:
    """Refuse a training file that is not JSON Lines of objects. Raises ApiError with the line."""
    if not filename.endswith(".jsonl"):
        message = f"{filename}: a file for fine-tuning must be JSON Lines and end in .jsonl."
        raise bad_request(message, "file", "invalid_file_format")
    count = 0
    try:
        for number, line in numbered_lines(path):
            try:
                parse_object(line)
            except ValueError as error:
                raise ValueError(f"line {number} {error}") from None
            count += 1
    except ValueError as error:
        message = f"{filename}: {error}. Every line must be one JSON object."
        raise bad_request(message, "file", "invalid_file_format") from None
    if not count:
        raise bad_request(f"{filename}: the file has no rows.", "file", "invalid_file_format")


router = APIRouter(prefix="/v1/files", tags=["files"], route_class=StrictRoute)


async def _documented(request: Request) -> None:
    """Raises ApiError 400 for a field of the form that is not read here."""
    for name in await request.form():
        if name.startswith("expires_after"):
            message = "The parameter 'expires_after' is not offered by this service."
            raise bad_request(message, "expires_after", "unsupported_parameter")
        if name not in ("file", "purpose"):
            raise bad_request(f"Unknown parameter: '{name}'.", name, "unknown_parameter")


@router.post("", dependencies=[Depends(_documented)])
def create(service: Serving, file: UploadFile, purpose: Annotated[Purpose, Form()]) -> Any:
    if not file.filename:
        raise bad_request("The uploaded part 'file' has no file name.", "file")
    if len(file.filename) > 512:
        raise bad_request("The file name is longer than 512 characters.", "file")
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
