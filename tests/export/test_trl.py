"""`export trl`: the script, and two steps of it with a tiny model where torch and trl are."""

from __future__ import annotations

import ast
import json
import math
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse

from buildhour_helpers import cli
from buildhour_helpers.export.trl import as_method
from buildhour_helpers.tools.schemas import DEFINITIONS
from tests.service.customer import KEY, LOOKUP, Customer, jsonl, method, row

TRL_PYTHON = os.environ.get("BUILDHOUR_TRL_PYTHON", sys.executable)
"""A Python with torch and trl: .ci/run makes one for these tests alone."""


def exported(folder: Path, url: str, rows: list[Any] | None = None, **more: Any) -> int:
    """Write a job with its rows into the folder, and `export trl` it as train.py."""
    validation = rows or [row(n) for n in range(100, 110)]
    (folder / "rows.jsonl").write_bytes(jsonl(rows or [row(n) for n in range(12)]))
    (folder / "valid.jsonl").write_bytes(jsonl(validation))
    body = {"model": "sim-agent-mini", "seed": 3, "method": method(url, **more)}
    (folder / "job.json").write_text(json.dumps(body), encoding="utf-8")
    files = [str(folder / name) for name in ("job.json", "rows.jsonl", "valid.jsonl", "train.py")]
    arguments = ["export", "trl", files[0], "--rows", files[1], "--validation", files[2]]
    return cli.main([*arguments, "-o", files[3]])


@pytest.fixture
def trl() -> str:
    """The Python with torch and trl; skips the test where there is none."""
    found = subprocess.run([TRL_PYTHON, "-c", "import torch, trl"], capture_output=True)
    if found.returncode:
        pytest.skip(
            "torch and trl are not installed; BUILDHOUR_TRL_PYTHON names a Python with them"
        )
    return TRL_PYTHON


def test_two_steps_of_a_tiny_model(
    tmp_path: Path, customer: Customer, customer_url: str, trl: str
) -> None:
    refused: list[str] = []

    def refuse_the_first(body: dict[str, Any]) -> JSONResponse | None:
        refused.append(body["trace_id"])
        return JSONResponse({"error": "not now"}, 400) if len(refused) == 1 else None

    customer.grader = refuse_the_first
    small = {"batch_size": 2, "compute_multiplier": 0.5, "eval_interval": 2}
    assert exported(tmp_path, customer_url, hyperparameters=small) == 0
    made = run(
        trl, str(Path(__file__).with_name("tiny_model.py")), "train.py", "model", at=tmp_path
    )
    shown = json.loads(re.findall(r"^tools: (.*)$", made, re.MULTILINE)[0])
    assert shown[0]["function"]["name"] == LOOKUP["function"]["name"]
    said = run(
        trl, "train.py", "--model", "model", "--max-steps", "2", "--max-completion-tokens", "200",
        at=tmp_path,
    )  # fmt: skip

    logs = [ast.literal_eval(found) for found in re.findall(r"\{'loss': .*?\}", said)]
    assert len(logs) == 2
    assert all(math.isfinite(float(log["loss"])) for log in logs)
    assert "eval_reward" in said
    assert (tmp_path / "output" / "model.safetensors").is_file()

    # Every call carries the key and the whole row; a rollout has one trace ID in all its calls.
    assert set(customer.keys) == {f"Bearer {KEY}"}
    grades = {body["trace_id"]: body for body in customer.grader_bodies}
    assert len(grades) == len(customer.grader_bodies) == 2 * 8 + 10
    assert all(re.fullmatch(r"trace_[0-9a-f]{32}", trace_id) for trace_id in grades)
    assert customer.tool_bodies
    for body in customer.tool_bodies:
        assert body.keys() == {
            "type", "id", "call_id", "name", "arguments", "trace_id", "item",
        }  # fmt: skip
        assert body["item"] == grades[body["trace_id"]]["item"]
        assert body["item"].keys() == row(0).keys()
    made_calls = Counter(body["trace_id"] for body in customer.tool_bodies)
    for trace_id, body in grades.items():
        sample = body["sample"]
        assert len(sample["output_tools"]) == made_calls[trace_id]
        assert sample["output_text"] == sample["choices"][0]["message"]["content"]
    # One grade was refused: that rollout is left out, and training goes on.
    assert re.findall(r"(trace_\w+) is left out: the grader answered 400", said) == refused[:1]


def run(python: str, *arguments: str, at: Path) -> str:
    """What a program prints. It ends well, and asks no hub for anything."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRL_EXPERIMENTAL_SILENCE": "1"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [python, *arguments], cwd=at, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout + done.stderr


def test_the_script_holds_no_key_and_the_courses_own_tools(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["search", "list", "cat"]
    tools = [{"name": name, "server_url": "http://127.0.0.1:9/x"} for name in names]
    rows = [{**row(n), "tools": DEFINITIONS} for n in range(10)]
    answer = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    assert exported(tmp_path, "http://127.0.0.1:9", rows, tools=tools, response_format=answer) == 0
    script = (tmp_path / "train.py").read_text(encoding="utf-8")
    tree = ast.parse(script)
    (rollout,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Rollout"]
    defined = [n.name for n in rollout.body if isinstance(n, ast.FunctionDef)]
    assert defined == ["reset", *names, "_call"]
    assert KEY not in script
    assert 'JOB_FILE = HERE / "job.json"' in script
    assert "response_format: answers are not made to satisfy it" in script
    assert "Not in it: response_format" in capsys.readouterr().out


def test_a_tool_becomes_a_method_with_the_hints_of_its_schema() -> None:
    parameters = {
        "type": "object",
        "required": ["query"],
        "properties": {
            "limit": {"type": "integer", "minimum": 1, "description": "How many."},
            "query": {"type": "string"},
            "sort": {"enum": ["new", "old"]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "since": {"type": ["string", "null"]},
            "where": {"type": "object", "properties": {"x": {"type": "number"}}},
        },
    }
    made = as_method(
        {"name": "find", "description": 'Find\n"""it"""', "parameters": parameters},
        Path("rows.jsonl"),
    )
    assert made.signature == (
        "self, query: str, limit: int = None, sort: Literal['new', 'old'] = None, "
        "tags: list[str] = None, since: str | None = None, where: dict = None"
    )
    described = {one.name: one.description for one in made.parameters}
    assert described["limit"] == 'How many. {"minimum": 1}'
    assert described["tags"] == "tags"
    assert described["where"] == 'where {"properties": {"x": {"type": "number"}}}'
    assert made.description == 'Find \\"\\"\\"it\\"\\"\\"'
    assert made.arguments(True) == '{"query": query}'


def tools(name: str, description: str = "") -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": name, "description": description}}]


@pytest.mark.parametrize(
    ("rows", "more", "words"),
    [
        (None, {"grader": {"type": "python", "source": "x"}}, "grader.type is 'python'"),
        (None, {"tools": []}, "is not one of the job's tools"),
        ([row(n) for n in range(9)], {}, "9 rows; a job needs at least 10"),
        (
            [row(n, tools=tools("lookup", f"{n // 9}")) for n in range(10)],
            {},
            "line 10: its tools differ from those of line 1",
        ),
        (
            [row(n, tools=tools("get-page")) for n in range(10)],
            {"tools": [{"name": "get-page", "server_url": "http://127.0.0.1:9/x"}]},
            "the tool 'get-page' cannot be a name in a TRL environment",
        ),
    ],
)
def test_what_trl_cannot_do_is_said_in_one_line(
    tmp_path: Path,
    rows: list[Any] | None,
    more: dict[str, Any],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert exported(tmp_path, "http://127.0.0.1:9", rows, **more) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "train.py").exists()
