"""`new`: a project from each kind of description, whose `make check` passes."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Header
from mcp.server.mcpserver import Context, MCPServer

from buildhour_helpers import cli

MCP_SERVER = Path(__file__).parent / "new" / "depots.py"
SOURCES = Path(__file__).parent / "new"

# kind, arguments of `new`, the tools that the project has
KINDS = [
    ("nothing", [], ["lookup_parts"]),
    ("schema", ["--from", "books.json"], ["find_book", "count_loans"]),
    ("openapi", ["--from", "weather.yaml"], ["getReadings", "post_stations"]),
    ("functions", ["--from", "rooms.py"], ["seats", "price"]),
    ("mcp", ["--mcp", f"{shlex.quote(sys.executable)} depots.py"], ["stock"]),
]


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: what a user has before the first command."""
    for name in os.environ:
        if re.search("(KEY|TOKEN|SECRET|PASSWORD)$", name):
            monkeypatch.delenv(name)
    folder = tmp_path / "user"
    shutil.copytree(SOURCES, folder)
    monkeypatch.chdir(folder)
    return folder


def new(*arguments: str) -> int:
    return cli.main(["new", *arguments])


def make(project: Path, target: str, **variables: str) -> subprocess.CompletedProcess[str]:
    given = [f"{name}={value}" for name, value in variables.items()]
    return subprocess.run(["make", target, *given], cwd=project, capture_output=True, text=True)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(("kind", "arguments", "tools"), KINDS, ids=[kind for kind, *_ in KINDS])
def test_make_check_passes(
    kind: str, arguments: list[str], tools: list[str], sources: Path
) -> None:
    assert new("../project", *arguments) == 0
    project = sources.parent / "project"
    definitions = json.loads((project / "tools.json").read_text(encoding="utf-8"))
    assert [one["function"]["name"] for one in definitions] == tools

    done = make(project, "check", EPOCHS="2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "train.jsonl: 16 rows, valid.jsonl: 10 rows" in done.stdout
    assert "failed" not in done.stdout
    assert "Step 2/2 " in done.stdout

    written = [path for path in project.rglob("*") if path.suffix in (".py", ".json", ".md")]
    assert not [p for p in written if sys.executable in p.read_text("utf-8") and kind != "mcp"]
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--select", "B,E,F,I,PTH,RUF,SIM,UP"], ["format", "--diff"]):
        style = [*ruff, *command, "--isolated", "--line-length", "100", "."]
        done = subprocess.run(style, cwd=project, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
