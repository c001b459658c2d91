"""What the repository promises about itself: its lists agree, its commands exist."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from authoring.study import pages
from buildhour_helpers import cli
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


def test_environment_and_pyproject_ask_for_the_same() -> None:
    asked = {section: [name for name, _ in found] for section, found in environment().items()}
    project = PYPROJECT["dependencies"]
    assert asked == {"project": project, **PYPROJECT["optional-dependencies"]}


def test_every_dependency_is_pinned_and_explained() -> None:
    """By an exact version, without an address."""
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[a-z0-9._-]+==[a-z0-9.]+( ; python_full_version \S+ '\S+')?", line)
    pins = pinned_versions(ROOT / "constraints.txt")
    for requirement, purpose in chain.from_iterable(environment().values()):
        assert requirement_name(requirement) in pins
        assert len(purpose.split()) >= 3, requirement


def test_every_command_of_the_readme_exists(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    verbs = set(re.findall(r"(?:python workshop\.py|buildhour) ([a-z][a-z-]+)", page))
    assert {"demo", "lab", "test"} <= verbs
    for verb in verbs:
        assert cli.main([verb, "--help"]) == 0


@pytest.mark.parametrize("page", pages.PAGES)
def test_the_results_are_those_of_the_study(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert pages.filled(page, text, pages.measured(RUNS)) == text


def test_the_results_are_all_of_the_same_seeds() -> None:
    figures = pages.measured(RUNS)
    parts = ("study", "study_no_penalty", "study_small", "study_finqa", "flat_grader")
    found = {
        name: {one["seed"] for one in figures[name]["seeds"]} for name in parts if name in figures
    }
    assert len({frozenset(seeds) for seeds in found.values()}) == 1, found
    hackable = {one["seed"] for one in figures["hackable_grader"]["after"]}
    assert hackable <= found["study"], "three jobs a seed: it may rest on fewer of them"
