"""Evaluation: every question, several times, a bounded number at once; an interrupted run resumes.

In a notebook `await evaluate(...)`; in a script `asyncio.run(evaluate(...))`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI, DefaultAioHttpClient
from openai.types.shared import ReasoningEffort
from tqdm.auto import tqdm

from buildhour_helpers import proxies
from buildhour_helpers.errors import WorkshopError, writing
from buildhour_helpers.rollouts.endpoints import Grader, ToolServer
from buildhour_helpers.rollouts.loop import MAX_STEPS, NEEDED, Row, run_rollout, trace_id_of
from buildhour_helpers.rollouts.records import read_records, write_records
from rft_wire.records import RolloutRecord


@dataclass(frozen=True)
class _Planned:
    row: Row
    repeat: int
    trace_id: str


async def evaluate(
    rows: Sequence[Row],
    *,
    model: str,
    file: Path,
    run: str = "evaluation",
    repeats: int = 1,
    concurrency: int = 32,
    reasoning_effort: ReasoningEffort = "medium",
    max_steps: int = MAX_STEPS,
    response_format: Mapping[str, Any] | None = None,
    client: AsyncOpenAI | None = None,
    server: ToolServer | None = None,
    grade: Grader | None = None,
    progress: bool = True,
) -> list[RolloutRecord]:
    """Roll out each dataset row `repeats` times; returns the records by question, then repeat.

    Each record is written to `file` as its rollout ends, and the file is sorted at the end. Called
    again, it runs only what is missing or failed. `client` and `server` default to what
    the environment variables name. Raises WorkshopError if a row lacks what a rollout needs, or
    `file` belongs to another evaluation or cannot be written; what it holds by then is kept.
    """
    _check(rows)
    plan = [
        _Planned(row, repeat, trace_id_of(row, run=run, model=model, repeat=repeat))
        for row in rows
        for repeat in range(repeats)
    ]
    done = _resumed(file, plan)
    with writing(file):
        write_records(done.values(), file)
    missing = [planned for planned in plan if planned.trace_id not in done]
    async with _client(client) as api, server or ToolServer() as tools:

        async def roll_out(planned: _Planned) -> RolloutRecord:
            await tools.forget(planned.trace_id)
            return await run_rollout(
                api,
                tools,
                planned.row,
                model=model,
                trace_id=planned.trace_id,
                repeat=planned.repeat,
                reasoning_effort=reasoning_effort,
                max_steps=max_steps,
                response_format=response_format,
                grade=grade,
            )

        with (
            _appending(file) as append,
            tqdm(total=len(plan), initial=len(done), desc=run, disable=not progress) as bar,
        ):
            queue = iter(missing)

            async def worker() -> None:
                for planned in queue:
                    record = await roll_out(planned)
                    done[planned.trace_id] = record
                    append(record)
                    bar.update()

            await _together(worker() for _ in range(min(concurrency, len(missing))))
    records = [done[planned.trace_id] for planned in plan]
    with writing(file):
        write_records(records, file)
    return records


def _check(rows: Iterable[Row]) -> None:
    for number, row in enumerate(rows, 1):
        missing = next((key for key in NEEDED if key not in row), None)
        if missing:
            raise WorkshopError(
                f"row {number}: {missing!r} is missing; a row needs {', '.join(NEEDED)}, as "
                "tasks.build_rows makes it"
            )


@contextmanager
def _appending(file: Path) -> Iterator[Callable[[RolloutRecord], None]]:
    """A function that adds a record to the file at once."""
    with writing(file):
        out = file.open("a", encoding="utf-8", newline="\n", buffering=1)

    def append(record: RolloutRecord) -> None:
        with writing(file):
            out.write(record.to_line())

    try:
        yield append
    finally:
        with suppress(OSError):  # what could not be written has been said
            out.close()


def _resumed(file: Path, plan: Iterable[_Planned]) -> dict[str, RolloutRecord]:
    """What an earlier, interrupted run left: the good records, by trace_id."""
    if not file.exists():
        return {}
    planned = {one.trace_id for one in plan}
    records = read_records(file, torn_end=True)
    for number, record in enumerate(records, 1):
        if record.trace_id not in planned:
            raise WorkshopError(
                f"{file}, line {number}: trace_id {record.trace_id} is of another evaluation "
                "(another model, prompt, question or name); give another file, or delete this one"
            )
    return {record.trace_id: record for record in records if record.reward is not None}


@asynccontextmanager
async def _client(client: AsyncOpenAI | None) -> AsyncIterator[AsyncOpenAI]:
    """The given client, or a new one over aiohttp, which is faster under load."""
    if client is not None:
        yield client
        return
    is_local = proxies.is_local(os.environ.get("OPENAI_BASE_URL", ""))
    async with AsyncOpenAI(http_client=DefaultAioHttpClient(trust_env=not is_local)) as own:
        yield own


async def _together(coroutines: Iterable[Coroutine[None, None, None]]) -> None:
    """Run to the end, or to the first error or cancellation, which stops the rest."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
