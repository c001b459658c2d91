"""The editor's container and Binder: what they read agrees with this repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BINDER = ROOT / ".binder"
DEVCONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))


def test_the_editors_container_installs_and_opens_what_exists() -> None:
    venv = "/home/vscode/venv"
    assert DEVCONTAINER["onCreateCommand"].split(" && ") == [
        f"python3 -m venv {venv}",
        f"{venv}/bin/python -m pip install --constraint constraints.txt --editable .",
    ]
    program, verb = DEVCONTAINER["postStartCommand"].split()
    assert program == f"{venv}/bin/buildhour"
    command = [sys.executable, "-m", "buildhour_helpers", verb, "--help"]
    subprocess.run(command, check=True, capture_output=True)
    assert DEVCONTAINER["remoteEnv"]["PATH"].startswith(f"{venv}/bin:")
    for name in DEVCONTAINER["customizations"]["codespaces"]["openFiles"]:
        assert (ROOT / name).is_file(), name


def test_every_place_has_the_one_python() -> None:
    places = {
        "Dockerfile": r"^FROM python:(\d+\.\d+)-",
        ".devcontainer/devcontainer.json": r"python:(\d+\.\d+)-",
        ".binder/runtime.txt": r"^python-(\d+\.\d+)$",
        "CONTRIBUTING.md": r"--python-version (\d+\.\d+)",
    }
    named = {
        place: re.findall(pattern, (ROOT / place).read_text(encoding="utf-8"), re.MULTILINE)
        for place, pattern in places.items()
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert named == {place: [project["requires-python"].removeprefix(">=")] for place in places}


def test_binder_installs_the_pinned_packages() -> None:
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    options = dict(line.split() for line in lines)
    # pip looks for a nested file beside the one that names it, and for a project where it is run.
    assert (BINDER / options.pop("-c")).resolve() == ROOT / "constraints.txt"
    assert (ROOT / options.pop("-e")).resolve() == ROOT
    assert not options


@pytest.mark.skipif(os.name == "nt", reason="repo2docker does not run on Windows")
def test_repo2docker_reads_the_configuration_as_meant(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(BINDER, project / ".binder")
    for name in ("pyproject.toml", "constraints.txt", "environment.yml", "Dockerfile"):
        shutil.copy(ROOT / name, project)
    options = ["--no-build", "--debug", "--user-id", "1000", "--user-name", "jovyan"]
    command = [sys.executable, "-m", "repo2docker", *options, str(project)]
    done = subprocess.run(command, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert 'pip install --no-cache-dir -r ".binder/requirements.txt"' in said
    assert "environment-2epy-2d3-2e11" in said  # "environment.py-3.11", as it is written there
    assert "FROM python" not in said  # the Dockerfile at the root is not Binder's
