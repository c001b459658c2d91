"""One service for one state folder: a file lock, which the system drops with the process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

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
            raise AlreadyRunningError(_refusal(home)) from error

    def publish(self, base_url: str) -> None:
        """Say where the holder answers: `service.json` beside the lock, without the key."""
        body = json.dumps({"base_url": base_url, "pid": os.getpid()})
        self._address.write_text(body + "\n", encoding="utf-8")

    def release(self) -> None:
        self._address.unlink(missing_ok=True)
        self._lock.release()


def _refusal(home: Path) -> str:
    try:
        first = read_address(home)
        where = f"at {first['base_url']} (pid {first['pid']})"
    except (OSError, ValueError, KeyError):
        where = "that is still starting"
    return f"the state folder {home} is in use by the service {where}; use that one or stop it"


def read_address(home: Path) -> dict[str, Any]:
    """`{"base_url", "pid"}` of the service that runs, or last ran, on this state folder.

    Raises OSError or ValueError if there is none.
    """
    address: dict[str, Any] = json.loads((home / "service.json").read_text(encoding="utf-8"))
    return address
