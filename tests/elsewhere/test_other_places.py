"""The editor's container and Binder: what they read keeps to its format and to this repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

ROOT = Path(__file__).parents[2]
BINDER = ROOT / ".binder"

COMMAND = {"type": "string", "minLength": 1}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
# Names and types of the Dev Container metadata reference, those that are used here.
DEVCONTAINER = {
    "type": "object",
    "required": ["name", "image"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "image": {"type": "string"},
        "remoteUser": {"type": "string"},
        "init": {"type": "boolean"},
        "containerEnv": TEXTS,
        "remoteEnv": TEXTS,
        "onCreateCommand": COMMAND,
        "postStartCommand": COMMAND,
        "hostRequirements": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "cpus": {"type": "integer", "minimum": 1},
                "memory": {"type": "string", "pattern": r"^\d+([tgmk]b)?$"},
            },
        },
        "otherPortsAttributes": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"onAutoForward": {"enum": ["notify", "silent", "ignore"]}},
        },
        "customizations": {"type": "object"},
    },
}


@pytest.fixture(scope="module")
def devcontainer() -> dict[str, Any]:
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_editors_container_keeps_to_the_format(devcontainer: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(DEVCONTAINER).validate(devcontainer)


def test_its_commands_exist(devcontainer: dict[str, Any]) -> None:
    venv = "/home/vscode/venv"
    make, install = devcontainer["onCreateCommand"].split(" && ")
    assert make == f"python3 -m venv {venv}"
    assert install == (
        f"{venv}/bin/python -m pip install --constraint constraints.txt --editable ."
    )
    program, verb = devcontainer["postStartCommand"].split()
    assert program == f"{venv}/bin/buildhour"
    subprocess.run(
        [Path(sys.executable).with_name("buildhour"), verb, "--help"],
        check=True,
        capture_output=True,
    )
    kernel = devcontainer["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert kernel == f"{venv}/bin/python"
    assert devcontainer["remoteEnv"]["PATH"].startswith(f"{venv}/bin:")


def test_the_notebook_that_it_opens_exists(devcontainer: dict[str, Any]) -> None:
    for name in devcontainer["customizations"]["codespaces"]["openFiles"]:
        assert (ROOT / name).is_file(), name


def test_every_place_has_the_one_python(devcontainer: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    runtime = (BINDER / "runtime.txt").read_text(encoding="utf-8")
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = {
        "Dockerfile": re.findall(r"^FROM python:(\d+\.\d+)-", dockerfile, re.MULTILINE),
        "devcontainer": re.findall(r"python:(\d+\.\d+)-", devcontainer["image"]),
        "Binder": re.findall(r"^python-(\d+\.\d+)$", runtime, re.MULTILINE),
        "pins": re.findall(r"--python-version (\d+\.\d+)", contributing),
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    least = project["requires-python"].removeprefix(">=")
    assert named == {place: [least] for place in named}


def test_binder_installs_the_pinned_packages() -> None:
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    options = dict(line.split() for line in lines)
    # pip looks for a nested file beside the one that names it, and for a project where it stands.
    assert (BINDER / options.pop("-c")).resolve() == ROOT / "constraints.txt"
    assert (ROOT / options.pop("-e")).resolve() == ROOT
    assert not options


@pytest.mark.skipif(os.name == "nt", reason="repo2docker does not run on Windows")
def test_repo2docker_reads_the_configuration_as_meant(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name in ("pyproject.toml", "constraints.txt", "environment.yml", "Dockerfile"):
        shutil.copy(ROOT / name, project)
    shutil.copytree(BINDER, project / ".binder")
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "--user-id", "1000",
         "--user-name", "jovyan", str(project)],
        capture_output=True,
        text=True,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert 'pip install --no-cache-dir -r ".binder/requirements.txt"' in said
    assert "environment-2epy-2d3-2e11" in said  # "environment.py-3.11", as it is written there
    assert "FROM python" not in said  # the Dockerfile at the root is not Binder's
