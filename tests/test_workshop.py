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
    @pytest.mark.parametrize(
        ("fingerprint", "extras", "verb", "to_install"),
        [
            ("", [], "demo", []),  # the first time
            ("same", [], "demo", None),
            ("same", [], "test", ["test"]),
            ("same", ["test"], "test", None),
            ("other", ["test"], "demo", ["test"]),
        ],
    )
    def test_what_is_installed(
        self,
        workshop: ModuleType,
        fingerprint: str,
        extras: list[str],
        verb: str,
        to_install: list[str] | None,
    ) -> None:
        found = {"fingerprint": fingerprint, "extras": extras}
        assert workshop.extras_to_install(found, "same", verb) == to_install

    @pytest.mark.parametrize("text", ["", "[]", '{"extras": []}', "not json"])
    def test_a_damaged_marker_counts_as_none(
        self, workshop: ModuleType, tmp_path: Path, text: str
    ) -> None:
        marker = tmp_path / "marker.json"
        marker.write_text(text, encoding="utf-8")
        assert workshop.installed(marker)["fingerprint"] == ""

    def test_the_fingerprint_follows_both_lists(self, workshop: ModuleType, tmp_path: Path) -> None:
        seen = set()
        names = ("pyproject.toml", "constraints.txt")
        for texts in ((1, 1), (2, 1), (2, 2)):
            for name, text in zip(names, texts, strict=True):
                (tmp_path / name).write_text(str(text), encoding="utf-8")
            seen.add(workshop.fingerprint(tmp_path))
            seen.add(workshop.fingerprint(tmp_path))
        assert len(seen) == 3


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

    def test_the_command_knows_what_the_reader_types_and_where_the_packages_are(
        self, workshop: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONPATH", "mine")
        given = workshop.variables(ROOT)
        assert given["BUILDHOUR_COMMAND"] == "python workshop.py"
        assert given["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "mine"]

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
    *progress, last = done.stderr.splitlines()
    assert all(line.startswith(("Making", "Installing")) for line in progress)
    assert "needs a network" in last
    assert not (tmp_path / ".venv" / "workshop.json").exists()
