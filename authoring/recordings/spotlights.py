"""Lesson 08: the five customers' environments, each trained with five seeds.

A seed makes the environment's world and starts its job, so every run has another repository, clinic
or collection. Each run measures the base model on held-out rows, trains, and measures again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from authoring.parallel import run_parts
from buildhour_helpers import servers
from buildhour_helpers.demo.stage import Stage
from buildhour_helpers.session import service_program
from buildhour_helpers.spotlights import Result, make, run

SEEDS = (201, 202, 203, 204, 205)
JOBS = (
    ("files", ""),
    ("files", "turns"),
    ("codes", ""),
    ("filings", "loose"),
    ("filings", "hardened"),
    ("kernels", "timed"),
    ("kernels", ""),
    ("slides", ""),
)
"""Environment, and the grader to train with ("" is its own)."""
CONCURRENCY = 32


def record(
    folder: Path,
    progress: Callable[[str], None],
    *,
    seeds: Sequence[int] = SEEDS,
    jobs: Sequence[tuple[str, str]] = JOBS,
    at_once: int | None = None,
) -> dict[str, Any]:
    """Every job with every seed."""
    parts = [(measure, folder, name, grader, seed) for name, grader in jobs for seed in seeds]
    runs = []
    for result in run_parts(parts, at_once):
        progress(
            f"{result['name']} {result['grader']} (seed {result['seed']}): "
            f"{result['before']['reward'][0]:.2f} to {result['after']['reward'][0]:.2f}"
        )
        runs.append(result)
    return {"model": "simulated", "runs": runs}


def measure(folder: Path, name: str, grader: str, seed: int) -> Result:
    """One run, on a separate service; the environment serves its tools itself."""
    environment = make(name, seed)
    state = folder / f"{name}-{grader}-{seed}"
    options = ("--concurrency", str(CONCURRENCY), "--id-seed", f"spotlights/{seed}")
    try:
        service = servers.ensure(state, [service_program(state, options=options)], bound=True)
        up = Stage(service["service"], service["service"])  # there is no other tool server

        async def measured() -> Result:
            async with up.async_client() as client:
                return await run(
                    environment, seed, grader=grader, client=up.client(), async_client=client
                )

        return asyncio.run(measured())
    finally:
        servers.stop(state)
