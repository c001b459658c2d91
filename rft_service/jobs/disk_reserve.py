"""A little room that is kept for the day the disk is full: enough to write down that it is."""

from __future__ import annotations

import contextlib
from pathlib import Path

SIZE_BYTES = 1_000_000


class Ballast:
    """A file of zeros in the state folder, given up when a job fails for want of room."""

    def __init__(self, home: Path) -> None:
        self._path = home / "ballast"
        self.fill()

    def fill(self) -> None:
        """Take the room again, if there is any."""
        if not self._path.exists():
            with contextlib.suppress(OSError):
                self._path.write_bytes(bytes(SIZE_BYTES))

    def release(self) -> bool:
        """Give the room up; False where there was none left to give."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
