"""Checks of lesson 00: counting calls, advantages, and which lever to pull."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from buildhour_helpers.checks.verdict import Findings, exercise, is_close, right, wrong

HINTS = {
    "0.1": (
        "Go through the items. Which value of an item's `type` says that the model called a tool? "
        "The first item, the question, has no `type` at all.",
        "Keep a dictionary of counts, and add 1 for each item that is a call.",
        'For each item with item.get("type") == "function_call", add 1 to the count under '
        'item["name"]. counts.get(name, 0) is 0 for a name not seen yet.',
    ),
    "0.2": (
        "What would you have expected of a rollout of this group, had you known nothing but the "
        "group? Subtract that.",
        "Subtract the mean of the group from each reward.",
        "mean = sum(rewards) / len(rewards); then a list of reward - mean, one for each reward.",
    ),
    "0.3": (
        "Ask of each team, in this order: do attempts differ at all? Has a prompt been tried? "
        "Does it need tools on the way?",
        "Sort out the team whose attempts never differ, then the one with an untried prompt.",
        "One wants only words that nobody has tried; one has no attempt to learn from; of the two "
        "that are left, one calls tools and one does not.",
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
    if not isinstance(found, Mapping):
        yield wrong(
            f"it returns {found!r}, not a count for each name",
            'a dictionary such as {"search": 2, "cat": 1}',
        )
        return
    counts = dict(found)
    if counts == CALLS:
        yield right("two searches and one cat, as the made-up trace has them")
    elif set(counts) == {None} or not counts:
        yield wrong("it finds no call by its name", 'items with type "function_call" have a "name"')
    elif counts == dict.fromkeys(CALLS, 1):
        yield wrong(
            "search was called twice in a row, and counts once",
            "add 1 for each call, also when two calls come in one turn",
        )
    elif counts.get("list") == 0:
        yield wrong("list was never called, and has a count of 0", "leave out what was not called")
    else:
        yield wrong(
            f"it counts {counts}; there were {CALLS}",
            'count items whose type is exactly "function_call", and not their outputs',
        )
        return
    again = count_calls([dict(item) for item in TRACE[:1]])
    if again:
        yield wrong(
            f"of a trace without any call it makes {again}",
            "begin with an empty dictionary in each call of the function",
        )
    else:
        yield right("a trace without calls gives an empty dictionary")


@exercise("0.2")
def exercise_0_2(advantages: Callable[[list[float]], Sequence[float]]) -> Findings:
    """Rewards minus the mean of their group."""
    rewards = [1.0, 0.0, 0.5, 0.0]
    expected = [0.625, -0.375, 0.125, -0.375]
    returned = advantages(list(rewards))
    try:
        found = [float(advantage) for advantage in returned]
    except (TypeError, ValueError):
        found = []
    if len(found) != len(rewards):
        yield wrong(f"for four rewards it returns {returned!r}", "a list of four numbers")
        return
    if _close(found, expected):
        yield right("each advantage is its reward less the mean of the group")
    elif _close(found, [-one for one in expected]):
        yield wrong(
            "the signs are reversed: the best attempt has the lowest advantage", "reward - mean"
        )
        return
    elif _close(found, [one - max(rewards) for one in rewards]):
        yield wrong(
            "it measures from the best reward, so that no attempt is better than usual",
            "measure from the mean",
        )
        return
    elif found[0] > 0 and _close(found, [found[0] / expected[0] * one for one in expected]):
        yield wrong(
            "they are advantages on another scale (divided by a spread, perhaps)",
            "do not divide: here the advantage of 1 in [1, 0, 0.5, 0] is 0.625",
        )
        return
    else:
        yield wrong(
            f"for {rewards} it gives {[round(one, 3) for one in found]}; they sum to "
            f"{sum(found):.3f}, not to 0",
            "subtract the mean of the group from each reward",
        )
        return
    equal = list(advantages([0.5, 0.5, 0.5]))
    if _close(equal, [0.0] * 3):
        yield right("a group of equal rewards gives zeros: nothing to learn")
    else:
        yield wrong(f"three equal rewards give {equal}", "nothing but the mean is subtracted")


def _close(found: Sequence[float], expected: Sequence[float]) -> bool:
    return len(found) == len(expected) and all(map(is_close, found, expected))


LEVERS = ("prompt", "base RFT", "Agent RFT", "not yet")
ADVICE = {
    "triage": (
        "base RFT",
        {
            "prompt": "weeks of prompt work have reached their plateau",
            "Agent RFT": "there is no tool to call on the way, so one step is all there is",
            "not yet": "6 of 10 are right, so attempts differ: there is something to learn from",
        },
    ),
    "contracts": (
        "Agent RFT",
        {
            "prompt": "they say that prompts no longer help",
            "base RFT": "base RFT trains one reply; here the calls on the way are what matters",
            "not yet": "half of the attempts succeed: that is where training has most to go by",
        },
    ),
    "summaries": (
        "prompt",
        {
            "base RFT": "a job, for a length that nobody has yet asked for",
            "Agent RFT": "a job and live tools, for a length that nobody has yet asked for",
            "not yet": "a sentence in the prompt can be tried this minute",
        },
    ),
    "proofs": (
        "not yet",
        {
            "prompt": "words may help a little, but first see why every attempt fails",
            "base RFT": "every reward is 0, so every advantage is 0",
            "Agent RFT": "every reward is 0, so every advantage is 0, with tools or without",
        },
    ),
}


@exercise("0.3")
def exercise_0_3(advice: object) -> Findings:
    """The cheapest lever that can move each team's problem."""
    if not isinstance(advice, Mapping):
        yield wrong(f"it is {advice!r}", 'a dictionary such as {"triage": "prompt", ...}')
        return
    for team, (lever, reasons) in ADVICE.items():
        given = advice.get(team)
        if given == lever:
            yield right(f"{team}: {lever}")
        elif given in reasons:
            yield wrong(f"{team}: {given}? {reasons[given]}", "read the team's lines once more")
        else:
            yield wrong(f"{team}: {given!r} is none of the four", " or ".join(LEVERS))
