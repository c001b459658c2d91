"""The tiny engine in a process that a test may kill, and a job that it can learn."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse, Response

from rft_service.engines.tinker import create
from rft_service.engines.tinker.engine import TinkerEngine
from tests.service.customer import Customer, jsonl, method, row, tool_answer
from tests.service.processes import ROOT

OPTIONS = {"renderer": "qwen3", "max_tokens": "64", "learning_rate": "4e-4"}
LOOKUP = {
    "type": "function",
    "function": {
        "name": "lookup",
        "description": "Look an entry up.",
        "parameters": {
            "type": "object",
            "properties": {"entry": {"type": "string"}},
            "required": ["entry"],
        },
    },
}


class TinyEngine:
    """The process; as a context it is killed at the end. A second one takes the same port."""

    def __init__(self, home: Path, port: int = 0, faults: bool = True) -> None:
        command = [sys.executable, "-m", "rft_service.engines.tiny", "--json"]
        command += ["--home", str(home), "--port", str(port), *(["--faults"] if faults else [])]
        self.child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.child.stdout is not None
        told = json.loads(self.child.stdout.readline())
        self.home, self.url, self.tokenizer = home, told["url"], told["tokenizer"]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def options(self) -> tuple[str, ...]:
        """The service's options that name it."""
        named = ("--engine-url", self.url, "--base-model", "tiny", "--tokenizer", self.tokenizer)
        more = [part for pair in OPTIONS.items() for part in ("--engine-option", "=".join(pair))]
        return ("--engine", "tinker", *named, *more)

    def client(self, **options: str) -> TinkerEngine:
        """The service's side of it, for a service in this process."""
        where = {"engine_url": self.url, "base_model": "tiny", "tokenizer": self.tokenizer}
        return create(self.home, 0, **where, **{**OPTIONS, **options})[0]

    def statistics(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.url}/statistics", timeout=10) as answer:
            found: dict[str, int] = json.load(answer)
            return found

    def fault(self, path: str, **fault: Any) -> None:
        """Order a fault of the next requests to an operation."""
        body = json.dumps({"path": path, **fault}).encode()
        urllib.request.urlopen(f"{self.url}/faults", body, timeout=10).close()

    def kill(self) -> None:
        self.child.kill()
        self.child.communicate()

    def __enter__(self) -> TinyEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def customer() -> Customer:
    """Looks entries up; only the bare answer earns a reward."""
    return Customer(tool=look_up, grader=grade)


def look_up(body: dict[str, Any]) -> Response:
    return JSONResponse(tool_answer(body, found(body["arguments"])))


def found(arguments: str) -> str:
    entry = json.loads(arguments).get("entry")
    known = isinstance(entry, str) and entry.startswith("key") and entry[3:].isdigit()
    return f"entry has {1000 + int(entry[3:])}" if known else "Error: no such entry"


def grade(body: dict[str, Any]) -> Response:
    right = body["item"]["reference_answer"] == body["sample"]["output_text"]
    return JSONResponse({"score": float(right)})


def rows_of(first: int, count: int) -> list[dict[str, Any]]:
    numbers = range(first, first + count)
    return [row(n, tools=[LOOKUP], reference_answer=str(1000 + n)) for n in numbers]


TRAIN, VALIDATION = jsonl(rows_of(0, 20)), jsonl(rows_of(100, 10))


def job(
    url: str, model: str, n_epochs: int = 1, eval_interval: int = 4, **reinforcement: Any
) -> dict[str, Any]:
    """A job's request, but for its files."""
    given = {"n_epochs": n_epochs, "batch_size": 5, "eval_interval": eval_interval}
    made = method(url, hyperparameters=given, **reinforcement)
    return {"model": model, "seed": 3, "suffix": "tiny", "method": made}
