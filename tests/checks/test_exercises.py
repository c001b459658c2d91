"""Each exercise: its solution is right, its stub is not started, and wrong answers are told why."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from authoring.course.source import stub_of
from buildhour_helpers import checks
from buildhour_helpers.checks import lesson_01
from buildhour_helpers.checks.lesson_02 import leaky_split
from buildhour_helpers.checks.lesson_07 import deserved
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.graders.specs import PARTIAL_CREDIT_RUBRIC
from buildhour_helpers.recordings import RUNS
from buildhour_helpers.rollouts import RolloutRecord, evaluate
from buildhour_helpers.tasks import (
    FIRST_PROMPT,
    build_rows,
    find_leaks,
    load_questions,
)
from buildhour_helpers.tools.schemas import DEFINITIONS

from .wrong_answers import ABOVE, ANSWERS, WRONG, bootstrap, job, names, solution

QUESTIONS = load_questions(split="validation")[:12]


def records(rewards: Sequence[float]) -> list[RolloutRecord]:
    """Two rollouts of each question, both with its reward."""
    return [
        RolloutRecord(question.id, repeat, "sim", f"trace_{question.id}_{repeat}", reward=reward)
        for question, reward in zip(QUESTIONS, rewards, strict=True)
        for repeat in range(2)
    ]


FIRST = records([0.0] * 8 + [1.0] * 4)
GIVEN = {"1.3": (FIRST,), "5.1": (job({}, id="ftjob-1"),)}
"""What a check takes besides the answer."""

Said = pytest.CaptureFixture[str]


def verdict(number: str, answer: object, capsys: Said) -> str:
    """What the check says, on one line."""
    getattr(checks, f"exercise_{number.replace('.', '_')}")(answer, *GIVEN.get(number, ()))
    return " ".join(capsys.readouterr().out.replace("try: ", "").replace(";", "").split())


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("service"), None, 0, 8) as servers:
        yield servers


@pytest.fixture
def session(up: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service and a tool server, named in the environment as a session names them."""
    monkeypatch.setenv("OPENAI_BASE_URL", up.service.url)
    monkeypatch.setenv("OPENAI_API_KEY", up.service.key)
    monkeypatch.setenv("BUILDHOUR_TOOLS_URL", up.tools.url)
    monkeypatch.setenv("BUILDHOUR_TOOLS_KEY", up.tools.key)
    monkeypatch.setenv("BUILDHOUR_SESSION", "offline")


@pytest.mark.usefixtures("session")
class TestEachExercise:
    @pytest.mark.parametrize("number", WRONG)
    def test_the_solution_is_right(self, number: str, capsys: Said) -> None:
        said = verdict(number, solution(number), capsys)
        assert said.startswith(f"Exercise {number}: right ")
        assert "✗" not in said

    @pytest.mark.parametrize("number", ANSWERS)
    def test_the_stub_is_not_started(self, number: str, capsys: Said) -> None:
        space: dict[str, Any] = dict(ABOVE)
        with contextlib.suppress(NotImplementedError):
            exec(stub_of(number), space)
        assert "not started" in verdict(number, space[ANSWERS[number]], capsys)

    @pytest.mark.parametrize(("number", "name"), [(n, name) for n in WRONG for name in WRONG[n]])
    def test_a_wrong_answer_is_told_what_is_wrong(
        self, number: str, name: str, capsys: Said
    ) -> None:
        answer, words = WRONG[number][name]
        said = verdict(number, answer, capsys)
        assert said.startswith(f"Exercise {number}: not yet")
        assert words in said

    @pytest.mark.parametrize(
        ("number", "answer"),
        [
            ("0.1", lambda trace: collections.Counter(names(trace))),
            ("0.2", lambda rewards: np.array(rewards) - np.mean(rewards)),
            ("4.2", PARTIAL_CREDIT_RUBRIC),
            ("6.1", bootstrap),
        ],
    )
    def test_another_way_to_be_right(self, number: str, answer: Any, capsys: Said) -> None:
        assert ": right" in verdict(number, answer, capsys)


class TestMyPrompt:
    @pytest.mark.parametrize(
        ("prompt", "words"),
        [
            ("", "return the prompt's text"),
            (42, "my_prompt returns 42"),
            (f" {FIRST_PROMPT}\n", "the first prompt itself"),
            ("Work with care. " * 400, "4,000 at most"),
            (f"Always read {QUESTIONS[3].gold_pages[0]} first.", "holds a page"),
            (f"It is often {QUESTIONS[0].answer_text} that is asked for.", "holds an answer"),
        ],
    )
    def test_an_unfair_prompt_is_not_run(self, prompt: Any, words: str, capsys: Said) -> None:
        said = verdict("1.3", lambda: prompt, capsys)
        assert said.startswith("Exercise 1.3: not yet")
        assert words in said

    @pytest.mark.parametrize(
        ("rewards", "outcome", "words"),
        [
            ([0.0] * 10 + [1.0] * 2, "not yet", "does not beat the first prompt here: -0.167"),
            ([0.0] * 7 + [1.0] * 5, "right", "the interval spans zero"),
            ([1.0] * 12, "right", "more than noise"),
        ],
    )
    def test_the_gain_is_judged_by_its_interval(
        self,
        rewards: list[float],
        outcome: str,
        words: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: Said,
    ) -> None:
        monkeypatch.setattr(lesson_01, "_roll_out", lambda *_: records(rewards))
        said = verdict("1.3", solution("1.3"), capsys)
        assert said.startswith(f"Exercise 1.3: {outcome}")
        assert words in said

    @pytest.mark.usefixtures("session")
    def test_it_runs_the_prompt(self, tmp_path: Path, capsys: Said) -> None:
        async def in_a_notebook() -> None:
            rows = build_rows(QUESTIONS[:3], FIRST_PROMPT, DEFINITIONS)
            first = await evaluate(
                rows, model="sim-agent-mini", file=tmp_path / "first.jsonl", progress=False
            )
            checks.exercise_1_3(lambda: FIRST_PROMPT + " Search.", first)

        asyncio.run(in_a_notebook())
        assert "of mean reward" in " ".join(capsys.readouterr().out.split())


def test_without_the_leak_the_split_of_lesson_02_is_clean() -> None:
    train, test = leaky_split()
    gone = solution("2.1")(train, test)
    assert len(gone) == 6
    assert find_leaks([*(q for q in train if q.id not in gone), *test]) == []


def test_the_rubric_check_of_a_live_session_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.delenv("BUILDHOUR_SESSION", raising=False)
    assert "only the offline service has" in verdict("4.2", PARTIAL_CREDIT_RUBRIC, capsys)


def test_the_recording_of_lesson_07_says_what_was_planted() -> None:
    run = json.loads((RUNS / "planted_hack.json").read_text(encoding="utf-8"))
    assert "replaced by hand" in run["about"]
    assert run["command"].endswith("record planted_hack")
    asked = {question.id: question for question in load_questions(split="test")}
    rollouts = [RolloutRecord.from_json(row) for row in run["rollouts"]]
    planted = {(name, repeat) for name, repeat in run["planted"]}
    assert len(planted) == 6
    worth = {
        (r.question_id, r.repeat): deserved(r, asked[r.question_id])
        for r in rollouts
        if r.reward == 1.0
    }
    assert planted <= {rollout for rollout, score in worth.items() if score < 1.0}
    assert 1.0 in worth.values()
    assert all(
        (asked[r.question_id].answer_text in (r.answer or "")) == (r.reward == 1.0)
        for r in rollouts
    )
