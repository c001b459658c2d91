"""The command line: help for each verb, one line for each mistake."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from buildhour_helpers import cli, doctor, home, session
from buildhour_helpers.__main__ import main as front_door
from buildhour_helpers.demo import DemoOptions
from buildhour_helpers.demo.plan import make_plan
from buildhour_helpers.demo.run import run_folder
from buildhour_helpers.reports import load

from .tasks.test_finqa import example

VERBS = [
    "demo", "lab", "serve", "engine", "import-finqa", "export", "new", "test", "doctor", "reset",
]  # fmt: skip


def test_the_page_of_commands_shows_what_help_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """workshop.py prints the help from this page where nothing is installed."""
    monkeypatch.setenv("BUILDHOUR_COMMAND", "python workshop.py")
    monkeypatch.setenv("COLUMNS", "80")
    page = (home.repository() / "docs" / "commands.md").read_text(encoding="utf-8")
    printed = []
    for arguments in ([], *([verb] for verb in VERBS)):
        assert cli.main([*arguments, "--help"]) == 0
        printed.append(capsys.readouterr().out)
    assert page.split("```\n")[1::2] == printed
    assert set(VERBS) <= set(re.findall(r"^  ([a-z-]+) ", printed[0], re.MULTILINE))
    for verb, said in zip(VERBS, printed[1:], strict=True):
        assert f"examples:\n  python workshop.py {verb}" in said
    assert cli.main(["demo", "--reports", "none"]) == 1
    assert capsys.readouterr().err.startswith("python workshop.py demo: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing command"),
        (["dance"], "No such command 'dance'"),
        (["demo", "--steps", "0"], "'--steps'"),
        (["demo", "--seed", "-1"], "'--seed'"),
        (["demo", "--reasoning-token-penalty", "-1"], "'--reasoning-token-penalty'"),
        (["serve", "--port", "99999"], "'--port'"),
        (["import-finqa", "one"], "'DESTINATION'"),
    ],
)
def test_a_wrong_command_line_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_ctrl_c_during_the_imports_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    assert front_door() == 130


def test_reset_deletes_the_state_folder_or_says_what_keeps_it_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def denied(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    folder = home.prepare()
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", denied)
        assert cli.main(["reset"]) == 1
    said = f"{folder}: Permission denied; close what uses it, or let it be written"
    assert said in capsys.readouterr().err
    assert cli.main(["reset"]) == 0
    assert not folder.exists()
    assert cli.main(["reset"]) == 0
    assert "Nothing to delete" in capsys.readouterr().out
    (tmp_path / "thesis.txt").write_text("precious", encoding="utf-8")
    monkeypatch.setenv("BUILDHOUR_HOME", str(tmp_path))  # a folder that it did not make
    assert cli.main(["reset"]) == 1
    assert (tmp_path / "thesis.txt").exists()
    assert capsys.readouterr().err.count("\n") == 1


def test_doctor_reports_every_check_with_its_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    for about in ("Python", "packages", "memory", "disk", "state folder", "ports", "data"):
        assert re.search(rf"^ok   {about} ", out, re.MULTILINE), about
    assert "Requests go to the local service; nothing leaves this machine." in out
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("BUILDHOUR_HOME", str(tmp_path / "file" / "state"))
    assert cli.main(["doctor"]) == 1
    assert "fix: set BUILDHOUR_HOME" in capsys.readouterr().out


def test_doctor_passes_on_what_keeps_the_service_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = "service: weights.json: damaged; restore it: git checkout -- weights.json\n"
    failed = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    finding = doctor.base_model()
    assert finding.said == "weights.json: damaged"
    assert finding.fix == "restore it: git checkout -- weights.json"


class Lab:
    """Stands in for the JupyterLab that the verb starts: its command, and its environment."""

    command: ClassVar[list[str]]
    environment: ClassVar[dict[str, str]]

    def __init__(self, command: list[str], *, env: dict[str, str] | None = None, **_: Any) -> None:
        Lab.command, Lab.environment = command, dict(env or os.environ)

    def wait(self) -> int:
        return 0


@pytest.mark.parametrize("checkout", [True, False])
def test_lab_opens_the_first_lesson_or_else_this_folder(
    checkout: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("subprocess.Popen", Lab)
    monkeypatch.setattr(cli, "is_checkout", lambda: checkout)
    for name in ("start", "page_link", "destination"):
        monkeypatch.setattr(f"buildhour_helpers.session.{name}", lambda **_: "")
    assert cli.main(["lab", "--no-browser"]) == 0
    assert "jupyterlab" in Lab.command
    assert Lab.command[-1] == "--no-browser"
    root = home.PACKAGE.parent if checkout else tmp_path
    assert f"--ServerApp.root_dir={root}" in Lab.command  # notebooks/ and solutions/ are in it
    address = "/lab/tree/notebooks/00_start_here.ipynb" if checkout else "/lab"
    assert f"--LabApp.default_url={address}" in Lab.command
    settings = Path(Lab.environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)[-1])
    assert "announcements" in (settings / "labconfig" / "page_config.json").read_text()


class TestWhereRequestsGo:
    """One line of each verb, in whatever environment; and no key in any."""

    @pytest.fixture(autouse=True)
    def _foreign(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("OPENAI_BASE_URL", "https://me:sk-mine@llm.example/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
        monkeypatch.setenv("BUILDHOUR_TOOLS_URL", "https://tools.example")
        yield
        session.stop()  # a verb leaves its session to the end of its process

    def test_lab_works_live_and_needs_a_key(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("subprocess.Popen", Lab)
            assert cli.main(["lab", "--no-browser"]) == 0
        said = capsys.readouterr().out
        assert "Requests go to https://llm.example/v1, with your OPENAI_API_KEY." in said
        assert "Jobs:" not in said
        assert "sk-mine" not in said
        assert Lab.environment["OPENAI_API_KEY"] == "sk-mine"
        assert "BUILDHOUR_SESSION" not in Lab.environment
        session.stop()
        monkeypatch.setenv("OPENAI_API_KEY", " ")
        assert cli.main(["lab"]) == 1
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "needs OPENAI_API_KEY; set it first, or unset OPENAI_BASE_URL" in said

    def test_serve_demo_and_the_others_stay_here(
        self, tmp_path: Path, published: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["import-finqa", str(published), str(tmp_path / "finqa")]) == 0
        assert "Nothing leaves this machine." in capsys.readouterr().out
        assert cli.main(["demo", "--reports", "none"]) == 1
        assert "to a local service of this run; nothing leaves" in capsys.readouterr().out

    def test_doctor_and_reset_name_the_users_own_service(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert doctor.requests().said.startswith("Requests go to https://llm.example/v1, with")
        assert cli.main(["reset"]) == 0
        said = capsys.readouterr().out
        assert "OpenAI() sends requests to https://llm.example/v1." in said
        assert "sk-mine" not in said


def test_test_hands_its_options_to_pytest_in_their_order_and_needs_the_checkout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run: list[str] = []
    monkeypatch.setattr(
        subprocess, "run", lambda c, **_: run.extend(c) or subprocess.CompletedProcess(c, 5)
    )
    arguments = ["tests/test_cli.py", "-k", "help", "-xq", "--lf", "-n2"]
    assert cli.main(["test", *arguments]) == 5
    assert run[1:] == ["-m", "pytest", *arguments]
    monkeypatch.setattr(home, "is_checkout", lambda: False)
    assert cli.main(["test", "-k", "help"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A small folder as FinQA is published: a dozen examples a split."""
    folder = tmp_path / "published"
    folder.mkdir()
    for place, name in enumerate(("train", "dev", "test")):
        examples = [example(12 * place + number) for number in range(12)]
        (folder / f"{name}.json").write_text(json.dumps(examples), encoding="utf-8")
    return folder


class TestImportFinqa:
    def test_what_it_imports_is_what_the_demo_runs_on(
        self, tmp_path: Path, published: Path
    ) -> None:
        """By the folders of the examples in the help: beside the state, which is made later."""
        folder = tmp_path / "finqa"
        assert cli.main(["import-finqa", str(published), str(folder)]) == 0
        plan = make_plan(DemoOptions(reports=folder))
        assert (plan.reports, len(plan.test)) == (36, 12)
        assert run_folder("demo", 0).is_dir()
        assert cli.main(["reset"]) == 0
        assert len(load(folder)) == 36

    def test_what_it_refuses_is_one_line(
        self, tmp_path: Path, published: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A folder that a reset would delete, one that cannot be made, reports that are there."""
        (tmp_path / "file").write_text("", encoding="utf-8")
        assert cli.main(["import-finqa", str(published), str(tmp_path / "there")]) == 0
        for folder, said in (
            (home.home() / "finqa", "give a folder beside it"),
            (tmp_path / "file" / "finqa", "; give another folder"),
            (tmp_path / "there", "holds reports already"),
        ):
            capsys.readouterr()
            assert cli.main(["import-finqa", str(published), str(folder)]) == 1
            printed = capsys.readouterr().err
            assert said in printed
            assert printed.count("\n") == 1
        assert not home.home().exists()
        assert cli.main(["import-finqa", str(published), str(tmp_path / "there"), "--force"]) == 0

    @pytest.mark.parametrize("left", [0, 3])
    def test_a_demo_is_suggested_only_where_it_can_run(
        self, tmp_path: Path, left: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Rows of another format are counted; nothing is suggested on a split without questions."""
        rows = [example(number) for number in range(left)]
        rows += [{**example(number), "qa": None, "qa_0": {"question": "?"}} for number in range(4)]
        (tmp_path / "dev.json").write_text(json.dumps(rows), encoding="utf-8")
        status = cli.main(["import-finqa", str(tmp_path), str(tmp_path / "out")])
        said = capsys.readouterr()
        assert "skipped: 4" in said.out
        assert "demo --reports" not in said.out
        assert status == (0 if left else 1)
        assert ("no question could be read" in said.err) == (not left)
        assert ("a demo also needs" in said.out) == bool(left)
