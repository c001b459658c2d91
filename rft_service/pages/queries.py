"""The pages' queries, over read-only connections to the database.

SQLite in WAL mode lets them read while a step is being stored, so an open page never delays a job.
The pages show the same numbers as the API.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from rft_service.errors import not_found
from rft_service.store.database import unpack
from rft_service.store.job import COLUMNS, Job
from rft_service.store.jobs import rollout_json
from rft_traces import Outcome, Trace

Row = dict[str, Any]

JOBS_SHOWN = 50
LOG_SHOWN = 50
ROLLOUTS_SHOWN = 25
STEPS_AT_ONCE = 500

METRICS: Mapping[str, str] = {
    "step": "step",
    "train": "train_mean_reward",
    "valid": "full_valid_mean_reward",
    "calls": "tool_calls_per_rollout",
    "turns": "turns_per_rollout",
    "reasoning": "reasoning_tokens_mean",
    "completion": "completion_tokens_mean",
    "per_call": "mean_tokens_per_tool_call",
    "tool_s": "tool_execution_latency",
    "tool_errors": "tool_errors",
    "flat": "mean_unresponsive_rewards",
    "rollouts": "usage.train.rollouts",
    "tool_calls": "usage.train.tool_calls",
    "discarded": "errors.train_discarded",
    "step_s": "timing.step.full_iteration",
}
"""The metrics of a step that the page draws, and where a metrics event has them."""

VALIDATED: Mapping[str, str] = {
    "valid_calls": "tool_calls",
    "valid_turns": "turns",
    "valid_reasoning": "reasoning_tokens",
}
"""The same of a validation, and which sum of its `usage` they come from."""

WHY_PAUSED = """
    CASE status WHEN 'paused' THEN (SELECT iif(level = 'warn', message, NULL)
    FROM events WHERE job_id = jobs.id ORDER BY seq DESC LIMIT 1) END AS why_paused"""
JOB = f"{COLUMNS}, {WHY_PAUSED}"
"""A job, and why the service paused it; nothing is said of a job that somebody paused."""

OUTCOME_SQL: Mapping[Outcome, str] = {
    Outcome.RIGHT: "reward >= 1",
    Outcome.PARTIAL: "reward > 0 AND reward < 1",
    Outcome.WRONG: "reward <= 0",
    Outcome.DISCARDED: "reward IS NULL",
}


class PageQueries:
    """Reads jobs, events and rollouts; each query opens a connection."""

    def __init__(self, database: Path) -> None:
        self._uri = f"{database.resolve().as_uri()}?mode=ro"

    def _rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(self._uri, uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(sql, values).fetchall()

    def jobs(self, before: str | None = None) -> list[Row]:
        """The newest jobs, or the newest of those that are older than the job `before`."""
        older = "seq < (SELECT seq FROM jobs WHERE id = ?)" if before else "ifnull(?, 1)"
        sql = f"SELECT {JOB} FROM jobs WHERE {older} ORDER BY seq DESC LIMIT ?"  # noqa: S608
        return [_state(row) for row in self._rows(sql, before, JOBS_SHOWN)]

    def job(self, job_id: str) -> Row:
        """The job's state. Raises ApiError 404."""
        rows = self._rows(f"SELECT {JOB} FROM jobs WHERE id = ?", job_id)  # noqa: S608
        if not rows:
            raise not_found("fine-tuning job", job_id)
        return _state(rows[0])

    def last_event(self, job_id: str) -> int:
        """The number of the job's newest event."""
        rows = self._rows("SELECT max(seq) AS seq FROM events WHERE job_id = ?", job_id)
        return int(rows[0]["seq"] or 0)

    def steps(self, job_id: str, after: int, until: int) -> list[Row]:
        """The metrics of the steps whose events lie in (after, until], oldest first."""
        rows = self._rows(
            "SELECT seq, data FROM events WHERE job_id = ? AND type = 'metrics' AND seq > ?"
            " AND seq <= ? ORDER BY seq LIMIT ?",
            job_id, after, until, STEPS_AT_ONCE,
        )  # fmt: skip
        return [{**drawn_metrics(json.loads(row["data"])), "seq": row["seq"]} for row in rows]

    def log(self, job_id: str, after: int = 0, before: int = 2**62) -> list[Row]:
        """The newest events in (after, before), newest first."""
        rows = self._rows(
            "SELECT seq, created_at, level, message FROM events WHERE job_id = ? AND seq > ?"
            " AND seq < ? ORDER BY seq DESC LIMIT ?",
            job_id, after, before, LOG_SHOWN,
        )  # fmt: skip
        return [dict(row) for row in rows]

    def checkpoints(self, job_id: str) -> list[Row]:
        """The checkpoints that are kept, newest first."""
        rows = self._rows(
            "SELECT step, model, valid_reward FROM checkpoints WHERE job_id = ? ORDER BY seq DESC",
            job_id,
        )
        return [dict(row) for row in rows]

    def rollouts(
        self,
        job_id: str,
        step: int | None,
        phase: str | None,
        outcome: Outcome | None,
        after: int,
    ) -> Row:
        """A page of rollouts, without their traces, and whether there is a next one."""
        condition = OUTCOME_SQL[outcome] if outcome else "1"
        rows = self._rows(
            "SELECT seq, trace_id, step, phase, row, sample, reward, stop_reason, record"  # noqa: S608
            " FROM rollouts WHERE job_id = ? AND seq > ? AND step = ifnull(?, step)"
            f" AND phase = ifnull(?, phase) AND {condition} ORDER BY seq LIMIT ?",
            job_id, after, step, phase, ROLLOUTS_SHOWN + 1,
        )  # fmt: skip
        return {
            "rollouts": [_summary(row) for row in rows[:ROLLOUTS_SHOWN]],
            "has_more": len(rows) > ROLLOUTS_SHOWN,
        }

    def rollout(self, job_id: str, trace_id: str) -> Row:
        """One rollout as the API lists it. Raises ApiError 404."""
        rows = self._rows(
            "SELECT * FROM rollouts WHERE trace_id = ? AND job_id = ?", trace_id, job_id
        )
        if not rows:
            raise not_found("rollout", trace_id)
        return rollout_json(rows[0])


def drawn_metrics(data: Mapping[str, Any]) -> Row:
    """What the page draws of a metrics event; `tools` are its calls by name, `ends` its training
    rollouts by stop reason, `update` the engine's own metrics.

    `valid_calls` and its like are means per validation rollout, None where there was none.
    """
    found = {name: _at(data, path) for name, path in METRICS.items()}
    valid = _at(data, "usage.valid") or {}
    for name, key in VALIDATED.items():
        found[name] = valid[key] / valid["rollouts"] if valid.get("rollouts") else None
    (latency_s,) = data["timing"]["rollouts"].values()  # simulated or measured, named accordingly
    return {
        **found,
        "rollout_s": latency_s,
        "tools": data.get("tool_calls_by_name", {}),
        "ends": data["stop_reasons"]["train"],
        "update": data["update"] or {},
    }


def _at(data: Mapping[str, Any], path: str) -> Any:
    value: Any = data
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _state(row: sqlite3.Row) -> Row:
    """A job as the API shows it, with its progress."""
    fields = dict(row)
    why_paused = fields.pop("why_paused")
    job = Job.of(fields)
    public = job.public()
    kept = ("id", "status", "model", "created_at", "finished_at", "fine_tuned_model", "seed")
    return {
        **{name: public[name] for name in kept},
        "suffix": job.spec.suffix,
        "penalty": job.spec.hyperparameters.reasoning_token_penalty,
        "step": job.step,
        "total_steps": job.total_steps,
        "left_s": seconds_left(job),
        "why": job.error["message"] if job.error else why_paused,
    }


def seconds_left(job: Job) -> float | None:
    """Estimated from the mean duration of the steps so far; None unless the job is running."""
    if job.status != "running" or not job.step or not job.total_steps:
        return None
    return job.seconds / job.step * (job.total_steps - job.step)


def _summary(row: sqlite3.Row) -> Row:
    record = unpack(row["record"])
    kept = ("seq", "trace_id", "step", "phase", "row", "sample", "reward", "stop_reason")
    return {
        **{name: row[name] for name in kept},
        "outcome": Outcome.of(row["reward"]),
        "question": Trace.of(record).question,
        "answer": record["answer"],
        "error": record["error"],
        "tools": record["metrics"]["tool_calls_by_name"],
        "reasoning_tokens": record["metrics"]["reasoning_tokens"],
    }
