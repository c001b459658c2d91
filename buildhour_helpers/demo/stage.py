"""The demo's own servers, on a state folder of their own: nothing from before can colour a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import servers
from ..servers import Server
from ..session import service_program, tools_program


@dataclasses.dataclass(frozen=True)
class Stage:
    """The two servers of a run."""

    service: Server
    tools: Server


@contextmanager
def stage(folder: Path, reports: Path | None, seed: int, concurrency: int) -> Iterator[Stage]:
    """Both servers up while the block runs, their state and logs under `folder`."""
    service = service_program(folder)
    options = ("--concurrency", str(concurrency), "--id-seed", f"demo/{seed}")
    service = dataclasses.replace(service, options=(*service.options, *options))
    try:
        up = servers.ensure(folder, [service, tools_program(reports)])
        yield Stage(up["service"], up["tools"])
    finally:
        for name in ("service", "tools"):
            servers.stop(folder, name)
