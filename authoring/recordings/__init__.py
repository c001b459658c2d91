"""Long comparisons, recorded once: the module NAME here makes `data/runs/NAME.json`.

Such a module has a function `record(folder, progress)` that returns what JSON can hold: `folder` is
an empty folder for its files, `progress(text)` reports how far it has come. The file also holds the
command that made it.
"""

from __future__ import annotations

import importlib
import inspect
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.recordings import RUNS

NAMES = (
    "flat_grader",
    "hackable_grader",
    "hyperparameters",
    "main_run",
    "planted_hack",
    "prompts",
    "samples",
    "search_designs",
    "smollm2",
    "spotlights",
)
MAX_BYTES = 300_000


def command(name: str, seeds: Sequence[int] | None = None) -> str:
    chosen = f" --seeds {' '.join(map(str, seeds))}" if seeds else ""
    return f"python -m authoring.course record {name}{chosen}"


def record(
    name: str,
    progress: Callable[[str], None] = print,
    seeds: Sequence[int] | None = None,
    folder: Path = RUNS,
) -> Path:
    """Make a recording again, with its default seeds or with these; returns its file.

    Raises WorkshopError if there is no such recording, it takes no seeds, or it has become too
    large to ship.
    """
    if name not in NAMES:
        raise WorkshopError(f"no recording {name}; there are: {', '.join(NAMES)}")
    module = importlib.import_module(f"{__name__}.{name}")
    if seeds and "seeds" not in inspect.signature(module.record).parameters:
        raise WorkshopError(f"recording {name}: its seed is fixed; leave out --seeds")
    options = {"seeds": tuple(seeds)} if seeds else {}
    with tempfile.TemporaryDirectory(prefix="buildhour-", ignore_cleanup_errors=True) as scratch:
        made = module.record(Path(scratch), progress, **options)
    figures = {"command": command(name, seeds), **made}
    text = json.dumps(figures, ensure_ascii=False, indent=1) + "\n"
    size = len(text.encode())
    if size > MAX_BYTES:
        raise WorkshopError(
            f"recording {name}: {size:,} bytes, more than {MAX_BYTES:,}; record less"
        )
    file = folder / f"{name}.json"
    file.write_text(text, encoding="utf-8", newline="\n")
    return file
