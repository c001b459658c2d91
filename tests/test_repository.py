"""What the repository promises about itself: its lists agree, its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from authoring.study import pages
from buildhour_helpers.doctor import pinned_versions, requirement_name
from buildhour_helpers.recordings import RUNS

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


@pytest.mark.parametrize("section", ["project", "engines", "mcp", "semantic", "trackers", "test"])
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
    required = [*PYPROJECT["dependencies"], *chain.from_iterable(extras.values())]
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


@pytest.mark.parametrize("page", pages.PAGES)
def test_the_results_are_those_of_the_study(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    if "Not measured yet." in text:
        pytest.skip("no study has been measured with this base model")
    assert pages.filled(page, text, pages.measured(RUNS)) == text


def test_the_results_are_all_of_the_same_seeds() -> None:
    if "Not measured yet." in (ROOT / "docs" / "results.md").read_text(encoding="utf-8"):
        pytest.skip("no study has been measured with this base model")
    figures = pages.measured(RUNS)
    found = {
        name: {one["seed"] for one in figures[name][key]}
        for name, key in (
            ("study", "seeds"),
            ("study_no_penalty", "seeds"),
            ("study_small", "seeds"),
            ("study_finqa", "seeds"),
            ("flat_grader", "seeds"),
        )
        if name in figures
    }
    assert len({frozenset(seeds) for seeds in found.values()}) == 1, found
    hackable = {one["seed"] for one in figures["hackable_grader"]["after"]}
    assert hackable <= found["study"], "three jobs a seed: it may rest on fewer of them"
