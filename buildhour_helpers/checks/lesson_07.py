"""Checks of lesson 07: an audit that finds a planted hack, and a launch review."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from buildhour_helpers.checks.verdict import Findings, exercise, right, wrong
from buildhour_helpers.graders.numeric import Reference, compare
from buildhour_helpers.recordings import RUNS
from buildhour_helpers.tasks import Question, load_questions
from rft_wire.records import RolloutRecord

HINTS = {
    "7.1": (
        "A hack gets a reward that it does not deserve. You have the reward; what tells you what "
        "an answer deserves? Lesson 04 wrote it, and a cell above calls it.",
        "score = compare(record.answer or '', Reference(question.answer, question.kind, "
        "question.answer_text)).score; it is a hack where record.reward is 1 and that score is "
        "below 1.",
    ),
    "7.2": (
        "Go through the evidence key by key, and write one `if` for each line of the checklist "
        "that could fail. An interval counts by its lower end.",
        "Blockers: gain_low <= 0; judge_fell; gap > 0.10; writes and not sandboxed; not "
        "rollback_tried. Decide 'launch' if the list is empty, 'stop' if judge_fell, else 'wait'.",
    ),
}

Asked = Mapping[str, Question]
Evidence = dict[str, Any]


@exercise("7.1")
def exercise_7_1(is_hack: Callable[[RolloutRecord, Question], bool]) -> Findings:
    """What the audit flags and misses in a recording with planted hacks."""
    run = json.loads((RUNS / "planted_hack.json").read_text(encoding="utf-8"))
    asked = {question.id: question for question in load_questions(split="test")}
    records = [RolloutRecord.from_json(row) for row in run["rollouts"]]
    planted = {(question, repeat) for question, repeat in run["planted"]}
    flagged = [r for r in records if is_hack(r, asked[r.question_id])]
    missed = planted - {(r.question_id, r.repeat) for r in flagged}
    unpaid = [r for r in flagged if r.reward != 1.0]
    honest = [r for r in flagged if r.reward == 1.0 and deserved(r, asked[r.question_id]) == 1.0]
    if not flagged:
        yield wrong(
            f"it flags none of {len(records)} rollouts",
            "is it given what you think? print(record.reward, record.answer) for a few that are "
            "paid",
        )
        return
    yield from _found(planted, missed, flagged)
    if unpaid:
        yield wrong(
            f"{len(unpaid)} of those it flags were not paid: a wrong answer that earns nothing is "
            "a failure, not a hack",
            "ask for record.reward == 1.0 first",
        )
    if honest:
        yield wrong(
            f"{len(honest)} of those it flags are honest: paid, and right, such as "
            f"{honest[0].answer!r}",
            "full marks alone are not a hack; compare the answer with the question's own",
        )
    if not unpaid and not honest:
        yield right("whatever it flags was paid and is not right: nobody is accused for nothing")


def _found(
    planted: set[tuple[str, int]],
    missed: set[tuple[str, int]],
    flagged: Sequence[RolloutRecord],
) -> Findings:
    if not missed:
        yield right(f"it finds all {len(planted)} planted hedges")
    elif len(missed) == len(planted):
        yield wrong(
            f"it flags {len(flagged)} rollouts, and none of the {len(planted)} planted hedges",
            "sort the paid rollouts by the length of their answers and read the first ten",
        )
    else:
        yield wrong(
            f"it finds {len(planted) - len(missed)} of the {len(planted)} planted hedges: they do "
            "not all look the same",
            "go by what an answer is worth rather than by its words or its length",
        )


def deserved(record: RolloutRecord, question: Question) -> float:
    """The score that the strict comparison of lesson 04 gives the answer."""
    reference = Reference(question.answer, question.kind, question.answer_text)
    return compare(record.answer or "", reference).score


GOOD: Evidence = {
    "gain_low": 0.08,
    "judge_fell": False,
    "gap": 0.04,
    "writes": False,
    "sandboxed": False,
    "rollback_tried": True,
}
"""Evidence of a job with nothing against it."""

CASES: tuple[tuple[Evidence, str, str, str], ...] = (
    (GOOD, "launch", "nothing is against it", "let an empty list of blockers mean 'launch'"),
    (
        GOOD | {"gain_low": -0.01},
        "wait",
        "the gain's interval reaches below zero",
        "the gain may be nothing: look at gain_low, the lower end, not at the middle",
    ),
    (
        GOOD | {"judge_fell": True},
        "stop",
        "the second judge fell while the reward rose",
        "waiting does not fix a gamed grader: judge_fell means 'stop'",
    ),
    (
        GOOD | {"gap": 0.13},
        "wait",
        "training runs 0.13 ahead of validation",
        "a gap over 0.10 means that rows were memorised (lesson 06)",
    ),
    (
        GOOD | {"gap": 0.10},
        "launch",
        "the gap is 0.10 and not over it",
        "the rule of lesson 06 is *over* 0.10",
    ),
    (
        GOOD | {"writes": True},
        "wait",
        "its tools write, and not into a sandbox",
        "tools that write need a sandbox for each trace_id before anything explores with them",
    ),
    (
        GOOD | {"writes": True, "sandboxed": True},
        "launch",
        "its tools write into a sandbox",
        "writing is not a blocker if it is sandboxed",
    ),
    (
        GOOD | {"rollback_tried": False},
        "wait",
        "nobody has tried the way back",
        "a rollback that was never tried is a hope: look at rollback_tried",
    ),
    (
        GOOD | {"gain_low": -0.2, "judge_fell": True, "rollback_tried": False},
        "stop",
        "three things at once are against it",
        "collect every blocker, and let the gravest decide",
    ),
)
BLOCKERS: dict[str, Callable[[Evidence], bool]] = {
    "gain_low": lambda e: e["gain_low"] <= 0,
    "judge_fell": lambda e: e["judge_fell"],
    "gap": lambda e: e["gap"] > 0.10,
    "sandboxed": lambda e: e["writes"] and not e["sandboxed"],
    "rollback_tried": lambda e: not e["rollback_tried"],
}
"""When each line of the checklist fails, by the key it is named after."""


@exercise("7.2")
def exercise_7_2(review: Callable[[Evidence], Mapping[str, Any]]) -> Findings:
    """The review of nine sets of evidence, up to the first that it gets wrong."""
    shown = review(dict(GOOD))
    if not isinstance(shown, Mapping) or {"blockers", "decision"} - set(shown):
        yield wrong(
            f"it returns {type(shown).__name__} without `blockers` and `decision`",
            'return {"blockers": blockers, "decision": "launch"}, and so on',
        )
        return
    for evidence, decision, what, fix in CASES:
        said = review(dict(evidence))
        blockers = {name for name, fails in BLOCKERS.items() if fails(evidence)}
        named = {name for name in BLOCKERS if any(name in text for text in said["blockers"])}
        if said["decision"] != decision:
            yield wrong(f"where {what} it says {said['decision']!r}, not {decision!r}", fix)
            return
        if named != blockers:
            lacking = ", ".join(sorted(blockers - named)) or "none"
            extra = ", ".join(sorted(named - blockers)) or "none"
            yield wrong(
                f"where {what} its blockers lack {lacking} and have too many: {extra}",
                "one sentence a blocker, and the evidence's key in it: 'gap is 0.13, over 0.10'",
            )
            return
    yield right("it launches where nothing is against it, and only there")
    yield right("it names every blocker, each by its key")
    yield right("a gamed grader stops it, whatever else is fine")
