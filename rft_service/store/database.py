"""The state folder's SQLite database: one connection, one lock, transactions that are durable.

WAL with `synchronous=FULL`: what was acknowledged survives `kill -9` and a power cut alike.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

Order = Literal["asc", "desc"]
"""The order of a listing: oldest or newest first."""

SCHEMA_VERSION = 4  # of the tables below; a file of another version is not converted
SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, filename TEXT NOT NULL,
    purpose TEXT NOT NULL, bytes INTEGER NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, created_at INTEGER NOT NULL,
    status TEXT NOT NULL, spec TEXT NOT NULL, step INTEGER NOT NULL DEFAULT 0,
    total_steps INTEGER, attempt INTEGER NOT NULL DEFAULT 0,
    unusable_steps INTEGER NOT NULL DEFAULT 0, updated_steps INTEGER NOT NULL DEFAULT 0,
    trained_tokens INTEGER NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0,
    fine_tuned_model TEXT, finished_at INTEGER, error TEXT, weights_uri TEXT);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, job_id TEXT NOT NULL,
    created_at INTEGER NOT NULL, level TEXT NOT NULL, message TEXT NOT NULL, type TEXT NOT NULL,
    data TEXT);
CREATE INDEX IF NOT EXISTS events_of_job ON events (job_id, seq);
CREATE TABLE IF NOT EXISTS checkpoints (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, job_id TEXT NOT NULL,
    created_at INTEGER NOT NULL, step INTEGER NOT NULL, model TEXT NOT NULL,
    valid_reward REAL, metrics TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS checkpoints_of_job ON checkpoints (job_id, seq);
CREATE TABLE IF NOT EXISTS models (
    name TEXT PRIMARY KEY, created_at INTEGER NOT NULL, job_id TEXT NOT NULL,
    base TEXT NOT NULL, weights_uri TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rollouts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL, step INTEGER NOT NULL,
    phase TEXT NOT NULL, row INTEGER NOT NULL, sample INTEGER NOT NULL,
    trace_id TEXT UNIQUE NOT NULL, reward REAL, stop_reason TEXT NOT NULL, record BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS rollouts_of_step ON rollouts (job_id, step, phase, seq);
CREATE TABLE IF NOT EXISTS responses (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, created_at INTEGER NOT NULL,
    previous_id TEXT, input BLOB NOT NULL, response BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, response_id TEXT NOT NULL,
    type TEXT NOT NULL, is_output INTEGER NOT NULL, reasoning_id TEXT, item TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS items_by_id ON items (id, seq);
CREATE INDEX IF NOT EXISTS items_of_response ON items (response_id, seq);
"""


class Database:
    """A connection that any thread may use; every method holds the lock for its whole length."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        path.touch(mode=0o600)  # it holds the headers of customers' endpoints
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and version != SCHEMA_VERSION:
            self._connection.close()
            raise sqlite3.DatabaseError("it was written by another version of the workshop")
        self._connection.executescript(SCHEMA)
        self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block, durably, or nothing of it. Nests into the outermost block."""
        with self._lock:
            is_outermost = not self._connection.in_transaction
            if is_outermost:
                self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                if is_outermost:
                    self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        with self._lock:
            found: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
            return found

    def refers_to(self, weights_uri: str) -> bool:
        """Whether a model or a job still needs these saved weights."""
        sql = (
            "SELECT 1 FROM (SELECT weights_uri FROM models UNION ALL SELECT weights_uri FROM jobs)"
            " WHERE weights_uri = ? LIMIT 1"
        )
        return self.row(sql, weights_uri) is not None

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def pack(value: Any) -> bytes:
    """JSON, compressed: traces and weights are long and repetitive."""
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 1)


def unpack(blob: bytes) -> Any:
    return json.loads(zlib.decompress(blob))
