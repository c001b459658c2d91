"""Requests a second and p99 of the service, beside the model alone.

    python benchmarks/service_requests.py [--requests 1500] [--at-once 16]

A conversation of one search and one page is answered by the model in process, then through
`/v1/responses` (not stored, stored, streamed), with the same model in another process; then files
and events. What the service adds to a turn is the difference of CPU time, which does not depend on
what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import psutil

from buildhour_helpers.reports import load
from buildhour_helpers.tasks import BEST_PROMPT, load_questions
from buildhour_helpers.tools.functions import ReportTools
from buildhour_helpers.tools.schemas import DEFINITIONS, for_responses
from rft_service.engines.simulated.engine import SimulatedSampler, base_weights
from rft_service.rl.engine import Seed, ToolSpec, TurnRequest

Send = Callable[[int], Awaitable[None]]


@contextmanager
def service(home: Path) -> Iterator[dict[str, Any]]:
    """The service in a separate process, stopped at the end; gives the line that it printed."""
    command = [sys.executable, "-m", "rft_service", "--json", "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def conversations(count: int) -> list[list[dict[str, Any]]]:
    """What a rollout sends on its third turn: the question, a search, a page."""
    tools = ReportTools(load()).functions()
    made = []
    for question in load_questions(split="test")[:count]:
        items: list[dict[str, Any]] = [
            {"role": "system", "content": BEST_PROMPT},
            {"role": "user", "content": question.text},
        ]
        calls = [("search", {"query": question.text}), ("cat", {"path": question.gold_pages[0]})]
        for number, (name, arguments) in enumerate(calls):
            call_id = f"call_{number}"
            output = tools[name](**arguments)
            call = {"call_id": call_id, "name": name, "arguments": json.dumps(arguments)}
            items += [
                {"type": "function_call", **call},
                {"type": "function_call_output", "call_id": call_id, "output": output},
            ]
        made.append(items)
    return made


def model_alone(work: list[list[dict[str, Any]]], count: int) -> float:
    """CPU milliseconds of a turn of the model in this process."""
    sampler = SimulatedSampler(base_weights())
    functions = (definition["function"] for definition in DEFINITIONS)
    tools = [ToolSpec(f["name"], f["description"], f["parameters"]) for f in functions]

    async def turns() -> float:
        started = time.process_time()
        for number in range(count):
            items = work[number % len(work)]
            await sampler.sample(TurnRequest(items, tools), Seed.of("alone", number))
        return time.process_time() - started

    return asyncio.run(turns()) / count * 1000


async def measure(name: str, pid: int, send: Send, count: int, at_once: int) -> float:
    """Send requests and print what they took; the server's CPU milliseconds for each."""
    latencies_s: list[float] = []
    numbers = iter(range(count))
    process = psutil.Process(pid)
    cpu_s = sum(process.cpu_times()[:2])

    async def worker() -> None:
        for number in numbers:
            started = time.perf_counter()
            await send(number)
            latencies_s.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    wall_s = time.perf_counter() - started
    p50, p99 = np.percentile(latencies_s, [50, 99]) * 1000
    cpu_ms = (sum(process.cpu_times()[:2]) - cpu_s) / count * 1000
    print(f"{name:24s}{count / wall_s:12.0f}{p50:10.1f}{p99:10.1f}{cpu_ms:16.2f}")
    return float(cpu_ms)


async def measure_all(at: dict[str, Any], count: int, at_once: int, alone_ms: float) -> None:
    work = conversations(100)
    headers = {"Authorization": f"Bearer {at['api_key']}"}
    base = {"model": "sim-agent-mini", "tools": for_responses(DEFINITIONS)}

    async with aiohttp.ClientSession(headers=headers) as session:

        async def post(path: str, **how: Any) -> None:
            async with session.post(f"{at['base_url']}{path}", **how) as answer:
                await answer.read()
                answer.raise_for_status()

        async def get(path: str) -> None:
            async with session.get(f"{at['base_url']}{path}") as answer:
                await answer.read()
                answer.raise_for_status()

        def responses(**more: Any) -> Send:
            return lambda n: post(
                "/responses",
                json={**base, "input": work[n % 100], "metadata": {"repeat": str(n)}, **more},
            )

        def upload(_: int) -> Awaitable[None]:
            form = aiohttp.FormData({"purpose": "fine-tune"})
            form.add_field("file", b'{"messages": []}\n' * 1000, filename="rows.jsonl")
            return post("/files", data=form)

        print(f"{'':24s}{'requests/s':>12s}{'p50 ms':>10s}{'p99 ms':>10s}{'server CPU ms':>16s}")
        pid = at["pid"]
        await measure("(warming up)", pid, responses(store=False), 200, at_once)
        cost_ms = await measure("responses", pid, responses(store=False), count, at_once)
        await measure("responses, stored", pid, responses(), count, at_once)
        await measure("responses, streamed", pid, responses(stream=True), count, at_once)
        await measure("upload of 1,000 rows", pid, upload, count // 10, at_once)
        job_id = await job(session, at["base_url"])
        events = f"/fine_tuning/jobs/{job_id}/events?limit=100"
        await measure("events of a job", pid, lambda _: get(events), count, at_once)
        await measure("list of files", pid, lambda _: get("/files?limit=20"), count, at_once)
        await measure("models", pid, lambda _: get("/models"), count, at_once)
    print(f"\nthe model alone: {alone_ms:.2f} ms a turn; the service adds {cost_ms - alone_ms:.2f}")


async def job(session: aiohttp.ClientSession, base_url: str) -> str:
    """The ID of a small job that has ended: ten rows, no tools, a grader of the service's own."""
    rows = "".join(
        json.dumps({"messages": [{"role": "user", "content": f"Say {number}"}]}) + "\n"
        for number in range(10)
    )
    form = aiohttp.FormData({"purpose": "fine-tune"})
    form.add_field("file", rows.encode(), filename="rows.jsonl")
    async with session.post(f"{base_url}/files", data=form) as answer:
        file_id = (await answer.json())["id"]
    grader = {
        "type": "string_check",
        "name": "equal",
        "input": "{{sample.output_text}}",
        "reference": "1",
        "operation": "eq",
    }
    body = {
        "model": "sim-agent-mini",
        "training_file": file_id,
        "validation_file": file_id,
        "method": {"type": "reinforcement", "reinforcement": {"grader": grader}},
    }
    async with session.post(f"{base_url}/fine_tuning/jobs", json=body) as answer:
        made = await answer.json()
    while made["status"] not in ("succeeded", "failed"):
        await asyncio.sleep(0.1)
        async with session.get(f"{base_url}/fine_tuning/jobs/{made['id']}") as answer:
            made = await answer.json()
    job_id: str = made["id"]
    return job_id


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1500)
    parser.add_argument("--at-once", type=int, default=16)
    options = parser.parse_args()
    work = conversations(100)
    model_alone(work, 200)  # fills the caches, as the service's warming up does
    alone_ms = model_alone(work, options.requests)
    with tempfile.TemporaryDirectory() as folder, service(Path(folder)) as at:
        asyncio.run(measure_all(at, options.requests, options.at_once, alone_ms))


if __name__ == "__main__":
    main()
