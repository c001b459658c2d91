"""The session: what `session.start()` starts, sets and leaves behind."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from buildhour_helpers import home, servers, session
from buildhour_helpers.errors import WorkshopError
from tests.serving import serving_in


@pytest.fixture(autouse=True)
def _stopped_after() -> Iterator[None]:
    yield
    session.stop()


@pytest.fixture(scope="module")
def _others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a `serve` that runs."""
    folder = tmp_path_factory.mktemp("others") / "state"
    with serving_in(folder):
        yield folder


@pytest.fixture
def shared(_others: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions of the test use servers that are up; they start and stop none."""
    monkeypatch.setenv("BUILDHOUR_HOME", str(_others))


def test_offline_start_points_the_client_at_the_service(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a key is set, as on many machines: nobody's account is charged because of it."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    up = session.start()
    assert up.mode == "offline"
    assert session.model() == session.OFFLINE_MODEL
    assert "simulated model" in session.describe()
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "simulated model" in said
    assert os.environ["OPENAI_BASE_URL"] == up.base_url
    assert os.environ["BUILDHOUR_TOOLS_URL"] == up.tools_url
    assert "sim-agent-mini" in [model.id for model in OpenAI().models.list()]
    request = urllib.request.Request(f"{up.tools_url}/list", b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request)
    files = sorted((home.home() / "servers").glob("*.json"))
    assert [file.name for file in files] == ["service.json", "tools.json"]
    assert os.name == "nt" or all(file.stat().st_mode & 0o077 == 0 for file in files)
    session.stop()
    capsys.readouterr()
    session.start()
    assert capsys.readouterr().out == said  # notebooks are compared: no port and no key are in it


def test_a_second_start_finds_the_first_also_from_another_process() -> None:
    first = session.start(quiet=True)
    assert session.start(quiet=True) == first
    code = "from buildhour_helpers import session; print(session.start(quiet=True).base_url)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == first.base_url


def test_stop_ends_the_servers_and_puts_the_environment_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    up = session.start(quiet=True)
    assert os.environ["OPENAI_API_KEY"] == up.api_key
    running = session.running()
    assert session.stop()
    assert os.environ["OPENAI_API_KEY"] == "sk-test"
    assert "OPENAI_BASE_URL" not in os.environ
    assert all(servers.process_of(server) is None for server in running.values())
    assert not session.stop()


@pytest.mark.parametrize("blank", ["", "\t\n"])
def test_a_blank_variable_counts_as_unset(
    shared: None, blank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "BUILDHOUR_SEED", "BUILDHOUR_TOOLS_URL"):
        monkeypatch.setenv(name, blank)
    assert session.start(quiet=True).mode == "offline"
    assert OpenAI().models.list().data
    session.stop()
    with pytest.raises(WorkshopError, match="needs OPENAI_API_KEY"):
        session.start("live")
    monkeypatch.setenv("OPENAI_API_KEY", f"sk-test{blank}")
    up = session.start("live", quiet=True)
    assert (up.base_url, up.api_key) == (session.DEFAULT_LIVE_URL, "sk-test")
    assert str(OpenAI().base_url).rstrip("/") == session.DEFAULT_LIVE_URL


@pytest.mark.parametrize(
    ("mode", "variables", "said"),
    [
        *(
            (None, {"OPENAI_BASE_URL": address}, "write it as https://HOST/v1, or unset it")
            for address in (
                "api.example.com/v1", "https://", "ftp://me:sk-mine@llm.example", "http://[sk-mine"
            )
        ),
        (None, {"BUILDHOUR_SEED": "seven"}, "BUILDHOUR_SEED='seven': set it to a whole number"),
        ("online", {}, "not 'online'"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_one_line_with_the_fix(
    mode: Any, variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"OPENAI_API_KEY": "sk-mine", **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WorkshopError, match=said) as refused:
        session.start(mode)
    assert "sk-mine" not in str(refused.value)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({}, ""),
        ({"OPENAI_API_KEY": "sk-mine"}, "OPENAI_API_KEY is active again.*https://api.openai.com/"),
        (
            {"OPENAI_BASE_URL": "https://me:sk-mine@llm.example/v1?k=sk-mine"},
            r"OPENAI_BASE_URL is active again.*https://llm\.example/v1\.",
        ),
    ],
)
def test_the_end_of_an_offline_session_says_when_the_users_own_service_is_active_again(
    shared: None,
    own: dict[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer sk-mine")
    before = dict(os.environ)
    session.start("offline", quiet=True)
    assert OpenAI().models.list().data, "the user's own header replaced the local key"
    assert "sk-mine" not in os.environ.values()
    capsys.readouterr()
    session.stop()
    printed = capsys.readouterr().out
    assert printed.count("\n") == bool(own)
    assert re.search(said, printed), printed
    assert "sk-mine" not in printed
    assert dict(os.environ) == before


def test_a_start_that_fails_does_not_bring_the_users_own_key_back(
    shared: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next cell would send its data to the user's provider."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    up = session.start(quiet=True)
    (tmp_path / "reports.jsonl.gz").write_bytes(b"\x1f\x8b damaged")
    with pytest.raises(WorkshopError, match=r"reports\.jsonl\.gz: damaged .*restore") as refused:
        session.start(reports=tmp_path, quiet=True)
    assert "\n" not in str(refused.value)
    assert os.environ["OPENAI_API_KEY"] == up.api_key
    assert os.environ["OPENAI_BASE_URL"] == up.base_url


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://me:sk-mine@llm.example/v1", "https://llm.example/v1, with your OPENAI_API_KEY"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1 on this machine, with"),
    ],
)
def test_live_says_where_requests_go_and_keeps_a_public_tool_server(
    address: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    monkeypatch.setenv("BUILDHOUR_TOOLS_URL", "https://tools.example")
    assert said in session.destination()
    up = session.start()
    printed = capsys.readouterr().out
    assert said.partition(" ")[0].rstrip(",") in printed
    assert "sk-mine" not in session.destination() + printed
    assert OpenAI().base_url.host == ("localhost" if "localhost" in address else "llm.example")
    assert (up.mode, up.tools_url, session.running()) == ("live", "https://tools.example", {})


def test_live_asks_for_the_models_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    session.start("live", quiet=True)
    assert set(session.running()) == {"tools"}
    with pytest.raises(WorkshopError, match="Set BUILDHOUR_MODEL"):
        session.model()
    monkeypatch.setenv("BUILDHOUR_MODEL", "another-model")
    assert session.model() == "another-model"
    assert session.describe().startswith("live · another-model · openai ")
    session.stop()
    assert session.model() == session.OFFLINE_MODEL


def test_a_dead_service_is_replaced_on_the_same_state() -> None:
    first = session.start(quiet=True)
    file = OpenAI().files.create(file=("rows.jsonl", b"{}\n"), purpose="user_data")
    process = servers.process_of(session.running()["service"])
    assert process
    process.kill()
    process.wait()
    second = session.start(quiet=True)
    assert second.tools_url == first.tools_url
    assert file.id in [one.id for one in OpenAI().files.list()]


def test_a_port_that_is_taken_is_one_line_with_the_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for ports in ({"port": port}, {"tools_port": port}):
            with pytest.raises(WorkshopError, match=rf"did not start: .*port {port}") as refused:
                session.start(quiet=True, **ports)
            assert "\n" not in str(refused.value)
    assert session.running() == {}


def test_a_seed_of_ones_own_gives_other_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = {"type": "object", "properties": {"query": {"type": "string"}}}
    tool = {"type": "function", "name": "search", "parameters": parameters}

    def replies() -> list[str]:
        session.start(quiet=True)
        ask = OpenAI().responses.create
        text = "What were the revenues of ACME in 2012?"
        return [
            ask(model=session.model(), input=text, tools=[tool], metadata={"repeat": str(n)})
            .output[-1]
            .to_json()
            for n in range(12)
        ]

    usual = replies()
    monkeypatch.setenv("BUILDHOUR_SEED", "7")
    others = replies()
    assert others != usual
    assert replies() == others


def test_reset_stops_and_deletes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    session.start(quiet=True)
    assert session.reset()
    assert "Your own OPENAI_API_KEY is active again" in capsys.readouterr().out
    assert session.running() == {}
    assert not home.home().exists()
    with pytest.raises(WorkshopError, match=r"session\.start"):
        session.page_link()


class TestStateFolder:
    def test_one_that_cannot_be_used(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "thesis.txt").write_text("precious", encoding="utf-8")
        with pytest.raises(WorkshopError, match="set BUILDHOUR_HOME"):
            home.prepare(tmp_path / "thesis.txt" / "state")
        with pytest.raises(WorkshopError, match="files that are not the workshop's"):
            home.prepare(tmp_path)
        monkeypatch.setattr(home, "LEAST_FREE_BYTES", 10**18)
        with pytest.raises(WorkshopError, match=r"only .* MB free on this disk; make room"):
            home.prepare(tmp_path / "state")

    @pytest.mark.parametrize(
        ("chosen", "is_checkout", "expected"),
        [
            (None, True, "checkout/.buildhour"),
            (None, False, "user/.buildhour"),
            ("", False, "user/.buildhour"),
            ("elsewhere/state", True, "current/elsewhere/state"),
            ("~/state", False, "user/state"),
        ],
    )
    def test_it_does_not_depend_on_the_current_folder_unless_the_user_says_so(
        self,
        chosen: str | None,
        is_checkout: bool,
        expected: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name in ("checkout", "current", "user"):
            (tmp_path / name).mkdir()
        (tmp_path / "current" / "workshop.py").touch()  # of another checkout
        if is_checkout:
            (tmp_path / "checkout" / "workshop.py").touch()
        monkeypatch.setattr(home, "PACKAGE", tmp_path / "checkout" / "buildhour_helpers")
        monkeypatch.setenv("HOME", str(tmp_path / "user"))
        monkeypatch.setenv("USERPROFILE", str(tmp_path / "user"))
        monkeypatch.chdir(tmp_path / "current")
        if chosen is None:
            monkeypatch.delenv("BUILDHOUR_HOME")
        else:
            monkeypatch.setenv("BUILDHOUR_HOME", chosen)
        assert home.home() == tmp_path / expected


def test_the_page_link_opens_the_pages(shared: None, monkeypatch: pytest.MonkeyPatch) -> None:
    session.start(quiet=True)
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(session.page_link()) as page:
        assert b"Fine-tuning jobs" in page.read()
    opened = list[str]()
    monkeypatch.setattr("webbrowser.open", opened.append)
    session.open_page("ftjob-1")
    session.open_page()
    assert opened == [session.page_link("/finetune/ftjob-1"), session.page_link()]
