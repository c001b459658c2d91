"""One service for one state folder: a file lock, which the system drops with the process."""

from __future__ import annotations

import json
import os
from pathlib import Path

from filelock import FileLock, Timeout


class AlreadyRunningError(Exception):
    """Another service holds the state folder; the message names its address."""


class FolderLock:
    """Held from construction until `release` or the end of the process, however it ends."""

    def __init__(self, home: Path) -> None:
        self._address = home / "service.json"
        self._lock = FileLock(home / "service.lock", thread_local=False)
        try:
            self._lock.acquire(timeout=0.2)
        except Timeout as error:
            raise AlreadyRunningError(self._refusal(home)) from error

    def publish(self, url: str) -> None:
        """Record where the holder answers, for the message of one that finds the folder locked."""
        self._address.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")

    def release(self) -> None:
        self._address.unlink(missing_ok=True)
        self._lock.release()

    def _refusal(self, home: Path) -> str:
        try:
            first = json.loads(self._address.read_text(encoding="utf-8"))
            where = f"at {first['url']} (pid {first['pid']})"
        except (OSError, ValueError, KeyError):
            where = "that is still starting"
        return f"the state folder {home} is in use by the service {where}; use that one or stop it"
