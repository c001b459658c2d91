"""The comparison is strict: a wrong number in a committed output makes it fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat import NotebookNode, v4
from nbval.plugin import get_sanitize_patterns

from authoring.course.build import write
from authoring.course.source import notebook_of
from conftest import SANITIZER

ROOT = Path(__file__).resolve().parent.parent.parent


def printing(*said: str) -> NotebookNode:
    """A notebook whose cells print 7, 8, 9..., and are said to have printed something."""
    cells = [
        v4.new_code_cell(
            f"print({number})",
            execution_count=number,
            outputs=[v4.new_output("stream", text=f"{text}\n")],
        )
        for number, text in enumerate(said, 7)
    ]
    return notebook_of(cells)


def raising(said: str) -> NotebookNode:
    """A notebook with a stub that is said to have raised something."""
    cell = v4.new_code_cell(
        'raise NotImplementedError("Exercise 1.2: best of 3")',
        execution_count=1,
        outputs=[v4.new_output("error", ename="NotImplementedError", evalue=said, traceback=[])],
        metadata={"tags": ["raises-exception"]},
    )
    return notebook_of([cell])


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What one run of nbval says, in a checkout that has our conftest and small notebooks."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "tests").mkdir()
    for name in ("conftest.py", "tests/notebooks.sanitize"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    write(printing("7", "8"), folder / "right.ipynb")
    write(printing("7", "88", "9"), folder / "wrong.ipynb")
    write(raising("Exercise 1.2: best of 3"), folder / "stub.ipynb")
    write(raising("Exercise 1.2: best of 4"), folder / "another_stub.ipynb")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-rA", "."],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_right_outputs_pass_and_a_wrong_number_or_error_ends_its_notebook(said: str) -> None:
    for cell in ("right.ipynb::Cell 0", "right.ipynb::Cell 1", "stub.ipynb::Cell 0"):
        assert f"PASSED {cell}\n" in said, said
    assert "PASSED wrong.ipynb::Cell 0" in said
    assert "FAILED wrong.ipynb::Cell 1" in said
    assert "Cell 1 of this notebook has failed" in said
    assert "FAILED another_stub.ipynb::Cell 0" in said
    assert "2 failed, 4 passed, 1 skipped" in said, said


def patterns() -> dict[str, str]:
    return dict(get_sanitize_patterns(SANITIZER.read_text(encoding="utf-8")))


def seen(text: str) -> str:
    """A text as nbval sees it."""
    for pattern, replacement in patterns().items():
        text = re.sub(pattern, replacement, text)
    return text


@pytest.mark.parametrize(
    ("one", "other", "is_overlooked"),
    [
        (
            "offline · simulated model · openai 3.54.0 · agent-rft-workshop 0.1.0 · Python 3.11.7",
            "offline · simulated model · openai 3.6.1 · agent-rft-workshop 0.2.0 · Python 3.13rc1",
            True,
        ),
        ("a:   0%| | 0/72 [00:00<?, ?it/s]", f"a: 100%|{'█' * 10}| 72/72 [done]", True),
        ("offline · simulated model · openai 3.54.0", "live · gpt · openai 3.54.0", False),
        ("a:   0%| | 0/72 [00:00<?, ?it/s]", "b:   0%| | 0/72 [00:00<?, ?it/s]", False),
        ("a:   0%| | 0/72 [00:00<?, ?it/s]", "a:   0%| | 0/73 [00:00<?, ?it/s]", False),
        ("mean reward 0.16", "mean reward 0.17", False),
        ("24% of the questions", "25% of the questions", False),
    ],
    ids=["versions", "progress", "the mode", "a bar's name", "its total", "a reward", "a share"],
)
def test_what_is_overlooked_and_what_is_not(one: str, other: str, is_overlooked: bool) -> None:
    assert (seen(one) == seen(other)) == is_overlooked
