"""Answers to the exercises of lesson 00."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from statistics import fmean, pstdev
from typing import Any

import numpy as np
import pandas as pd

from rft_wire.records import Metrics, RolloutRecord

from . import Honest, Lesson, Nonsense

LESSON = Lesson({"0.1": "count_calls", "0.2": "advantages", "0.3": "prediction", "0.4": "advice"})

Trace = list[dict[str, Any]]
AFTER = [
    RolloutRecord(
        f"question {n}", 0, "sim", f"trace_{n}", reward=reward, metrics=Metrics(tool_calls=calls)
    )
    for n, (reward, calls) in enumerate([(1.0, 2), (0.0, 6), (0.5, 4)])
]
GIVEN = {"0.3": (AFTER,)}
"""A mean reward of 0.5 and 4 calls."""


def names(trace: Trace) -> list[str]:
    return [item["name"] for item in trace if item.get("type") == "function_call"]


def counted_anew(trace: Trace) -> dict[str, int]:
    counts: dict[str, int] = collections.defaultdict(int)
    for name in names(trace):
        counts[name] += 1
    return counts


def count_anything(trace: Trace) -> dict[str, int]:
    kinds = [item["type"] for item in trace if "type" in item]
    return dict(collections.Counter(kinds))


def count_outputs_too(trace: Trace) -> dict[str, int]:
    called = {item["call_id"]: item["name"] for item in trace if "name" in item}
    return dict(collections.Counter(called[i["call_id"]] for i in trace if "call_id" in i))


def remembering() -> Any:
    counts: dict[str, int] = {}

    def count(trace: Trace) -> dict[str, int]:
        for name in names(trace):
            counts[name] = counts.get(name, 0) + 1
        return dict(counts)

    return count


def grpo(epsilon: float) -> Any:
    def advantages(rewards: Sequence[float]) -> list[float]:
        return [(one - fmean(rewards)) / (pstdev(rewards) + epsilon) for one in rewards]

    return advantages


def sample_grpo(rewards: Sequence[float]) -> Any:
    group = np.array(rewards)
    return (group - group.mean()) / (group.std(ddof=1) + 1e-6)


def leave_one_out(rewards: Sequence[float]) -> list[float]:
    n, total = len(rewards), sum(rewards)
    return [one - (total - one) / (n - 1) for one in rewards]


def unless_equal(rewards: Sequence[float]) -> list[float]:
    if len(set(rewards)) == 1:
        return [0] * len(rewards)
    return list(grpo(0.0)(rewards))


def not_a_number(rewards: Sequence[float]) -> Any:
    group = np.array(rewards)
    with np.errstate(invalid="ignore"):
        return (group - group.mean()) / group.std()


TEAMS = LESSON.solution("0.4")
SPELLED = {
    "summaries": "Prompt",
    "handbook": "RAG",
    "triage": "supervised fine-tuning",
    "puzzles": "RFT",
    "contracts": "agent rft",
    "proofs": "Not yet",
}

HONEST: Honest = {
    "0.1": {
        "a counter": lambda trace: collections.Counter(names(trace)),
        "a defaultdict": counted_anew,
        "counts of all tools": lambda trace: {
            tool: names(trace).count(tool) for tool in ("search", "list", "cat")
        },
        "a comprehension": lambda trace: {name: names(trace).count(name) for name in names(trace)},
        "numpy's numbers": lambda trace: dict(
            zip(*np.unique(names(trace), return_counts=True), strict=True)
        ),
        "pandas": lambda trace: pd.Series(names(trace), dtype=object).value_counts(),
        "pairs": lambda trace: collections.Counter(names(trace)).most_common(),
    },
    "0.2": {
        "numpy": lambda rewards: np.array(rewards) - np.mean(rewards),
        "a tuple": lambda rewards: tuple(one - fmean(rewards) for one in rewards),
        "GRPO": grpo(1e-6),
        "GRPO with a larger epsilon": grpo(1e-4),
        "GRPO with the sample's deviation": sample_grpo,
        "GRPO with a case for equal rewards": unless_equal,
        "leave-one-out": leave_one_out,
        "another scale": lambda rewards: [10 * (one - fmean(rewards)) for one in rewards],
        "rounded": lambda rewards: [round(one - fmean(rewards), 4) for one in rewards],
    },
    "0.3": {
        "close": {"reward": 0.5, "tool calls": 4},
        "too high": {"reward": 0.9, "tool calls": 1},
        "too low": {"reward": 0.31, "tool calls": 6},
        "no change": {"reward": 0.29, "tool calls": 5.9},
        "the ends": {"reward": 1, "tool calls": 0},
        "numpy": {"reward": np.float32(0.4), "tool calls": np.int64(5)},
        "worse than before": {"reward": 0.0, "tool calls": 10.0},
        "with a reason": {"reward": 0.4, "tool calls": 5, "because": "ten steps are few"},
    },
    "0.4": {
        "spelled in another way": SPELLED,
        "base RFT for the labelled reports": TEAMS | {"triage": "base RFT"},
        "small letters": {team: method.lower() for team, method in TEAMS.items()},
        "with spaces": {team: f" {method} " for team, method in TEAMS.items()},
        "with hyphens": TEAMS | {"contracts": "Agent-RFT", "triage": "supervised"},
        "in another order": dict(reversed(list(TEAMS.items()))),
        "in long": TEAMS | {"handbook": "retrieval-augmented generation", "proofs": "none"},
    },
}

NONSENSE: Nonsense = {
    "0.1": {
        "kinds of items": (count_anything, "whose type is exactly"),
        "outputs too": (count_outputs_too, "and not their outputs"),
        "each name once": (lambda t: dict.fromkeys(names(t), 1), "but counts once"),
        "a number": (lambda t: len(names(t)), "returns 3, not a count for each name"),
        "a sentence": (lambda t: "search twice, cat once", "return a dictionary"),
        "no type": (lambda t: {item["type"]: 1 for item in t}, "it raised KeyError: 'type'"),
        "nothing": (lambda t: {}, "it finds no calls"),
        "remembers": (remembering(), "start with an empty dictionary"),
        "always the same": (lambda t: {"search": 2, "cat": 1}, "a trace without calls"),
    },
    "0.2": {
        "the mean": (fmean, "return one number for each reward"),
        "the rewards": (list, "these are the rewards themselves"),
        "reversed": (lambda r: [fmean(r) - one for one in r], "the signs are reversed"),
        "from the best": (lambda r: [one - max(r) for one in r], "it measures from the best"),
        "too few": (lambda r: [one - fmean(r) for one in r[1:]], "return one number for each"),
        "from the median": (lambda r: [one - sorted(r)[len(r) // 2] for one in r], "they sum to"),
        "signs": (lambda r: [1.0 if one > fmean(r) else -1.0 for one in r], "do not grow with"),
        "text": (lambda r: "0.625", "return one number for each reward"),
        "zeros": (lambda r: [0.0 for _ in r], "do not grow with"),
        "not a number": (not_a_number, "add a small number such as 1e-6"),
        "divides by zero": (grpo(0.0), "it divides by zero"),
    },
    "0.3": {
        "a percentage": ({"reward": 45, "tool calls": 4}, "write 0.45 for 45%"),
        "below zero": ({"reward": -0.2, "tool calls": 4}, "-0.2 is not possible"),
        "too many calls": ({"reward": 0.4, "tool calls": 300}, "a number from 0 to 12"),
        "words": ({"reward": "better", "tool calls": 4}, "'better' is not a number"),
        "one left out": ({"reward": 0.4}, 'it has no "tool calls"'),
        "another key": ({"reward": 0.4, "tool_calls": 5}, 'use the keys "reward" and "tool calls"'),
        "text": ({"reward": "0.4", "tool calls": 5}, "'0.4' is not a number"),
        "a list": ([0.4, 5], "a dictionary"),
        "a number": (0.4, "a dictionary"),
        "not a number": ({"reward": float("nan"), "tool calls": 4}, "nan is not a number"),
        "yes": ({"reward": True, "tool calls": 4}, "True is not a number"),
    },
    "0.4": {
        "more than needed": (
            TEAMS | {"summaries": "Agent RFT"},
            "no prompt has asked for a length",
        ),
        "no tools": (TEAMS | {"contracts": "base RFT"}, "it trains one reply without tools"),
        "hope": (TEAMS | {"proofs": "Agent RFT"}, "every advantage is 0"),
        "yesterday's pages": (TEAMS | {"handbook": "SFT"}, "do not know the pages of Friday"),
        "a plateau": (TEAMS | {"triage": "prompting"}, "have reached a plateau"),
        "nothing to imitate": (TEAMS | {"puzzles": "SFT"}, "nobody has solutions to imitate"),
        "no such method": (TEAMS | {"triage": "pray"}, "'pray' is not one of the six"),
        "one left out": ({"triage": "SFT"}, "contracts: no advice yet"),
        "a list": (list(TEAMS.values()), "a dictionary such as"),
        "a number": (TEAMS | {"triage": 3}, "3 is not one of the six"),
        "all the same": (dict.fromkeys(TEAMS, "Agent RFT"), "no tool is needed on the way"),
    },
}
