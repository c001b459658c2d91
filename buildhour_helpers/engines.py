"""The tiny engine and the service in front of it, as processes that a lesson starts and stops."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from openai import DefaultHttpxClient, OpenAI

from buildhour_helpers import servers, session
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.servers import Program

PACKAGES = {"tinker": "tinker>=0.25,<0.26", "renderers": "renderers>=0.1.12,<0.2"}
OPTIONS = {
    "renderer": "qwen3",  # the tiny tokenizer has the markers of Qwen 3
    "max_tokens": 64,  # of one turn
    "learning_rate": 4e-4,  # of a learning_rate_multiplier of 1; suits a few hundred weights
}


@dataclass(frozen=True)
class Running:
    """A service with an engine behind it. `model` is what jobs and requests name."""

    base_url: str
    api_key: str
    model: str
    home: Path

    def client(self) -> OpenAI:
        """A client of this service; `OpenAI()` still goes to the session's."""
        http = DefaultHttpxClient(trust_env=False)  # it is on this machine: no proxy
        return OpenAI(base_url=self.base_url, api_key=self.api_key, http_client=http)

    def stop(self) -> int:
        """Stop the engine and its service; returns how many processes were running."""
        return servers.stop(self.home)


def start_tiny() -> Running:
    """Start the tiny engine and a service in front of it, on free ports.

    They end with `stop`, or with this process. Raises WorkshopError if a package is missing.
    """
    missing = [f"'{wanted}'" for name, wanted in PACKAGES.items() if find_spec(name) is None]
    if missing:
        raise WorkshopError(
            "the tiny engine needs two more packages; run this in a cell, then start it again: "
            f"%pip install {' '.join(missing)}"
        )
    home = session.scratch()
    started = servers.ensure(home, [engine_program(home)], bound=True)["engine"]
    named = {"--engine-url": started.url, "--base-model": "tiny"}
    named["--tokenizer"] = str(home / "engine" / "tokenizer")
    options = ["--engine", "tinker", *(part for pair in named.items() for part in pair)]
    for name, value in OPTIONS.items():
        options += ["--engine-option", f"{name}={value}"]
    program = session.service_program(home, options=options)
    service = servers.ensure(home, [program], bound=True)["service"]
    return Running(service.url, service.key, "tiny", home)


def engine_program(home: Path) -> Program:
    """How to start the tiny engine with its state in `home`/engine; it needs no key."""
    return Program(
        name="engine",
        module="rft_service.engines.tiny",
        url_field="url",
        key_field="",
        code=("rft_service.engines.tiny",),
        state=home / "engine",
    )
