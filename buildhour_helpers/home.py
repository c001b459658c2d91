"""Where things are: the shipped data, the checkout, and the state folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from buildhour_helpers.errors import WorkshopError

MARKER = "this-is-workshop-state.txt"
MARKER_TEXT = """\
State of the Agent RFT workshop: its servers' addresses, database, logs and records.
`buildhour reset` (or `python workshop.py reset`) stops the servers and deletes this folder.
"""
LEAST_FREE_BYTES = 50_000_000


PACKAGE = Path(__file__).resolve().parent


def data_folder() -> Path:
    """Reports, questions and recorded runs: `data/` of the checkout, or the installed copy."""
    return PACKAGE.parent / "data" if is_checkout() else PACKAGE / "data"


def is_checkout() -> bool:
    """False where the package was installed without its repository."""
    return (PACKAGE.parent / "workshop.py").is_file()


def repository() -> Path:
    """The checkout: the folder of the notebooks and the tests.

    Raises WorkshopError where the package was installed without it.
    """
    if not is_checkout():
        raise WorkshopError(
            "this needs the workshop's checkout; clone its repository and run "
            "`python workshop.py` there"
        )
    return PACKAGE.parent


def program() -> str:
    """What the reader types before a verb; workshop.py sets it for itself."""
    return os.environ.get("BUILDHOUR_COMMAND", "buildhour")


def home() -> Path:
    """The state folder: $BUILDHOUR_HOME, or `.buildhour` in the checkout, or without a checkout
    `.buildhour` in the user's home folder.

    The current folder is never taken: the same jobs must be found from everywhere. Raises
    WorkshopError where the user has no home folder.
    """
    try:
        if chosen := os.environ.get("BUILDHOUR_HOME"):
            return Path(chosen).expanduser().resolve()
        return (PACKAGE.parent if is_checkout() else Path.home()) / ".buildhour"
    except RuntimeError as error:
        raise WorkshopError(f"{error} Set BUILDHOUR_HOME to a folder for the state.") from error


def prepare(folder: Path | None = None) -> Path:
    """Make the state folder and return it.

    Raises WorkshopError if it holds other files, cannot be written, or has no room.
    """
    folder = folder or home()
    fix = "set BUILDHOUR_HOME to a folder that can be written"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / MARKER).is_file():
            raise WorkshopError(
                f"{folder}: holds files that are not the workshop's; set BUILDHOUR_HOME to a new "
                "or empty folder"
            )
        free = shutil.disk_usage(folder).free
        if free < LEAST_FREE_BYTES:
            raise WorkshopError(
                f"{folder}: only {free / 1e6:.0f} MB free on this disk; make room, or {fix}"
            )
        (folder / MARKER).write_text(MARKER_TEXT, encoding="utf-8", newline="\n")
    except OSError as error:
        raise WorkshopError(f"{folder}: {error.strerror or error}; {fix}") from error
    return folder


def remove(folder: Path | None = None) -> bool:
    """Delete the state folder; False if there is none.

    Raises WorkshopError if this package did not make the folder.
    """
    folder = folder or home()
    if not folder.exists():
        return False
    if not (folder / MARKER).is_file():
        raise WorkshopError(
            f"{folder}: not made by this workshop, so left alone; delete it by hand"
        )
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise WorkshopError(
            f"{error.filename}: {error.strerror}; close what uses it, or let it be written"
        ) from error
    return True
