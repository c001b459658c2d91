"""The wheel alone: no checkout, an empty folder, as in a hosted notebook kernel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import nbformat
import pytest

from tests.course.empty_project import EmptyProject

ROOT = Path(__file__).parents[2]
RUN_NOTEBOOK = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
where = "import buildhour_helpers; print(buildhour_helpers.__file__)"
notebook.cells.append(nbformat.v4.new_code_cell(where))
nbclient.NotebookClient(notebook, timeout=300).execute()
print(notebook.cells[-1].outputs[0].text)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the files that git knows, so that nothing else can get into it."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in filter(lambda name: (ROOT / name).is_file(), listed):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(built), str(source))
    (file,) = built.glob("*.whl")
    return file


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, an empty folder to work in, and a user's home folder."""

    environment: Path
    folder: Path
    home: Path

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        names = ("PYTHONPATH", "BUILDHOUR_HOME")
        variables = {name: value for name, value in os.environ.items() if name not in names}
        own = {"JUPYTER_DATA_DIR": str(self.folder / "jupyter")}  # no kernel of somebody else's
        own |= {"HOME": str(self.home), "USERPROFILE": str(self.home)}
        return subprocess.run(
            [python_of(self.environment), *arguments],
            cwd=self.folder,
            env=variables | own,
            capture_output=True,
            text=True,
        )

    def buildhour(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "buildhour_helpers", *arguments)


def python_of(environment: Path) -> str:
    program = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    return str(environment / program)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The dependencies are those of the running environment, reached by a path alone: its
    editable installation of the checkout is not."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False)
    pip("--python", python_of(environment), "install", "--no-deps", "--no-index", str(wheel))
    base = {"base": str(environment), "platbase": str(environment)}
    packages = Path(sysconfig.get_path("purelib", "venv", base))
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "dependencies.pth").write_text("\n".join(sorted(paths)), encoding="utf-8")
    return Installed(environment, tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("home"))


def test_it_holds_the_packages_and_the_data_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    packages = {"buildhour_helpers", "rft_service", "rft_wire", "rft_traces"}
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == packages
    data = {name.removeprefix("buildhour_helpers/") for name in names if "/data/" in name}
    here = {p.relative_to(ROOT).as_posix() for p in (ROOT / "data").rglob("*") if p.is_file()}
    assert data == here


def test_the_demo_runs_and_what_needs_the_checkout_says_so(installed: Installed) -> None:
    done = installed.buildhour("demo", "--steps", "2", "--questions", "10", "--json", "result.json")
    assert done.returncode == 0, done.stderr
    result = json.loads((installed.folder / "result.json").read_text(encoding="utf-8"))
    assert result["job"]["steps"] == 2
    assert result["tuned"]["rollouts"] == 30
    done = installed.buildhour("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2800 reports" in done.stdout
    done = installed.buildhour("test")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "checkout" in done.stderr


def test_a_new_project_can_be_made(installed: Installed) -> None:
    """From its templates, which are in the wheel; that its check passes is tested elsewhere."""
    done = installed.buildhour("new", "project")
    assert done.returncode == 0, done.stderr
    done = installed.python("project/rows.py")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_lesson_runs_from_its_notebook_alone(installed: Installed) -> None:
    """State goes into the home folder and not into the current one."""
    shutil.copy(ROOT / "solutions" / "00_start_here.ipynb", installed.folder)
    try:
        done = installed.python("-c", RUN_NOTEBOOK, "00_start_here.ipynb")
        assert done.returncode == 0, done.stderr
        assert Path(done.stdout.strip()).is_relative_to(installed.environment)
        assert (installed.home / ".buildhour" / "service.sqlite").exists()
        assert not (installed.folder / ".buildhour").exists()
    finally:
        assert installed.buildhour("reset").returncode == 0
    assert not (installed.home / ".buildhour").exists()


@pytest.fixture
def plain(tmp_path: Path) -> EmptyProject:
    """An environment with the packages of this one, pip and a kernel among them, but no course."""
    here = {found.name for found in distributions()} - {"agent-rft-workshop"}
    return EmptyProject(tmp_path, here)


def first_cells(project: EmptyProject, package: str = "") -> subprocess.CompletedProcess[str]:
    """The cells of lesson 00 down to the one that starts a session, run by a kernel of the
    project, which reaches no package index."""
    notebook = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4)
    code = [n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    notebook.cells = notebook.cells[: code[1] + 1]
    hosted = notebook.cells[code[0]]
    hosted.source = hosted.source.replace('PACKAGE = ""', f"PACKAGE = {package!r}")
    nbformat.write(notebook, project.folder / "lesson.ipynb")
    (project.folder / "lesson.py").write_text(RUN_NOTEBOOK, encoding="utf-8")
    home = str(project.folder / "home")
    own = {"HOME": home, "USERPROFILE": home, "JUPYTER_DATA_DIR": home, "PIP_NO_INDEX": "1"}
    command = [str(project.python), "-I", "lesson.py", "lesson.ipynb"]
    names = ("PYTHONPATH", "BUILDHOUR_HOME")
    variables = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run(
        command, cwd=project.folder, env=variables | own, capture_output=True, text=True
    )


def test_the_first_cells_run_in_a_plain_environment(wheel: Path, plain: EmptyProject) -> None:
    """Nothing but a wheel is there, in the notebook's folder or where PACKAGE says."""
    done = first_cells(plain)
    assert done.returncode == 1
    assert "Put the course's wheel beside this notebook, or set PACKAGE." in done.stderr
    done = first_cells(plain, "./missing-1.0-py3-none-any.whl")
    assert done.returncode == 1
    assert "pip could not install ./missing-1.0-py3-none-any.whl: " in done.stderr
    shutil.copy(wheel, plain.folder)
    done = first_cells(plain)
    assert done.returncode == 0, done.stdout + done.stderr
    assert Path(done.stdout.strip()).is_relative_to(plain.site_packages)
    home = dict.fromkeys(("HOME", "USERPROFILE"), str(plain.folder / "home"))
    plain.run("from buildhour_helpers import session; session.reset()", home)
