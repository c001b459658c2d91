"""workshop.py: what it says on a machine that cannot run it, and when it installs."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from types import ModuleType, SimpleNamespace

import httpx
import pytest

from tests.left_behind import processes_left

ROOT = Path(__file__).resolve().parent.parent
SOURCE = (ROOT / "workshop.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def workshop() -> ModuleType:
    spec = importlib.util.spec_from_file_location("workshop", ROOT / "workshop.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_any_python_can_read_it_and_one_that_is_too_old_gets_one_line_with_the_fix() -> None:
    tree = ast.parse(SOURCE, feature_version=(3, 4))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
        )
        if name
    }
    assert imported <= sys.stdlib_module_names

    def stop(text: str) -> None:
        raise SystemExit(text)

    old = SimpleNamespace(version_info=(3, 8, 10), executable="python3.8", exit=stop)
    guard = SOURCE[SOURCE.index("NEEDED") : SOURCE.index("import hashlib")]
    with pytest.raises(SystemExit, match=r"3\.11 or newer.*3\.8 \(python3\.8\)[^\n]*$"):
        exec(guard, {"sys": old})


@pytest.mark.parametrize(
    ("fingerprint", "extras", "verb", "to_install"),
    [
        ("", [], "demo", []),  # the first time
        ("same", [], "demo", None),
        ("same", [], "test", ["test"]),
        ("same", [], "lab", ["engines"]),
        ("same", ["test"], "test", None),
        ("other", ["test"], "demo", ["test"]),
    ],
)
def test_what_is_installed(
    workshop: ModuleType,
    fingerprint: str,
    extras: list[str],
    verb: str,
    to_install: list[str] | None,
) -> None:
    found = {"fingerprint": fingerprint, "extras": extras}
    assert workshop.extras_to_install(found, "same", verb) == to_install


def test_a_damaged_marker_counts_as_none_and_a_changed_list_as_another(
    workshop: ModuleType, tmp_path: Path
) -> None:
    marker = tmp_path / "marker.json"
    for text in ("", "[]", '{"extras": []}', "not json"):
        marker.write_text(text, encoding="utf-8")
        assert workshop.installed(marker)["fingerprint"] == ""
    seen = set()
    for texts in ((1, 1), (2, 1), (2, 2), (2, 2)):
        for name, text in zip(("pyproject.toml", "constraints.txt"), texts, strict=True):
            (tmp_path / name).write_text(str(text), encoding="utf-8")
        seen.add(workshop.fingerprint(tmp_path))
    assert len(seen) == 3


def test_the_command_knows_what_the_reader_types_and_where_the_packages_are(
    workshop: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PYTHONPATH", "mine")
    given = workshop.variables(ROOT)
    assert given["BUILDHOUR_COMMAND"] == "python workshop.py"
    assert given["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "mine"]
    monkeypatch.setattr(workshop, "prepare", lambda root, verb: [str(tmp_path / "none")])
    assert workshop.main(["demo"]) == 1  # a program that is not there is one line
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(tmp_path / "none") in said


@pytest.mark.parametrize(
    ("log", "cure"),
    [
        ("WARNING: Retrying after connection broken by 'NewConnectionError", "connect"),
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: ResolutionImpossible: a and b", "ResolutionImpossible: a and b"),
        ("", "pip failed"),
    ],
)
def test_a_failed_install_names_its_cure(workshop: ModuleType, log: str, cure: str) -> None:
    said = workshop.explain_failure(log)
    assert cure in said
    assert "\n" not in said


def test_no_network_is_one_clear_line(tmp_path: Path) -> None:
    clone = copied(tmp_path / "clone")
    nowhere = {"PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in nowhere.items():
            patch.setenv(name, value)
        done = run(clone, sys.executable, clone / "workshop.py", "doctor")
    assert done.returncode == 1
    *progress, last = done.stderr.splitlines()
    assert all(line.startswith(("Making", "Installing")) for line in progress)
    assert "needs a network" in last
    assert not (clone / ".venv" / "workshop.json").exists()


def copied(root: Path, *folders: str) -> Path:
    """A checkout in a folder, with these of its folders."""
    (root / "docs").mkdir(parents=True)
    for name in ("workshop.py", "pyproject.toml", "constraints.txt", "docs/commands.md"):
        shutil.copy(ROOT / name, root / name)
    for name in folders:
        shutil.copytree(ROOT / name, root / name)
    return root


def install_in(root: Path, workshop: ModuleType) -> None:
    environment = root / ".venv"
    venv.create(environment, with_pip=False)
    base = {"base": str(environment), "platbase": str(environment)}
    packages = Path(sysconfig.get_path("purelib", "venv", base))
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "dependencies.pth").write_text("\n".join(sorted(paths)), encoding="utf-8")
    (packages / "_editable.pth").write_text(f"{root}\n", encoding="utf-8")
    program = environment / "bin" / "buildhour"
    if os.name == "posix":
        script = (
            f"#!{environment}/bin/python\nimport sys\nfrom buildhour_helpers.__main__ import main\n"
        )
        program.write_text(f"{script}sys.exit(main())\n", encoding="utf-8")
        program.chmod(0o755)
    record = {"fingerprint": workshop.fingerprint(root), "extras": [], "root": str(root)}
    (environment / "workshop.json").write_text(json.dumps(record), encoding="utf-8")


def run(root: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_NO_CACHE_DIR": "1"}
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=root.parent, env=variables | nowhere, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", ["My clone", "it's \\1 clone"])
def test_in_a_moved_folder_everything_still_runs_and_nothing_is_installed(
    name: str, workshop: ModuleType, tmp_path: Path
) -> None:
    if os.name == "nt" and "\\" in name:
        pytest.skip("no such name on Windows")
    clone = copied(
        tmp_path / "clone", "buildhour_helpers", "rft_service", "rft_wire", "rft_traces", "data"
    )
    install_in(clone, workshop)
    moved = tmp_path / name
    clone.rename(moved)
    python = workshop.venv_program(moved / ".venv", "python")
    helped = run(moved, sys.executable, moved / "workshop.py", "demo", "--help")
    assert (helped.returncode, helped.stdout[:6]) == (0, "Usage:")
    assert helped.stderr.count("\n") == 1
    assert "correcting the paths" in helped.stderr
    where = run(moved, python, "-c", "import buildhour_helpers as b; print(b.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(moved)
    if os.name == "posix":
        assert run(moved, moved / ".venv" / "bin" / "buildhour", "--help").returncode == 0
    again = run(moved, sys.executable, moved / "workshop.py", "demo", "--help")
    assert (again.returncode, again.stderr) == (0, "")


def test_a_folder_with_a_name_that_only_begins_like_it_is_left_alone(
    workshop: ModuleType, tmp_path: Path
) -> None:
    environment = tmp_path / "b" / ".venv"
    (workshop.venv_program(environment, "python").parent).mkdir(parents=True)
    paths = environment / "other.pth"
    paths.write_bytes(b"/a/clone2\n/a/clone/lib\n/a/clone\n")
    workshop.move(environment, "/a/clone", tmp_path / "b")
    new = os.fsencode(str(tmp_path / "b"))
    assert paths.read_bytes() == b"/a/clone2\n" + new + b"/lib\n" + new + b"\n"


def test_help_needs_no_installation(tmp_path: Path) -> None:
    clone = copied(tmp_path / "clone")
    for arguments, status, said in (
        ([], 2, "[OPTIONS] VERB"),
        (["--help"], 0, "[OPTIONS] VERB"),
        (["import-finqa", "-h"], 0, "import-finqa "),
        (["lab", "--no-browser", "--help"], 0, "lab "),
        (["dance", "--help"], 0, "[OPTIONS] VERB"),
    ):
        helped = run(clone, sys.executable, clone / "workshop.py", *arguments)
        assert (helped.returncode, helped.stderr) == (status, "")
        assert helped.stdout.startswith(f"Usage: python workshop.py {said}")
        assert "```" not in helped.stdout
    assert not (clone / ".venv").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot become another program")
@pytest.mark.parametrize(
    ("stop", "group"),
    [("SIGINT", True), ("SIGTERM", False), ("SIGHUP", True), ("SIGKILL", False)],
)
def test_a_signal_reaches_everything_that_it_started(stop: str, group: bool) -> None:
    code = (
        "import sys, workshop; "
        "workshop.pass_on([sys.executable, '-P', '-m', 'buildhour_helpers', 'serve', '--json'])"
    )
    serving = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    assert serving.stdout
    url = json.loads(serving.stdout.readline())["base_url"]
    (os.killpg if group else os.kill)(serving.pid, getattr(signal, stop))
    assert serving.communicate() == ("", "")
    assert serving.returncode == (-signal.SIGKILL if stop == "SIGKILL" else 0)
    assert processes_left() == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signal to one process")
def test_a_signal_during_the_installation_ends_pip_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = copied(tmp_path / "clone")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        installing = subprocess.Popen(
            [sys.executable, clone / "workshop.py", "doctor"],
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        silent.accept()  # pip asks for a package
        installing.terminate()
        _, said = installing.communicate()
    assert installing.returncode == 130
    assert "Traceback" not in said
    assert "stopped; the next call continues from here" in said
    assert processes_left() == []
