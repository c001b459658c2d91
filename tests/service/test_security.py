"""What nobody may do without the key, and what the key never does."""

from __future__ import annotations

import http.client
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from rft_service.app import resources
from rft_service.server import HOST, listen

from .conftest import Running, Start
from .customer import KEY, Customer


def ask(
    service: Running,
    method: str,
    path: str,
    body: bytes | None = None,
    **headers: str,
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """A request by hand: status, body and headers."""
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=20)
    given = {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, given)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text), dict(answer.getheaders())


def routes() -> list[tuple[str, str]]:
    """Every method and path that the service's own document names, and the document."""
    document = resources().openapi()
    named = [(verb, path) for path, verbs in document["paths"].items() for verb in verbs]
    return [*named, ("get", "/openapi.json"), ("get", "/"), ("get", "/v1/nothing")]


def test_every_path_needs_the_key(service: Running) -> None:
    found = routes()
    assert len(found) > 25
    for verb, path in found:
        for credential in ("", "Bearer wrong", f"Basic {service.key}", service.key):
            status, body, _ = ask(
                service, verb.upper(), path.replace("{", "").replace("}", ""),
                Authorization=credential,
            )  # fmt: skip
            assert (status, body["error"]["code"]) == (401, "invalid_api_key"), path


def test_only_loopback_hosts_are_served(service: Running) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil", "", "10.0.0.1"):
        status, body, _ = ask(service, "GET", "/v1/models", Host=host)
        assert (status, body["error"]["code"]) == (403, "invalid_host")
    for host in ("127.0.0.1:1234", "localhost", "[::1]:80"):
        assert ask(service, "GET", "/v1/models", Host=host)[0] == 200


def test_no_other_origin_is_let_in(service: Running) -> None:
    status, _, headers = ask(service, "GET", "/v1/models", Origin="https://evil.example")
    assert status == 200
    assert not [name for name in headers if name.lower().startswith("access-control")]
    preflight = ask(
        service, "OPTIONS", "/v1/responses", Origin="https://evil.example",
        Access_Control_Request_Method="POST",
    )  # fmt: skip
    assert preflight[0] == 405
    assert not [name for name in preflight[2] if name.lower().startswith("access-control")]


def test_it_listens_on_loopback_alone() -> None:
    with listen(0) as listener:
        assert listener.getsockname()[0] == HOST == "127.0.0.1"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "not valid JSON"),
        (b'{"model": NaN}', 400, "NaN is not JSON"),
        (b'{"model": "\\ud800", "input": "x"}', 400, "surrogate"),
        (b'{"model": "\xff"}', 400, "not UTF-8"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, 400, "nested deeper than 64 levels"),
        (b"[" * 1_000_000, 400, "nested deeper than 64 levels"),
        (b'{"model": 1e999, "input": "x"}', 400, "out of range"),
        (b"[]", 400, "Send a JSON object"),
        (b"", 400, "Send a JSON object"),
        (b" " * (33 * 2**20), 413, "larger than 32 MiB"),
    ],
    ids=lambda value: value[:20].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_bodies_are_bounded(service: Running, body: bytes, status: int, words: str) -> None:
    found, answer, _ = ask(service, "POST", "/v1/responses", body)
    assert found == status
    assert words in answer["error"]["message"]


def test_an_upload_is_bounded_by_the_length_that_it_declares(service: Running) -> None:
    status, answer, _ = ask(
        service, "POST", "/v1/files", b"",
        Content_Type="multipart/form-data; boundary=x", Content_Length=str(512 * 2**20 + 1),
    )  # fmt: skip
    assert (status, answer["error"]["code"]) == (413, "request_too_large")
    assert "larger than 512 MiB" in answer["error"]["message"]


def test_a_body_without_a_length_is_bounded_too(service: Running) -> None:
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=20)
    headers = {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"}
    parts = (b" " * 2**20 for _ in range(40))
    try:
        connection.request("POST", "/v1/responses", parts, headers, encode_chunked=True)
        answer = connection.getresponse()
        assert answer.status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # the service closed the connection, as it may
    finally:
        connection.close()


def test_no_key_is_written_down_or_told(
    start: Start, customer: Customer, customer_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    service = start()
    job = service.wait(service.job(customer_url, rows=10).id)
    service.client.responses.create(model="sim-agent-mini", input="hello")
    paths = [
        "/v1/fine_tuning/jobs", f"/v1/fine_tuning/jobs/{job.id}",
        f"/v1/fine_tuning/jobs/{job.id}/events?limit=100",
        f"/v1/fine_tuning/jobs/{job.id}/checkpoints",
        f"/v1/fine_tuning/jobs/{job.id}/rollouts?limit=100", "/v1/files", "/v1/models",
        "/openapi.json",
    ]  # fmt: skip
    told = "".join(json.dumps(ask(service, "GET", path)[1]) for path in paths)
    told += "".join(capfd.readouterr())
    assert KEY not in told
    assert service.key not in told
    bodies = json.dumps(customer.tool_bodies + customer.grader_bodies)
    assert service.key not in bodies
    for path in service.home.rglob("*"):
        if path.is_file() and path.name != "api_key":
            assert service.key.encode() not in path.read_bytes(), path


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_the_key_is_its_owners_alone(service: Running) -> None:
    assert stat.S_IMODE((service.home / "api_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((service.home / "service.sqlite").stat().st_mode) & 0o077 == 0


def test_each_state_folder_has_a_key_of_its_own(start: Start, tmp_path: Path) -> None:
    one, two = (start(home=tmp_path / name) for name in ("one", "two"))
    assert one.key != two.key
    assert ask(one, "GET", "/v1/models", Authorization=f"Bearer {two.key}")[0] == 401
