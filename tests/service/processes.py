"""The service in a process that a test may kill."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from openai import OpenAI

from .conftest import Running

ROOT = Path(__file__).parents[2]


class Process:
    """A service process; as a context it is killed at the end, if it still lives."""

    def __init__(self, home: Path, *options: str) -> None:
        command = [
            sys.executable, "-m", "rft_service", "--engine", "tests.service.doubles",
            "--home", str(home), "--json", "--pause", "0.01", *options,
        ]  # fmt: skip
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.child = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        if not line:
            raise AssertionError(self.child.communicate()[1])
        told = json.loads(line)
        client = OpenAI(base_url=told["base_url"], api_key=told["api_key"], max_retries=0)
        self.service = Running(told["base_url"], told["api_key"], home, client)

    def kill(self) -> None:
        self.child.kill()
        self.child.communicate()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self.child.poll() is None:
            self.kill()
