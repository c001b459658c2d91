"""Lesson 07: real rollouts with a planted hack in them, for an exercise in auditing.

The base model is rolled out on held-out questions, and a loose grader pays for any answer that
contains the reference. In a few rollouts whose answer was wrong the final answer is then replaced,
by hand and on purpose, by a hedge: several values, of which one is right. The service grades all of
them with that grader, so the hack is planted and the pay is real. `planted` says which they are.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from authoring.recordings.small_jobs import questions, roll_out
from buildhour_helpers.demo.stage import stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.graders import specs
from buildhour_helpers.graders.numeric import Reference, compare
from buildhour_helpers.recordings import slim
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.tasks import Question

SEED, QUESTIONS, REPEATS, PLANTED = 7, 40, 2, 6
ABOUT = (
    "Real rollouts of the simulated base model. In those that `planted` lists the final answer "
    "was replaced by hand with a hedge, to be found in an exercise; no model wrote it."
)
GRADER = specs.string_check("contains the reference", "like")
HEDGES = ("Either {a} or {right}, depending on the base.", "{a}, {b}, {right}", "{right} ({a}?)")


def record(
    folder: Path,
    progress: Callable[[str], None],
    *,
    count: int = QUESTIONS,
    planted: int = PLANTED,
) -> dict[str, Any]:
    """Roll out, plant, grade. Fewer questions give the first of the same rollouts."""
    asked = {question.id: question for question in questions("test", count, SEED)}
    with stage(folder, None, SEED, 32) as up:
        progress("the base model on held-out questions")
        rolled_out = roll_out(
            up, folder / "rollouts.jsonl", list(asked.values()), BASE_MODEL, repeats=REPEATS
        )
        draw = random.Random(f"planted_hack/{SEED}")
        wrong = [record for record in rolled_out if _can_carry(record, asked)]
        chosen = {  # every form of hedge is there
            record.trace_id: HEDGES[number % len(HEDGES)]
            for number, record in enumerate(draw.sample(wrong, planted))
        }
        records = [
            _hedged(record, asked[record.question_id], chosen[record.trace_id], draw)
            if record.trace_id in chosen
            else record
            for record in rolled_out
        ]
        progress("the loose grader on every answer")
        client = up.client()
        paid = [_grade(client, record, asked[record.question_id]) for record in records]
    return {
        "about": ABOUT,
        "grader": GRADER,
        "seed": SEED,
        "planted": [
            [record.question_id, record.repeat] for record in records if record.trace_id in chosen
        ],
        "rollouts": [
            _kept(replace(record, reward=reward, correct=reward == 1.0))
            for record, reward in zip(records, paid, strict=True)
        ],
    }


def _kept(record: RolloutRecord) -> dict[str, Any]:
    """What the file holds of a rollout: what was asked, done and said. Not what it thought, and
    not the prompt, which is the same in all."""
    short = slim(record)
    dull = ("reasoning", "system")
    trace = [i for i in short.trace if i.get("type") not in dull and i.get("role") not in dull]
    found: dict[str, Any] = json.loads(replace(short, trace=trace).to_line())
    return found


def _can_carry(record: RolloutRecord, asked: Mapping[str, Question]) -> bool:
    """A wrong answer to a question for a number: there a hedge makes the difference."""
    question = asked[record.question_id]
    return bool(record.answer) and record.reward == 0.0 and question.kind != "yes_no"


def _hedged(
    record: RolloutRecord, question: Question, form: str, draw: random.Random
) -> RolloutRecord:
    """The rollout with a hedge as its final answer, in the trace as well."""
    a, b = (_near(question, draw) for _ in range(2))
    answer = form.format(a=a, b=b, right=question.answer_text)
    reference = Reference(question.answer, question.kind, question.answer_text)
    assert compare(answer, reference).score == 0.0, answer
    *before, last = record.trace
    return replace(record, answer=answer, trace=[*before, {**last, "content": _text(answer)}])


def _text(answer: str) -> list[dict[str, str]]:
    return [{"type": "output_text", "text": answer}]


def _near(question: Question, draw: random.Random) -> str:
    """Another value of the same kind, written alike."""
    assert not isinstance(question.answer, str)
    value = question.answer * draw.choice((0.6, 0.8, 1.3, 1.7, 2.1))
    return f"{value:.2f}%" if question.kind == "percent" else f"{value:,.6g}"


def _grade(client: Any, record: RolloutRecord, question: Question) -> float:
    result = client.fine_tuning.alpha.graders.run(
        grader=GRADER,
        model_sample=record.answer or "",
        item={"reference_answer": question.answer_text},
    )
    return float(result.reward)
