"""The servers of one run, with a new state folder, so that no earlier run has an effect on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openai import AsyncOpenAI, DefaultAioHttpClient, DefaultHttpxClient, OpenAI

from buildhour_helpers import servers
from buildhour_helpers.servers import Server
from buildhour_helpers.session import service_program, tools_program


@dataclasses.dataclass(frozen=True)
class Stage:
    """The two servers of a run."""

    service: Server
    tools: Server

    def client(self) -> OpenAI:
        """The client of this service, whatever proxy and headers the environment names."""
        return OpenAI(
            base_url=self.service.url,
            api_key=self.service.key,
            default_headers={"Authorization": f"Bearer {self.service.key}"},
            http_client=DefaultHttpxClient(trust_env=False),
        )

    def async_client(self) -> AsyncOpenAI:
        """The same for many requests at once; close it after use."""
        return AsyncOpenAI(
            base_url=self.service.url,
            api_key=self.service.key,
            default_headers={"Authorization": f"Bearer {self.service.key}"},
            http_client=DefaultAioHttpClient(trust_env=False),
        )


@contextmanager
def stage(folder: Path, reports: Path | None, seed: int, concurrency: int) -> Iterator[Stage]:
    """Both servers up while the block runs, their state and logs under `folder`.

    `logs/calls.jsonl` records each tool call (rollout, tool, arguments, times, length of the
    output) and each grade (rollout, answer, score): what the owner of the tools saw. It holds
    neither keys nor outputs; for the demo it takes about 10 MB.
    """
    service = service_program(folder)
    options = ("--concurrency", str(concurrency), "--id-seed", f"demo/{seed}")
    service = dataclasses.replace(service, options=(*service.options, *options))
    calls = folder / "logs" / "calls.jsonl"
    try:
        programs = [service, tools_program(reports, calls=calls)]
        up = servers.ensure(folder, programs, bound=True)
        yield Stage(up["service"], up["tools"])
    finally:
        servers.stop(folder)
