"""A project of a learner's own: a virtual environment with the packages that a lesson names, and
nothing of this course."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import venv
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

RUNNER = """\
import ast, asyncio, inspect, pathlib
code = pathlib.Path("pasted.py").read_text(encoding="utf-8")
code = compile(code, "pasted.py", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
ended = eval(code, {"__name__": "__main__"})
if inspect.iscoroutine(ended):
    asyncio.run(ended)
"""
"""Runs what was pasted as a notebook would: `await` may stand outside of functions."""


class EmptyProject:
    """A folder with an environment of its own. `packages` and what they need are put into it from
    the environment that runs the tests: the same files as an installation would bring."""

    def __init__(self, folder: Path, packages: Iterable[str]) -> None:
        self.folder = folder / "project"
        self.folder.mkdir(parents=True)
        environment = folder / "environment"
        venv.create(environment, with_pip=False)
        program = "Scripts/python.exe" if os.name == "nt" else "bin/python"
        self.python = environment / program
        self.site_packages = Path(self._said("import site; print(site.getsitepackages()[-1])"))
        for name in with_requirements(packages):
            self._install(name)
        (self.folder / "run.py").write_text(RUNNER, encoding="utf-8")

    def run(self, code: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run pasted code with only these variables, as a process of its own."""
        (self.folder / "pasted.py").write_text(code, encoding="utf-8")
        system = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if name in os.environ}
        return subprocess.run(
            [self.python, "-I", "run.py"],
            cwd=self.folder,
            env=system | {"PYTHONIOENCODING": "utf-8", **variables},
            capture_output=True,
            text=True,
            encoding="utf-8",
        )

    def _said(self, code: str) -> str:
        return subprocess.run(
            [self.python, "-I", "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()

    def _install(self, name: str) -> None:
        found = distribution(name)
        entries = {file.parts[0] for file in found.files or () if ".." not in file.parts}
        for entry in entries - {"__pycache__"}:
            source, target = Path(str(found.locate_file(entry))), self.site_packages / entry
            if target.exists() or not source.exists():
                continue
            if os.name != "nt":
                target.symlink_to(source)
            elif source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)


def with_requirements(packages: Iterable[str]) -> set[str]:
    """The packages and, all the way down, what they require on this platform."""
    waiting, found = list(packages), set[str]()
    while waiting:
        wanted = Requirement(waiting.pop())
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        try:
            requires = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # an optional one that is not here either
        extras = wanted.extras or {""}
        needed = [
            line
            for line in requires
            if (marker := Requirement(line).marker) is None
            or any(marker.evaluate({"extra": extra}) for extra in extras)
        ]
        if name not in found:
            found.add(name)
            waiting += needed
    return found
