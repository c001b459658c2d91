"""The lessons with another provider's address and key set beforehand: 01 to 04 run as far as that
provider goes, and 05 says what it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from authoring.course.source import Lesson, lessons, solved_notebook
from buildhour_helpers import servers, session
from buildhour_helpers.demo.stage import stage

from .providers import KEY, foreign_provider

RUNNER = """\
import json, sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance(colors="nocolor", xmode="Minimal")
for cell in json.loads(sys.stdin.read()):
    shell.run_cell(cell).raise_error()
"""
"""Runs cells as a notebook does, `await` and `display` included, without a kernel."""


@pytest.fixture(scope="module")
def provider_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("provider")
    with stage(folder, None, 0, 16) as up, foreign_provider(up.service) as url:
        yield url


def run(lesson: Lesson, provider_url: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The solved lesson, cell by cell, in a process whose environment names the provider."""
    cells = [cell.source for cell in solved_notebook(lesson).cells if cell.cell_type == "code"]
    variables = {
        "OPENAI_BASE_URL": provider_url,
        "OPENAI_API_KEY": KEY,
        "BUILDHOUR_MODEL": "foreign-1",
        "BUILDHOUR_HOME": str(home),
        "MPLBACKEND": "agg",
        "PYTHONIOENCODING": "utf-8",
    }
    try:
        return subprocess.run(
            [sys.executable, "-c", RUNNER],
            input=json.dumps(cells),
            env=os.environ | variables,
            cwd=home.parent,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
    finally:
        started = set(session.running())
        servers.stop(home)
        assert "service" not in started, "a live lesson started the offline service"


def of(*numbers: str) -> pytest.MarkDecorator:
    chosen = [lesson for lesson in lessons() if lesson.number in numbers]
    return pytest.mark.parametrize("lesson", chosen, ids=lambda lesson: lesson.name)


@of("01", "02", "03", "04")
def test_a_lesson_runs_as_far_as_the_provider_goes(
    lesson: Lesson, provider_url: str, tmp_path: Path
) -> None:
    ended = run(lesson, provider_url, tmp_path / "state")
    assert ended.returncode == 0, ended.stdout[-2_000:] + ended.stderr[-2_000:]
    assert "live · foreign-1" in ended.stdout
    assert KEY not in ended.stdout
    assert "\n{}\n" not in ended.stdout, "what is left out is said in a sentence"


@of("05")
def test_lesson_05_says_what_it_needs(lesson: Lesson, provider_url: str, tmp_path: Path) -> None:
    """It may end there, but in a sentence, and not in a provider's 404."""
    ended = run(lesson, provider_url, tmp_path / "state")
    said = ended.stdout + ended.stderr
    assert "needs a service that offers fine-tuning" in " ".join(said.split()), said[-2_000:]
    assert "NotFoundError" not in said


def test_the_provider_is_another_one(provider_url: str) -> None:
    client = OpenAI(base_url=provider_url, api_key=KEY, max_retries=0)
    answer = client.responses.create(model="foreign-1", input="How many?")
    assert (answer.model, "simulated_latency_s" in answer.to_dict()) == ("foreign-1", False)
    assert client.embeddings.create(model="foreign-embedding", input="a page").data[0].embedding
    absent = (
        client.fine_tuning.jobs.list,
        client.files.list,
        lambda: client.responses.create(model="sim-agent-mini", input="How many?"),
        lambda: client.models.retrieve("sim-grader"),
    )
    for ask in absent:
        with pytest.raises(openai.NotFoundError):
            ask()
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="another").models.list()
