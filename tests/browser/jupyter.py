"""JupyterLab as a process of its own, on a free port, with settings of nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_notebook

from tests.service.servers import closed_port

TOKEN = "a-token-of-the-tests"
SETTLE = 1_200  # tries of 50 ms until it answers


@contextmanager
def lab(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """JupyterLab over `folder`; gives the address of its tree, to which `/NAME?token=...` goes."""
    port = closed_port()
    own = {f"JUPYTER_{name}_DIR": str(folder / ".jupyter" / name) for name in ("CONFIG", "RUNTIME")}
    own["JUPYTERLAB_SETTINGS_DIR"] = own["JUPYTERLAB_WORKSPACES_DIR"] = str(folder / ".jupyter")
    own["IPYTHONDIR"] = str(folder / ".ipython")
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": TOKEN,
        "LabApp.news_url": "",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with (folder / "lab.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment, **own}, stdout=log, stderr=log
        )
        try:
            await_answer(f"http://127.0.0.1:{port}/api/status?token={TOKEN}", process)
            yield f"http://127.0.0.1:{port}/lab/tree"
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop JupyterLab and its kernels, whether it takes care of them itself or not."""
    own = psutil.Process(process.pid)
    family = [own, *own.children(recursive=True)]
    process.terminate()
    _, alive = psutil.wait_procs(family, timeout=10)
    for left in alive:
        left.kill()
    process.wait()


def await_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(SETTLE):
        try:
            with urllib.request.urlopen(url):
                return
        except urllib.error.URLError:
            assert process.poll() is None, "JupyterLab ended by itself"
            time.sleep(0.05)
    raise AssertionError("JupyterLab does not answer")


def write_notebook(file: Path, cells: Sequence[str]) -> None:
    """A notebook of code cells that was never run."""
    made = [new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(cells)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=made, metadata={"kernelspec": kernel}), file)
