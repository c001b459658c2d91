"""Lesson 07: real rollouts with a planted hack, for an exercise in auditing.

The base model is rolled out on held-out questions, and a loose grader rewards any answer that
contains the reference. In a few rollouts with a wrong answer, the final answer is then replaced by
a hedge: several values, one of them right. The service grades all rollouts with that grader, so the
hack is planted and the reward is real. `planted` lists these rollouts.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from authoring.recordings.runs import questions, roll_out
from buildhour_helpers.demo.stage import stage
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
        rolled_out = roll_out(up, folder / "rollouts.jsonl", list(asked.values()), repeats=REPEATS)
        rng = random.Random(f"planted_hack/{SEED}")
        wrong = [record for record in rolled_out if _is_wrong_number(record, asked)]
        chosen = {  # every form of hedge occurs
            record.trace_id: HEDGES[number % len(HEDGES)]
            for number, record in enumerate(rng.sample(wrong, planted))
        }
        records = [
            _hedged(record, asked[record.question_id], chosen[record.trace_id], rng)
            if record.trace_id in chosen
            else record
            for record in rolled_out
        ]
        progress("the loose grader on every answer")
        client = up.client()
        rewards = [_grade(client, record, asked[record.question_id]) for record in records]
    return {
        "about": ABOUT,
        "grader": GRADER,
        "seed": SEED,
        "planted": [
            [record.question_id, record.repeat] for record in records if record.trace_id in chosen
        ],
        "rollouts": [
            _kept(replace(record, reward=reward, correct=reward == 1.0))
            for record, reward in zip(records, rewards, strict=True)
        ],
    }


def _kept(record: RolloutRecord) -> dict[str, Any]:
    """The rollout without its reasoning and its system prompt, which is the same in all."""
    short = slim(record)
    trace = [
        item
        for item in short.trace
        if item.get("type") != "reasoning" and item.get("role") != "system"
    ]
    found: dict[str, Any] = json.loads(replace(short, trace=trace).to_line())
    return found


def _is_wrong_number(record: RolloutRecord, asked: Mapping[str, Question]) -> bool:
    """Only in these does a hedge change the reward."""
    question = asked[record.question_id]
    return bool(record.answer) and record.reward == 0.0 and question.kind != "yes_no"


def _hedged(
    record: RolloutRecord, question: Question, form: str, rng: random.Random
) -> RolloutRecord:
    """The rollout with a hedge as its final answer, in the trace as well."""
    a, b = (_near(question, rng) for _ in range(2))
    answer = form.format(a=a, b=b, right=question.answer_text)
    reference = Reference(question.answer, question.kind, question.answer_text)
    assert compare(answer, reference).score == 0.0, answer
    *before, last = record.trace
    message = {**last, "content": [{"type": "output_text", "text": answer}]}
    return replace(record, answer=answer, trace=[*before, message])


def _near(question: Question, rng: random.Random) -> str:
    """Another value of the same kind, in the same format."""
    assert not isinstance(question.answer, str)
    value = question.answer * rng.choice((0.6, 0.8, 1.3, 1.7, 2.1))
    return f"{value:.2f}%" if question.kind == "percent" else f"{value:,.6g}"


def _grade(client: Any, record: RolloutRecord, question: Question) -> float:
    result = client.fine_tuning.alpha.graders.run(
        grader=GRADER,
        model_sample=record.answer or "",
        item={"reference_answer": question.answer_text},
    )
    return float(result.reward)
