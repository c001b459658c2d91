"""Lesson 09: a prediction, the diagnosis of two steps, and the capstone's plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from buildhour_helpers import capstone
from buildhour_helpers.capstone import Plan
from buildhour_helpers.checks.lesson_09 import step

from . import Honest, Lesson, Nonsense

LESSON = Lesson(
    names={"9.1": "prediction", "9.2": "diagnose", "9.3": "plan"}, above={"capstone": capstone}
)


def run() -> list[dict[str, Any]]:
    """A short run: the reward rises, entropy and failed calls fall, the length stays."""
    return [
        step(40.0, 0.2, entropy=1.0, errors=9),
        step(52.0, 0.6, entropy=0.5, errors=4),
        step(41.0, 1.0, entropy=None),
    ]


GIVEN = {"9.1": (run(),)}


def predicted(*words: Any) -> dict[str, Any]:
    return dict(zip(("reward", "entropy", "failed calls", "tokens"), words, strict=True))


SIGNATURE = "diagnose(first, last)"
PARTS = """
update, found = last["update"] or {}, []
before = (first["update"] or {}).get("entropy", 0)
calls = last["tool_calls_per_rollout"] * sum(last["stop_reasons"]["train"].values())
if update.get("extended_turns", 0) != update.get("later_turns", 0): found.append("retokenized")
if update.get("logprob_gap", 0.0) > 0.02: found.append("off-policy")
if update and update["entropy"] < 0.2 * before and last["train_mean_reward"] < 0.9:
    found.append("collapse")
if last["completion_tokens_mean"] > 1.5 * first["completion_tokens_mean"]: found.append("longer")
if last["tool_errors"] / max(1, calls) > 0.25: found.append("format")
"""


def parts(old: str, new: str, end: str = "return found") -> Callable[..., Any]:
    assert PARTS.count(old) == 1 or not old
    code = PARTS.replace(old, new) if old else PARTS
    answer: Callable[..., Any] = LESSON.body("9.2", SIGNATURE, code + end)
    return answer


def rows(pool: Sequence[Any], validation: Sequence[Any]) -> list[Any]:
    """The clean rows, one of each reference."""
    by_reference = {row["reference_answer"]: row for row in pool if row in GOOD}
    return list(by_reference.values())


GOOD = capstone.candidates().clean
SETTINGS = {"n_epochs": 3, "batch_size": 7, "compute_multiplier": 0.5, "eval_interval": 4}


def exact(sample: Mapping[str, Any], item: Mapping[str, Any]) -> float:
    return float((sample["output_text"] or "").strip() == item["reference_answer"])


def lenient(sample: Mapping[str, Any], item: Mapping[str, Any]) -> float:
    said = (sample.get("output_text") or "").strip(" .'\"").upper()
    return 1 if said == item["reference_answer"].upper() else 0


def partial(sample: Mapping[str, Any], item: Mapping[str, Any]) -> Any:
    """A little for a short sentence that holds this serial and no other."""
    words = (sample["output_text"] or "").replace(".", " ").split()
    serials = [word for word in words if word.startswith("SN-")]
    if serials != [item["reference_answer"]]:
        return np.float64(0.0)
    return np.float64(1.0 if len(words) == 1 else 0.4)


def contains(sample: Mapping[str, Any], item: Mapping[str, Any]) -> float:
    return float(item["reference_answer"] in (sample["output_text"] or ""))


def contained(sample: Mapping[str, Any], item: Mapping[str, Any]) -> float:
    return float((sample["output_text"] or "") in item["reference_answer"])


def fragile(sample: Mapping[str, Any], item: Mapping[str, Any]) -> float:
    return float(sample["output_text"].strip() == item["reference_answer"])


def best(checkpoints: Sequence[Any]) -> Any:
    return max(checkpoints, key=lambda one: one.valid_reward_mean or 0)


def plan(**other: Any) -> Plan:
    parts = {"choose_rows": rows, "grade": exact, "settings": SETTINGS, "pick": best} | other
    return Plan(**parts)


def with_fault(fault: str) -> Plan:
    """A plan that keeps one kind of trap."""
    traps = capstone.candidates().traps[fault]
    return plan(choose_rows=lambda pool, _: [*rows(pool, _), *(r for r in pool if r in traps)])


HONEST: Honest = {
    "9.1": {
        "what happened": predicted("up", "down", "down", "same"),
        "all wrong": predicted("down", "up", "up", "down"),
        "capitals and blanks": predicted("Up", " DOWN", "down ", "same"),
        "no change expected": predicted("same", "same", "same", "same"),
        "the length grows": predicted("up", "down", "down", "up"),
        "in another order": dict(reversed(predicted("up", "same", "up", "down").items())),
    },
    "9.2": {
        "a list": parts("", ""),
        "a tuple": parts("", "", "return tuple(found)"),
        "a frozen set": parts("", "", "return frozenset(found)"),
        "a dictionary's keys": parts("", "", "return dict.fromkeys(found).keys()"),
        "numpy numbers": parts(
            'last["tool_errors"] / max(1, calls)',
            '__import__("numpy").float64(last["tool_errors"]) / max(1, calls)',
        ),
        "at the limit or above": parts("> 1.5 *", ">= 1.5 *"),
        "a loop over rules": LESSON.body(
            "9.2",
            SIGNATURE,
            """
            b, u = first["update"] or {}, last["update"] or {}
            n = sum(last["stop_reasons"]["train"].values()) * last["tool_calls_per_rollout"]
            sure = u.get("entropy", 9e9) * 5 < b.get("entropy", 0)
            rules = {
                "retokenized": u.get("extended_turns", 0) < u.get("later_turns", 0),
                "off-policy": u.get("logprob_gap", 0) > 0.02,
                "collapse": sure and last["train_mean_reward"] < 0.9,
                "longer": last["completion_tokens_mean"] > first["completion_tokens_mean"] * 1.5,
                "format": last["tool_errors"] > n * 0.25,
            }
            return {name for name, holds in rules.items() if holds}
            """,
        ),
    },
    "9.3": {
        "a lenient comparison": plan(grade=lenient),
        "partial credit for a sentence": plan(grade=partial),
        "the model's name, and fewer rows": plan(
            choose_rows=lambda pool, _: rows(pool, _)[:20],
            settings=SETTINGS | {"n_epochs": 4, "batch_size": 5, "eval_interval": 8},
            pick=lambda kept: best(kept).model,
        ),
        "whole groups": plan(
            settings={"n_epochs": 2, "batch_size": 4, "compute_multiplier": 0.75},
            choose_rows=lambda pool, _: tuple(rows(pool, _)[:24]),
        ),
        "a higher rate": plan(settings=SETTINGS | {"learning_rate_multiplier": 1.5}),
        "the last of the validated": plan(pick=lambda kept: kept[-1]),
    },
}

NONSENSE: Nonsense = {
    "9.1": {
        "a sentence": ("it gets better", "prediction is a str"),
        "a list": (["up"] * 4, "prediction is a list"),
        "one thing only": ({"reward": "up"}, "says nothing about entropy, failed calls, tokens"),
        "numbers": (predicted(1.0, 0.1, 0.2, 45), "reward: 1.0 is not one of up, down, same"),
        "two words of the learner's own": (
            predicted("up", "lower", "down", "shorter"),
            "tokens: 'shorter' is not one of",
        ),
        "a vague word": (
            predicted("up", "maybe", "down", "same"),
            "entropy: 'maybe' is not one of",
        ),
        "another measure": (
            predicted("up", "down", "down", "same") | {"loss": "down"},
            "loss: this is not measured here",
        ),
        "empty": ({}, "says nothing about reward, entropy"),
    },
    "9.2": {
        "always nothing": (lambda first, last: set(), "it says nothing, not retokenized"),
        "everything always": (
            lambda first, last: {"retokenized", "off-policy", "collapse", "longer", "format"},
            "a healthy step: it says collapse",
        ),
        "a text": (lambda first, last: "ok", "it returns 'ok', not a set of names"),
        "a number": (lambda first, last: 3, "it returns 3, not a set of names"),
        "the first trouble only": (parts("", "", "return found[:1]"), "four troubles at once"),
        "without the reward": (
            parts(' and last["train_mean_reward"] < 0.9', ""),
            "a model that is sure and right has not collapsed",
        ),
        "without steps that have no update": (
            parts('last["update"] or {}', 'last["update"]'),
            "it raised AttributeError",
        ),
        "errors as a share": (
            parts('last["tool_errors"] / max(1, calls) > 0.25', 'last["tool_errors"] > 0.25'),
            "it says format, not nothing",
        ),
    },
    "9.3": {
        "no plan": (SETTINGS, "plan is a dict"),
        "rows only, with traps": (Plan(lambda pool, _: pool), "rows: no ship named"),
        "rows only": (Plan(rows), "grade is missing"),
        "rows that break": (
            plan(choose_rows=lambda pool: pool),
            "choose_rows: it raised TypeError",
        ),
        "two faults at once": (
            plan(choose_rows=lambda pool, _: pool, grade=contains),
            "both serials gets 1",
        ),
        "the whole pool": (plan(choose_rows=lambda pool, _: pool), "rows: no ship named"),
        "questions of validation": (
            with_fault("asked in validation"),
            "compare reference answers, not wordings",
        ),
        "answers in the question": (
            with_fault("answer in the question"),
            "holds its own reference answer",
        ),
        "references that are not there": (with_fault("not in the log"), "rows: not in the log"),
        "the same question twice": (with_fault("asked twice"), "keep the first row of each"),
        "a handful of rows": (
            plan(choose_rows=lambda pool, _: rows(pool, _)[:10]),
            "10 rows are left of 28 good ones",
        ),
        "invented rows": (
            plan(choose_rows=lambda pool, _: [replace_answer(r) for r in rows(pool, _)]),
            "rows are not in the pool",
        ),
        "a grader that looks for the serial": (plan(grade=contains), "both serials gets 1"),
        "a grader the other way round": (plan(grade=contained), "no answer gets 1"),
        "a grader that always pays": (plan(grade=lambda sample, item: 1), "a refusal gets 1"),
        "a grader that never pays": (plan(grade=lambda sample, item: 0), "gets 0"),
        "a grader that breaks": (plan(grade=fragile), "it raised AttributeError"),
        "a budget that is broken": (
            plan(settings={"n_epochs": 20, "batch_size": 4}),
            "it was not launched",
        ),
        "settings that are words": (
            plan(settings=SETTINGS | {"n_epochs": "many"}),
            "cannot be read",
        ),
        "two updates": (plan(settings={}), "smaller batches make more updates"),
        "a checkpoint of another job": (
            plan(settings={"batch_size": 28, "eval_interval": 1}, pick=lambda kept: "ft:other"),
            "is not a checkpoint of this job",
        ),
    },
}


def replace_answer(row: Any) -> Any:
    return row | {"reference_answer": "SN-1"}
