"""A row that the model cannot read is refused before the job begins, as a request is."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import openai
import pytest

from rft_service.engines.simulated import SimulatedEngine
from rft_service.engines.simulated.engine import MODEL
from rft_service.jobs.dataset import DatasetError, task_of, validate_file
from rft_service.store.files import StoredFile
from rft_wire.rows import read_row

from .conftest import Running
from .customer import LOOKUP, job_spec, jsonl, method, row

LONG = "word " * 102_401  # one token more than the model reads


def described(text: str) -> dict[str, Any]:
    return {**LOOKUP, "function": {**LOOKUP["function"], "description": text}}


def said(*texts: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text} for text in texts]


TOO_LONG = {
    "the task": row(1, messages=said(LONG)),
    "parts of the task": row(
        1,
        messages=[{"role": "user", "content": [{"type": "text", "text": LONG[:300_000]}] * 2}],
    ),
    "messages together": row(1, messages=said(LONG[:300_000], LONG[:300_000])),
    "a tool's description": row(1, tools=[described(LONG)]),
    "other letters, of three bytes each": row(1, messages=said("語" * 171_000)),
}


@pytest.mark.parametrize(
    ("what", "param"),
    [*((what, "training_file") for what in TOO_LONG), ("the task", "validation_file")],
)
def test_a_row_above_the_context_window_fails_in_validation_with_its_line(
    service: Running, customer_url: str, what: str, param: str
) -> None:
    rows = [row(n) for n in range(10)]
    files = dict.fromkeys(("training_file", "validation_file"), service.upload(rows))
    files[param] = service.upload([*rows[:6], TOO_LONG[what], *rows[6:]], "long.jsonl")
    job = service.client.fine_tuning.jobs.create(
        model=MODEL.name,
        method=method(customer_url),  # type: ignore[arg-type]
        **files,
    )
    failed = service.wait(job.id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert (failed.error.code, failed.error.param) == (f"invalid_{param}", param)
    assert f"{param} long.jsonl: line 7, messages: 1" in failed.error.message
    assert "tokens, tools included; sim-agent-mini reads 128000 at most" in failed.error.message
    assert not any(event.type == "metrics" for event in service.events(job.id))


@pytest.mark.parametrize("tokens", [MODEL.context_window_tokens, MODEL.context_window_tokens + 1])
def test_the_bound_is_that_of_a_request_to_the_token(
    simulated: Running, tmp_path: Path, tokens: int
) -> None:
    engine = SimulatedEngine(tmp_path)
    bare = task_of(read_row(row(0, messages=said("x"))), job_spec(MODEL.name)).request
    room_bytes = 4 * (tokens - engine.prompt_tokens(MODEL.name, bare))
    text = "x" * (1 + room_bytes)
    refused = tokens > MODEL.context_window_tokens
    expected = pytest.raises(DatasetError) if refused else nullcontext()
    rows = file_of(tmp_path, [row(n, messages=said(text)) for n in range(10)])
    with expected:
        validate_file(rows, "training_file", job_spec(MODEL.name), engine)
    tool: Any = {"type": "function", **LOOKUP["function"], "strict": False}
    with pytest.raises(openai.BadRequestError) if refused else nullcontext():
        simulated.client.responses.create(model=MODEL.name, input=text, tools=[tool])


def file_of(folder: Path, rows: list[Any]) -> StoredFile:
    path = folder / "rows.jsonl"
    path.write_bytes(jsonl(rows))
    return StoredFile("file-1", path.name, "fine-tune", path.stat().st_size, 0, path)
