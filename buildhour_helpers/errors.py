"""The one exception that the command line turns into a line of text and an exit status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class WorkshopError(Exception):
    """Something that the reader can mend.

    Its text is one line that names what is wrong (file, line, field) and the cure.
    """


class Interrupted(WorkshopError):  # noqa: N818  (not an error: somebody asked for it)
    """Stopped by Ctrl-C, with everything put away; its text says what was kept, and where."""


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """What keeps the block from writing `file` (a full disk, a folder of somebody else's) becomes
    a WorkshopError."""
    try:
        yield
    except OSError as error:
        raise WorkshopError(
            f"{file}: cannot be written ({error.strerror or error}); make room on its disk, or "
            "choose a folder that can be written"
        ) from error
