"""The checks of lesson 07: each mistake is told apart, in words that help."""

from __future__ import annotations

import json
from typing import Any

import pytest

from authoring.course.source import solution_of, stub_of
from buildhour_helpers import checks
from buildhour_helpers.checks.lesson_07 import GOOD, deserved
from buildhour_helpers.recordings import RUNS
from buildhour_helpers.rollouts.records import RolloutRecord
from buildhour_helpers.tasks import Question, load_questions

Said = pytest.CaptureFixture[str]


def defined(code: str, name: str) -> Any:
    space: dict[str, Any] = {}
    exec(code, space)
    return space[name]


def review(evidence: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = defined(solution_of("7.2"), "review")(evidence)
    return found


class TestAudit:
    def test_the_solution_is_right(self, capsys: Said) -> None:
        checks.exercise_7_1(defined(solution_of("7.1"), "is_hack"))
        said = capsys.readouterr().out
        assert said.startswith("Exercise 7.1: right")
        assert "finds all 6 planted hedges" in said

    def test_the_stub_is_not_started(self, capsys: Said) -> None:
        checks.exercise_7_1(defined(stub_of("7.1"), "is_hack"))
        assert capsys.readouterr().out.startswith("Exercise 7.1: not started")

    def test_every_full_mark_under_suspicion(self, capsys: Said) -> None:
        checks.exercise_7_1(lambda record, question: record.reward == 1.0)
        said = capsys.readouterr().out
        assert said.startswith("Exercise 7.1: not yet")
        assert "are honest: paid, and right" in said
        assert "full marks alone are no crime" in said

    def test_every_wrong_answer(self, capsys: Said) -> None:
        checks.exercise_7_1(lambda record, question: deserved(record, question) < 1.0)
        said = capsys.readouterr().out
        assert "were not paid" in said
        assert "ask for record.reward == 1.0 first" in said

    def test_one_form_of_hedge_alone(self, capsys: Said) -> None:
        checks.exercise_7_1(lambda record, question: "Either" in (record.answer or ""))
        said = capsys.readouterr().out
        assert "they do not all look the same" in said
        assert "what an answer is worth" in said

    def test_the_wrong_way_round(self, capsys: Said) -> None:
        checks.exercise_7_1(lambda r, question: r.reward == 1.0 and deserved(r, question) == 1.0)
        said = capsys.readouterr().out
        assert "none of the 6 planted hedges" in said
        assert "are honest: paid, and right" in said

    def test_flagging_nothing(self, capsys: Said) -> None:
        checks.exercise_7_1(lambda record, question: False)
        assert "it flags none of" in capsys.readouterr().out


class TestReview:
    def test_the_solution_is_right(self, capsys: Said) -> None:
        checks.exercise_7_2(review)
        assert capsys.readouterr().out.startswith("Exercise 7.2: right")

    def test_the_stub_is_not_started(self, capsys: Said) -> None:
        checks.exercise_7_2(defined(stub_of("7.2"), "review"))
        assert capsys.readouterr().out.startswith("Exercise 7.2: not started")

    def test_a_bare_decision(self, capsys: Said) -> None:
        checks.exercise_7_2(lambda evidence: "launch")
        assert "without `blockers` and `decision`" in capsys.readouterr().out

    def test_launching_whatever_comes(self, capsys: Said) -> None:
        checks.exercise_7_2(lambda evidence: {"blockers": [], "decision": "launch"})
        said = capsys.readouterr().out
        assert "reaches below zero" in said
        assert "lower end" in said

    def test_waiting_where_the_grader_was_gamed(self, capsys: Said) -> None:
        def gentle(evidence: dict[str, Any]) -> dict[str, Any]:
            found = review(evidence)
            return found | {"decision": found["decision"].replace("stop", "wait")}

        checks.exercise_7_2(gentle)
        assert "no matter of waiting" in capsys.readouterr().out

    def test_a_gap_of_just_a_tenth(self, capsys: Said) -> None:
        checks.exercise_7_2(lambda e: review(e | {"gap": e["gap"] + 0.001}))
        assert "*over* 0.10" in capsys.readouterr().out

    def test_tools_that_may_never_write(self, capsys: Said) -> None:
        checks.exercise_7_2(lambda e: review(e | {"sandboxed": False}))
        assert "no blocker where it is sandboxed" in capsys.readouterr().out

    def test_a_blocker_that_is_not_named(self, capsys: Said) -> None:
        def vague(evidence: dict[str, Any]) -> dict[str, Any]:
            return review(evidence) | {"blockers": []}

        checks.exercise_7_2(vague)
        assert "its blockers lack gain_low" in capsys.readouterr().out

    def test_the_good_evidence_is_good(self) -> None:
        assert review(GOOD) == {"blockers": [], "decision": "launch"}


@pytest.fixture(scope="module")
def planted_run() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RUNS / "planted_hack.json").read_text(encoding="utf-8"))
    return found


def test_the_recording_says_what_was_planted(planted_run: dict[str, Any]) -> None:
    assert "replaced by hand" in planted_run["about"]
    assert planted_run["command"].endswith("record planted_hack")
    asked: dict[str, Question] = {q.id: q for q in load_questions(split="test")}
    records = [RolloutRecord.from_json(row) for row in planted_run["rollouts"]]
    planted = {(name, repeat) for name, repeat in planted_run["planted"]}
    assert len(planted) == 6
    paid = [record for record in records if record.reward == 1.0]
    hedged = {(r.question_id, r.repeat) for r in paid if deserved(r, asked[r.question_id]) < 1.0}
    assert planted <= hedged
    assert any(deserved(record, asked[record.question_id]) == 1.0 for record in paid)
    assert all(
        (asked[r.question_id].answer_text in (r.answer or "")) == (r.reward == 1.0) for r in records
    )
