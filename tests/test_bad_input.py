"""What a learner gets wrong with a job: each mistake is one line that says what to change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from buildhour_helpers import jobs, servers
from buildhour_helpers.demo.stage import stage
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.graders import specs
from buildhour_helpers.tasks import BEST_PROMPT, build_rows, load_questions
from buildhour_helpers.tools.schemas import DEFINITIONS

NOWHERE = "http://127.0.0.1:9"


Up = tuple[OpenAI, servers.Server]
"""A client of a service, and a tool server beside it."""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with stage(tmp_path_factory.mktemp("bad"), None, 0, 8) as found:
        yield found.client(), found.tools


def rows(count: int = 12) -> list[dict[str, Any]]:
    return build_rows(load_questions(split="train")[:count], BEST_PROMPT, DEFINITIONS)


def why_it_fails(up: Up, folder: Path, rows: Sequence[dict[str, Any] | str], **changes: Any) -> str:
    """The message with which a job over these rows, with these changes, is refused or fails.

    A row that is a string is written as it is.
    """
    client, tools = up
    arguments: dict[str, Any] = {
        "model": "sim-agent-mini",
        "tools": jobs.tool_endpoints(tools.url, tools.key),
        "grader": specs.endpoint(f"{tools.url}/grade", tools.key),
        **changes,
    }
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        file = jobs.upload(client, folder / "rows.jsonl")
        job = jobs.launch(client, training_file=file, validation_file=file, **arguments)
        jobs.wait(client, job.id, progress=False)
    except openai.APIStatusError as error:
        return str(error.body["message"])  # type: ignore[index]
    except WorkshopError as error:
        return str(error)
    raise AssertionError("the job succeeded")


@pytest.mark.parametrize(
    ("rows", "changes", "fragments"),
    [
        ([*rows()[:4], {"tools": DEFINITIONS}, *rows()], {}, ("line 5", "messages")),
        ([*rows(), "{cut"], {}, ("line 13",)),
        (rows(9), {}, ("10",)),
        (rows(), {"tools": jobs.tool_endpoints(NOWHERE, "key")[:2]}, ("cat",)),
        (rows(), {"tools": jobs.tool_endpoints(NOWHERE, "key")}, (f"{NOWHERE}/search", "answer")),
        (
            rows(),
            {"grader": specs.endpoint(f"{NOWHERE}/grade", "key")},
            (f"{NOWHERE}/grade", "answer"),
        ),
        (rows(), {"model": "gpt-9"}, ("'gpt-9'", "'sim-agent-mini'")),
    ],
    ids=[
        "no messages", "not JSON", "too few rows", "a tool is missing", "no tool server",
        "no grader", "unknown model",
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_names_it(
    up: Up,
    tmp_path: Path,
    rows: list[dict[str, Any] | str],
    changes: dict[str, Any],
    fragments: tuple[str, ...],
) -> None:
    said = why_it_fails(up, tmp_path, rows, **changes)
    assert "\n" not in said
    for fragment in fragments:
        assert fragment in said.replace("Line", "line")
