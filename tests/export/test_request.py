"""`export openai`: what is written is accepted by a service, and nothing of ours is in it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Response

from buildhour_helpers import cli
from buildhour_helpers.tools.serving import served
from tests.service.conftest import Running
from tests.service.customer import KEY, jsonl, method, row

MODEL = "gpt-5-2025-08-07"


def written(folder: Path, url: str, **more: Any) -> Path:
    """A job with its files in a folder."""
    for name in ("train", "valid"):
        (folder / f"{name}.jsonl").write_bytes(jsonl([row(n) for n in range(10)]))
    body = {"model": "sim-agent-mini", "suffix": "mine", "training_file": "file-1"}
    body["method"] = method(url, **more)
    file = folder / "job.json"
    file.write_text(json.dumps(body), encoding="utf-8")
    return file


def export(folder: Path, job: Path | str, *options: str) -> int:
    rows = ("--rows", str(folder / "train.jsonl"), "--validation", str(folder / "valid.jsonl"))
    given = rows if isinstance(job, Path) else ()
    return cli.main(["export", "openai", str(job), *given, "-o", str(folder / "out"), *options])


def test_a_service_takes_what_was_written(
    tmp_path: Path, service: Running, customer_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"batch_size": 5, "reasoning_token_penalty": 0.3}
    job = written(tmp_path, customer_url, hyperparameters=settings)
    assert export(tmp_path, job, "--model", MODEL) == 0
    said = capsys.readouterr().out
    assert "Left out: reasoning_token_penalty" in said
    assert f"{customer_url}/grade is on this machine; a hosted service needs a public one" in said
    out = tmp_path / "out"
    body = json.loads((out / "request.json").read_text(encoding="utf-8"))
    assert (body["model"], body["suffix"]) == (MODEL, "mine")
    assert body["method"]["reinforcement"]["hyperparameters"] == {"batch_size": 5}
    assert "training_file" not in body
    if os.name == "posix":
        assert stat.S_IMODE((out / "request.json").stat().st_mode) == 0o600  # it holds keys

    body["model"] = "sim-agent-mini"  # the one that the test's service has
    (out / "request.json").write_text(json.dumps(body), encoding="utf-8")
    environment = {**os.environ, "OPENAI_BASE_URL": f"{service.url}/v1"}
    environment["OPENAI_API_KEY"] = service.key
    done = subprocess.run(
        [sys.executable, str(out / "launch.py")], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert service.wait(done.stdout.split()[0]).status == "succeeded"


def test_a_job_of_a_service_comes_with_its_files_and_without_its_keys(
    tmp_path: Path,
    service: Running,
    customer_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = service.job(customer_url, rows=12)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{service.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", service.key)
    assert export(tmp_path, job.id, "--model", MODEL) == 0
    out = tmp_path / "out"
    assert (out / "training.jsonl").read_bytes() == jsonl([row(n) for n in range(12)])
    assert "write the headers of the tool lookup" in capsys.readouterr().out
    assert KEY not in "".join(path.read_text(encoding="utf-8") for path in out.iterdir())
    script = tmp_path / "train.py"
    assert cli.main(["export", "trl", job.id, "-o", str(script)]) == 0
    assert 'ROWS_FILE = HERE / "training.jsonl"' in script.read_text(encoding="utf-8")
    assert cli.main(["export", "trl", "ftjob-0", "-o", str(script)]) == 1
    assert "ftjob-0: no such job there" in capsys.readouterr().err


def test_a_providers_job_without_a_validation_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Elsewhere that file may be left out. A script for TRL needs none, a request does."""
    provider = FastAPI()
    rows = jsonl([row(n) for n in range(10)])
    job = {"model": "m", "training_file": "file-1", "validation_file": None}
    job["method"] = method("https://tools.example")

    @provider.get("/v1/fine_tuning/jobs/ftjob-1")
    def _job() -> dict[str, Any]:
        return job

    @provider.get("/v1/files/file-1/content")
    def _file() -> Response:
        return Response(rows)

    monkeypatch.setenv("OPENAI_API_KEY", "key")
    with served(provider) as url:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{url}/v1")
        script = tmp_path / "train.py"
        assert cli.main(["export", "trl", "ftjob-1", "-o", str(script)]) == 0
        assert "VALIDATION_FILE = None" in script.read_text(encoding="utf-8")
        assert export(tmp_path, "ftjob-1", "--model", MODEL) == 1
        said = capsys.readouterr().err
        assert "validation rows are missing: give them as --validation FILE.jsonl" in said
        (tmp_path / "valid.jsonl").write_bytes(rows)
        given = ("--validation", str(tmp_path / "valid.jsonl"))
        assert export(tmp_path, "ftjob-1", "--model", MODEL, *given) == 0
        assert (tmp_path / "out" / "validation.jsonl").read_bytes() == rows


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", ["--model", MODEL], "no service is running to ask for the job; start one"),
        ("{", ["--model", MODEL], "not JSON"),
        ('{"model": "m"}', ["--model", MODEL], "method: Field required"),
        (None, [], "the model 'sim-agent-mini' is simulated"),
        (None, ["--model", MODEL, "--rows", "none.jsonl"], "none.jsonl: No such file"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    tmp_path: Path,
    text: str | None,
    options: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = written(tmp_path, "http://127.0.0.1:9")
    if text is not None:
        job.write_text(text, encoding="utf-8")
    assert export(tmp_path, job if text != "" else "ftjob-1", *options) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
