"""The one exception that the command line turns into a line of text and an exit status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class WorkshopError(Exception):
    """Something that the reader can fix; the message is one line.

    It names the thing (file, line, field), what is wrong with it, and the fix.
    """


class Interrupted(WorkshopError):  # noqa: N818  (not an error: the user asked for it)
    """Stopped by Ctrl-C, after cleaning up; the message says what was kept, and where."""


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """Turn an OSError of the block, which writes `file`, into a WorkshopError."""
    try:
        yield
    except OSError as error:
        raise WorkshopError(
            f"{file}: cannot be written ({error.strerror or error}); make room on its disk, or "
            "choose a folder that can be written"
        ) from error


def first_problem(error: ValidationError) -> str:
    """The first thing that pydantic found wrong with some JSON: "FIELD: what it should be"."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "row"
    found = "" if first["type"] == "missing" else f", not {first['input']!r:.40}"
    return f"{where}: {first['msg']}{found}"
