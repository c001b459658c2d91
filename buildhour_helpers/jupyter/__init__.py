"""How the workshop starts JupyterLab: on the first lesson, with the table of contents beside it, and
without news."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

CONFIG = Path(__file__).parent  # `labconfig/` in it turns the announcements off


def arguments(folder: Path, workspaces: Path) -> list[str]:
    """The options of `jupyter lab` over `folder`, which keeps its layout in `workspaces`.

    The whole folder can be reached, `solutions/` too. The address that JupyterLab prints and opens
    is that of the first lesson. Pages that are exported from it keep their alternative texts.
    """
    first = min((folder / "notebooks").glob("*.ipynb"), default=None)
    shown = first.relative_to(folder).as_posix() if first else ""
    lay_out(workspaces, shown)
    return [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url={f'/lab/tree/{shown}' if shown else '/lab'}",
        f"--LabApp.workspaces_dir={workspaces}",
        "--HTMLExporter.preprocessors=buildhour_helpers.jupyter.html.AltTexts",
        "--LabApp.news_url=",
        "--LabApp.extension_manager=readonly",  # the other lists what PyPI has
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """`given` with the workshop's settings of JupyterLab beside the user's own."""
    paths = [given.get("JUPYTER_CONFIG_PATH", ""), str(CONFIG)]
    return {**given, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, paths))}


def lay_out(workspaces: Path, shown: str) -> None:
    """Write the first layout: the notebook `shown`, and the table of contents on the left. A layout
    that is there already is the user's, and is kept."""
    from jupyterlab_server.workspaces_handler import WorkspacesManager  # slow to load

    manager = WorkspacesManager(str(workspaces))
    if manager.load("default")["data"]:
        return
    left = {"collapsed": False, "visible": True, "current": "table-of-contents"}
    left_widgets = ["filebrowser", "running-sessions", "table-of-contents"]
    layout: dict[str, object] = {"left": {**left, "widgets": left_widgets}}
    opened: dict[str, object] = {}
    if shown:
        name = f"notebook:{shown}"
        tabs = {"type": "tab-area", "currentIndex": 0, "widgets": [name]}
        layout["main"] = {"dock": tabs, "current": name}
        opened[name] = {"data": {"path": shown, "factory": "Notebook"}}
    data = {"layout-restorer:data": layout, **opened}
    manager.save("default", json.dumps({"data": data, "metadata": {"id": "default"}}))
