"""The session: what `session.start()` starts, sets and leaves behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from buildhour_helpers import home, servers, session
from buildhour_helpers.errors import WorkshopError


@pytest.fixture(autouse=True)
def _stopped_after() -> Iterator[None]:
    yield
    session.stop()


def test_offline_start_points_the_client_at_the_service(
    capsys: pytest.CaptureFixture[str],
) -> None:
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


def test_the_tool_server_wants_its_key() -> None:
    up = session.start(quiet=True)
    request = urllib.request.Request(f"{up.tools_url}/list", b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 401


def test_a_second_start_finds_the_first_also_from_another_process() -> None:
    first = session.start(quiet=True)
    assert session.start(quiet=True) == first
    code = "from buildhour_helpers import session; print(session.start(quiet=True).base_url)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == first.base_url


def test_the_registry_has_one_file_a_server_which_only_its_owner_can_read() -> None:
    session.start(quiet=True)
    files = sorted((home.home() / "servers").glob("*.*"))
    assert [file.name for file in files] == [
        "service.json", "service.users", "tools.json", "tools.users",
    ]  # fmt: skip
    assert os.name == "nt" or all(f.stat().st_mode & 0o077 == 0 for f in files if f.is_file())


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


def test_a_key_alone_does_not_choose_a_live_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many machines have the variable set; nobody's account is charged because of it."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    assert session.start(quiet=True).mode == "offline"


def test_a_base_url_set_beforehand_chooses_a_live_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    up = session.start(quiet=True)
    assert (up.mode, up.base_url, up.api_key) == ("live", "http://127.0.0.1:9/v1", "sk-test")
    assert set(session.running()) == {"tools"}


@pytest.mark.parametrize("blank", ["", "  ", "\t\n"])
def test_a_blank_variable_counts_as_unset(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
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
    "address", ["api.example.com/v1", "https://", "ftp://me:sk-mine@llm.example", "http://[sk-mine"]
)
def test_what_is_not_the_address_of_a_service_is_one_line_with_the_fix(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    with pytest.raises(WorkshopError, match="write it as https://HOST/v1, or unset it") as refused:
        session.start()
    assert "sk-mine" not in str(refused.value)


FOREIGN = [
    ({"OPENAI_API_KEY": "sk-mine"}, "OPENAI_API_KEY is", "https://api.openai.com/v1."),
    (
        {"OPENAI_BASE_URL": "https://llm.example/v1"},
        "OPENAI_BASE_URL is",
        "https://llm.example/v1.",
    ),
    (
        {
            "OPENAI_BASE_URL": "https://me:sk-mine@llm.example/v1?k=sk-mine",
            "OPENAI_API_KEY": "sk-mine",
        },
        "OPENAI_BASE_URL and OPENAI_API_KEY are",
        "https://llm.example/v1.",
    ),
]


@pytest.mark.parametrize("end", [session.stop, session.reset])
@pytest.mark.parametrize(("own", "active", "address"), FOREIGN)
def test_the_end_of_an_offline_session_says_when_the_users_own_service_is_active_again(
    end: Callable[[], bool],
    own: dict[str, str],
    active: str,
    address: str,
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
    assert end()
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert f"Your own {active} active again" in said
    assert address in said
    assert "sk-mine" not in said
    assert dict(os.environ) == before


def test_the_end_of_a_session_says_nothing_where_the_user_has_no_service(
    capsys: pytest.CaptureFixture[str],
) -> None:
    session.start(quiet=True)
    session.stop()
    assert capsys.readouterr().out == ""


def test_a_start_that_fails_does_not_bring_the_users_own_key_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the next cell would send its data to the user's provider."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    up = session.start(quiet=True)
    monkeypatch.setenv("BUILDHOUR_SEED", "seven")
    with pytest.raises(WorkshopError, match="BUILDHOUR_SEED"):
        session.start(quiet=True)
    assert os.environ["OPENAI_API_KEY"] == up.api_key
    assert os.environ["OPENAI_BASE_URL"] == up.base_url


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://llm.example/v1", "https://llm.example/v1, with your OPENAI_API_KEY"),
        ("https://me:sk-mine@llm.example/v1", "https://llm.example/v1, with"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1 on this machine, with"),
    ],
)
def test_live_says_where_requests_go(
    address: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    monkeypatch.setenv("BUILDHOUR_TOOLS_URL", "https://tools.example")
    assert said in session.destination()
    session.start()
    printed = capsys.readouterr().out
    assert said.partition(" ")[0].rstrip(",") in printed
    assert "sk-mine" not in session.destination() + printed
    assert OpenAI().base_url.host == ("localhost" if "localhost" in address else "llm.example")


def test_live_keeps_a_public_tool_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("BUILDHOUR_TOOLS_URL", "https://tools.example")
    monkeypatch.setenv("BUILDHOUR_TOOLS_KEY", "mine")
    up = session.start("live", quiet=True)
    assert (up.base_url, up.tools_url) == (session.DEFAULT_LIVE_URL, "https://tools.example")
    assert session.running() == {}


def test_what_a_start_says_is_the_same_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Notebooks are compared: no port and no key stand in it."""
    said = []
    for _ in range(2):
        session.start()
        said.append(capsys.readouterr().out)
        session.stop()
    assert said[0] == said[1]


def test_live_asks_for_the_models_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    session.start("live", quiet=True)
    with pytest.raises(WorkshopError, match="Set BUILDHOUR_MODEL"):
        session.model()
    monkeypatch.setenv("BUILDHOUR_MODEL", "another-model")
    assert session.model() == "another-model"
    assert session.describe().startswith("live · another-model · openai ")
    session.stop()
    assert session.model() == session.OFFLINE_MODEL


def test_live_without_a_key_is_one_line_with_the_cure() -> None:
    with pytest.raises(WorkshopError, match="needs OPENAI_API_KEY"):
        session.start("live")


def test_a_mode_that_does_not_exist() -> None:
    with pytest.raises(WorkshopError, match="not 'online'"):
        session.start("online")  # type: ignore[arg-type]


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


def test_a_damaged_reports_file_is_one_line_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "reports.jsonl.gz").write_bytes(b"\x1f\x8b damaged")
    with pytest.raises(WorkshopError, match=r"reports\.jsonl\.gz: damaged .*restore") as refused:
        session.start(reports=tmp_path, quiet=True)
    assert "\n" not in str(refused.value)


def test_a_seed_of_ones_own_draws_other_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = {"type": "object", "properties": {"query": {"type": "string"}}}
    tool = {"type": "function", "name": "search", "parameters": parameters}

    def replies() -> list[str]:
        session.start(quiet=True)
        asked = ("What were the revenues of ACME in 2012?", "Which company grew most in 2009?")
        ask = OpenAI().responses.create
        return [
            ask(model=session.model(), input=text, tools=[tool], metadata={"repeat": str(n)})
            .output[-1]
            .to_json()
            for text in asked
            for n in range(8)
        ]

    usual = replies()
    monkeypatch.setenv("BUILDHOUR_SEED", "7")
    others = replies()
    assert others != usual
    assert replies() == others
    monkeypatch.setenv("BUILDHOUR_SEED", "seven")
    with pytest.raises(WorkshopError, match="BUILDHOUR_SEED='seven': set it to a whole number"):
        session.start()


def test_reset_stops_and_deletes() -> None:
    session.start(quiet=True)
    assert session.reset()
    assert session.running() == {}
    assert not home.home().exists()


class TestStateFolder:
    def test_one_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(WorkshopError, match="set BUILDHOUR_HOME"):
            home.prepare(tmp_path / "file" / "state")

    def test_one_with_somebody_elses_files(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("precious", encoding="utf-8")
        with pytest.raises(WorkshopError, match="files that are not the workshop's"):
            home.prepare(tmp_path)

    def test_a_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_the_page_link_opens_the_pages() -> None:
    with pytest.raises(WorkshopError, match=r"session\.start"):
        session.page_link()
    session.start(quiet=True)
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(session.page_link()) as page:
        assert b"Fine-tuning jobs" in page.read()


def test_open_page_opens_a_job_or_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = list[str]()
    monkeypatch.setattr("webbrowser.open", opened.append)
    session.start(quiet=True)
    session.open_page("ftjob-1")
    session.open_page()
    assert opened == [session.page_link("/finetune/ftjob-1"), session.page_link()]
