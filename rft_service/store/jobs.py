"""Jobs as they are stored: status, events, checkpoints, rollouts, and the resume point.

The database is the only truth about a job's status. Every change is a transaction
that checks the status it comes from, so that a cancel and a finished step cannot both win.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Sequence
from typing import Any

from rft_service.errors import bad_request, conflict, not_found
from rft_service.ids import random_id
from rft_service.store.database import Database, unpack
from rft_service.store.job import COLUMNS, Checkpoint, Event, Job, StepResult, base_of
from rft_service.store.job_spec import JobSpec
from rft_service.strict_json import dumps, whole_characters

FIND = f"SELECT {COLUMNS} FROM jobs"  # noqa: S608
BEST_KEPT = 3


class JobStoppedError(Exception):
    """The job was paused, cancelled or failed while its owner worked on it."""


class JobRecords:
    """Reads and writes jobs; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, spec: JobSpec, weights_uri: str | None) -> Job:
        """A new job; `weights_uri` names the weights it starts from, None the base model's."""
        job_id = random_id("ftjob-")
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO jobs (id, created_at, status, spec, weights_uri)"
                " VALUES (?, ?, ?, ?, ?)",
                (job_id, int(time.time()), "validating_files",
                 dumps(spec.model_dump(mode="json")), weights_uri),
            )  # fmt: skip
            penalty = f"reasoning_token_penalty {spec.hyperparameters.reasoning_token_penalty:g}"
            by = f" by {spec.created_by}" if spec.created_by else ""
            message = f"Created fine-tuning job: {job_id}{by} ({penalty} per 1,000 tokens)"
            self._log(connection, job_id, Event(message))
            files = f"training file: {spec.training_file} and validation file: "
            message = f"Validating {files}{spec.validation_file}"
            self._log(connection, job_id, Event(message))
        return self.get(job_id)

    def get(self, job_id: str) -> Job:
        """Raises ApiError 404 if there is no such job."""
        row = self._database.row(f"{FIND} WHERE id = ?", job_id)
        if row is None:
            raise not_found("fine-tuning job", job_id)
        return Job.of(row)

    def newest(self, after: str | None, limit: int, metadata: dict[str, str] | None) -> list[Job]:
        """At most `limit` jobs, newest first; `metadata` keeps those that carry all its pairs."""
        before = self._place("jobs", after)
        found = list[Job]()
        for row in self._database.rows(f"{FIND} WHERE seq < ? ORDER BY seq DESC", before):
            job = Job.of(row)
            if metadata is None or metadata.items() <= job.spec.metadata.items():
                found.append(job)
            if len(found) == limit:
                break
        return found

    def next(self, status: str, besides: Collection[str] = ()) -> Job | None:
        """The oldest job of a status whose ID is not among `besides`."""
        free = "status = ? AND id NOT IN (SELECT value FROM json_each(?))"
        sql = f"{FIND} WHERE {free} ORDER BY seq LIMIT 1"
        row = self._database.row(sql, status, json.dumps(list(besides)))
        return Job.of(row) if row else None

    def ids(self, status: str) -> set[str]:
        """The IDs of all jobs of a status."""
        rows = self._database.rows("SELECT id FROM jobs WHERE status = ?", status)
        return {row["id"] for row in rows}

    def note(self, job_id: str, event: Event) -> None:
        """Add an event to a job's log."""
        with self._database.transaction() as connection:
            self._log(connection, job_id, event)

    def metrics(self, job_id: str, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """The `data` of a job's metrics events, oldest first, each beside its sequence number, of
        which `after` is the last one not to be given."""
        rows = self._database.rows(
            "SELECT seq, data FROM events WHERE job_id = ? AND seq > ? AND type = 'metrics'"
            " ORDER BY seq",
            job_id, after,
        )  # fmt: skip
        return [(row["seq"], json.loads(row["data"])) for row in rows]

    def train_rewards(self, job_id: str) -> list[float]:
        """The mean training rewards of a job's steps so far, those that have one."""
        found = (data["train_mean_reward"] for _, data in self.metrics(job_id))
        return [reward for reward in found if reward is not None]

    def best_checkpoint(self, job_id: str) -> tuple[int, str, float] | None:
        """Step, model and validation reward of the best checkpoint, the earlier of equals."""
        row = self._database.row(
            "SELECT step, model, valid_reward FROM checkpoints WHERE job_id = ?"
            " AND valid_reward IS NOT NULL ORDER BY valid_reward DESC, step LIMIT 1",
            job_id,
        )
        return (row["step"], row["model"], row["valid_reward"]) if row else None

    def weights_uri(self, job_id: str) -> str | None:
        """The saved state to continue from: that of the last stored step; before any step the one
        that the job was created with, None for the base model's."""
        row = self._database.row("SELECT weights_uri FROM jobs WHERE id = ?", job_id)
        return row["weights_uri"] if row else None

    def move(
        self,
        job_id: str,
        sources: Sequence[str],
        target: str,
        message: str,
        level: str = "info",
    ) -> Job:
        """Change a job's status. Raises ApiError: 404, or 409 from any other status."""
        with self._database.transaction() as connection:
            job = self.get(job_id)
            if job.status not in sources:
                raise conflict(f"The job {job_id} is {job.status}; it cannot become {target}.")
            finished_at = int(time.time()) if target in ("cancelled", "failed") else None
            connection.execute(
                "UPDATE jobs SET status = ?, finished_at = ? WHERE id = ?",
                (target, finished_at, job_id),
            )
            self._log(connection, job_id, Event(message, level))
        return self.get(job_id)

    def begin(self, job_id: str) -> Job:
        """Take a queued or interrupted job up. Raises JobStoppedError if it is neither any more.

        Each resume is a new attempt: trace IDs carry its number, so that rollouts of a
        step that is run again are new ones to the customer's tools.
        """
        with self._database.transaction() as connection:
            job = self.get(job_id)
            if job.status not in ("queued", "running"):
                raise JobStoppedError
            connection.execute(
                "UPDATE jobs SET status = 'running', attempt = attempt + 1 WHERE id = ?", (job_id,)
            )
            if not job.attempt:
                message = "Fine-tuning job started"
            else:
                message = f"Fine-tuning job resumed after step {job.step}"
            self._log(connection, job_id, Event(message))
        return self.get(job_id)

    def fail(self, job_id: str, code: str, message: str, param: str | None = None) -> None:
        """End a job that is under way; nothing happens to one that has ended."""
        error = dumps({"code": code, "message": message, "param": param})
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE jobs SET status = 'failed', error = ?, finished_at = ? WHERE id = ?"
                " AND status IN ('validating_files', 'queued', 'running')",
                (error, int(time.time()), job_id),
            ).rowcount
            if changed:
                text = f"The job failed: {message}"
                self._log(connection, job_id, Event(text, "error"))

    def commit_step(self, job: Job, result: StepResult) -> list[str]:
        """Store a step; returns the URIs of saved states that nothing refers to any more.

        Raises JobStoppedError, and stores nothing, if the job is no longer running.
        """
        before = self.weights_uri(job.id)
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE jobs SET step = ?, total_steps = ?, seconds = seconds + ?, weights_uri = ?,"
                " trained_tokens = trained_tokens + ?, unusable_steps = ?,"
                " updated_steps = updated_steps + ?"
                " WHERE id = ? AND status = 'running' AND attempt = ?",
                (
                    result.step,
                    result.total_steps,
                    result.duration_s,
                    result.weights_uri,
                    result.output_tokens,
                    result.unusable_steps,
                    result.updated,
                    job.id,
                    job.attempt,
                ),
            ).rowcount
            if not changed:
                raise JobStoppedError
            connection.executemany(
                "INSERT INTO rollouts (job_id, step, phase, row, sample, trace_id, reward,"
                " stop_reason, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(job.id, result.step, phase, *row) for phase, row in result.rollouts],
            )
            for event in result.events:
                self._log(connection, job.id, event)
            dropped = [before] if before else []
            if result.checkpoint is not None:
                self._add_checkpoint(connection, job, result, result.checkpoint)
                dropped += self._prune(connection, job.id)
            return [uri for uri in dropped if not self._database.refers_to(uri)]

    def _add_checkpoint(
        self, connection: sqlite3.Connection, job: Job, result: StepResult, checkpoint: Checkpoint
    ) -> None:
        name, now = job.checkpoint_name(result.step), int(time.time())
        connection.execute(
            "INSERT INTO checkpoints (id, job_id, created_at, step, model, valid_reward, metrics)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (random_id("ftckpt_"), job.id, now, result.step, name, checkpoint.valid_reward,
             dumps(checkpoint.metrics)),
        )  # fmt: skip
        self._add_model(connection, name, job, result.weights_uri)
        self._log(connection, job.id, Event(f"Checkpoint created at step {result.step}"))

    def _prune(self, connection: sqlite3.Connection, job_id: str) -> list[str]:
        """Keep the best by validation reward, the earlier of equals, and the last; returns the
        URIs of the others."""
        rows = connection.execute(
            "SELECT step, model, weights_uri FROM checkpoints JOIN models ON name = model"
            " WHERE checkpoints.job_id = ? ORDER BY valid_reward IS NULL, valid_reward DESC, step",
            (job_id,),
        ).fetchall()
        last = max(row["step"] for row in rows)
        dropped = [row for row in rows[BEST_KEPT:] if row["step"] != last]
        for row in dropped:
            connection.execute("DELETE FROM checkpoints WHERE model = ?", (row["model"],))
            connection.execute("DELETE FROM models WHERE name = ?", (row["model"],))
        return [row["weights_uri"] for row in dropped]

    def _add_model(
        self, connection: sqlite3.Connection, name: str, job: Job, weights_uri: str
    ) -> None:
        connection.execute(
            "INSERT INTO models (name, created_at, job_id, base, weights_uri)"
            " VALUES (?, ?, ?, ?, ?)",
            (name, int(time.time()), job.id, base_of(job.spec.model), weights_uri),
        )

    def succeed(self, job: Job, notes: Sequence[Event]) -> None:
        """Finish a job whose last step is stored. Raises JobStoppedError if it is not running."""
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE jobs SET status = 'succeeded', fine_tuned_model = ?, finished_at = ?"
                " WHERE id = ? AND status = 'running' AND attempt = ?",
                (job.model_name, int(time.time()), job.id, job.attempt),
            ).rowcount
            if not changed:
                raise JobStoppedError
            weights_uri = self.weights_uri(job.id)
            assert weights_uri is not None, "a job has at least one step, which saved its weights"
            self._add_model(connection, job.model_name, job, weights_uri)
            for event in notes:
                self._log(connection, job.id, event)
            self._log(connection, job.id, Event(f"New fine-tuned model created: {job.model_name}"))
            self._log(connection, job.id, Event("The job has successfully completed"))

    def _log(self, connection: sqlite3.Connection, job_id: str, event: Event) -> None:
        data = None if event.data is None else dumps(event.data)
        connection.execute(
            "INSERT INTO events (id, job_id, created_at, level, message, type, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (random_id("ftevent-"), job_id, int(time.time()), event.level,
             whole_characters(event.message), event.type, data),
        )  # fmt: skip

    def events(self, job_id: str, after: str | None, limit: int) -> list[dict[str, Any]]:
        """At most `limit` events, newest first, as the API shows them."""
        self.get(job_id)
        before = self._place("events", after)
        rows = self._database.rows(
            "SELECT * FROM events WHERE job_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            job_id, before, limit,
        )  # fmt: skip
        return [
            {
                "object": "fine_tuning.job.event",
                "id": row["id"],
                "created_at": row["created_at"],
                "level": row["level"],
                "message": row["message"],
                "type": row["type"],
                "data": json.loads(row["data"]) if row["data"] else {},
            }
            for row in rows
        ]

    def checkpoints(self, job_id: str, after: str | None, limit: int) -> list[dict[str, Any]]:
        """At most `limit` checkpoints that are kept, newest first, as the API shows them."""
        self.get(job_id)
        before = self._place("checkpoints", after)
        rows = self._database.rows(
            "SELECT * FROM checkpoints WHERE job_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            job_id, before, limit,
        )  # fmt: skip
        return [
            {
                "object": "fine_tuning.job.checkpoint",
                "id": row["id"],
                "created_at": row["created_at"],
                "fine_tuned_model_checkpoint": row["model"],
                "fine_tuning_job_id": row["job_id"],
                "metrics": json.loads(row["metrics"]),
                "step_number": row["step"],
            }
            for row in rows
        ]

    def rollouts(
        self, job_id: str, step: int | None, phase: str | None, after: str | None, limit: int
    ) -> list[dict[str, Any]]:
        """At most `limit` rollouts, oldest first, as records with their place in the job."""
        self.get(job_id)
        beyond = 0
        if after is not None:
            beyond = self._place("rollouts", after, column="trace_id")
        rows = self._database.rows(
            "SELECT * FROM rollouts WHERE job_id = ? AND seq > ? AND step = ifnull(?, step)"
            " AND phase = ifnull(?, phase) ORDER BY seq LIMIT ?",
            job_id, beyond, step, phase, limit,
        )  # fmt: skip
        return [{"object": "fine_tuning.job.rollout", **rollout_json(row)} for row in rows]

    def _place(self, table: str, after: str | None, column: str = "id") -> int:
        """The sequence number of a page's last object. Raises ApiError 400 for an unknown one."""
        if after is None:
            return 2**62
        sql = f"SELECT seq FROM {table} WHERE {column} = ?"  # noqa: S608
        row = self._database.row(sql, after)
        if row is None:
            raise bad_request(f"Nothing has the ID {after!r}.", "after")
        return int(row["seq"])


def rollout_json(row: sqlite3.Row) -> dict[str, Any]:
    """A row of the rollouts table: its place in the job, and its record."""
    place = {name: row[name] for name in ("step", "phase", "row", "sample")}
    return {"id": row["trace_id"], **place, **unpack(row["record"])}
