"""What the repository promises about itself: its lists agree, its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from authoring.study import readme
from buildhour_helpers.analysis.statistics import Interval
from buildhour_helpers.doctor import pinned_versions, requirement_name

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def environment() -> dict[str, list[tuple[str, str]]]:
    """environment.yml's pip list: section -> [(requirement, what it is for)]."""
    sections: dict[str, list[tuple[str, str]]] = {}
    section = ""
    for line in (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"\s*# \[(\w+)\]", line):
            section = heading[1]
        elif section and (entry := re.fullmatch(r"\s*(?:# )?- (\S.*?)\s*(?:# (.*))?", line)):
            sections.setdefault(section, []).append((entry[1], entry[2] or ""))
    return sections


@pytest.mark.parametrize("section", ["project", "semantic", "test"])
def test_environment_and_pyproject_ask_for_the_same(section: str) -> None:
    required = {"project": PYPROJECT["dependencies"], **PYPROJECT["optional-dependencies"]}
    assert [requirement for requirement, _ in environment()[section]] == required[section]


def test_environment_says_what_each_dependency_is_for() -> None:
    for entries in environment().values():
        for requirement, purpose in entries:
            assert len(purpose.split()) >= 3, requirement


def test_constraints_are_exact_versions_and_carry_no_address() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[a-z0-9._-]+==[a-z0-9.]+( ; python_full_version \S+ '\S+')?", line)


def test_every_dependency_is_pinned() -> None:
    pins = pinned_versions(ROOT / "constraints.txt")
    extras = PYPROJECT["optional-dependencies"]
    required = [*PYPROJECT["dependencies"], *extras["semantic"], *extras["test"]]
    missing = [name for name in map(requirement_name, required) if name not in pins]
    assert not missing


def test_every_command_of_the_readme_exists() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    verbs = set(re.findall(r"(?:python workshop\.py|buildhour) ([a-z][a-z-]+)", page))
    assert {"demo", "lab", "test"} <= verbs
    listing = subprocess.run(
        [sys.executable, "-m", "buildhour_helpers.cli", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert verbs <= set(re.findall(r"^  ([a-z-]+) ", listing, re.MULTILINE))


def test_the_results_of_the_readme_are_those_of_the_study() -> None:
    """Both are empty until a study has been measured."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    file = ROOT / readme.STUDY
    if not file.exists():
        assert "not measured yet" in text
        return
    figures = readme.measured(ROOT)
    assert readme.filled(text, figures) == text
    assert figures[readme.STUDY]["command"].endswith(readme.STUDY)


def test_a_gain_that_may_be_none_is_called_so() -> None:
    figures = readme.measured(ROOT)
    gain = Interval(*figures[readme.STUDY]["prompt_against_first"]["difference"]["reward"])
    row = next(line for line in readme.against_wanted(figures).split("\n") if "prompt work" in line)
    assert ("not clear of zero" in row) == (not gain.is_clear_of_zero)


def test_the_table_can_be_measured_again() -> None:
    """The one command names the seeds of every row, and the folder that the other command makes."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    command = re.search(
        r"`python -m authoring\.study --table --seeds ([\d ]+) --finqa (\S+)`", page
    )
    folder = re.search(r"workshop\.py import-finqa \S+ (\S+)`", page)
    assert command
    assert folder
    assert folder[1] == command[2]
    seeds = {int(seed) for seed in command[1].split()}
    figures = readme.measured(ROOT)
    for name in (readme.STUDY, readme.FINQA, readme.FLAT):
        assert {one["seed"] for one in figures[name]["seeds"]} == seeds
    assert {one["seed"] for one in figures[readme.HACKABLE]["after"]} == seeds
