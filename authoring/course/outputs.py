"""What the builder refuses in a notebook that has been executed: its outputs, and its time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from nbformat import NotebookNode

from authoring.course.building import UNCOMPARED
from authoring.course.refusals import Complaint, Complaints, lacks_alt_text

CELL_BUDGET_S = 20.0
LESSON_BUDGET_S = 60.0
PICTURES = ("image/png", "image/jpeg", "image/svg+xml", "image/gif")

LEAKS = {
    "a path of this machine": (
        r"(?<![\w./])/(?:home|root|Users|tmp|work|private|mnt|opt|var|usr)/\w|\b[A-Z]:\\\w|"
        r"ipykernel_\d+"
    ),
    "an address with its port": r"\b(?:127\.0\.0\.1|localhost|0\.0\.0\.0|\[::1\]):\d+",
    "something like a key": (
        r"\bsk-[\w-]{8,}|\b[Bb]earer (?=\S*\d)[\w.~+/=-]{12,}|\bhf_\w{20,}|\bgh[pousr]_\w{20,}|"
        r"\b(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[A-Za-z0-9_-]{32,}\b"
    ),
}
"""What no output may hold. The last kind of key is any long mixed token."""
VARYING = {
    "an ID that differs on each run": (
        r"\b(?:ftjob|file|resp|ftckpt|ftevent|chatcmpl)[-_](?=\w*\d)\w{8,}"
    ),
    "an object's address in memory": r"\bat 0x[0-9a-f]{6,}",
}
"""What no output that is compared may hold."""


def of_outputs(cells: Sequence[NotebookNode]) -> list[Complaint]:
    """All that is wrong with the outputs of an executed notebook."""
    return [complaint for rule in OUTPUT_RULES for complaint in rule(cells)]


def of_times(seconds: Mapping[int, float], patience: float) -> list[Complaint]:
    """What took too long: `seconds` by cell index, budgets stretched by `patience`."""
    cure = "fewer rollouts or steps, or a recording; --patience FACTOR if the machine is busy"
    found = [
        Complaint(index, f"took {taken:.1f} s of {CELL_BUDGET_S * patience:.0f}", cure)
        for index, taken in seconds.items()
        if taken > CELL_BUDGET_S * patience
    ]
    whole = sum(seconds.values())
    if whole > LESSON_BUDGET_S * patience:
        found.append(
            Complaint(
                None, f"the lesson took {whole:.0f} s of {LESSON_BUDGET_S * patience:.0f}", cure
            )
        )
    return found


def every_cell_was_run(cells: Sequence[NotebookNode]) -> Complaints:
    for index, cell in enumerate(cells):
        if cell.cell_type == "code" and cell.execution_count is None:
            yield Complaint(
                index,
                "execution count null: nbval would never compare it",
                "build the lesson again; a cell that runs nothing is to be deleted",
            )


def pictures_have_alt_text(cells: Sequence[NotebookNode]) -> Complaints:
    for index, output in _outputs(cells):
        pictures = [kind for kind in PICTURES if kind in output.get("data", {})]
        silent = [kind for kind in pictures if not _alt(output, kind)]
        if silent or lacks_alt_text(_text(output.get("data", {}).get("text/html", ""))):
            yield Complaint(
                index,
                "a picture without alt text in its output",
                "show a Chart of analysis.figures, or give its display metadata an `alt`",
            )


def nothing_leaks(cells: Sequence[NotebookNode]) -> Complaints:
    for index, output in _outputs(cells):
        kinds = LEAKS if UNCOMPARED in cells[index].metadata.get("tags", ()) else LEAKS | VARYING
        for kind, pattern in kinds.items():
            found = re.search(pattern, _readable(output))
            if found:
                yield Complaint(
                    index, f"{kind} in its output: {found[0][:20]}...", "do not print it"
                )


def nothing_on_stderr(cells: Sequence[NotebookNode]) -> Complaints:
    for index, output in _outputs(cells):
        if output.get("name") == "stderr" and UNCOMPARED not in cells[index].metadata.get(
            "tags", ()
        ):
            yield Complaint(
                index,
                f"it wrote to stderr: {_text(output.text).strip()[:60]}",
                "mend what it warns of; progress bars by tqdm.auto",
            )


def _outputs(cells: Sequence[NotebookNode]) -> Iterator[tuple[int, NotebookNode]]:
    for index, cell in enumerate(cells):
        for output in cell.get("outputs", ()):
            yield index, output


def _alt(output: NotebookNode, kind: str) -> str:
    metadata = output.get("metadata", {})
    return str(metadata.get(kind, {}).get("alt") or metadata.get("alt") or "").strip()


def _readable(output: NotebookNode) -> str:
    """All text of an output; pictures are base64, and left out."""
    data = {k: v for k, v in output.get("data", {}).items() if k not in PICTURES}
    parts = [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", ())]
    metadata = json.dumps(output.get("metadata", {}))
    return "\n".join([_text(part) for part in (*parts, *data.values())] + [metadata])


def _text(value: object) -> str:
    if isinstance(value, list):
        return "".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


OUTPUT_RULES: tuple[Callable[[Sequence[NotebookNode]], Complaints], ...] = (
    every_cell_was_run,
    pictures_have_alt_text,
    nothing_leaks,
    nothing_on_stderr,
)
