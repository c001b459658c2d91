"""What a learner gets wrong with a job: each mistake is one line that says what to change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from buildhour_helpers import home, jobs, servers
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.graders import specs
from buildhour_helpers.session import service_program, tools_program
from buildhour_helpers.tasks import BEST_PROMPT, build_rows, load_questions
from buildhour_helpers.tools.schemas import DEFINITIONS

NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Up:
    """Both servers, and a client of the service."""

    client: OpenAI
    tools: servers.Server


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = home.prepare(tmp_path_factory.mktemp("bad") / "state")
    try:
        found = servers.ensure(folder, [service_program(folder), tools_program()])
        service = found["service"]
        yield Up(OpenAI(base_url=service.url, api_key=service.key, max_retries=0), found["tools"])
    finally:
        for name in ("service", "tools"):
            servers.stop(folder, name)


def rows(count: int = 12) -> list[dict[str, Any]]:
    return build_rows(load_questions(split="train")[:count], BEST_PROMPT, DEFINITIONS)


Row = dict[str, Any] | str


def uploaded(up: Up, folder: Path, rows: Sequence[Row]) -> str:
    """A file of these rows; a string goes in as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    file = folder / "rows.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return jobs.upload(up.client, file)


def why_it_fails(up: Up, folder: Path, rows: Sequence[Row], **changes: Any) -> str:
    """The one line that a job over these rows, with these changes, is refused or fails with."""
    wanted: dict[str, Any] = {
        "model": "sim-agent-mini",
        "tools": jobs.tool_endpoints(up.tools.url, up.tools.key),
        "grader": specs.endpoint(f"{up.tools.url}/grade", up.tools.key),
        **changes,
    }
    try:
        file = uploaded(up, folder, rows)
        job = jobs.launch(up.client, training_file=file, validation_file=file, **wanted)
        jobs.wait(up.client, job.id, progress=False)
    except openai.APIStatusError as error:
        return str(error.body["message"])  # type: ignore[index]
    except WorkshopError as error:
        return str(error)
    raise AssertionError("the job succeeded")


def test_a_row_without_messages(up: Up, tmp_path: Path) -> None:
    wrong = rows()
    del wrong[4]["messages"]
    said = why_it_fails(up, tmp_path, wrong)
    assert "line 5" in said.lower()
    assert "messages" in said
    assert "\n" not in said


def test_a_line_that_is_not_json(up: Up, tmp_path: Path) -> None:
    said = why_it_fails(up, tmp_path, [*rows(), "{cut"])
    assert "line 13" in said.lower()


def test_too_few_rows(up: Up, tmp_path: Path) -> None:
    assert "10" in why_it_fails(up, tmp_path, rows(9))


def test_tools_that_do_not_match(up: Up, tmp_path: Path) -> None:
    tools = jobs.tool_endpoints(up.tools.url, up.tools.key)
    said = why_it_fails(up, tmp_path, rows(), tools=tools[:2])
    assert "cat" in said
    assert "\n" not in said


def test_an_unknown_model(up: Up, tmp_path: Path) -> None:
    said = why_it_fails(up, tmp_path, rows(), model="gpt-9")
    assert "no model 'gpt-9'; use 'sim-agent-mini'" in said


def test_an_unknown_model_to_roll_out(up: Up) -> None:
    with pytest.raises(openai.NotFoundError, match="'gpt-9' does not exist"):
        up.client.responses.create(model="gpt-9", input="hello")


def test_a_grader_that_does_not_answer(up: Up, tmp_path: Path) -> None:
    said = why_it_fails(up, tmp_path, rows(), grader=specs.endpoint(f"{NOWHERE}/grade", "key"))
    assert f"{NOWHERE}/grade does not answer" in said
    assert "\n" not in said


def test_a_tool_that_does_not_answer(up: Up, tmp_path: Path) -> None:
    said = why_it_fails(up, tmp_path, rows(), tools=jobs.tool_endpoints(NOWHERE, "key"))
    assert f"{NOWHERE}/search does not answer" in said


def test_a_wrong_key_of_the_service(up: Up) -> None:
    stranger = up.client.with_options(api_key="sk-test")
    with pytest.raises(openai.AuthenticationError):
        stranger.models.list()
