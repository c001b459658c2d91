"""What is missing or broken on this machine, line by line, each with its fix."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from buildhour_helpers import proxies, servers, session
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.home import home, is_checkout, prepare, repository

LEAST_PYTHON = (3, 11)
LEAST_MEMORY_BYTES = 2_000_000_000
LEAST_DISK_BYTES = 1_000_000_000
REINSTALL = "install the package agent-rft-workshop again"


@dataclass(frozen=True)
class Finding:
    """What one check found; `fix` is empty if all is well."""

    about: str
    said: str
    fix: str = ""


def main() -> int:
    """Print every finding; the exit status is 1 if anything needs fixing."""
    findings = [check() for check in CHECKS]
    for finding in findings:
        mark = "BAD" if finding.fix else "ok"
        print(f"{mark:4} {finding.about:14} {finding.said}")
        if finding.fix:
            print(f"{'':19} fix: {finding.fix}")
    return int(any(finding.fix for finding in findings))


def python() -> Finding:
    said = f"{sys.version.split()[0]} at {sys.executable}"
    fix = "install Python 3.11 or newer" if sys.version_info < LEAST_PYTHON else ""
    return Finding("Python", said, fix)


def packages() -> Finding:
    """Is every required package installed (in a checkout, at the version of constraints.txt)?"""
    pins = pinned_versions(repository() / "constraints.txt") if is_checkout() else {}
    wrong = []
    for requirement in metadata.requires("agent-rft-workshop") or ():
        if "extra ==" in requirement:
            continue
        name = requirement_name(requirement)
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if version not in pins.get(name, {version}):
            wrong.append(f"{name} is {version}, not {' or '.join(sorted(pins[name]))}")
    if not wrong:
        return Finding("packages", "all there" + (", at the pinned versions" if pins else ""))
    fix = "delete .venv, then: python workshop.py doctor" if pins else REINSTALL
    return Finding("packages", "; ".join(wrong), fix)


def requirement_name(requirement: str) -> str:
    """`uvicorn` of `uvicorn[standard]>=0.38`, normalised as pip does."""
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
    fix = "close other programs" if free < LEAST_MEMORY_BYTES else ""
    return Finding("memory", f"{free / 1e9:.1f} GB available", fix)


def disk() -> Finding:
    folder = next(path for path in (home(), *home().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    fix = "free some space" if free < LEAST_DISK_BYTES else ""
    return Finding("disk", f"{free / 1e9:.1f} GB free under {folder}", fix)


def state_folder() -> Finding:
    try:
        return Finding("state folder", str(prepare()))
    except WorkshopError as error:
        said, _, fix = str(error).partition("; ")
        return Finding("state folder", said, fix or "set BUILDHOUR_HOME to another folder")


def loopback() -> Finding:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            socket.create_connection(("127.0.0.1", port), timeout=3).close()
    except OSError as error:
        fix = "let programs listen on 127.0.0.1 in the firewall's settings"
        return Finding("ports", f"127.0.0.1 cannot be used: {error}", fix)
    return Finding("ports", "127.0.0.1 answers")


def proxy() -> Finding:
    """The variables that name a proxy, without their values, which may hold a password."""
    if unusable := proxies.unusable():
        said = (
            f"{', '.join(unusable)}: not usable by the openai client, so unset by session.start()"
        )
        return Finding("proxy", said)
    names = ", ".join(proxies.in_use())
    return Finding("proxy", f"{names}: not used for this machine" if names else "none set")


def requests() -> Finding:
    """Where the learner's requests go."""
    try:
        return Finding("requests", session.destination())
    except WorkshopError as error:
        said, _, fix = str(error).partition("; ")
        return Finding("requests", said, fix)


def data_files() -> Finding:
    from buildhour_helpers import reports, tasks

    try:
        count = len(reports.load())
        sizes = {s: len(tasks.load_questions(split=s)) for s in ("train", "validation", "test")}
    except (OSError, ValueError) as error:
        return Finding("data", str(error), "git checkout -- data" if is_checkout() else REINSTALL)
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
    silent = [server for server in up.values() if not servers.answers(server)]
    if silent:
        said = ", ".join(f"{s.name} (process {s.pid}) does not answer" for s in silent)
        fix = "wait a minute; if it stays silent, end that process: a new start keeps its jobs"
        return Finding("servers", said, fix)
    said = ", ".join(f"{server.name} at {server.url}" for server in up.values())
    return Finding("servers", said or "none running")


CHECKS: tuple[Callable[[], Finding], ...] = (
    python,
    packages,
    memory,
    disk,
    state_folder,
    loopback,
    proxy,
    requests,
    data_files,
    base_model,
    running,
)
