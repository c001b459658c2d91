"""Long comparisons, recorded once: `data/runs/NAME.json`, from `course/recordings/NAME.py`.

Such a module has a function `record(folder, progress)` that returns what JSON can hold: `folder` is
empty and its own, `progress(text)` says how far it is. The file also carries the command.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from authoring import recordings
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.home import repository

MOST_BYTES = 300_000


def names() -> list[str]:
    """The recordings that there are."""
    return sorted(module.name for module in pkgutil.iter_modules(recordings.__path__))


def file_of(name: str) -> Path:
    """Where a recording is kept."""
    return repository() / "data" / "runs" / f"{name}.json"


def command(name: str, seeds: Sequence[int] | None = None) -> str:
    """What makes a recording, with its own seeds or with these."""
    chosen = f" --seeds {' '.join(map(str, seeds))}" if seeds else ""
    return f"python -m authoring.course record {name}{chosen}"


def record(
    name: str, progress: Callable[[str], None] = print, seeds: Sequence[int] | None = None
) -> Path:
    """Make a recording anew, with its own seeds or with these; returns its file.

    Raises WorkshopError where there is no such recording, it takes no seeds, or it has become
    too large to ship.
    """
    if name not in names():
        raise WorkshopError(f"no recording {name}; there is: {', '.join(names()) or 'none'}")
    module = importlib.import_module(f"{recordings.__name__}.{name}")
    if seeds and "seeds" not in inspect.signature(module.record).parameters:
        raise WorkshopError(f"recording {name}: it has one seed of its own; leave out --seeds")
    options = {"seeds": tuple(seeds)} if seeds else {}
    with tempfile.TemporaryDirectory(prefix="buildhour-", ignore_cleanup_errors=True) as folder:
        made = module.record(Path(folder), progress, **options)
    text = (
        json.dumps({"command": command(name, seeds), **made}, ensure_ascii=False, indent=1) + "\n"
    )
    size = len(text.encode())
    if size > MOST_BYTES:
        raise WorkshopError(
            f"recording {name}: {size:,} bytes of at most {MOST_BYTES:,}; keep less of it"
        )
    path = file_of(name)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
