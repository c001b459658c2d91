"""The command line: help for each verb, one line for each mistake."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from buildhour_helpers import cli, doctor, home, session
from buildhour_helpers.__main__ import main as front_door
from buildhour_helpers.demo import DemoOptions
from buildhour_helpers.demo.plan import make_plan
from buildhour_helpers.demo.run import run_folder
from buildhour_helpers.reports import load

from .tasks.test_finqa import example

VERBS = (
    "demo",
    "lab",
    "serve",
    "engine",
    "import-finqa",
    "export",
    "new",
    "test",
    "doctor",
    "reset",
)


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    assert set(VERBS) <= set(re.findall(r"^  ([a-z-]+) ", capsys.readouterr().out, re.MULTILINE))


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


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_gives_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([verb, "--help"]) == 0
    assert f"examples:\n  buildhour {verb}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing command"),
        (["dance"], "No such command 'dance'"),
        (["demo", "--steps", "0"], "'--steps'"),
        (["demo", "--steps", "x"], "'--steps'"),
        (["demo", "--seed", "-1"], "'--seed'"),
        (["demo", "--reasoning-token-penalty", "-1"], "'--reasoning-token-penalty'"),
        (["demo", "--dance"], "--dance"),
        (["serve", "--port", "99999"], "'--port'"),
        (["import-finqa", "one"], "'DESTINATION'"),
    ],
)
def test_a_wrong_command_line_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_what_the_reader_types_is_what_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILDHOUR_COMMAND", "python workshop.py")
    assert cli.main(["demo", "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Usage: python workshop.py demo ")
    assert "  python workshop.py demo --seed 7" in said
    assert cli.main(["demo", "--reports", "none"]) == 1
    assert capsys.readouterr().err.startswith("python workshop.py demo: ")


def test_a_ctrl_c_during_the_imports_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    assert front_door() == 130


def test_reset_deletes_the_state_folder(capsys: pytest.CaptureFixture[str]) -> None:
    folder = home.prepare()
    (folder / "logs").mkdir()
    assert cli.main(["reset"]) == 0
    assert not folder.exists()
    assert cli.main(["reset"]) == 0
    assert "Nothing to delete" in capsys.readouterr().out


def test_reset_leaves_a_folder_that_it_did_not_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("precious", encoding="utf-8")
    monkeypatch.setenv("BUILDHOUR_HOME", str(tmp_path))
    assert cli.main(["reset"]) == 1
    assert (tmp_path / "thesis.txt").exists()
    assert capsys.readouterr().err.count("\n") == 1


def test_reset_says_what_may_keep_a_folder_from_being_deleted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def denied(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    folder = home.prepare()
    monkeypatch.setattr("shutil.rmtree", denied)
    assert cli.main(["reset"]) == 1
    said = f"{folder}: Permission denied; close what uses it, or let it be written"
    assert said in capsys.readouterr().err


def test_doctor_reports_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    for about in ("Python", "packages", "memory", "disk", "state folder", "ports", "data"):
        assert re.search(rf"^ok   {about} ", out, re.MULTILINE), about


def test_doctor_names_the_fix_for_a_state_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
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


@pytest.mark.parametrize("checkout", [True, False])
def test_lab_opens_the_first_lesson_or_else_this_folder(
    checkout: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    opened: list[str] = []
    given: dict[str, str] = {}

    class Lab:
        def __init__(self, command: list[str], *, env: dict[str, str], **_: object) -> None:
            opened.extend(command)
            given.update(env)

        def wait(self) -> int:
            return 0

    monkeypatch.setattr("subprocess.Popen", Lab)
    if not checkout:
        monkeypatch.setattr(cli, "is_checkout", lambda: False)
    for name in ("start", "page_link", "destination"):
        monkeypatch.setattr(f"buildhour_helpers.session.{name}", lambda **_: "")
    assert cli.main(["lab", "--no-browser"]) == 0
    assert "jupyterlab" in opened
    assert opened[-1] == "--no-browser"
    root = home.PACKAGE.parent if checkout else tmp_path
    assert f"--ServerApp.root_dir={root}" in opened  # notebooks/ and solutions/ are in it
    address = "/lab/tree/notebooks/00_start_here.ipynb" if checkout else "/lab"
    assert f"--LabApp.default_url={address}" in opened
    settings = Path(given["JUPYTER_CONFIG_PATH"].split(os.pathsep)[-1])
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

    def test_lab_works_live(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        opened: list[dict[str, str]] = []

        class Lab:
            def __init__(self, *_: object, **__: object) -> None:
                opened.append(dict(os.environ))

            def wait(self) -> int:
                return 0

        monkeypatch.setattr("subprocess.Popen", Lab)
        assert cli.main(["lab", "--no-browser"]) == 0
        said = capsys.readouterr().out
        assert "Requests go to https://llm.example/v1, with your OPENAI_API_KEY." in said
        assert "Jobs:" not in said
        assert "sk-mine" not in said
        (environment,) = opened
        assert environment["OPENAI_API_KEY"] == "sk-mine"
        assert "BUILDHOUR_SESSION" not in environment

    def test_lab_without_a_key_is_one_line_with_the_fix(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
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


def test_doctor_says_that_offline_nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    finding = doctor.requests()
    assert finding.said == "Requests go to the local service; nothing leaves this machine."
    assert not finding.fix


def test_test_needs_the_checkout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(home, "is_checkout", lambda: False)
    assert cli.main(["test", "-k", "help"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_options_that_test_does_not_know_are_handed_to_pytest_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run: list[str] = []
    monkeypatch.setattr(
        subprocess, "run", lambda c, **_: run.extend(c) or subprocess.CompletedProcess(c, 5)
    )
    arguments = ["tests/test_cli.py", "-k", "help", "-xq", "--lf", "-n2"]
    assert cli.main(["test", *arguments]) == 5
    assert run[1:] == ["-m", "pytest", *arguments]


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

    @pytest.mark.parametrize("verb", ["import-finqa", "demo"])
    def test_the_help_names_a_folder_that_git_ignores(
        self, verb: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main([verb, "--help"]) == 0
        assert re.search(r"^  .*(--reports|dataset) finqa\b", capsys.readouterr().out, re.MULTILINE)
        assert (
            "/finqa/" in (home.repository() / ".gitignore").read_text(encoding="utf-8").splitlines()
        )

    def test_the_state_folder_is_refused_since_a_reset_would_delete_it(
        self, published: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["import-finqa", str(published), str(home.home() / "finqa")]) == 1
        assert "give a folder beside it" in capsys.readouterr().err
        assert not home.home().exists()

    def test_reports_that_are_there_are_replaced_only_when_told_so(
        self, tmp_path: Path, published: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        command = ["import-finqa", str(published), str(tmp_path / "finqa")]
        assert [cli.main(command), cli.main(command)] == [0, 1]
        assert "holds reports already" in capsys.readouterr().err
        assert cli.main([*command, "--force"]) == 0

    def test_a_folder_that_cannot_be_made_is_one_line_with_the_cure(
        self, tmp_path: Path, published: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").write_text("", encoding="utf-8")
        assert cli.main(["import-finqa", str(published), str(tmp_path / "file" / "finqa")]) == 1
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "; give another folder" in said

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
