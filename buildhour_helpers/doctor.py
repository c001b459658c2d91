"""What is missing or broken on this machine, line by line, each with its cure."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from buildhour_helpers import servers, session
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.home import home, prepare, repository

LEAST_PYTHON = (3, 11)
LEAST_MEMORY_BYTES = 2_000_000_000
LEAST_DISK_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    """What one check found. `cure` is empty exactly where all is well."""

    about: str
    said: str
    cure: str = ""


def main() -> int:
    """Print every finding; the exit status is 1 if anything needs a cure."""
    findings = [check() for check in CHECKS]
    for finding in findings:
        mark = "BAD" if finding.cure else "ok"
        print(f"{mark:4} {finding.about:14} {finding.said}")
        if finding.cure:
            print(f"{'':19} cure: {finding.cure}")
    return int(any(finding.cure for finding in findings))


def python() -> Finding:
    said = f"{sys.version.split()[0]} at {sys.executable}"
    cure = "install Python 3.11 or newer" if sys.version_info < LEAST_PYTHON else ""
    return Finding("Python", said, cure)


def packages() -> Finding:
    """Every package that pyproject.toml asks for, at the version that constraints.txt pins."""
    project = tomllib.loads((repository() / "pyproject.toml").read_text(encoding="utf-8"))
    pins = pinned_versions(repository() / "constraints.txt")
    wrong = []
    for requirement in project["project"]["dependencies"]:
        name = requirement_name(requirement)
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if version not in pins.get(name, {version}):
            wrong.append(f"{name} is {version}, not {' or '.join(sorted(pins[name]))}")
    cure = "delete .venv, then: python workshop.py doctor" if wrong else ""
    return Finding("packages", "; ".join(wrong) or "all there, at the pinned versions", cure)


def requirement_name(requirement: str) -> str:
    """`uvicorn` of `uvicorn[standard]>=0.38`, in the spelling that pip compares by."""
    name = requirement.strip()
    for end in "[<>=!~; ":
        name = name.split(end)[0]
    return name.lower().replace("_", "-")


def pinned_versions(constraints: Path) -> dict[str, set[str]]:
    """Package name -> the versions that a constraints file allows."""
    pins: dict[str, set[str]] = {}
    for line in constraints.read_text(encoding="utf-8").splitlines():
        pin = line.split(";")[0].split("#")[0].strip()
        if pin:
            name, _, version = pin.partition("==")
            pins.setdefault(requirement_name(name), set()).add(version)
    return pins


def memory() -> Finding:
    free = psutil.virtual_memory().available
    cure = "close other programs" if free < LEAST_MEMORY_BYTES else ""
    return Finding("memory", f"{free / 1e9:.1f} GB available", cure)


def disk() -> Finding:
    folder = next(path for path in (home(), *home().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    cure = "free some space" if free < LEAST_DISK_BYTES else ""
    return Finding("disk", f"{free / 1e9:.1f} GB free under {folder}", cure)


def state_folder() -> Finding:
    try:
        return Finding("state folder", str(prepare()))
    except WorkshopError as error:
        said, _, cure = str(error).partition("; ")
        return Finding("state folder", said, cure or "set BUILDHOUR_HOME to another folder")


def loopback() -> Finding:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            socket.create_connection(("127.0.0.1", port), timeout=3).close()
    except OSError as error:
        cure = "let programs listen on 127.0.0.1 in the firewall's settings"
        return Finding("ports", f"127.0.0.1 cannot be used: {error}", cure)
    proxies = [name for name in ("HTTP_PROXY", "http_proxy") if os.environ.get(name)]
    note = "; the proxy of HTTP_PROXY is passed by for 127.0.0.1" if proxies else ""
    return Finding("ports", f"127.0.0.1 answers{note}")


def data_files() -> Finding:
    from buildhour_helpers import reports, tasks

    try:
        count = len(reports.load())
        sizes = {s: len(tasks.load_questions(split=s)) for s in ("train", "validation", "test")}
    except (OSError, ValueError) as error:
        return Finding("data", str(error), "git checkout -- data")
    said = f"{count} reports; questions: " + ", ".join(f"{n} {s}" for s, n in sizes.items())
    return Finding("data", said)


def base_model() -> Finding:
    command = [sys.executable, "-m", "rft_service", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said, _, fix = done.stderr.strip().removeprefix("service: ").rpartition("; ")
        return Finding("base model", said, fix)
    return Finding("base model", done.stdout.strip())


def running() -> Finding:
    up = session.running()
    silent = [server.name for server in up.values() if not servers.answers(server)]
    if silent:
        return Finding(
            "servers", f"{', '.join(silent)} does not answer", "python workshop.py reset"
        )
    said = ", ".join(f"{server.name} at {server.url}" for server in up.values())
    return Finding("servers", said or "none running")


CHECKS: tuple[Callable[[], Finding], ...] = (
    python,
    packages,
    memory,
    disk,
    state_folder,
    loopback,
    data_files,
    base_model,
    running,
)
