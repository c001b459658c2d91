"""Memory stays bounded whatever the size of the file."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from rft_service.jobs.dataset import Rows
from rft_service.jobs.training import packed
from rft_service.rl.engine import Call
from rft_service.rl.hyperparameters import Hyperparameters
from rft_service.rl.rollout import GradeOutcome, ToolOutcome
from rft_service.rl.trainer import Trainer
from rft_service.store.files import StoredFile

from .conftest import Running
from .customer import EQUAL, job_spec, jsonl, method, row
from .doubles import MODEL, LookupModel
from .processes import Process

ROWS = 10_000
MB = 2**20


class LongAnswers:
    """An environment whose tool answers with 20 kB each time."""

    async def call_tool(
        self, call: Call, call_id: str, item: Mapping[str, Any], trace_id: str
    ) -> ToolOutcome:
        return ToolOutcome(f"{trace_id} " * 500)

    async def grade(
        self, sample: Mapping[str, Any], item: Mapping[str, Any], trace_id: str
    ) -> GradeOutcome:
        return GradeOutcome(float(sample["output_text"] != "unknown"))


def big_file(tmp_path: Path, rows: int) -> StoredFile:
    path = tmp_path / "rows.jsonl"
    content = jsonl([row(n, notes="x" * 2_000) for n in range(rows)])
    path.write_bytes(content)
    return StoredFile("file-1", path.name, "fine-tune", len(content), 0, path)


def test_a_large_evaluation_keeps_its_numbers_only(tmp_path: Path) -> None:
    rows = Rows(big_file(tmp_path, 1_000), job_spec(MODEL.name))
    kept = []
    trainer = Trainer(
        LookupModel(),
        LongAnswers(),
        Hyperparameters(batch_size=2, compute_multiplier=0.25),
        rows,
        rows,
        on_rollout=lambda rollout: kept.append(len(packed(rollout).record)),
    )
    tracemalloc.start()
    report = asyncio.run(trainer.evaluate(1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    rows.close()
    assert len(report.rollouts) == len(kept) == 1_000
    assert all(len(rollout.tool_outcomes) == 1 for rollout in report.rollouts)
    assert report.reward_mean is not None
    assert peak < 6 * MB  # 1,000 outputs of 20 kB would be 20


def big_job(service: Running, url: str, rows: int, with_tool: bool) -> str:
    """The ID of a job that asks two rollouts of each row, of 4 kB."""
    tools = {} if with_tool else {"tools": []}
    hyperparameters = {"batch_size": 500, "compute_multiplier": 0.25, "eval_interval": ROWS}
    return service.client.fine_tuning.jobs.create(
        model="sim-agent-mini",
        training_file=service.upload([row(n, notes="x" * 4_000, **tools) for n in range(rows)]),
        validation_file=service.upload([row(n, **tools) for n in range(10)]),
        method=method(url, grader=EQUAL, hyperparameters=hyperparameters, **tools),  # type: ignore[arg-type]
    ).id


def peak_bytes(process: Process, job_id: str) -> int:
    """The most memory that the service held while a job ran to its end."""
    memory, peak = psutil.Process(process.child.pid), 0
    while True:
        job = process.service.client.fine_tuning.jobs.retrieve(job_id)
        peak = max(peak, memory.memory_info().rss)
        if job.finished_at is not None:
            assert job.status == "succeeded", job.error
            return peak
        time.sleep(0.05)


def test_many_rows_and_many_queued_jobs_need_little_more_memory_than_a_small_job(
    tmp_path: Path, customer_url: str
) -> None:
    with Process(tmp_path) as process:
        small = peak_bytes(process, big_job(process.service, customer_url, 500, False))
        queued = [big_job(process.service, customer_url, 500, False) for _ in range(10)]
        together = max(peak_bytes(process, job_id) for job_id in queued)
        large = peak_bytes(process, big_job(process.service, customer_url, ROWS, True))
    assert together - small < 25 * MB  # their files have 20, and take more when parsed
    assert large - small < 25 * MB  # the file alone has 40, and its rows take more when parsed
