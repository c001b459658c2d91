"""Runs a notebook as a learner would, and leaves in it only what is the same on every machine."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode

from authoring.course.findings import filled, to_evaluate
from authoring.course.source import KERNEL
from buildhour_helpers import session

TIMEOUT_S = 600
FINDINGS_TIMEOUT_S = 60
NOT_OURS = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "BUILDHOUR_MODEL",
    "BUILDHOUR_TOOLS_URL",
    "BUILDHOUR_TOOLS_KEY",
    session.OURS,
)
WIDGET = "application/vnd.jupyter.widget-view+json"
BAR = re.compile(r"^(.*?) *\d+%\|[^|]*\| *\d+/(\d+) .*$", re.MULTILINE)


class CellFailedError(Exception):
    """A cell raised, or ran out of time; `cell` is its index."""

    def __init__(self, cell: int, why: str) -> None:
        super().__init__(why)
        self.cell = cell


class Client(NotebookClient):
    """Runs the code cells, and fills in the findings of the Markdown cells that it passes."""

    async def async_execute_cell(
        self, cell: NotebookNode, cell_index: int, *args: Any, **options: Any
    ) -> NotebookNode:
        if cell.cell_type == "markdown":
            await self._fill_in(cell, cell_index)
        return await super().async_execute_cell(cell, cell_index, *args, **options)

    async def _fill_in(self, cell: NotebookNode, cell_index: int) -> None:
        asked = to_evaluate(cell.source)
        if not asked or self.kc is None:
            return
        reply = await self.kc.execute_interactive(  # type: ignore[attr-defined]
            "",
            silent=True,
            store_history=False,
            user_expressions=asked,
            output_hook=lambda _: None,
            timeout=FINDINGS_TIMEOUT_S,
        )
        try:
            cell.source = filled(cell.source, reply["content"]["user_expressions"])
        except ValueError as error:
            raise CellFailedError(cell_index, str(error)) from None


@dataclass(frozen=True)
class Executed:
    """A notebook with its outputs, and the seconds that each code cell took, by its index."""

    notebook: NotebookNode
    seconds: dict[int, float]


@contextmanager
def workplace() -> Iterator[Path]:
    """A separate state folder without any keys, while the block runs; then its servers stop.

    The kernels that are started meanwhile, and their sessions, find it in their environment.
    """
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="buildhour-", ignore_cleanup_errors=True) as folder:
        for name in NOT_OURS:
            os.environ.pop(name, None)
        os.environ["BUILDHOUR_HOME"] = folder
        try:
            yield Path(folder)
        finally:
            session.stop()
            os.environ.clear()
            os.environ.update(before)


def execute(
    notebook: NotebookNode, folder: Path, on_cell: Callable[[int], None] = lambda _: None
) -> Executed:
    """Run a notebook in place, with `folder` as its working folder, and fill in its findings.

    `on_cell` is called with each cell's index before it is run. Raises CellFailedError.
    """
    started: dict[int, float] = {}
    seconds: dict[int, float] = {}

    def note_start(cell_index: int, **_: object) -> None:
        on_cell(cell_index)
        started[cell_index] = time.perf_counter()

    def note_end(cell_index: int, **_: object) -> None:
        seconds[cell_index] = time.perf_counter() - started[cell_index]

    client = Client(
        notebook,
        timeout=TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        on_cell_execute=note_start,
        on_cell_executed=note_end,
    )
    try:
        client.execute(stderr=subprocess.DEVNULL)  # the kernel's own warnings, not the cells'
    except CellExecutionError as error:
        raise CellFailedError(max(started), f"{error.ename}: {error.evalue}") from None
    except CellTimeoutError:
        raise CellFailedError(max(started), f"ran longer than {TIMEOUT_S} s") from None
    settle(notebook)
    code = {n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"}
    return Executed(notebook, {n: taken for n, taken in seconds.items() if n in code})


def settle(notebook: NotebookNode) -> None:
    """Take out what differs from run to run and says nothing: kernel versions, widget IDs, how far
    a progress bar had come when it was shown, and in how many pieces a text was printed."""
    notebook.metadata = NotebookNode(KERNEL)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = _in_one_piece(cell.outputs)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if WIDGET in data:
                del data[WIDGET]
                data["text/plain"] = BAR.sub(_finished, data.get("text/plain", ""))


def _in_one_piece(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Outputs, with text that was printed piece by piece put together."""
    whole: list[NotebookNode] = []
    for output in outputs:
        before = whole[-1] if whole else NotebookNode(output_type="")
        if before.output_type == "stream" and output.get("name") == before.name:
            before.text += output.text
        else:
            whole.append(output)
    return whole


def _finished(bar: re.Match[str]) -> str:
    return f"{bar[1]} 100%|{'█' * 10}| {bar[2]}/{bar[2]} [done]"
