"""Proxies of the user's environment: nothing that goes to this machine is ever seen by one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import httpx
import pytest
from openai import AsyncOpenAI, DefaultAioHttpClient, OpenAI

from buildhour_helpers import cli, doctor, proxies, servers, session
from buildhour_helpers.demo.stage import stage
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.graders import specs
from buildhour_helpers.home import home
from buildhour_helpers.rollouts import evaluate
from buildhour_helpers.rollouts.endpoints import ToolServer
from buildhour_helpers.tasks import BEST_PROMPT, build_rows, load_questions
from buildhour_helpers.tools.schemas import DEFINITIONS
from rft_wire.client import EndpointClient, EndpointLimits, Fault, Reply
from tests.service.servers import closed_port
from tests.serving import name_servers, serving, serving_in

PASSWORD = "hunter2"


class RecordingProxy:
    """Takes every connection, keeps what it hears first, and hangs up."""

    def __init__(self) -> None:
        self.seen = list[bytes]()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # it is closed
            while True:
                connection, _ = self.socket.accept()
                with connection:
                    self.seen.append(connection.recv(10_000))


@pytest.fixture
def proxy() -> Iterator[RecordingProxy]:
    listening = RecordingProxy()
    yield listening
    listening.socket.close()


@pytest.fixture(autouse=True)
def _stopped_after() -> Iterator[None]:
    yield
    session.stop()


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a `serve` that runs, which knows of no proxy."""
    folder = tmp_path_factory.mktemp("others") / "state"
    with serving_in(folder):
        yield folder


LIVE, DEAD = "http://someone:hunter2@127.0.0.1:{live}", "http://127.0.0.1:{dead}"
ENVIRONMENTS = {
    "upper case": {"HTTP_PROXY": LIVE, "HTTPS_PROXY": LIVE},
    "lower case, with an exception of its own": {"http_proxy": LIVE, "no_proxy": "corp.example"},
    "both cases": {"HTTP_PROXY": LIVE, "http_proxy": DEAD, "no_proxy": "a", "NO_PROXY": "b"},
    "every host and one more": {"http_proxy": LIVE, "NO_PROXY": "*,corp.example"},
    "an exception that httpx cannot parse": {"HTTP_PROXY": LIVE, "NO_PROXY": "localhost,[::1]"},
    "dead": {"HTTP_PROXY": DEAD, "HTTPS_PROXY": DEAD, "ALL_PROXY": DEAD},
    "SOCKS 5": {"ALL_PROXY": "socks5://127.0.0.1:{live}"},
    "SOCKS as desktops write it": {"all_proxy": "socks://127.0.0.1:{live}/", "http_proxy": LIVE},
    "two that httpx cannot use": {"ALL_PROXY": "socks4://a:1", "no_proxy": "fe80::/10"},
    "mixed case": {"Http_Proxy": LIVE, "All_Proxy": "socks5://127.0.0.1:{live}", "No_Proxy": "a"},
    "no port": {"https_proxy": "http://proxy:port"},
}


FEW = ("upper case", "dead", "SOCKS 5")


@pytest.fixture(params=ENVIRONMENTS)
def environment(
    request: pytest.FixtureRequest, proxy: RecordingProxy, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    dead = closed_port()
    values = {
        name: text.replace("{live}", str(proxy.port)).replace("{dead}", str(dead))
        for name, text in ENVIRONMENTS[request.param].items()
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


async def answers_with_both_transports() -> None:
    async with AsyncOpenAI(max_retries=0) as client:
        assert (await client.models.list()).data
    async with AsyncOpenAI(max_retries=0, http_client=DefaultAioHttpClient()) as client:
        assert (await client.models.list()).data


def one_row() -> dict[str, Any]:
    (row,) = build_rows(load_questions(split="test")[:1], BEST_PROMPT, DEFINITIONS)
    return row


def status_of(url: str) -> int:
    try:
        with urllib.request.build_opener().open(url) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_a_session_and_the_learners_own_clients_go_past_every_proxy(
    environment: dict[str, str],
    proxy: RecordingProxy,
    others: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BUILDHOUR_HOME", str(others))
    before = dict(os.environ)
    up = session.start(quiet=True)
    assert up == session.start(quiet=True), "servers that are well were replaced"
    assert OpenAI(max_retries=0).models.list().data
    asyncio.run(answers_with_both_transports())
    assert httpx.get(up.base_url).status_code == 401
    for host in ("127.0.0.1", "localhost"):
        assert status_of(up.tools_url.replace("127.0.0.1", host)) == 404
    assert all(servers.answers(server) for server in session.running().values())
    assert not proxy.seen
    session.stop()
    assert dict(os.environ) == before


@pytest.mark.parametrize("environment", FEW, indirect=True)
def test_the_demos_servers_and_clients_too(
    environment: dict[str, str], proxy: RecordingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job's tools and grader, as the service calls them; `evaluate` without a session."""
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer of-a-company")
    with stage(home(), None, 0, 4) as up:
        client = up.client()
        grader = specs.endpoint(f"{up.tools.url}/grade", up.tools.key)
        body = {"grader": grader, "model_sample": "12", "item": one_row()}
        run = client.post("/fine_tuning/alpha/graders/run", body=body, cast_to=httpx.Response)
        assert run.status_code == 200
        assert not run.json()["metadata"]["errors"]["other_error"]

        async def listed() -> None:
            async with up.async_client() as client:
                assert (await client.models.list()).data
            async with ToolServer(up.tools.url, up.tools.key) as tools:
                await tools.forget("t-1")

        asyncio.run(listed())
        monkeypatch.delenv("OPENAI_CUSTOM_HEADERS")
        name_servers(monkeypatch, up)
        file, model = home() / "records.jsonl", session.OFFLINE_MODEL
        (record,) = asyncio.run(evaluate([one_row()], model=model, file=file))
        assert record.reward is not None, record.error
    assert not proxy.seen


@pytest.mark.parametrize("environment", FEW, indirect=True)
def test_serve_doctor_and_a_kernel_under_a_live_and_a_dead_proxy(
    environment: dict[str, str], proxy: RecordingProxy, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving() as about:
        assert cli.main(["doctor"]) == 0
        said = capsys.readouterr().out
        session.start(quiet=True)
        code = "from openai import OpenAI; print(OpenAI(max_retries=0).models.list().data[0].id)"
        kernel = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert kernel.stdout.startswith("sim-"), kernel.stderr[-500:]
        session.stop()
    assert about["base_url"] in said, "doctor did not see that the servers answer"
    assert "reset" not in said
    assert PASSWORD not in said
    (line,) = re.findall(r"^ok   proxy +(.*)$", said, re.MULTILINE)
    assert all(name in line for name in environment if name in proxies.in_use()) or (
        "not usable" in line
    )
    assert not proxy.seen


def test_the_systems_proxy_is_kept_for_others_but_not_for_this_machine(
    proxy: RecordingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """macOS and Windows: the settings count while no variable is set, and NO_PROXY is one."""
    address = f"http://127.0.0.1:{proxy.port}"

    def of_the_system() -> dict[str, str]:
        variables = urllib.request.getproxies_environment()
        return variables or {"http": address, "https": address, "ftp": address}

    for module in ("urllib.request", "httpx._utils", "httpx2._utils", "buildhour_helpers.proxies"):
        monkeypatch.setattr(f"{module}.getproxies", of_the_system)
    up = session.start(quiet=True)
    assert session.start(quiet=True) == up
    assert OpenAI(max_retries=0).models.list().data
    assert status_of(up.base_url) == 401
    assert not proxy.seen
    with pytest.raises(httpx.HTTPError):
        httpx.get("http://elsewhere.example/")
    assert proxy.seen
    session.stop()
    assert not proxies.in_use()


def test_the_service_calls_endpoints_elsewhere_directly_too(
    proxy: RecordingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They get a key of their owner's, which no proxy needs to see."""
    for name in ("HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")

    async def fault() -> Reply | Fault:
        async with EndpointClient(EndpointLimits(retries=0)) as client:
            return await client.post("http://grader.invalid/", {"Authorization": "k"}, b"{}")

    assert isinstance(asyncio.run(fault()), Fault)
    assert not proxy.seen


def test_a_proxy_that_the_client_cannot_use_is_unset_or_refused(
    others: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILDHOUR_HOME", str(others))
    monkeypatch.setenv("ALL_PROXY", f"socks://someone:{PASSWORD}@127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    session.start()
    said = capsys.readouterr().out
    assert "(ALL_PROXY unset, since the openai client cannot use it)" in said
    assert "ALL_PROXY" not in os.environ
    assert os.environ["http_proxy"] == "http://127.0.0.1:9"
    session.stop()
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.example.com/v1")  # this one needs it
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with pytest.raises(WorkshopError, match=r"^ALL_PROXY: .* unset it") as refused:
        session.start()
    assert PASSWORD not in said + str(refused.value)
    assert doctor.requests().fix


def test_doctor_never_advises_to_delete_the_jobs(
    others: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDHOUR_HOME", str(others))
    session.start(quiet=True)
    monkeypatch.setattr(servers, "answers", lambda server: False)
    finding = doctor.running()
    assert "does not answer" in finding.said
    assert finding.fix
    assert "reset" not in finding.fix


LOCAL = ",".join(proxies.LOCAL_HOSTS)


@pytest.mark.parametrize(
    ("lower", "upper", "lower_then", "upper_then"),
    [
        (None, None, LOCAL, LOCAL),
        ("corp.example", None, f"corp.example,{LOCAL}", f"corp.example,{LOCAL}"),
        (None, "a.b, .b.c", f"a.b,.b.c,{LOCAL}", f"a.b,.b.c,{LOCAL}"),
        ("", "c.d", LOCAL, f"c.d,{LOCAL}"),
        ("*", None, "*", "*"),
        (" * ", "::1,a", f"*,{LOCAL}", "::1,a,127.0.0.1,localhost"),
    ],
)
def test_the_users_exceptions_are_kept_and_local_hosts_added(
    lower: str | None,
    upper: str | None,
    lower_then: str,
    upper_then: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("no_proxy", lower), ("NO_PROXY", upper)):
        if value is not None:
            monkeypatch.setenv(name, value)
    values = proxies.past_proxies()
    assert (values["no_proxy"], values["NO_PROXY"]) == (lower_then, upper_then)


HERE = (
    "http://127.0.0.1:1/v1", "http://127.8.0.1/v1", "http://[::1]:8000", "http://0.0.0.0:8000/v1",
    "https://LOCALHOST./v1", "http://llm.localhost/v1",
)  # fmt: skip
ELSEWHERE = (
    "https://api.example.com/v1", "http://192.168.1.4:8000/v1", "http://localhost.example.com",
    "http://[bad", "",
)  # fmt: skip


def test_what_counts_as_this_machine() -> None:
    assert [url for url in (*HERE, *ELSEWHERE) if proxies.is_local(url)] == list(HERE)
