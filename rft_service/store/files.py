"""Uploaded files: contents on disk, metadata in the database, training files checked by line."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from rft_service.errors import ApiError, bad_request, conflict, not_found
from rft_service.ids import random_id
from rft_service.store.database import Database, Order
from rft_service.strict_json import loads

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
    """Contents in `files/` of the state folder, what is known about them in the database.

    All files together have at most `max_bytes`, if that is given.
    """

    def __init__(self, database: Database, home: Path, max_bytes: int | None = None) -> None:
        self._database = database
        self._max_bytes = max_bytes
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
        """Store a file durably. Raises ApiError if a training file has a line that is not an
        object, or if there is no room left for the file."""
        file_id = random_id("file-")
        path = self._folder / file_id
        self._check_room(source)
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
                self._check_room(source)  # another upload may have taken it meanwhile
                connection.execute(
                    "INSERT INTO files (id, filename, purpose, bytes, created_at)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (file_id, filename, purpose, stored.bytes, stored.created_at),
                )
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return stored

    def _check_room(self, source: BinaryIO) -> None:
        """Raises ApiError 413 if the file does not fit beside the others."""
        if self._max_bytes is None:
            return
        position = source.tell()
        size = source.seek(0, os.SEEK_END)
        source.seek(position)
        row = self._database.row("SELECT ifnull(sum(bytes), 0) AS stored FROM files")
        stored = row["stored"] if row else 0
        if stored + size > self._max_bytes:
            quota, taken = (f"{n / 2**20:.1f} MiB" for n in (self._max_bytes, stored))
            raise ApiError(
                413,
                f"The file of {size / 2**20:.1f} MiB does not fit: this service keeps {quota}, of "
                f"which {taken} are taken. Delete files that no job needs.",
                param="file",
                code="storage_quota_exceeded",
            )

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
