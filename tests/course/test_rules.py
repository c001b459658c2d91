"""What the builder refuses, each with a lesson that is spoilt in that one place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode, v4

from authoring.course import build
from authoring.course.rules import Problem, of_outputs, of_source, of_times
from authoring.course.source import read
from buildhour_helpers.checks import lesson_00
from buildhour_helpers.errors import WorkshopError

from .sample import GOOD, lesson

KEY_LIKE = "sk-" + "local-Ab3dEfGh1jKlMn0p"


def problems(root: Path, text: str) -> list[Problem]:
    return of_source("00", read(lesson(root, text)).cells)


SPOILT = {
    "no number": ('exercise="0.1" ', 'exercise="" ', r"exercise='' in lesson 00.*exercise=\"0.N\""),
    "numbers out of order": ("0.2", "0.3", r"exercises 0.1, 0.3; number them 0.1, 0.2"),
    "one exercise alone": (GOOD[GOOD.index("# ### Exercise 0.2") :], "# End.\n", r"has 2 to 4"),
    "no difficulty": ("difficulty=1 ", "", r"difficulty=None; difficulty=1 to"),
    "no heading": ("### Exercise 0.1: Count the calls", "", r"no heading.*### Exercise 0.1: title"),
    "a heading alone": ("The end.", "### Exercise 0.3: More", r"no exercise's cell after it"),
    "no check": ("checks.exercise_0_1(", "print(", r"let checks.exercise_0_1\(ANSWER\) follow"),
    "no begin": ("    # begin solution\n", "", r"markers # end solution; each"),
    "markers across a block": (
        "    # end solution\n    return",
        "    return",
        r"markers # begin solution; each",
    ),
    "a stub that is no Python": (
        "def count_calls(trace):\n    # begin solution",
        "# begin solution\ndef count_calls(trace):",
        r"the stub is not Python.*whole statements",
    ),
    "an answer that the stub lacks": ("lever = None\n", "", r"given lever.*write `lever = None`"),
    "a later cell that needs it": ("The end.", "The end.\n\n# %%\nprint(lever)", r"needs lever of"),
    "a section left out": ("## Recap", "The recap", r"no section \"Recap\"; write one: ## Recap"),
    "a long line": ("print(math", f"print({'1 + ' * 30}math", r"code line of \d+ columns.*break"),
    "a title too long for its stub": (
        "Count the calls",
        "Count the calls of a rollout by the tool",
        r"the stub has a line of 87 columns; shorten the exercise's title by 11",
    ),
    "no time": ("**Time** 13 minutes.", "", r"it states no time; \*\*Time\*\* 13 minutes"),
    "another time": (
        "**Time** 13",
        "**Time** 17",
        r"states 17 minutes, and 13 are measured; state",
    ),
    "a magic": ("import math", "%timeit 2\nimport math", r"`%timeit 2`; plain Python"),
    "nbval's comment": ("import math", "# NBVAL_SKIP\nimport math", r"cell tags instead"),
    "an empty cell": ("# The end.", "# The end.\n\n# %%\n", r"an empty cell; delete it"),
    "a picture without alt text": ("[a curve that rises]", "[]", r"picture without alt text"),
    "nothing static beside a widget": (
        "# %%\ndone = 7",
        '# %% tags=["uncompared"]\ndone = 7',
        r"not compared, and no compared cell follows",
    ),
    "our package in a cell to take": (
        "import math\n",
        "import math\nfrom buildhour_helpers import jobs\n",
        r"a cell to take along uses buildhour_helpers; plain openai",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_source_is_refused(name: str, tmp_path: Path) -> None:
    good, spoilt, message = SPOILT[name]
    assert good in GOOD
    found = problems(tmp_path, GOOD.replace(good, spoilt))
    lines = [f"{one.wrong}; {one.fix}" for one in found]
    assert any(re.search(message, line) for line in lines), lines


@pytest.mark.parametrize("hints", [{}, {"0.1": ("a", "b")}, {"0.1": ("a", "b", " ")}])
def test_an_exercise_without_three_hints_is_refused(
    hints: dict[str, tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert problems(tmp_path, GOOD) == []
    monkeypatch.setattr(lesson_00, "HINTS", hints | {"0.2": ("a", "b", "c")})
    (found,) = problems(tmp_path, GOOD)
    assert "hints in checks" in found.wrong
    monkeypatch.delattr(lesson_00, "exercise_0_1")
    assert any("checks has no exercise_0_1" in one.wrong for one in problems(tmp_path, GOOD))


def test_a_problem_names_file_cell_line_and_fix(tmp_path: Path) -> None:
    with pytest.raises(WorkshopError) as refused:
        build.build([lesson(tmp_path, GOOD.replace(" minutes=5", ""))])
    assert "00_small.py, cell 6 (line 24 of the source): minutes=None; minutes=N" in str(
        refused.value
    )
    assert list(tmp_path.rglob("*.ipynb")) == []


def cell(*outputs: NotebookNode, count: int | None = 1, **metadata: Any) -> list[NotebookNode]:
    return [
        v4.new_code_cell("run()", outputs=list(outputs), execution_count=count, metadata=metadata),
    ]


def printed(text: str, name: str = "stdout") -> NotebookNode:
    return v4.new_output("stream", name=name, text=text)


def shown(data: dict[str, str], metadata: dict[str, Any] | None = None) -> NotebookNode:
    return v4.new_output("display_data", data=data, metadata=metadata or {})


LEAKS = {
    "a path": ("/home/ada/thesis", "a path of this machine"),
    "a folder for a moment": ("in /" + "tmp/x7", "a path of this machine"),
    "a path of Windows": (r"C:\Users\ada", "a path of this machine"),
    "a path of macOS": ("/Users/ada/x", "a path of this machine"),
    "an address": ("http://127.0.0.1:8123/v1", "an address with its port"),
    "a name with a port": ("localhost:8888", "an address with its port"),
    "a key": (KEY_LIKE, "something like a key"),
    "a header": ("Authorization: Bearer " + "abc123def456xyz", "something like a key"),
    "a token": ("xY7" + "pQ2zL9vB4nM1kJ6hG3fD8sA5wE0rT", "something like a key"),
    "a job's ID": ("ftjob-1a2b3c4d5e6f", "an ID that differs"),
    "an object": ("<Thing at 0x7f3a2b1c>", "memory"),
}


@pytest.mark.parametrize("name", LEAKS)
def test_an_output_that_tells_of_the_machine_is_refused(name: str) -> None:
    text, what = LEAKS[name]
    for output in (
        printed(f"it is {text}\n"),
        shown({"text/html": f"<b>{text}</b>"}),
        v4.new_output("error", ename="E", evalue=text, traceback=[text]),
    ):
        (found,) = of_outputs(cell(output))
        assert what in found.wrong
        assert found.cell == 0
        assert found.fix


def test_ordinary_outputs_are_accepted() -> None:
    for text in (
        "AVEC/2007/page_143.pdf and notebooks/00.ipynb, 3/4 of them, either/or, 10:30",
        "rewards: [0.0, 1.0]; Bearer tokens are secret; the sketch-book; sk-learn",
        "https://platform.openai.com/docs and /v1/fine_tuning/jobs",
        "a" * 80,
    ):
        assert of_outputs(cell(printed(text))) == [], text


def test_what_an_output_lacks_is_refused() -> None:
    (found,) = of_outputs(cell(printed("DeprecationWarning: soon\n", "stderr")))
    assert "stderr" in found.wrong
    assert of_outputs(cell(printed("bar", "stderr"), tags=["uncompared"])) == []
    (found,) = of_outputs(cell(count=None))  # the cell was never run
    assert "execution count null" in found.wrong
    assert of_outputs(cell(shown({"text/html": "<img src='x.png'>"})))
    assert not of_outputs(cell(shown({"text/html": "<img src='x.png' alt='A curve'>"})))


@pytest.mark.parametrize("kind", ["image/png", "image/svg+xml", "image/jpeg"])
def test_a_picture_without_alt_text_is_refused(kind: str) -> None:
    (found,) = of_outputs(cell(shown({kind: "AAAA"})))
    assert "without alt text" in found.wrong
    assert of_outputs(cell(shown({kind: "AAAA"}, {kind: {"alt": "A curve that rises."}}))) == []


def test_time_budgets() -> None:
    assert of_times({0: 19.0, 1: 19.0}, 1.0) == []
    (found,) = of_times({0: 1.0, 3: 21.0}, 1.0)
    assert (found.cell, "took 21.0 s of 20" in found.wrong) == (3, True)
    assert "--patience" in found.fix
    assert of_times({3: 21.0}, 2.0) == []
    (whole,) = of_times(dict.fromkeys(range(4), 16.0), 1.0)
    assert whole.wrong == "the lesson took 64 s of 60"
