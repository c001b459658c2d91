"""Numbers that the builder fills into the prose, and those it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat import NotebookNode, v4

from authoring.course.execution import CellFailedError, execute
from authoring.course.findings import not_shown
from authoring.course.source import notebook_of


def prose_after(code: str, prose: str, folder: Path) -> str:
    cells: list[NotebookNode] = [v4.new_code_cell(code), v4.new_markdown_cell(prose)]
    return str(execute(notebook_of(cells), folder).notebook.cells[1].source)


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        ("{{gain:+.2f}}", "+0.20"),
        ("{{ share['a']:.0%} }".replace("} }", "}}"), "48%"),
        ("{{len(share)}} of {{ share }}", "1 of {'a': 0.481}"),
        ("a grader's {{item.answer}}", "a grader's {{item.answer}}"),
    ],
)
def test_a_finding_is_filled_in(finding: str, text: str, tmp_path: Path) -> None:
    assert prose_after("gain, share = 0.1996, {'a': 0.481}", finding, tmp_path) == text


def test_a_finding_that_cannot_be_evaluated_is_named(tmp_path: Path) -> None:
    with pytest.raises(CellFailedError, match=r"\{\{gain\}\}: NameError: name 'gain' is not def"):
        prose_after("loss = 1", "{{gain}}", tmp_path)


@pytest.mark.parametrize(
    ("value", "outputs", "is_shown"),
    [
        ("+0.20", "gain 0.1996", True),
        ("48%", "0.4819", True),
        ("2,073", "tokens 2072.8", True),
        ("−45%", "calls -0.447", True),
        ("0.21", "gain 0.1996", False),
        ("7", "", False),
        ("the worst seed", "", True),
    ],
)
def test_a_number_must_be_seen_in_an_output(value: str, outputs: str, is_shown: bool) -> None:
    assert list(not_shown([value], outputs)) == ([] if is_shown else [value])
