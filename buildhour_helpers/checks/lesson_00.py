"""Checks of lesson 00: counting calls, advantages, a prediction, and which method to use."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, pstdev, stdev
from typing import Any

from buildhour_helpers.analysis.summaries import summarise
from buildhour_helpers.checks.verdict import Finding, Findings, exercise, number_of, right, wrong
from rft_wire.records import RolloutRecord

HINTS = {
    "0.1": (
        "Look at the `type` of each item. Which value says that the model called a tool? The "
        "first item, the question, has no `type` at all.",
        "Go through the trace. For each item whose `type` is `function_call`, add 1 to the count "
        "of its `name`.",
        'if item.get("type") == "function_call": counts[item["name"]] = '
        'counts.get(item["name"], 0) + 1',
    ),
    "0.2": (
        "Suppose you know nothing but this group. Which reward would you expect of one rollout? "
        "An advantage says how much better or worse it did.",
        "Compute the mean of the group, and subtract it from each reward.",
        "mean = sum(rewards) / len(rewards); return [reward - mean for reward in rewards]",
    ),
    "0.3": (
        "There is no wrong prediction. Look at the numbers before training, and decide whether "
        "a job of ten steps moves them a little or a lot.",
        "A reward is between 0 and 1, and it starts near 0.3. An agent can make ten calls, and "
        "it starts near six.",
        'prediction = {"reward": 0.4, "tool calls": 5}, with your own numbers',
    ),
    "0.4": (
        "Ask three questions about each team. Has a prompt been tried? Does the model lack facts, "
        "or skill? Do attempts at the same case differ at all?",
        "Changing facts need retrieval. Examples of right answers allow SFT. A grader without "
        "examples allows RFT, and it is Agent RFT where the model must use tools on the way. "
        "Without any success there is no signal for training.",
        "One team has not tried a prompt. One lacks facts that change every week. One has "
        "thousands of labels. Two have a grader and a mix of right and wrong attempts, and only "
        "one of those two uses tools. One team has never seen a success.",
    ),
}

Trace = list[dict[str, Any]]

TRACE: Trace = [
    {"role": "user", "content": "What were the revenues in 2012?"},
    {"type": "reasoning", "summary": []},
    {"type": "function_call", "name": "search", "arguments": "{}", "call_id": "a"},
    {"type": "function_call", "name": "search", "arguments": "{}", "call_id": "b"},
    {"type": "function_call_output", "call_id": "a", "output": "Error: the query is empty"},
    {"type": "function_call_output", "call_id": "b", "output": "Error: the query is empty"},
    {"type": "function_call", "name": "cat", "arguments": "{}", "call_id": "c"},
    {"type": "function_call_output", "call_id": "c", "output": "the page"},
    {"type": "message", "content": [{"type": "output_text", "text": "12.5"}]},
]
CALLS = {"search": 2, "cat": 1}


@exercise("0.1")
def exercise_0_1(count_calls: Callable[[Trace], object]) -> Findings:
    """How often each tool was called in a trace."""
    found = count_calls([dict(item) for item in TRACE])
    if isinstance(found, Iterable) and not isinstance(found, str | Mapping):
        found = _from_pairs(found)
    if not isinstance(found, Mapping):
        yield wrong(
            f"it returns {found!r}, not a count for each name",
            'return a dictionary such as {"search": 2, "cat": 1}',
        )
        return
    counts = {name: count for name, count in found.items() if count != 0}
    if counts == CALLS:
        yield right("two calls of search and one of cat, as in the check's trace")
    elif set(counts) == {None} or not counts:
        yield wrong("it finds no calls", 'items of type "function_call" have a "name"')
    elif counts == dict.fromkeys(CALLS, 1):
        yield wrong(
            "search was called twice in one turn, but counts once",
            "add 1 for each call, also when two calls come in the same turn",
        )
    else:
        yield wrong(
            f"it counts {counts}; the trace has {CALLS}",
            'count items whose type is exactly "function_call", and not their outputs',
        )
        return
    again = count_calls([dict(item) for item in TRACE[:1]])
    if any(_from_pairs(again).values()):
        yield wrong(
            f"for a trace without calls it returns {again}",
            "start with an empty dictionary each time the function is called",
        )
    else:
        yield right("a trace without calls gives no counts")


def _from_pairs(found: object) -> Mapping[Any, Any]:
    """A mapping, or pairs of names and counts such as `Counter.most_common` gives, as one."""
    try:
        return dict(found)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        return {}


GROUPS = ([1.0, 0.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0], [1.0, 0.0])
KINDS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "reward minus the mean of the group, as this service computes it": lambda _: 1.0,
    "GRPO's advantages: divided by the standard deviation": lambda rewards: 1 / pstdev(rewards),
    "GRPO's advantages: divided by the sample's standard deviation": lambda rewards: (
        1 / stdev(rewards)
    ),
    "leave-one-out: minus the mean of the other rollouts": lambda rewards: (
        len(rewards) / (len(rewards) - 1)
    ),
}
"""Kinds of advantages -> by what `reward - mean` is multiplied."""
EPSILON = 1e-3  # relative; a small number in a divisor causes less


@exercise("0.2")
def exercise_0_2(advantages: Callable[[list[float]], Sequence[float]]) -> Findings:
    """Advantages within a group: centred on its mean, on whatever scale."""
    given = []
    for rewards in GROUPS:
        found = _numbers_of(advantages(list(rewards)))
        if found is None or len(found) != len(rewards):
            yield wrong(
                f"for the {len(rewards)} rewards {rewards} it returns {found}",
                "return one number for each reward, in the same order",
            )
            return
        given.append(found)
    for rewards, found in zip(GROUPS, given, strict=True):
        if not _is_centred(rewards, found):
            what, fix = _diagnosis(rewards, found)
            yield wrong(f"for {rewards} it gives {_rounded(found)}: {what}", fix)
            return
    yield right("positive for better attempts than the group's mean, negative for worse ones")
    yield right(next((kind for kind in KINDS if _is_of_kind(kind, given)), SCALED))
    yield _of_equal_rewards(advantages)


def _of_equal_rewards(advantages: Callable[[list[float]], Sequence[float]]) -> Finding:
    fix = "if you divide by the standard deviation, add a small number such as 1e-6 to it"
    try:
        equal = _numbers_of(advantages([0.5, 0.5, 0.5]))
    except ZeroDivisionError:
        return wrong("for three equal rewards it divides by zero", fix)
    if equal is not None and len(equal) == 3 and _all_close(equal, [0.0] * 3):
        return right("three equal rewards give zeros: a zero-variance group teaches nothing")
    return wrong(f"three equal rewards give {equal}, not zeros", fix)


SCALED = "reward minus the mean on another scale: the same direction, another step size"


def _centred(rewards: Sequence[float], scale: float = 1.0) -> list[float]:
    return [scale * (reward - fmean(rewards)) for reward in rewards]


def _is_centred(rewards: Sequence[float], found: Sequence[float]) -> bool:
    """Whether they are `reward - mean` times some positive number."""
    scale = (max(found) - min(found)) / (max(rewards) - min(rewards))
    return scale > 0 and _all_close(found, _centred(rewards, scale))


def _is_of_kind(kind: str, given: Sequence[Sequence[float]]) -> bool:
    return all(
        _all_close(found, _centred(rewards, KINDS[kind](rewards)))
        for rewards, found in zip(GROUPS, given, strict=True)
    )


def _diagnosis(rewards: Sequence[float], found: Sequence[float]) -> tuple[str, str]:
    """What is wrong with these advantages, and the fix."""
    if _is_centred(rewards, [-one for one in found]):
        return "the signs are reversed", "the best attempt gets the highest: reward - mean"
    if _all_close(found, rewards):
        return "these are the rewards themselves", "subtract the mean of the group from each"
    if _all_close(found, [reward - max(rewards) for reward in rewards]):
        return "it measures from the best reward, so nothing is above zero", "use the mean"
    fix = "subtract the mean of the group from each reward"
    if abs(sum(found)) > EPSILON:
        return f"they sum to {sum(found):.3f}, not to 0", fix
    return "they sum to 0, but do not grow with the distance from the mean", fix


def _numbers_of(returned: object) -> list[float] | None:
    try:
        return [float(one) for one in returned]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return None


def _all_close(found: Sequence[float], expected: Sequence[float]) -> bool:
    pairs = zip(found, expected, strict=True)
    return all(math.isclose(one, other, rel_tol=EPSILON, abs_tol=1e-6) for one, other in pairs)


def _rounded(numbers: Sequence[float]) -> list[float]:
    return [round(number, 3) for number in numbers]


Records = Sequence[RolloutRecord]
ASKED = {"reward": (0.0, 1.0, "from 0 to 1"), "tool calls": (0.0, 12.0, "from 0 to 12")}
"""What is predicted: name -> lowest, highest, in words."""


@exercise("0.3")
def exercise_0_3(prediction: object, after: Records) -> Findings:
    """A prediction of the trained agent, beside what was measured. Each possible one passes."""
    if not isinstance(prediction, Mapping):
        yield wrong(f"it is {prediction!r}", 'a dictionary: {"reward": 0.4, "tool calls": 5}')
        return
    measures = summarise(after).measures
    measured = {"reward": measures["reward"].value, "tool calls": measures["tool_calls"].value}
    for name, (low, high, words) in ASKED.items():
        guess = number_of(prediction.get(name))
        if name not in prediction:
            yield wrong(f'it has no "{name}"', 'use the keys "reward" and "tool calls"')
        elif guess is None:
            yield wrong(f"{name}: {prediction[name]!r} is not a number", f"a number {words}")
        elif not low <= guess <= high:
            percent = name == "reward" and 1 < guess <= 100
            fix = f"write {guess / 100:g} for {guess:g}%" if percent else f"a number {words}"
            yield wrong(f"{name}: {guess:g} is not possible", fix)
        else:
            yield right(f"{name}: {_compared(guess, measured[name], high)}")


CLOSE = 0.05  # of the range of what was predicted


def _compared(guess: float, measured: float, high: float) -> str:
    """A prediction beside the measurement, in words."""
    told = f"you predicted {guess:.2f}, measured is {measured:.2f}"
    if abs(guess - measured) <= CLOSE * high:
        return f"{told}, so you were close"
    return f"{told}, {abs(guess - measured):.2f} {'lower' if guess > measured else 'higher'}"


METHODS = {
    "prompting": r"(better |new )?prompt(s|ing)?|prompt engineering",
    "retrieval": r"retrieval|rag|retrieval[- ]augmented generation|search",
    "SFT": r"sft|supervised( fine[- ]?tuning)?",
    "base RFT": r"(base )?rft",
    "Agent RFT": r"agent[- ]?rft",
    "not yet": r"not yet|none|nothing( yet)?",
}
"""The methods, and other ways to write them."""


NO_TOOLS = "no tool is needed on the way, so one reply is all there is to train"
ADVICE: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "summaries": (
        {"prompting": "a sentence about length costs a minute to try"},
        {
            "retrieval": "no fact is missing: every summary is correct",
            "SFT": "a training job, and no prompt has asked for a length yet",
            "base RFT": "a training job, and no prompt has asked for a length yet",
            "Agent RFT": "a training job with tools, and no prompt has asked for a length yet",
            "not yet": "a sentence in the prompt can be tried now",
        },
    ),
    "handbook": (
        {"retrieval": "it puts today's page into the context"},
        {
            "prompting": "9,000 pages do not fit into a prompt",
            "SFT": "weights trained on Monday do not know the pages of Friday",
            "base RFT": "weights trained on Monday do not know the pages of Friday",
            "Agent RFT": "first give the agent a search; train only if it then uses it badly",
            "not yet": "the pages are there to be searched today",
        },
    ),
    "triage": (
        {
            "SFT": "5,000 labels show the right output for each input",
            "base RFT": "exact match is a grader; with so many labels, SFT is cheaper to try first",
        },
        {
            "prompting": "weeks of prompt work have reached a plateau",
            "retrieval": "no fact is missing: the code follows from the report",
            "Agent RFT": NO_TOOLS,
            "not yet": "5,000 labels are enough to train on",
        },
    ),
    "puzzles": (
        {"base RFT": "a grader, no worked solutions, and attempts that differ"},
        {
            "prompting": "prompts have reached a plateau",
            "retrieval": "no fact is missing: all of it is in the puzzle",
            "SFT": "nobody has solutions to imitate",
            "Agent RFT": NO_TOOLS,
            "not yet": "4 of 10 attempts are right, so there are differences to learn from",
        },
    ),
    "contracts": (
        {"Agent RFT": "the skill is in the calls on the way, and attempts differ"},
        {
            "prompting": "prompts no longer help",
            "retrieval": "the agent has three search tools; the trouble is how it uses them",
            "SFT": "nobody has recorded the right calls to imitate",
            "base RFT": "it trains one reply without tools; here the calls matter",
            "not yet": "half of the attempts succeed: that is where training learns most",
        },
    ),
    "proofs": (
        {"not yet": "without any success there is nothing to reinforce"},
        {
            "prompting": "it may help, but first find out why every attempt fails",
            "retrieval": "it may help, but first find out why every attempt fails",
            "SFT": "there is no correct proof to imitate",
            "base RFT": "every reward is 0, so every advantage is 0",
            "Agent RFT": "every reward is 0, so every advantage is 0, with or without tools",
        },
    ),
}
"""Team -> methods that are good advice and why, and the others and why not."""
ASK_YOURSELF = {
    "summaries": "ask what nobody has told the model yet",
    "handbook": "ask whether the model lacks skill, or today's pages",
    "triage": "ask what you can do with 5,000 right answers",
    "puzzles": "look for the method that needs a grader, but no solutions and no tools",
    "contracts": "look for the method that trains what happens between question and answer",
    "proofs": "ask what training can reinforce if no attempt succeeds",
}


@exercise("0.4")
def exercise_0_4(advice: object) -> Findings:
    """The cheapest method that can help each team."""
    if not isinstance(advice, Mapping):
        yield wrong(f"it is {advice!r}", 'a dictionary such as {"summaries": "SFT", ...}')
        return
    for team, (good, others) in ADVICE.items():
        method = _method(advice.get(team))
        if method is None:
            said = f"{advice[team]!r} is not one of the six" if team in advice else "no advice yet"
            yield wrong(f"{team}: {said}", ", ".join(METHODS))
        elif method in good:
            yield right(f"{team}: {method}: {good[method]}")
        else:
            yield wrong(f"{team}: {method}? {others[method]}", ASK_YOURSELF[team])


def _method(said: object) -> str | None:
    """The method that a learner named, in whatever spelling."""
    text = said.strip() if isinstance(said, str) else ""
    return next(
        (name for name, spelling in METHODS.items() if re.fullmatch(spelling, text, re.IGNORECASE)),
        None,
    )
