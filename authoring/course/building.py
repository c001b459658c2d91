"""From a lesson's source to its two notebooks, not yet executed."""

from __future__ import annotations

from collections.abc import Sequence

from nbformat import NotebookNode, v4

from authoring.course.exercises import exercises, raises_when_run, solved, stub
from authoring.course.source import Lesson, notebook_of, read

UNCOMPARED = "uncompared"
NBVAL_TAGS = {UNCOMPARED: "nbval-ignore-output"}
"""Tags of ours -> the tags that nbval heeds, added beside them."""
RAISES = "raises-exception"
CATCH_UP = "catch-up"


def solved_notebook(lesson: Lesson) -> NotebookNode:
    """The lesson with its exercises solved."""
    cells = _copied(read(lesson).cells)
    for exercise in exercises(cells):
        cells[exercise.cell].source = solved(cells[exercise.cell].source)
    return notebook_of(cells)


def stubs_notebook(lesson: Lesson) -> NotebookNode:
    """The lesson as a learner opens it."""
    cells = _copied(read(lesson).cells)
    for exercise in exercises(cells):
        cell = cells[exercise.cell]
        if raises_when_run(cell.source):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), RAISES]
        cell.source = stub(cell.source, exercise)
    return notebook_of([*cells, _catch_up_cell(lesson)])


def _catch_up_cell(lesson: Lesson) -> NotebookNode:
    """What a learner who fell behind runs, and nobody else: it stands as a comment."""
    code = (
        "# Fell behind? This solves all exercises of the lesson, and shows how:\n"
        f'# checks.catch_up("{lesson.number}")'
    )
    cell: NotebookNode = v4.new_code_cell(code, metadata={"tags": [CATCH_UP]})
    return cell


def _copied(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """The cells anew, with the tags that nbval heeds."""
    copies = []
    for cell in cells:
        metadata = {k: v for k, v in cell.metadata.items() if k != "lines_to_next_cell"}
        tags = list(metadata.get("tags", []))
        tags += [NBVAL_TAGS[tag] for tag in tags if tag in NBVAL_TAGS]
        if tags:
            metadata["tags"] = tags
        if cell.cell_type == "code":
            copies.append(v4.new_code_cell(cell.source, metadata=metadata))
        else:
            copies.append(v4.new_markdown_cell(cell.source, metadata=metadata))
    return copies
