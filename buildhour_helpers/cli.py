"""The command line: `python workshop.py VERB`, or `buildhour VERB` where that is on the path."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from buildhour_helpers import doctor, session
from buildhour_helpers.errors import Interrupted, WorkshopError
from buildhour_helpers.home import home, repository

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]  # has no public name

INTERRUPTED = 130
POLL_S = 0.5
ON_TWO_CORES = ("-n", "2", "--dist", "loadscope")
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as lint; lint()"
LESSONS_AND_TESTS = ("--nbval", "--nbval-current-env", "solutions", "notebooks", "tests")
"""The lessons first: each is long, and must not be what is left at the end."""
PASS_ON = ("lab", "test")
"""Verbs that hand arguments of no meaning to them on to JupyterLab or pytest."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status. Every WorkshopError becomes one line."""
    signal.signal(signal.SIGTERM, _interrupt)
    if not sys.stderr.isatty():  # a log wants a line now and then, not an animation
        os.environ.setdefault("TQDM_MININTERVAL", "10")
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.verb not in PASS_ON:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    try:
        status: int = options.run(options)
        return status
    except WorkshopError as error:
        print(f"{program()} {options.verb}: {error}", file=sys.stderr)
        return INTERRUPTED if isinstance(error, Interrupted) else 1
    except KeyboardInterrupt:
        print(f"\n{program()} {options.verb}: stopped", file=sys.stderr)
        return INTERRUPTED


def program() -> str:
    """What the reader types before a verb: workshop.py says so of itself."""
    return os.environ.get("BUILDHOUR_COMMAND", "buildhour")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """A request to terminate ends a verb as Ctrl-C does: everything is put away first."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program(),
        description=f"The Agent RFT workshop. `{program()} VERB --help` explains a verb.",
        epilog="State is kept in .buildhour/, or in the folder that BUILDHOUR_HOME names.",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _add_demo(verbs)
    _add_lab(verbs)
    _add_serve(verbs)
    _add_import(verbs)
    _add_test(verbs)
    _verb(verbs, "doctor", "say what is missing or broken on this machine, and the cure", _doctor)
    _verb(verbs, "reset", "stop what was started and delete the state folder", _reset)
    return parser


def _verb(
    verbs: Verbs,
    name: str,
    about: str,
    run: Callable[[argparse.Namespace], int],
    *examples: str,
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog="examples:\n" + "\n".join(f"  {program()} {e}" for e in examples or (name,)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_demo(verbs: Verbs) -> None:
    add = _verb(
        verbs,
        "demo",
        "train the agent and compare it with where it started, on held-out questions",
        _demo,
        "demo",
        "demo --seed 7 --json result.json",
        "demo --reports finqa --steps 30",
    ).add_argument
    add("--seed", type=_whole(0), default=0, help="decides everything (default: %(default)s)")
    add("--steps", type=_whole(1), help="training steps (default: 40)")
    add("--questions", type=_whole(1), help="held-out questions to compare on (default: 100)")
    add("--reports", type=Path, metavar="DIR", help="reports that import-finqa made")
    add("--concurrency", type=_whole(1), default=32, help="rollouts at once (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write the figures to FILE")


def _add_lab(verbs: Verbs) -> None:
    _verb(
        verbs,
        "lab",
        "open JupyterLab on the first notebook, service and tool server up",
        _lab,
        "lab",
        "lab --no-browser --port 9999        (any option of `jupyter lab`)",
    )


def _add_serve(verbs: Verbs) -> None:
    add = _verb(
        verbs,
        "serve",
        "run the service and the tool server until interrupted; prints addresses and keys",
        _serve,
        "serve",
        "serve --json --port 8001 --tools-port 8002",
    ).add_argument
    add("--json", action="store_true", help="one line of JSON once both answer")
    add("--port", type=_whole(0, 65535), default=0, help="the service's port (default: a free one)")
    add(
        "--tools-port",
        type=_whole(0, 65535),
        default=0,
        help="the tool server's port (default: a free one)",
    )
    add("--reports", type=Path, metavar="DIR", help="reports that import-finqa made")


def _add_import(verbs: Verbs) -> None:
    add = _verb(
        verbs,
        "import-finqa",
        "turn FinQA's published JSON into reports and questions of this workshop",
        _import_finqa,
        "import-finqa FinQA/dataset finqa",
    ).add_argument
    add("source", type=Path, help="a folder with train.json, dev.json, test.json, or one such file")
    add("destination", type=Path, help="the folder to write, outside the state folder")
    add("--force", action="store_true", help="replace reports that the folder holds already")


def _add_test(verbs: Verbs) -> None:
    _verb(
        verbs,
        "test",
        "check style, types and imports, and run the lessons and the tests",
        _test,
        "test",
        "test tests/test_cli.py -k help      (pytest alone, with any of its options)",
    )


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """A converter for an option: a whole number within these bounds."""
    bounds = f"from {least} to {most}" if most else f"of {least} or more"

    def convert(text: str) -> int:
        number = int(text) if text.isdecimal() else -1
        if number < least or (most and number > most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {bounds}")
        return number

    return convert


def _demo(options: argparse.Namespace) -> int:
    from buildhour_helpers.demo import DemoOptions, run

    run(
        DemoOptions(
            seed=options.seed,
            steps=options.steps,
            questions=options.questions,
            reports=options.reports,
            concurrency=options.concurrency,
            json_path=options.json,
        )
    )
    return 0


def _lab(options: argparse.Namespace) -> int:
    was_up = session.running()
    session.start()
    print(f"Jobs: {session.page_link()}", flush=True)
    notebooks = repository() / "notebooks"
    first = min(notebooks.glob("*.ipynb"), default=notebooks)
    command = [sys.executable, "-m", "jupyterlab", *options.rest, str(first)]
    lab = subprocess.Popen(command, cwd=repository())
    try:
        return lab.wait()
    except KeyboardInterrupt:
        lab.terminate()
        lab.wait()
        return 0
    finally:
        if not was_up:
            session.stop()


def _serve(options: argparse.Namespace) -> int:
    was_up = session.running()
    up = session.start(
        "offline",
        reports=options.reports,
        port=options.port,
        tools_port=options.tools_port,
        quiet=True,
    )
    about = {name: getattr(up, name) for name in ("base_url", "api_key", "tools_url", "tools_key")}
    if options.json:
        print(json.dumps(about), flush=True)
    else:
        about["job page"] = session.page_link()
        print("\n".join(f"{name:10} {value}" for name, value in about.items()), flush=True)
    try:
        while session.running().keys() >= {"service", "tools"}:
            time.sleep(POLL_S)
        raise WorkshopError(f"a server ended by itself; its log is in {home() / 'logs'}")
    except KeyboardInterrupt:
        return 0
    finally:
        if not was_up:
            session.stop()


def _import_finqa(options: argparse.Namespace) -> int:
    from buildhour_helpers.tasks.finqa import import_finqa

    destination: Path = options.destination
    _check_destination(destination, options.force)
    try:
        print(import_finqa(options.source, destination).summary())
    except OSError as error:
        said = f"{error.filename}: {error.strerror}; give another folder"
        raise WorkshopError(said if error.strerror else str(error)) from error
    except ValueError as error:
        raise WorkshopError(str(error)) from error
    print(f"\nNow: {program()} demo --reports {destination}")
    return 0


def _check_destination(folder: Path, force: bool) -> None:
    """Raises WorkshopError for a folder whose reports would be lost, now or by a reset."""
    from buildhour_helpers.reports.store import REPORTS_FILE

    if folder.resolve().is_relative_to(home()):
        raise WorkshopError(
            f"{folder}: is in the state folder, which `reset` deletes; give a folder beside it"
        )
    if (folder / REPORTS_FILE).exists() and not force:
        raise WorkshopError(
            f"{folder}: holds reports already; give a new folder, or --force to replace them"
        )


def _test(options: argparse.Namespace) -> int:
    python = sys.executable
    checks = [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [python, "-c", LINT_IMPORTS],
    ]
    tests = [python, "-m", "pytest", *(options.rest or (*ON_TWO_CORES, *LESSONS_AND_TESTS))]
    commands = [tests] if options.rest else [*checks, tests]
    statuses = [subprocess.run(c, cwd=repository(), check=False).returncode for c in commands]
    failed = [" ".join(c[-2:]) for c, s in zip(commands[:-1], statuses[:-1], strict=True) if s]
    if failed:
        print(f"{program()} test: failed before pytest: {'; '.join(failed)}", file=sys.stderr)
    return next((status for status in statuses if status), 0)


def _doctor(_options: argparse.Namespace) -> int:
    return doctor.main()


def _reset(_options: argparse.Namespace) -> int:
    folder = home()
    print(f"Deleted {folder}" if session.reset() else f"Nothing to delete: no {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
