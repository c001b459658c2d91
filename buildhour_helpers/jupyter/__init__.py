"""How the workshop starts JupyterLab: on the first lesson, and without asking anybody for news."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

CONFIG = Path(__file__).parent  # `labconfig/` in it turns the announcements off


def arguments(folder: Path) -> list[str]:
    """The options of `jupyter lab` over `folder`.

    The whole folder can be reached, `solutions/` too. The address that JupyterLab prints and opens
    is that of the first lesson.
    """
    first = min((folder / "notebooks").glob("*.ipynb"), default=None)
    address = f"/lab/tree/{first.relative_to(folder).as_posix()}" if first else "/lab"
    return [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url={address}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """`given` with the workshop's settings of JupyterLab beside the user's own."""
    paths = [given.get("JUPYTER_CONFIG_PATH", ""), str(CONFIG)]
    return {**given, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, paths))}
