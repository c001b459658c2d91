"""Requests a second of the tool server, beside a bare FastAPI echo endpoint.

    python benchmarks/tool_server.py [--reports DIR] [--requests 6000] [--at-once 32]

Server and client are two processes that share the machine's cores. The calls are what rollouts
send: searches in the words of a page, the listing of its folder, the page itself. Both servers
are measured twice, in turn, so that a slow minute of the machine shows; the server's CPU time for
a request does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import psutil

from buildhour_helpers.reports import Report, load

ECHO = """
import json, os, sys
from fastapi import FastAPI, Request, Response
from buildhour_helpers.tools.serving import Server
app = FastAPI()
@app.post("/echo")
async def echo(request: Request) -> Response:
    return Response(json.dumps(json.loads(await request.body())), media_type="application/json")
server = Server(app)
line = json.dumps({"tools_url": server.url, "tools_key": "", "pid": os.getpid()})
server.serve_until_stopped(lambda: print(line, flush=True))
"""

Call = tuple[str, dict[str, object]]


@dataclass(frozen=True)
class Result:
    name: str
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float  # the server's, for a request


def calls(reports: list[Report], count: int) -> list[Call]:
    """Tool calls as rollouts make them: search, list, cat, ten calls to a trace at most."""
    made: list[Call] = []
    for number, page in enumerate(islice(cycle(reports[::7]), count // 3 + 1)):
        labels = " ".join(row[0] for row in page.table[1:3])
        folder = page.path.rsplit("/", 1)[0]
        ticker, year = page.path.split("/")[:2]
        made += [
            _call(number, 1, "search", query=f"{labels} {ticker} {year}", k=5),
            _call(number, 2, "list", path=folder),
            _call(number, 3, "cat", path=page.path),
        ]
    return made[:count]


def _call(rollout: int, place: int, name: str, **arguments: object) -> Call:
    body = {
        "type": "function_call",
        "id": f"fc_{place}",
        "call_id": f"call_{place}",
        "name": name,
        "arguments": json.dumps(arguments),
        "trace_id": f"trace_{rollout}",
        "item": {},
    }
    return name, body


@contextmanager
def server(*command: str) -> Iterator[dict[str, Any]]:
    """A server in a separate process, stopped at the end; gives the line that it printed."""
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


async def measure(name: str, at: dict[str, Any], work: list[Call], at_once: int) -> Result:
    """Send the calls, `at_once` at a time, and time each one."""
    latencies_s: list[float] = []
    queue = iter(work)
    url, headers = at["tools_url"], {"Authorization": f"Bearer {at['tools_key']}"}
    process = psutil.Process(at["pid"])
    cpu_s = sum(process.cpu_times()[:2])

    async def worker(session: aiohttp.ClientSession) -> None:
        for tool, body in queue:
            started = time.perf_counter()
            path = "echo" if name == "echo" else tool
            async with session.post(f"{url}/{path}", json=body) as response:
                await response.read()
                response.raise_for_status()
            latencies_s.append(time.perf_counter() - started)

    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        started = time.perf_counter()
        await asyncio.gather(*(worker(session) for _ in range(at_once)))
        wall_s = time.perf_counter() - started
    p50, p99 = np.percentile(latencies_s, [50, 99]) * 1000
    cpu_ms = (sum(process.cpu_times()[:2]) - cpu_s) / len(work) * 1000
    return Result(name, len(work) / wall_s, float(p50), float(p99), cpu_ms)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=Path)
    parser.add_argument("--requests", type=int, default=6000)
    parser.add_argument("--at-once", type=int, default=32)
    options = parser.parse_args()
    work = calls(list(load(options.reports).values()), options.requests)
    by_tool = {
        tool: [call for call in work if call[0] == tool] for tool in ("search", "list", "cat")
    }
    folder = ["--reports", str(options.reports)] if options.reports else []
    print(f"{options.requests} requests, {options.at_once} at once\n")
    print(f"{'':20s}{'requests/s':>12s}{'p50 ms':>10s}{'p99 ms':>10s}{'server CPU ms':>16s}")
    with (
        server("-m", "buildhour_helpers.tools", "--json", *folder) as tools,
        server("-c", ECHO) as echo,
    ):
        runs = [("echo", echo, work), ("search, list, cat", tools, work)] * 2
        runs += [(tool, tools, some) for tool, some in by_tool.items()]
        for name, at, some in runs:
            done = asyncio.run(measure(name, at, some, options.at_once))
            print(
                f"{name:20s}{done.per_second:12.0f}{done.p50_ms:10.1f}{done.p99_ms:10.1f}"
                f"{done.cpu_ms:16.2f}"
            )


if __name__ == "__main__":
    main()
