"""Progress for a log file: whole lines now and then, where a terminal shows a moving bar."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

SECONDS_BETWEEN_LINES = "10"


class Lines(io.TextIOBase):
    """A text stream in which each redrawn state of a progress bar becomes a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._after_bar = False

    def write(self, text: str) -> int:
        if text.startswith("\r"):
            self._after_bar = True
            if state := text.strip():
                self._stream.write(state + "\n")
        elif not (self._after_bar and text == "\n"):  # with which tqdm ends a bar
            self._after_bar = False
            self._stream.write(text)
        self._stream.flush()
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._stream.fileno()


def progress_as_lines() -> None:
    """Where stderr is not a terminal, let tqdm write lines there; call this before its import."""
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_MININTERVAL", SECONDS_BETWEEN_LINES)
        sys.stderr = Lines(sys.stderr)
