"""The one exception that the command line turns into a line of text and an exit status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
