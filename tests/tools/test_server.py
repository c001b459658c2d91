"""The tool server over real HTTP: the contract, the budget, the state, and bad requests."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from buildhour_helpers.graders import GraderCall
from buildhour_helpers.reports import Reports, save
from buildhour_helpers.tools import DEFINITIONS, ReportTools, TraceStore
from buildhour_helpers.tools.app import create_app
from buildhour_helpers.tools.schemas import Definition
from buildhour_helpers.tools.serving import served

from .conftest import HTTP, KEY, ToolServer

ITEM = {
    "answer_value": 100.0,
    "answer_kind": "amount",
    "reference_answer": "$100 million",
    "gold_pages": ["ACME/2012/page_9.pdf"],
}


def test_the_tools_answer_with_text_made_for_a_reader(server: ToolServer) -> None:
    found = server.call("search", "t-tools", {"query": "pension assets", "k": 1})
    assert found.startswith("1. BOLT/2011/page_3.pdf\n   ")
    assert server.call("list", "t-tools", {}) == "ACME/\nBOLT/"
    assert server.call("list", "t-tools", {"path": "ACME/2012"}).splitlines() == [
        "ACME/2012/page_9.pdf",
        "ACME/2012/page_10.pdf",
    ]
    text = server.call("cat", "t-tools", {"path": "ACME/2012/page_9.pdf"})
    assert "| net sales | 100 | 90 |" in text


@pytest.mark.parametrize(
    ("tool", "arguments", "fix"),
    [
        ("search", {"query": "  "}, "give words"),
        ("search", {"query": "zzyzx"}, "use fewer or other words"),
        ("search", {}, "query is missing; give query (string) and k (integer)"),
        ("search", {"query": 5}, "query must be of type string, not 5"),
        ("search", {"query": "sales", "k": True}, "k must be of type integer, not true"),
        ("search", {"query": "sales", "k": 10**400}, "k must be from 1 to 20"),
        ("search", {"query": "sales", "n": 3}, "there is no parameter 'n'"),
        ("cat", {"path": "ACME/2012/"}, "is a folder, not a page"),
        ("cat", {"path": "ACME/2013/page_9.pdf"}, "take a path from search or list"),
        ("list", {"path": "ACME/2012/page_9.pdf"}, "read it with cat"),
        ("cat", "[1]", "not a JSON object; give path (string)"),
        ("cat", '{"path": "ACME', "not a JSON object"),
        ("cat", "[" * 100_000, "not a JSON object"),
    ],
)
def test_a_mistake_of_the_model_is_an_output_that_says_what_to_do(
    server: ToolServer, tool: str, arguments: Any, fix: str
) -> None:
    output = server.call(tool, f"t-mistake-{tool}-{fix}", arguments)
    assert output.startswith("Error: ")
    assert fix in output


PATHS = [
    "..", "../..", "/etc/passwd", "/", "//", "ACME/../../etc/passwd",
    "ACME/2012/../2012/page_9.pdf", "..\\..\\windows\\win.ini", "C:\\windows\\win.ini",
    "file:///etc/passwd", "~", "~root/.ssh/id_rsa", "%2e%2e/%2e%2e/etc/passwd",
    "ACME/2012/page_9.pdf\x00.txt", "ACME/2012/page_9.pdf\n", "./ACME",
    "ACME\u2215..\u2215etc", "\ud800", "A" * 100_000, str(Path(__file__).resolve()),
]  # fmt: skip


@pytest.mark.parametrize("tool", ["list", "cat"])
def test_no_path_leaves_the_report_tree(server: ToolServer, reports: Reports, tool: str) -> None:
    folders = {"ACME/\nBOLT/", "ACME/2012/", "BOLT/2011/"}
    pages = {report.text() for report in reports.values()}
    for path in PATHS:
        output = server.call(tool, f"t-path-{uuid4()}", {"path": path})
        assert output.startswith("Error: ") or output in folders | pages, path


def test_the_eleventh_call_is_told_to_answer_and_a_forgotten_trace_starts_again(
    server: ToolServer,
) -> None:
    for _ in range(10):
        assert server.call("list", "t-budget", {}) == "ACME/\nBOLT/"
    eleventh = server.call("list", "t-budget", {})
    assert eleventh.startswith("Error: the budget of 10 tool calls is used up; answer now")
    assert server.call("list", "t-other", {}) == "ACME/\nBOLT/"
    trace = server.trace("t-budget").json()
    assert (len(trace["calls"]), trace["refused"]) == (10, 1)
    gone = HTTP.delete(f"{server.url}/traces/t-budget", headers=server.headers)
    assert gone.status_code == 204
    assert server.trace("t-budget").status_code == 404
    assert not server.call("list", "t-budget", {}).startswith("Error")


def test_the_budget_holds_when_the_calls_come_at_once(server: ToolServer) -> None:
    with ThreadPoolExecutor(16) as pool:
        outputs = list(pool.map(lambda _: server.call("list", "t-parallel", {}), range(30)))
    assert sum(output.startswith("Error: the budget") for output in outputs) == 20


def test_a_call_that_is_retried_is_charged_once(server: ToolServer) -> None:
    for _ in range(15):
        assert server.call("list", "t-again", {}, call_id="call_1") == "ACME/\nBOLT/"
    other = server.call("list", "t-again", {"path": "BOLT/"}, call_id="call_1")
    assert other == "BOLT/2011/"
    assert len(server.trace("t-again").json()["calls"]) == 2


def test_a_trace_tells_what_the_rollout_did(server: ToolServer) -> None:
    for call_id, path in (("c1", "/ACME/2012/page_9.pdf"), ("c2", "nowhere")):
        server.call("cat", "t-record", {"path": path}, call_id=call_id)
    body = {"call_id": "c3", "trace_id": "t-record", "arguments": {"path": "BOLT/"}}
    answer = server.post("list", json=body).json()  # arguments may be an object
    assert answer == {"type": "function_call_output", "call_id": "c3", "output": "BOLT/2011/"}
    answers = ("0.1", "5", "", None, "100")
    scores = [server.grade(answer, ITEM, "t-record").json()["score"] for answer in answers]
    assert scores == [0.5, 0.0, 0.0, 0.0, 1.0]
    trace = server.trace("t-record").json()
    assert (trace["pages_read"], trace["score"]) == (["ACME/2012/page_9.pdf"], 1.0)
    made = {call["call_id"]: call["is_error"] for call in trace["calls"]}
    assert made == {"c1": False, "c2": True, "c3": False}
    lines = [json.loads(line) for line in server.log.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["call"] * 3 + ["grade"] * len(answers)
    assert {line["trace_id"] for line in lines} == {"t-record"}
    assert lines[-1]["answer"] == "100"


@pytest.mark.parametrize("key", ["", "Bearer", "Bearer wrong", f"Basic {KEY}", KEY, "Bearer ÿ"])
def test_a_wrong_key_is_refused_everywhere(server: ToolServer, key: str) -> None:
    headers = {"Authorization": key.encode("latin-1")}
    for path in ("search", "list", "cat", "grade"):
        refused = HTTP.post(f"{server.url}/{path}", headers=headers, content=b"{}")
        assert refused.status_code == 401
        assert "Authorization" in refused.json()["error"]["message"]
    assert HTTP.get(f"{server.url}/traces/x", headers=headers).status_code == 401
    assert HTTP.delete(f"{server.url}/traces/x", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
        (b"[" * 200_000, 400, "not JSON"),
        (b"[]", 400, "must be a JSON object"),
        (b"{}", 422, "arguments"),
        (b'{"arguments": 5}', 422, "arguments"),
        (b'{"arguments": "{}", "trace_id": "t"}', 422, "call_id"),
        (b'{"arguments": "{}", "call_id": "c"}', 422, "trace_id"),
        (b'{"arguments": "{}", "call_id": "c", "trace_id": 7}', 422, "trace_id"),
        (b'{"arguments": "{}", "call_id": "c", "trace_id": "t", "id": 7}', 422, "id"),
        (b'{"arguments": "{}", "call_id": "c", "trace_id": "t", "name": "cat"}', 422, "'list'"),
        (b'{"pad": "' + b"x" * 1_000_000 + b'"}', 413, "larger than"),
    ],
)
def test_a_malformed_body_is_refused_with_the_reason(
    server: ToolServer, body: bytes, status: int, said: str
) -> None:
    refused = server.post("list", content=body)
    assert refused.status_code == status
    assert said in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"sample": {}, "item": ITEM}, "trace_id"),
        ({"item": ITEM, "trace_id": "t"}, "sample"),
        ({"sample": {}, "item": [], "trace_id": "t"}, "item"),
        ({"sample": {"output_text": 5}, "item": ITEM, "trace_id": "t"}, "sample.output_text"),
        ({"sample": {}, "item": {}, "trace_id": "t"}, "item.answer_kind"),
        ({"sample": {}, "item": {**ITEM, "answer_value": "x"}, "trace_id": "t"}, "answer_value"),
    ],
)
def test_the_grader_names_what_is_wrong(
    server: ToolServer, body: dict[str, Any], said: str
) -> None:
    refused = server.post("grade", json=body)
    assert refused.status_code == 422
    assert said in refused.json()["error"]["message"]


def test_a_fault_of_a_tool_or_a_grader_is_a_500_and_is_not_charged(reports: Reports) -> None:
    def broken(path: str = "") -> str:
        raise RuntimeError("the disk is gone")

    scores = iter([float("nan"), float("inf"), None, "1"])

    def no_number(call: GraderCall) -> Any:
        return next(scores)

    functions = {**ReportTools(reports).functions(), "list": broken}
    traces, headers = TraceStore(), {"Authorization": f"Bearer {KEY}"}
    post = partial(httpx.post, headers=headers, trust_env=False)  # a 500 closes its connection
    with served(create_app(functions, key=KEY, traces=traces, grade=no_number)) as url:
        body = {"call_id": "c", "trace_id": "t", "arguments": "{}"}
        assert post(f"{url}/list", json=body).status_code == 500
        body = {"sample": {"output_text": "1"}, "item": {}, "trace_id": "u"}
        for _ in range(4):
            assert post(f"{url}/grade", json=body).status_code == 500
    assert traces.open("t").calls == []


def test_the_command_says_where_it_serves_or_why_it_cannot(
    reports: Reports, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "buildhour_helpers.tools", "--reports", str(tmp_path)]

    def refused(*options: str) -> str:
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        return done.stderr

    assert refused().startswith("tools: ")
    save(reports.values(), tmp_path)
    log = tmp_path / "log" / "calls.jsonl"
    with subprocess.Popen(
        [*command, "--key", KEY, "--json", "--log", str(log)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            assert (ready["tools_key"], ready["pid"]) == (KEY, process.pid)
            body = {"call_id": "c", "trace_id": "t", "arguments": "{}"}
            headers = {"Authorization": f"Bearer {KEY}"}
            answer = HTTP.post(f"{ready['tools_url']}/list", json=body, headers=headers)
            assert answer.json()["output"] == "ACME/\nBOLT/"
            assert json.loads(log.read_text(encoding="utf-8"))["trace_id"] == "t"
            assert "in use" in refused("--port", ready["tools_url"].rsplit(":", 1)[1])
        finally:
            process.terminate()


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda tool: tool["function"]["name"])
def test_what_the_model_is_told_is_what_a_tool_takes(
    definition: Definition, reports: Reports
) -> None:
    told = definition["function"]
    taken = inspect.signature(ReportTools(reports).functions()[told["name"]]).parameters
    schemas = told["parameters"]["properties"]
    assert list(schemas) == list(taken)
    for name, parameter in taken.items():
        assert schemas[name].get("default", inspect.Parameter.empty) == parameter.default
    required = [name for name in taken if "default" not in schemas[name]]
    assert told["parameters"]["required"] == required


def test_beyond_its_capacity_the_longest_unused_trace_is_dropped() -> None:
    store = TraceStore(capacity=2)
    for trace_id in ("one", "two", "one", "three"):
        store.open(trace_id)
    assert [store.get(name) is None for name in ("one", "two", "three")] == [False, True, False]
