"""Lesson 00's checks: the solution, the stub, and answers that are wrong in ways of their own."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from authoring.course.source import solution_of, stub_of
from buildhour_helpers import checks


def names_of(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code, names)
    return names


def count_outputs(trace: list[dict[str, Any]]) -> dict[str, int]:
    kinds = [i["name"] for i in trace if str(i.get("type")).startswith("function_call_output")]
    return {kind: kinds.count(kind) for kind in kinds}


def count_anything_named(trace: list[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for item in trace:
        if "function_call" in item.get("type", ""):
            counts[item.get("name", "output")] = counts.get(item.get("name", "output"), 0) + 1
    return counts


def called_at_all(trace: list[dict[str, Any]]) -> dict[str, int]:
    return {item["name"]: 1 for item in trace if item.get("type") == "function_call"}


def how_many(trace: list[dict[str, Any]]) -> int:
    return sum(item.get("type") == "function_call" for item in trace)


def with_zeros(trace: list[dict[str, Any]]) -> dict[str, int]:
    names = [item.get("name") for item in trace if item.get("type") == "function_call"]
    return {tool: names.count(tool) for tool in ("search", "list", "cat")}


def by_missing_key(trace: list[dict[str, Any]]) -> dict[str, int]:
    return {item["type"]: 1 for item in trace}


class Remembering:
    """Counts into one dictionary for ever, as a mutable default would."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def __call__(self, trace: list[dict[str, Any]]) -> dict[str, int]:
        for item in trace:
            if item.get("type") == "function_call":
                self.counts[item["name"]] = self.counts.get(item["name"], 0) + 1
        return self.counts


def mean_of(rewards: list[float]) -> float:
    return sum(rewards) / len(rewards)


def by_spread(rewards: list[float]) -> list[float]:
    spread = (sum((one - mean_of(rewards)) ** 2 for one in rewards) / len(rewards)) ** 0.5
    return [(one - mean_of(rewards)) / spread for one in rewards]


RIGHT = {"triage": "base RFT", "contracts": "Agent RFT", "summaries": "prompt", "proofs": "not yet"}

WRONG: dict[str, dict[str, tuple[Any, str]]] = {
    "0.1": {
        "outputs have no name": (count_outputs, "it raised KeyError: 'name'"),
        "outputs are counted too": (count_anything_named, "and not their outputs"),
        "a call is counted once": (called_at_all, "called twice in a row, and counts once"),
        "a number": (how_many, "returns 3, not a count for each name"),
        "zeros": (with_zeros, "leave out what was not called"),
        "the question has no type": (by_missing_key, "it raised KeyError: 'type'"),
        "nothing": (lambda trace: {}, "it finds no call by its name"),
        "for ever": (Remembering(), "begin with an empty dictionary"),
    },
    "0.2": {
        "the mean": (mean_of, "returns 0.375; a list"),
        "the rewards": (list, "they sum to 1.500, not to 0"),
        "turned round": (lambda r: [mean_of(r) - one for one in r], "the signs are turned round"),
        "from the best": (lambda r: [one - max(r) for one in r], "it measures from the best"),
        "by the spread": (by_spread, "on another scale"),
        "too few": (lambda r: [one - mean_of(r) for one in r[1:]], "a list of four numbers"),
        "from the median": (lambda r: [one - 0.25 for one in r], "subtract the mean of the group"),
    },
    "0.3": {
        "more than needed": (RIGHT | {"summaries": "Agent RFT"}, "nobody has yet asked for"),
        "less than needed": (RIGHT | {"contracts": "base RFT"}, "base RFT trains one reply"),
        "hope": (RIGHT | {"proofs": "Agent RFT"}, "every advantage is 0"),
        "words for ever": (RIGHT | {"triage": "prompt"}, "have reached their plateau"),
        "no such lever": (RIGHT | {"triage": "SFT"}, "'SFT' is none of the four"),
        "one left out": ({"triage": "base RFT"}, "contracts: None is none of the four"),
        "a list": (list(RIGHT.values()), "a dictionary such as"),
    },
}
ANSWER = {"0.1": "count_calls", "0.2": "advantages", "0.3": "advice"}


def verdict(number: str, answer: object, capsys: pytest.CaptureFixture[str]) -> str:
    """What the check says, on one line."""
    getattr(checks, f"exercise_{number.replace('.', '_')}")(answer)
    return " ".join(capsys.readouterr().out.replace("try: ", "").split())


@pytest.mark.parametrize("number", WRONG)
def test_the_solution_is_right(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = names_of(solution_of(number))[ANSWER[number]]
    said = verdict(number, answer, capsys)
    assert said.startswith(f"Exercise {number}: right ")
    assert "✗" not in said


@pytest.mark.parametrize("number", WRONG)
def test_the_stub_is_not_started(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    with contextlib.suppress(NotImplementedError):
        exec(stub_of(number), names)
    assert "not started" in verdict(number, names[ANSWER[number]], capsys)


@pytest.mark.parametrize(
    ("number", "name"), [(number, name) for number, cases in WRONG.items() for name in cases]
)
def test_a_wrong_answer_is_told_what_is_wrong(
    number: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer, words = WRONG[number][name]
    said = verdict(number, answer, capsys)
    assert "not yet" in said
    assert words.replace("; ", " ") in said.replace("; ", " "), said


@pytest.mark.parametrize("number", WRONG)
def test_wrong_answers_are_told_apart(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = [verdict(number, answer, capsys) for answer, _ in WRONG[number].values()]
    assert len(set(said)) == len(said)


def test_another_way_to_be_right(capsys: pytest.CaptureFixture[str]) -> None:
    import collections

    import numpy as np

    def counted(trace: list[dict[str, Any]]) -> collections.Counter[str]:
        return collections.Counter(i["name"] for i in trace if i.get("type") == "function_call")

    assert ": right" in verdict("0.1", counted, capsys)
    assert ": right" in verdict("0.2", lambda r: np.array(r) - np.mean(r), capsys)
