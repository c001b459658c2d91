"""What a lesson tells learners to copy runs in an empty project: pasted in order, with the packages
that its box names, against a running service."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from authoring.course.rules import names_bound
from authoring.course.source import Lesson, lessons, read
from buildhour_helpers.demo.stage import stage

from .empty_project import EmptyProject
from .providers import strict_provider

BOX = re.compile(r"^#+ Take it with you$(.*?)(?=^#+ |\Z)", re.MULTILINE | re.DOTALL)
OUR_NAMES = ("agent-rft-workshop", "buildhour-helpers")

Variables = dict[str, str]


FENCED = re.compile(r"^```python$(.*?)^```$", re.MULTILINE | re.DOTALL)


def taken_cells(lesson: Lesson) -> list[str]:
    return [cell.source for cell in read(lesson).cells if "take" in cell.metadata]


def taken(lesson: Lesson) -> str:
    """The cells to take along, pasted one under the other, and what code the box adds."""
    return "\n\n".join([*taken_cells(lesson), *FENCED.findall(box(lesson))])


def box(lesson: Lesson) -> str:
    """The text of the lesson's box; empty where it has none."""
    prose = "\n\n".join(c.source for c in read(lesson).cells if c.cell_type == "markdown")
    found = BOX.search(prose)
    return found[1] if found else ""


def named_packages(text: str) -> set[str]:
    """Of the words in backticks those that are packages."""
    words = set(re.findall(r"`([A-Za-z][A-Za-z0-9_-]*)`", text))
    installed = {found.name for found in distributions() if found.files}
    return (words & installed) - {*OUR_NAMES}


USES = {
    "00": """
trace = roll_out("How much was net income at Aldantis in 2010?")
assert trace[-1]["type"] == "message"
""",
    "03": """
timings = await load_test(mine, 20, 8, MY_URL, MY_KEY)
assert [status for status, _ in timings] == [200] * 20
""",
    "04": """
assert grade(string_check("eq"), "45.1%") == 1
assert grade(numeric, "45.08 percent") == 1
assert grade(model_grader(RUBRIC), "The answer is 12.") == 0
assert grade(multi("accuracy * brevity"), "45.1%") == 1
""",
    "05": """
row = {"messages": [{"role": "user", "content": "How much was net income?"}]}
row["tools"] = [
    {"type": "function", "function": {"name": name}}
    for name in NAMES
]
row |= {"answer_value": 1204, "answer_kind": "amount", "reference_answer": "1,204"}
files = {split: upload([row] * 10) for split in ("train", "validation")}
settings = {"batch_size": 5, "compute_multiplier": 0.25}
counted = count_rollouts(10, 10, settings)
one = {"rollouts": 1, "turns": 6, "input_tokens": 14_000, "output_tokens": 2_000}
assert bill(estimate(counted, one, one), cached_share=0.7)["USD"] > 0
job = launch(files, settings)
events = list(follow(job.id, poll_s=0.1))
assert client.fine_tuning.jobs.retrieve(job.id).status == "succeeded", events[-1].message
steps = [event.data for event in events if event.type == "metrics"]
assert len(steps) == counted["steps"]
assert sum(step["usage"]["train"]["rollouts"] for step in steps) == counted["train"]
assert sum(step["usage"]["valid"]["rollouts"] for step in steps) == counted["valid"]
assert checkpoints(job.id)[-1][0] == counted["steps"]
""",
    "06": """
call = {"type": "function_call", "name": "cat", "arguments": '{"path": "A/1"}'}
rollouts = [{"question_id": "A", "reward": reward, "items": [call]} for reward in (0.0, 1.0)]
records = list(map(record_of, rollouts))
assert decompose(records, {"A": {"A/1"}})["right if found"] == 0.5
means = question_means(records, lambda record: record.reward)
assert means == {"A": 0.5}
assert sequences(records) == {"cat": 2}
""",
    "07": """
from types import SimpleNamespace

from openai import OpenAI

assert alerts({"words": 2.0}, {"words": 9.0}, {"words": 1.0}) == {"words": (2.0, 9.0)}
client = OpenAI()
judge = {
    "type": "string_check",
    "name": "exact",
    "operation": "eq",
    "input": "{{sample.output_text}}",
    "reference": "{{item.reference_answer}}",
}
assert regressions(client, judge) == []
assert redact("Write to ann@example.com") == "Write to [mail]"
rollout = SimpleNamespace(
    trace=[{"type": "function_call", "name": "cat"}], trace_id="trace_1", model="m",
    metrics=SimpleNamespace(total_tokens=5), stop_reason="answered",
)
assert "cat" in log_line(rollout)
""",
    "09": """
from openai import OpenAI
import os

url, key = os.environ["BUILDHOUR_TOOLS_URL"], os.environ["BUILDHOUR_TOOLS_KEY"]
headers = {"Authorization": f"Bearer {key}"}
row = {"messages": [{"role": "user", "content": "How much was net income?"}]}
row["tools"] = [{"type": "function", "function": {"name": "search"}}]
row |= {"answer_value": 1204, "answer_kind": "amount", "reference_answer": "1,204"}
reinforcement = {
    "tools": [{"name": "search", "server_url": f"{url}/search", "headers": headers}],
    "grader": {"type": "endpoint", "name": "g", "url": f"{url}/grade", "headers": headers},
    "hyperparameters": {"batch_size": 5, "compute_multiplier": 0.25},
}
client, rows = OpenAI(), {"train": [row] * 10, "validation": [row] * 10}
job = launch(client, "sim-agent-mini", rows, reinforcement)
assert [step["step"] for step in steps_of(client, job.id, poll_s=0.1)] == [1, 2]
""",
}
"""What a reader would do next with the cells of a lesson that only define things."""

TAKEN = [lesson for lesson in lessons() if taken(lesson)]


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Variables]:
    """The addresses and keys of a strict service and a tool server that are up."""
    folder = tmp_path_factory.mktemp("stage")
    with stage(folder, None, 0, 16) as up, strict_provider(up.service) as url:
        yield {
            "OPENAI_BASE_URL": url,
            "OPENAI_API_KEY": up.service.key,
            "BUILDHOUR_TOOLS_URL": up.tools.url,
            "BUILDHOUR_TOOLS_KEY": up.tools.key,
        }


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_a_lesson_with_cells_to_take_has_a_box_and_the_other_way_round(lesson: Lesson) -> None:
    assert bool(taken(lesson)) == bool(box(lesson))


@pytest.mark.parametrize("lesson", TAKEN, ids=lambda lesson: lesson.name)
def test_the_pasted_cells_run_and_can_be_used(
    lesson: Lesson, variables: Variables, tmp_path: Path
) -> None:
    project = EmptyProject(tmp_path, named_packages(box(lesson)))
    ended = project.run(f"{taken(lesson)}\n\n{USES.get(lesson.number, '')}", variables)
    assert ended.returncode == 0, ended.stdout + ended.stderr


NAMES_ITS_CELLS = [lesson for lesson in TAKEN if lesson.number in ("04", "05", "06", "07", "09")]
"""The boxes of the others name the first and the last cell to copy."""


@pytest.mark.parametrize("lesson", NAMES_ITS_CELLS, ids=lambda lesson: lesson.name)
def test_the_box_names_each_cell_that_defines_something(lesson: Lesson) -> None:
    named = set(re.findall(r"`(\w+)`", box(lesson)))
    for code in taken_cells(lesson):
        names = names_bound(ast.parse(code))
        assert named & names or not any(is_kept(name, code) for name in names), names


def is_kept(name: str, code: str) -> bool:
    """Whether later cells build on it: a function or a constant, and not a trial's result."""
    return name.isupper() or f"def {name}(" in code


ITEM = {"role": "user", "content": "How much was net income at Aldantis in 2010?"}


@pytest.mark.parametrize(
    ("input_", "more", "said"),
    [
        ([ITEM | {"id": "msg_1"}, ITEM | {"id": "msg_1"}], {}, "Duplicate item found with id"),
        ([ITEM], {}, "summaries: []"),
        ([ITEM], {"reasoning": {"summary": "auto"}}, "summaries: ['"),
    ],
)
def test_the_service_is_strict(
    input_: list[Any], more: dict[str, Any], said: str, variables: Variables
) -> None:
    client = OpenAI(base_url=variables["OPENAI_BASE_URL"], api_key=variables["OPENAI_API_KEY"])
    try:
        output = client.responses.create(model="sim-agent-mini", input=input_, **more).output
        found = [s.text for one in output if one.type == "reasoning" for s in one.summary]
        answer = f"summaries: {found}"
    except BadRequestError as error:
        answer = error.message
    assert said in answer


def test_the_project_is_empty_and_a_cell_that_fails_fails_it(tmp_path: Path) -> None:
    project = EmptyProject(tmp_path, {"openai"})
    assert project.run("import asyncio, openai\nawait asyncio.sleep(0)", {}).returncode == 0
    for absent in ("buildhour_helpers", "fastapi", "numpy", "pip"):
        ended = project.run(f"import {absent}", {})
        assert ended.returncode == 1
        assert f"No module named '{absent}'" in ended.stderr
