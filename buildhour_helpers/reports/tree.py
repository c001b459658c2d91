"""The reports as a tree of folders: what the tools `list` and `cat` walk.

The tree is made of the loaded paths alone and never touches the disk, so a path can
only name what is in it: `..`, a backslash or an absolute path finds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from buildhour_helpers.reports.report import Report


class Tree:
    """Folders and pages over a mapping of path -> report."""

    def __init__(self, reports: Mapping[str, Report]) -> None:
        self._reports = reports
        folders: dict[str, set[str]] = {"": set()}
        for path in reports:
            parts = path.split("/")
            for depth in range(len(parts)):
                folder = "".join(part + "/" for part in parts[:depth])
                entry = folder + parts[depth] + ("/" if depth < len(parts) - 1 else "")
                folders.setdefault(folder, set()).add(entry)
        self._folders = {name: sorted(found, key=_order) for name, found in folders.items()}

    def list(self, path: str = "") -> list[str]:
        """The entries of a folder as full paths, folders with a closing slash.

        Raises KeyError, whose message says what to do, if `path` is not a folder.
        """
        folder = path.strip().strip("/")
        key = folder + "/" if folder and folder != "." else ""
        if key in self._folders:
            return self._folders[key]
        if folder in self._reports:
            raise KeyError(f"{folder!r} is a page, not a folder; read it with cat")
        raise KeyError(f"no folder {path!r}; list the root with an empty path")

    def cat(self, path: str) -> str:
        """The text of one page. Raises KeyError, whose message says what to do."""
        page = path.strip().strip("/")
        if page in self._reports:
            return self._reports[page].text()
        if page + "/" in self._folders:
            raise KeyError(f"{path!r} is a folder, not a page; list it to see its pages")
        raise KeyError(f"no page {path!r}; take a path from search or list as it stands there")


def _order(entry: str) -> tuple[str, int, str]:
    """Pages by number (page_9 before page_10), everything else by name."""
    stem = entry.removesuffix(".pdf")
    head, _, number = stem.rpartition("_")
    return (
        (head, int(number), entry) if number.isdigit() and len(number) < 18 else (entry, 0, entry)
    )
