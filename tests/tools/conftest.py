"""A tool server over HTTP, on three pages."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from buildhour_helpers.reports import Report, Reports
from buildhour_helpers.tools import ReportTools, TraceStore
from buildhour_helpers.tools.app import create_app
from buildhour_helpers.tools.serving import served

KEY = "a-key"
HTTP = httpx.Client(verify=False, trust_env=False, timeout=30)  # one connection pool for all


def page(path: str, label: str, value: str) -> Report:
    table = (("$ millions", "2012", "2011"), (label, value, "90"))
    return Report(path, (f"The {label} of the year.",), table, ("Nothing else happened.",))


@pytest.fixture(scope="session")
def reports() -> Reports:
    pages = [
        page("ACME/2012/page_9.pdf", "net sales", "100"),
        page("ACME/2012/page_10.pdf", "lease costs", "12"),
        page("BOLT/2011/page_3.pdf", "pension assets", "(7)"),
    ]
    return {one.path: one for one in pages}


@dataclass
class ToolServer:
    """The server under test, called as the service calls it."""

    url: str
    log: io.StringIO
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {KEY}"})
    calls: int = 0

    def post(self, path: str, **options: Any) -> httpx.Response:
        options.setdefault("headers", self.headers)
        return HTTP.post(f"{self.url}/{path}", **options)

    def call(self, tool: str, trace_id: str, arguments: Any, call_id: str = "") -> str:
        """Make a tool call as the contract has it; returns the output."""
        self.calls += 1
        body = {
            "type": "function_call",
            "id": f"fc_{self.calls}",
            "call_id": call_id or f"call_{self.calls}",
            "name": tool,
            "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
            "trace_id": trace_id,
            "item": {},
        }
        response = self.post(tool, json=body)
        assert response.status_code == 200, response.text
        answer = response.json()
        output = answer.pop("output")
        assert answer == {
            "type": "function_call_output",
            "call_id": body["call_id"],
            "id": body["id"],
        }
        assert isinstance(output, str)
        return output

    def grade(self, answer: str | None, item: dict[str, Any], trace_id: str) -> httpx.Response:
        body = {"sample": {"output_text": answer}, "item": item, "trace_id": trace_id}
        return self.post("grade", json=body)

    def trace(self, trace_id: str) -> httpx.Response:
        return HTTP.get(f"{self.url}/traces/{trace_id}", headers=self.headers)


@pytest.fixture(scope="session")
def _running(reports: Reports) -> Iterator[ToolServer]:
    log = io.StringIO()
    app = create_app(ReportTools(reports).functions(), key=KEY, traces=TraceStore(1000), log=log)
    with served(app) as url:
        yield ToolServer(url, log)


@pytest.fixture
def server(_running: ToolServer) -> ToolServer:
    _running.log.seek(0)
    _running.log.truncate()
    return _running
