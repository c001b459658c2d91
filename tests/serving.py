"""`buildhour serve` as a program of its own, whose servers tests may share."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from buildhour_helpers.demo.stage import Stage

SERVE = [sys.executable, "-m", "buildhour_helpers.cli", "serve", "--json"]


def started(*options: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """The program, once its servers answer, and what it says about them."""
    program = subprocess.Popen(
        [*SERVE, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert program.stdout
    line = program.stdout.readline()
    if not line:
        raise AssertionError(program.communicate()[1])
    return program, json.loads(line)


@contextmanager
def serving(*options: str) -> Iterator[dict[str, str]]:
    """What the program says about its servers; it is ended with the block."""
    program, about = started(*options)
    try:
        yield about
    finally:
        program.terminate()
        program.communicate()


@contextmanager
def serving_in(folder: Path) -> Iterator[None]:
    """The program on this state folder, started in the environment as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BUILDHOUR_HOME", str(folder))
        with serving():
            yield


def name_servers(patch: pytest.MonkeyPatch, up: Stage) -> None:
    """Name a service and a tool server in the environment, as a session names them."""
    patch.setenv("OPENAI_BASE_URL", up.service.url)
    patch.setenv("OPENAI_API_KEY", up.service.key)
    patch.setenv("BUILDHOUR_TOOLS_URL", up.tools.url)
    patch.setenv("BUILDHOUR_TOOLS_KEY", up.tools.key)
