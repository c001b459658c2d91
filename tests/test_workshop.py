"""workshop.py: what it says on a machine that cannot run it, and when it installs."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = (ROOT / "workshop.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def workshop() -> ModuleType:
    spec = importlib.util.spec_from_file_location("workshop", ROOT / "workshop.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reads_as_python_of_ten_years_ago() -> None:
    ast.parse(SOURCE, feature_version=(3, 4))


def test_a_python_that_is_too_old_gets_one_line_with_the_cure() -> None:
    old = SimpleNamespace(version_info=(3, 8, 10), executable="python3.8", exit=_raise_exit)
    guard = SOURCE[SOURCE.index("NEEDED") : SOURCE.index("import hashlib")]
    with pytest.raises(SystemExit) as stopped:
        exec(guard, {"sys": old})
    said = str(stopped.value)
    assert "\n" not in said
    assert "3.11 or newer" in said
    assert "3.8 (python3.8)" in said


def _raise_exit(text: str) -> None:
    raise SystemExit(text)


def test_standard_library_only() -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
        )
        if name
    }
    assert imported <= sys.stdlib_module_names


class TestWhenToInstall:
    def test_first_time(self, workshop: ModuleType, tmp_path: Path) -> None:
        found = workshop.installed(tmp_path / "none.json")
        assert workshop.extras_to_install(found, "abc", "demo") == []

    def test_nothing_to_do(self, workshop: ModuleType) -> None:
        found = {"fingerprint": "abc", "extras": []}
        assert workshop.extras_to_install(found, "abc", "demo") is None

    def test_the_test_verb_adds_its_extra_once(self, workshop: ModuleType) -> None:
        found = {"fingerprint": "abc", "extras": []}
        assert workshop.extras_to_install(found, "abc", "test") == ["test"]
        found["extras"] = ["test"]
        assert workshop.extras_to_install(found, "abc", "test") is None

    def test_a_change_of_the_lists_keeps_the_extras(self, workshop: ModuleType) -> None:
        found = {"fingerprint": "old", "extras": ["test"]}
        assert workshop.extras_to_install(found, "new", "demo") == ["test"]

    @pytest.mark.parametrize("text", ["", "[]", '{"extras": []}', "not json"])
    def test_a_damaged_marker_counts_as_none(
        self, workshop: ModuleType, tmp_path: Path, text: str
    ) -> None:
        marker = tmp_path / "marker.json"
        marker.write_text(text, encoding="utf-8")
        assert workshop.installed(marker)["fingerprint"] == ""

    def test_the_fingerprint_follows_the_place(self, workshop: ModuleType, tmp_path: Path) -> None:
        """An editable install points to where it was made."""
        for place in ("old", "new"):
            (tmp_path / place).mkdir()
            for file in ("pyproject.toml", "constraints.txt"):
                (tmp_path / place / file).write_text("one", encoding="utf-8")
        old, new = (workshop.fingerprint(tmp_path / place) for place in ("old", "new"))
        assert old != new

    @pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
    def test_the_fingerprint_follows_both_lists(
        self, workshop: ModuleType, tmp_path: Path, name: str
    ) -> None:
        for file in ("pyproject.toml", "constraints.txt"):
            (tmp_path / file).write_text("one", encoding="utf-8")
        before = workshop.fingerprint(tmp_path)
        assert workshop.fingerprint(tmp_path) == before
        (tmp_path / name).write_text("two", encoding="utf-8")
        assert workshop.fingerprint(tmp_path) != before


class TestPassingOn:
    def test_it_runs_a_module_since_scripts_name_the_place_that_they_were_made_in(
        self, workshop: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, tmp_path / name)
        monkeypatch.setattr(workshop, "works", lambda python: True)
        monkeypatch.setattr(workshop, "install", lambda *_: None)
        (tmp_path / ".venv").mkdir()
        python, *command = workshop.prepare(tmp_path, "demo")
        assert Path(python).is_relative_to(tmp_path / ".venv")
        helped = subprocess.run([sys.executable, *command, "--help"], capture_output=True)
        assert helped.returncode == 0

    def test_it_says_what_the_reader_types(self, workshop: ModuleType) -> None:
        code = "import os, sys; sys.exit(os.environ['BUILDHOUR_COMMAND'] != 'python workshop.py')"
        assert workshop.pass_on([sys.executable, "-c", code]) == 0

    def test_a_program_that_is_not_there_is_one_line(
        self,
        workshop: ModuleType,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(workshop, "prepare", lambda root, verb: [str(tmp_path / "none")])
        assert workshop.main(["demo"]) == 1
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert str(tmp_path / "none") in said


@pytest.mark.parametrize(
    ("log", "cure"),
    [
        ("WARNING: Retrying after connection broken by 'NewConnectionError", "connect"),
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: ResolutionImpossible: a and b", "ResolutionImpossible: a and b"),
        ("", "pip failed"),
    ],
)
def test_a_failed_install_names_its_cure(workshop: ModuleType, log: str, cure: str) -> None:
    said = workshop.explain_failure(log)
    assert cure in said
    assert "\n" not in said


def test_no_network_is_one_clear_line(tmp_path: Path) -> None:
    for name in ("workshop.py", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    nowhere = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_CONFIG_FILE": os.devnull,
    }
    done = subprocess.run(
        [sys.executable, "workshop.py", "doctor"],
        cwd=tmp_path,
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "needs a network" in done.stderr
    assert not (tmp_path / ".venv" / "workshop.json").exists()
