"""The loop that lesson 01 writes is the library's: the same requests, and so the same answers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from authoring.course.source import lessons, read
from buildhour_helpers.demo.stage import stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.rollouts import evaluate
from buildhour_helpers.rollouts.endpoints import ToolServer
from buildhour_helpers.tasks import FIRST_PROMPT, build_rows, load_questions
from buildhour_helpers.tools.schemas import DEFINITIONS, for_responses
from tests.serving import name_servers

QUESTIONS = load_questions(split="validation")


def defined() -> dict[str, Any]:
    """What the taken cells of the lesson define; the one that runs them is left out."""
    space: dict[str, Any] = {}
    (lesson,) = lessons(["01"])
    for cell in read(lesson).cells:
        if "take" in cell.metadata and "await harness(ROWS)" not in cell.source:
            exec(cell.source, space)
    return space


def test_its_loop_answers_as_evaluate_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    question = QUESTIONS[0]
    rows = build_rows([question], FIRST_PROMPT, DEFINITIONS)
    with stage(tmp_path, None, 0, 8) as up:
        name_servers(monkeypatch, up)
        lesson = defined()
        known = {one.id: (one.text, one.answer) for one in QUESTIONS}
        assert lesson["PROMPT"] == FIRST_PROMPT
        for row in lesson["ROWS"]:
            item = row["item"]
            assert (row["question"], item["answer_value"]) == known[item["question_id"]]

        async def both() -> tuple[Any, Any]:
            own = await lesson["rollout"](
                FIRST_PROMPT, question.text, rows[0], for_responses(DEFINITIONS)
            )
            (record,) = await evaluate(
                rows,
                model=BASE_MODEL,
                file=tmp_path / "records.jsonl",
                run="first",
                client=lesson["client"],
                server=ToolServer(up.tools.url, up.tools.key),
                progress=False,
            )
            return own, record

        own, record = asyncio.run(both())
    assert (own["question_id"], own["answer"]) == (question.id, record.answer)
    assert own["reward"] == record.reward
    assert [one.get("type") for one in own["items"]] == [one.get("type") for one in record.trace]
