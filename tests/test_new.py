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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fastapi import FastAPI, HTTPException, Request

from buildhour_helpers import cli

from .course.empty_project import EmptyProject
from .service.servers import served

SOURCES = Path(__file__).parent / "new"
DEPOTS = f"{shlex.quote(sys.executable)} depots.py"
SECRET = re.compile("(KEY|TOKEN|SECRET|PASSWORD)$")

# kind, arguments of `new`, the tools that the project has, epochs of its job, the least gain
KINDS = [
    ("nothing", [], ["lookup_parts"], 10, 0.2),
    ("openapi", ["--from", "weather.yaml"], ["getReadings", "post_stations"], 2, None),
    ("mcp", ["--mcp", DEPOTS], ["stock", "last_rollout"], 2, None),
    ("schema", ["--from", "books.json"], ["find_book", "count_loans"], 0, None),
    ("functions", ["--from", "rooms.py"], ["seats", "price"], 0, None),
]
"""Without epochs `make check` is left out: it would run what it runs for the others."""


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with what a user has before the first command."""
    for name in filter(SECRET.search, list(os.environ)):
        monkeypatch.delenv(name)
    folder = tmp_path / "user"
    shutil.copytree(SOURCES, folder)
    monkeypatch.chdir(folder)
    return folder


def new(*arguments: str) -> Path:
    assert cli.main(["new", "../agent", *arguments]) == 0
    return Path("../agent").resolve()


def definitions(project: Path) -> dict[str, Any]:
    listed = json.loads((project / "tools.json").read_text(encoding="utf-8"))
    return {one["function"]["name"]: one["function"] for one in listed}


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(
    ("arguments", "tools", "epochs", "gain"),
    [case for _, *case in KINDS],
    ids=[kind for kind, *_ in KINDS],
)
def test_a_project_is_good_to_start_from_and_make_check_passes(
    arguments: list[str], tools: list[str], epochs: int, gain: float | None, tmp_path: Path
) -> None:
    """In an environment with the packages of requirements.txt alone; the service has its own."""
    project = new(*arguments)
    assert list(definitions(project)) == tools
    assert_good_to_start_from(project, names_python="--mcp" in arguments)

    if not epochs:
        return
    own = EmptyProject(tmp_path, (project / "requirements.txt").read_text("utf-8").splitlines())
    command = ["make", "check", f"PYTHON={own.python}", f"EPOCHS={epochs}"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "train.jsonl: 16 rows, valid.jsonl: 10 rows" in done.stdout
    assert "failed  " not in done.stdout  # a rollout of the baseline
    rewards = re.findall(r"^Step \d+/\d+ , train mean reward=([\d.]+)", done.stdout, re.MULTILINE)
    assert len(rewards) == epochs
    if gain is not None:
        assert float(rewards[-1]) > float(rewards[0]) + gain


def assert_good_to_start_from(project: Path, names_python: bool) -> None:
    """It is lint-free and formatted, and knows the workshop's package where it says so alone."""
    files = [path for path in project.rglob("*") if path.is_file()]
    for command in (["check", "--select", "B,E,F,I,PTH,RUF,SIM,UP"], ["format", "--diff"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length", "100", "."]
        done = subprocess.run(ruff, cwd=project, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    ours = re.compile("buildhour_helpers|rft_service|rft_wire|rft_traces")
    assert [path.name for path in files if ours.search(path.read_text("utf-8"))] == ["check.py"]
    if not names_python:  # else the command of the MCP server does
        here = [p.name for p in files if sys.executable in p.read_text("utf-8")]
        assert here == ["local.mk"]
    assert "local.mk" in (project / ".gitignore").read_text(encoding="utf-8").splitlines()


def call(project: Path, *calls: tuple[str, dict[str, Any]], **variables: str) -> list[str]:
    """What the project's tools answer, or the exception that they raise."""
    code = """
import asyncio, json, sys, tools
async def main():
    async with tools.open_tools() as call:
        for name, arguments in json.loads(sys.argv[1]):
            try:
                print(json.dumps(await call(name, arguments, "trace_1")))
            except Exception as error:
                print(json.dumps(f"{type(error).__name__}: {error}"))
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(calls)],
        cwd=project,
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def weather() -> tuple[FastAPI, list[Any]]:
    """The API of weather.yaml, and what was asked of it."""
    app, asked = FastAPI(), list[Any]()

    @app.get("/v1/stations/{station}/readings")
    def readings(station: str, request: Request, day: str = "") -> dict[str, Any]:
        headers = request.headers
        asked.append((station, day, headers["X-Rollout-ID"], headers.get("Authorization")))
        if station == "none":
            raise HTTPException(404, "no such station")
        if station == "broken":
            raise HTTPException(503)
        return {"temperature": 21}

    @app.post("/v1/stations")
    async def stations(request: Request) -> Any:
        return await request.json()

    return app, asked


def test_an_operation_is_called_by_http() -> None:
    project = new("--from", "weather.yaml")
    app, asked = weather()
    with served(app) as url:
        said = call(
            project,
            ("getReadings", {"station": "a?b ü", "day": "2026-01-02"}),
            ("getReadings", {"station": "none"}),
            ("getReadings", {"station": "broken"}),
            ("post_stations", {"body": {"near": "x", "radius_km": 2}}),
            API_URL=f"{url}/v1",
            API_TOKEN="secret-token",
        )
    assert said[0] == '{"temperature":21}'
    assert said[1].startswith("ValueError: status 404: ")  # the model reads it
    assert said[2].startswith("HTTPStatusError: ")  # a fault, which is tried again
    assert json.loads(said[3]) == {"near": "x", "radius_km": 2}
    assert asked[0] == ("a?b ü", "2026-01-02", "trace_1", "Bearer secret-token")


@pytest.fixture
def mcp_url(user: Path) -> Iterator[str]:
    """depots.py over HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "depots.py", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "running on" in line:
            break
    yield f"http://127.0.0.1:{port}/mcp"
    process.terminate()
    process.wait()


def test_mcp_tools_are_called_by_http_and_by_command(mcp_url: str) -> None:
    project = new("--mcp", mcp_url)
    calls = [
        ("stock", {"depot": "north"}),
        ("stock", {"depot": ""}),
        ("last_rollout", {}),
    ]
    for variables in ({}, {"MCP_SERVER": f"{shlex.quote(sys.executable)} ../user/depots.py"}):
        stock, mistake, rollout = call(project, *calls, **variables)
        assert json.loads(stock) == {"count": 5}
        assert mistake.startswith("ValueError: ")
        assert "depot is empty" in mistake
        assert rollout == "trace_1"


def test_functions_are_called_with_what_their_hints_say() -> None:
    project = new("--from", "rooms.py")
    said = call(
        project,
        ("seats", {"room": "blue"}),
        ("price", {"room": "red", "hours": 2}),
        ("price", {"room": "red", "hours": 0}),
    )
    assert said == ["22", '{"price": 28}', "ValueError: hours must be 1 or more"]
    parameters = definitions(project)["price"]["parameters"]
    hours = {"type": "integer", "default": 1, "description": "for how long"}
    assert parameters["properties"]["hours"] == hours
    assert parameters["required"] == ["room"]

    functions = project / "functions.py"  # a change reaches the rows by two commands
    text = functions.read_text(encoding="utf-8").replace("How many seats", "The number of seats")
    functions.write_text(text, encoding="utf-8")
    assert run(project, "schemas.py").returncode == 0
    assert definitions(project)["seats"]["description"] == "The number of seats a room has."
    assert "run `python rows.py --sync`" in run(project, "rows.py").stderr
    assert run(project, "rows.py", "--sync").returncode == 0


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True)


def test_the_check_of_rows_names_the_line() -> None:
    project = new()
    file = project / "data" / "train.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    first, *others = rows
    for changed, said in (
        (rows[:9], "has 9 rows; a service needs at least 10"),
        ([*rows, first], "train.jsonl: contains this question twice"),
        ([*rows, {}], "line 17: is not a row"),
        ([*others, first | {"reference_answer": ""}], "reference_answer is"),
        ([*others, first | {"tools": []}], "line 16: tools differ"),
        (
            [*others, first | {"messages": first["messages"][:1]}],
            "line 16: the last message must be the user's question",
        ),
    ):
        file.write_text("".join(json.dumps(row) + "\n" for row in changed), encoding="utf-8")
        done = run(project, "rows.py")
        assert done.returncode == 1
        assert said in done.stderr


def test_an_openapi_document_becomes_json_schema() -> None:
    """References, `nullable` and boolean bounds are OpenAPI 3.0's own."""
    project = new("--from", "weather.yaml")
    tools = definitions(project)
    for tool in tools.values():
        jsonschema.Draft202012Validator.check_schema(tool["parameters"])
    body = tools["post_stations"]["parameters"]["properties"]["body"]
    assert body["properties"]["radius_km"] == {
        "type": "number",
        "exclusiveMinimum": 1,
        "maximum": 50,
    }
    examples = json.loads((project / "examples.json").read_text(encoding="utf-8"))
    readings = [json.loads(one["output"]) for one in examples if one["tool"] == "getReadings"]
    assert all(-20 <= one["temperature"] <= 40 for one in readings)


OPENAPI = "openapi: 3.1.0\npaths: "
MISTAKES = {  # a file and what is in it, and what is said
    "list.json": ('[{"name": "a b"}]', "list.json: the tool 'a b': name: .* use letters, digits"),
    "broken.json": ('{"name": \n', "broken.json, line 2: is not JSON .*; correct it"),
    "nothing.json": ("[]", "describes no tool"),
    "nameless.json": ('{"type": "function", "function": {}}', "tool 1: has no name; add name"),
    "bad_schema.json": (
        '{"name": "a", "parameters": {"type": "array"}}',
        "schema must",
    ),
    "twice.json": ('[{"name": "a"}, {"name": "a"}]', "two tools are called 'a'; rename one"),
    "swagger.json": ('{"swagger": "2.0"}', "convert it to OpenAPI 3"),
    "paths.yaml": ("openapi: 3.1.0", "has no paths"),
    "lost.yaml": (
        OPENAPI + "{/x: {get: {parameters: [{$ref: '#/components/y'}]}}}",
        "get /x: .*leads nowhere",
    ),
    "undeclared.yaml": (OPENAPI + "{'/x/{id}': {get: {}}}", "'id' in the path is not a parameter"),
    "tabs.yaml": ("a: [", "is not YAML .*; correct it"),
    "empty.py": ("x = 1", "empty.py: defines no public function"),
    "crash.py": ("import not_there", "cannot be imported .*not_there.*; correct it, or install"),
    "silent.py": ("def f(a: int): ...", "f: has no docstring"),
    "untyped.py": ('def f(a):\n    "F."', "f: a has no type hint; add one"),
    "odd.py": ('def f(a: object()):\n    "F."', "f: a type hint .*; use plain types"),
    "stars.py": ('def f(*a: int):\n    "F."', "f: .*cannot be described; name each parameter"),
    "neighbour.py": ("import rooms", "imports its neighbour rooms; put the functions into one"),
    "key.py": (
        f'KEY = "sk-{"a1" * 10}"\ndef f(a: int) -> int:\n    "F."',
        "functions.py would contain what looks like a key",
    ),
    "words.txt": ("", "must end in .json, .yaml or .py"),
}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        *((["--from", name], said) for name, (_, said) in MISTAKES.items()),
        (["--from", "none.json"], "is not a file"),
        (["--from", "rooms.py", "--mcp", "x"], "give one of them"),
        (["--mcp", ""], "is empty"),
        (["--mcp", "not-a-program"], "gives no tools .*; start it, or correct the command"),
        (["--mcp", "http://127.0.0.1:9/mcp"], "gives no tools .*; start it"),
        (["--mcp", "http://me:pw@127.0.0.1:9/mcp"], "contains a password .*MCP_TOKEN"),
        (["--mcp", f"{DEPOTS} --api-key abc"], "--api-key is followed by .*a secret"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    arguments: list[str], said: str, user: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, (text, _) in MISTAKES.items():
        Path(name).write_text(text, encoding="utf-8")
    assert cli.main(["new", "../project", *arguments]) == 1
    error = capfd.readouterr().err
    assert re.search(said, error), error
    assert error.count("\n") == 1
    assert not Path("../project").exists()


def test_what_new_does_not_touch_or_write(
    user: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that holds something; a secret's value; what an MCP server needs is named."""
    before = sorted(user.iterdir())
    assert cli.main(["new", "."]) == 1
    assert capsys.readouterr().err == "buildhour new: .: is not empty; give a new folder\n"
    assert sorted(user.iterdir()) == before
    monkeypatch.setenv("DEPOT_TOKEN", "3f5e8d1c9b")
    command = f"{sys.executable} -c 'import depots; depots.server.run()' 3f5e8d1c9b"
    assert cli.main(["new", "../project", "--mcp", command]) == 1
    error = capsys.readouterr().err
    assert "$DEPOT_TOKEN" in error
    assert "3f5e8d1c9b" not in error
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert cli.main(["new", "../project", "--mcp", DEPOTS]) == 1
    assert "-m pip install 'mcp>=2.3,<3'" in capsys.readouterr().err
    assert not Path("../project").exists()
