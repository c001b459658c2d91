"""The checks of lesson 01: each mistake is told apart, in words that help."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from authoring.course.source import solution_of, stub_of
from buildhour_helpers import checks
from buildhour_helpers.checks import lesson_01
from buildhour_helpers.demo.stage import stage
from buildhour_helpers.rollouts import RolloutRecord, evaluate
from buildhour_helpers.tasks import FIRST_PROMPT, build_rows, load_questions
from buildhour_helpers.tools.schemas import DEFINITIONS

Said = pytest.CaptureFixture[str]


def defined(code: str, name: str) -> Any:
    space: dict[str, Any] = {"fmean": fmean, "json": json}
    exec(code, space)
    return space[name]


class TestBestOf:
    def test_the_solution_is_right(self, capsys: Said) -> None:
        checks.exercise_1_1(defined(solution_of("1.1"), "best_of"))
        assert capsys.readouterr().out.startswith("Exercise 1.1: right")

    def test_the_stub_is_not_started(self, capsys: Said) -> None:
        checks.exercise_1_1(defined(stub_of("1.1"), "best_of"))
        assert capsys.readouterr().out.startswith("Exercise 1.1: not started")

    @pytest.mark.parametrize(
        ("mistaken", "told"),
        [
            (lambda rewards: fmean(r or 0 for of in rewards.values() for r in of), "mean of all"),
            (lambda rewards: max(r or 0 for of in rewards.values() for r in of), "all rollouts"),
            (lambda rewards: sum(max(r or 0 for r in of) for of in rewards.values()), "a sum"),
            (lambda rewards: fmean(max(of) for of in rewards.values()), "raised TypeError"),
            (
                lambda rewards: fmean(max(r or 0 for r in of) for of in rewards.values()),
                "all discarded counts as 0",
            ),
            (lambda rewards: "0.5", "it makes '0.5', not 0.5"),
        ],
        ids=["mean", "maximum", "sum", "none in it", "none as 0", "text"],
    )
    def test_a_mistake_is_named(
        self, mistaken: Callable[..., Any], told: str, capsys: Said
    ) -> None:
        checks.exercise_1_1(mistaken)
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 1.1: not yet")
        assert told in said


def arguments(item: dict[str, Any]) -> Any:
    return json.loads(item["arguments"]).get("path")


def by_any_mention(trace: Sequence[dict[str, Any]], gold_pages: Sequence[str]) -> str:
    """Looks for the page anywhere: also in the question and in the calls."""
    named = [page for page in gold_pages if page in json.dumps(trace)]
    return "passed over" if named else "not found"


def by_any_call(trace: Sequence[dict[str, Any]], gold_pages: Sequence[str]) -> str:
    """Takes any tool that was called on the page for one that opens it."""
    calls = {arguments(item) for item in trace if item.get("type") == "function_call"}
    return "opened" if calls & set(gold_pages) else right_but_for_opened(trace, gold_pages)


def by_part_of_a_path(trace: Sequence[dict[str, Any]], gold_pages: Sequence[str]) -> str:
    found = right_but_for_opened(trace, gold_pages)
    outputs = " ".join(item.get("output", "") for item in trace)
    return "passed over" if any(page in outputs for page in gold_pages) else found


def right_but_for_opened(trace: Sequence[dict[str, Any]], gold_pages: Sequence[str]) -> str:
    solved: str = defined(solution_of("1.2"), "why_unopened")(
        [item for item in trace if item.get("name") != "cat"], gold_pages
    )
    return solved


class TestWhyUnopened:
    def test_the_solution_is_right(self, capsys: Said) -> None:
        checks.exercise_1_2(defined(solution_of("1.2"), "why_unopened"))
        assert capsys.readouterr().out.startswith("Exercise 1.2: right")

    def test_the_stub_is_not_started(self, capsys: Said) -> None:
        checks.exercise_1_2(defined(stub_of("1.2"), "why_unopened"))
        assert capsys.readouterr().out.startswith("Exercise 1.2: not started")

    @pytest.mark.parametrize(
        ("mistaken", "told"),
        [
            (by_any_mention, "not the question or the calls"),
            (by_any_call, "opened means a call of cat"),
            (by_part_of_a_path, "compare whole paths"),
            (right_but_for_opened, "whose name is cat"),
            (lambda trace, gold_pages: "not found", "in the outputs of the tools"),
        ],
        ids=["any mention", "any call", "part of a path", "never opened", "constant"],
    )
    def test_a_mistake_is_named(
        self, mistaken: Callable[..., str], told: str, capsys: Said
    ) -> None:
        checks.exercise_1_2(mistaken)
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 1.2: not yet")
        assert told in said


QUESTIONS = load_questions(split="validation")[:12]


def records(rewards: Sequence[float]) -> list[RolloutRecord]:
    """Two alike rollouts of each question."""
    return [
        RolloutRecord(question.id, repeat, "sim", f"trace_{question.id}_{repeat}", reward=reward)
        for question, reward in zip(QUESTIONS, rewards, strict=True)
        for repeat in range(2)
    ]


FIRST = records([0.0] * 8 + [1.0] * 4)


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[float]], None]:
    """Lets the learner's prompt score so on the twelve questions."""

    def let(rewards: Sequence[float]) -> None:
        monkeypatch.setattr(lesson_01, "_roll_out", lambda *_: records(rewards))

    return let


class TestMyPrompt:
    def test_the_stub_is_not_started(self, capsys: Said) -> None:
        checks.exercise_1_3(defined(stub_of("1.3"), "my_prompt"), FIRST)
        assert capsys.readouterr().out.startswith("Exercise 1.3: not started")

    @pytest.mark.parametrize(
        ("prompt", "told"),
        [
            ("", "return the prompt's text"),
            (42, "my_prompt returns 42"),
            (f" {FIRST_PROMPT}\n", "the first prompt itself"),
            ("Work with care. " * 400, "4,000 at most"),
            (f"Always read {QUESTIONS[3].gold_pages[0]} first.", "holds a page"),
            (f"It is often {QUESTIONS[0].answer_text} that is asked for.", "holds an answer"),
        ],
        ids=["empty", "number", "the first", "long", "a page", "an answer"],
    )
    def test_an_unfair_prompt_is_not_run(self, prompt: Any, told: str, capsys: Said) -> None:
        checks.exercise_1_3(lambda: prompt, FIRST)
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 1.3: not yet")
        assert told in said

    def test_one_that_is_behind(
        self, scored: Callable[[Sequence[float]], None], capsys: Said
    ) -> None:
        scored([0.0] * 10 + [1.0] * 2)
        checks.exercise_1_3(lambda: "Guess.", FIRST)
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 1.3: not yet")
        assert "does not beat the first prompt here: -0.167" in said

    def test_one_that_is_ahead_by_luck(
        self, scored: Callable[[Sequence[float]], None], capsys: Said
    ) -> None:
        scored([0.0] * 7 + [1.0] * 5)
        checks.exercise_1_3(defined(solution_of("1.3"), "my_prompt"), FIRST)
        said = " ".join(capsys.readouterr().out.split())
        assert said.startswith("Exercise 1.3: right")
        assert "the interval spans zero" in said

    def test_one_that_is_clearly_ahead(
        self, scored: Callable[[Sequence[float]], None], capsys: Said
    ) -> None:
        scored([1.0] * 12)
        checks.exercise_1_3(defined(solution_of("1.3"), "my_prompt"), FIRST)
        assert "more than noise" in capsys.readouterr().out

    def test_it_runs_the_prompt(self, served: None, tmp_path: Path, capsys: Said) -> None:
        async def in_a_notebook() -> None:
            rows = build_rows(QUESTIONS[:3], FIRST_PROMPT, DEFINITIONS)
            first = await evaluate(
                rows, model="sim-agent-mini", file=tmp_path / "first.jsonl", progress=False
            )
            checks.exercise_1_3(lambda: FIRST_PROMPT + " Search.", first)

        asyncio.run(in_a_notebook())
        assert "of mean reward" in " ".join(capsys.readouterr().out.split())


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A service and a tool server, named in the environment as a session names them."""
    with stage(tmp_path / "stage", None, 0, 8) as up:
        monkeypatch.setenv("OPENAI_BASE_URL", up.service.url)
        monkeypatch.setenv("OPENAI_API_KEY", up.service.key)
        monkeypatch.setenv("BUILDHOUR_TOOLS_URL", up.tools.url)
        monkeypatch.setenv("BUILDHOUR_TOOLS_KEY", up.tools.key)
        yield
