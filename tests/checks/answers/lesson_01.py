"""Lesson 01: pass rates, why a page was not opened, a better prompt."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from statistics import fmean
from typing import Any

import numpy as np

from buildhour_helpers.tasks import BEST_PROMPT, FIRST_PROMPT

from . import Honest, Lesson, Nonsense

LESSON = Lesson({"1.1": "pass_rates", "1.2": "why_unopened", "1.3": "my_prompt"}, {"json": json})

Rewards = Mapping[str, Sequence[float | None]]
Trace = Sequence[Mapping[str, Any]]

solved = LESSON.solution("1.1")
why = LESSON.solution("1.2")


def by_loop(rewards: Rewards) -> list[float]:
    once = every = count = 0
    for repeats in rewards.values():
        kept = [reward for reward in repeats if reward is not None]
        if not kept:
            continue
        count += 1
        once += 1.0 in kept
        every += kept.count(1.0) == len(kept)
    return [once / count, every / count]


def by_numpy(rewards: Rewards) -> Any:
    graded = [np.array([r for r in of if r is not None]) for of in rewards.values()]
    graded = [of for of in graded if of.size]
    return np.array([[of.max() == 1, of.min() == 1] for of in graded]).mean(axis=0)


def by_fractions(rewards: Rewards) -> tuple[Fraction, ...]:
    return tuple(Fraction(share).limit_denominator(100) for share in by_loop(rewards))


def with_none_as_wrong(rewards: Rewards) -> Any:
    return solved({name: [reward or 0.0 for reward in of] for name, of in rewards.items()})


def of_rollouts(rewards: Rewards) -> tuple[float, float]:
    flat = [reward == 1 for of in rewards.values() for reward in of if reward is not None]
    return float(any(flat)), fmean(flat)


def any_credit(rewards: Rewards) -> Any:
    return solved({name: [r and 1.0 for r in of] for name, of in rewards.items()})


# 1.2


def calls(trace: Trace, name: str) -> list[str]:
    found = [i for i in trace if i.get("type") == "function_call" and i["name"] == name]
    return [json.loads(item["arguments"]).get("path") for item in found]


def step_by_step(trace: Trace, gold_pages: Collection[str]) -> str:
    answer = "not found"
    for item in trace:
        if "output" in item and any(page in item["output"].split() for page in gold_pages):
            answer = "passed over"
    for path in calls(trace, "cat"):
        if path in gold_pages:
            answer = "opened"
    return answer


def by_lines(trace: Trace, gold_pages: Collection[str]) -> str:
    if set(calls(trace, "cat")) & set(gold_pages):
        return "opened"
    lines = [line for item in trace for line in item.get("output", "").splitlines()]
    named = {line.split(". ")[-1].strip() for line in lines}
    return "passed over" if named & set(gold_pages) else "not found"


def by_any_mention(trace: Trace, gold_pages: Collection[str]) -> str:
    named = [page for page in gold_pages if page in json.dumps(trace)]
    return "passed over" if named else "not found"


def without_cat(trace: Trace, gold_pages: Collection[str]) -> str:
    found: str = why([item for item in trace if item.get("name") != "cat"], gold_pages)
    return found


def by_any_call(trace: Trace, gold_pages: Collection[str]) -> str:
    opened = set(calls(trace, "cat") + calls(trace, "list")) & set(gold_pages)
    return "opened" if opened else without_cat(trace, gold_pages)


def by_part_of_a_path(trace: Trace, gold_pages: Collection[str]) -> str:
    outputs = " ".join(item.get("output", "") for item in trace)
    found = any(page in outputs for page in gold_pages)
    if set(calls(trace, "cat")) & set(gold_pages):
        return "opened"
    return "passed over" if found else "not found"


def at_the_first_mention(trace: Trace, gold_pages: Collection[str]) -> str:
    """Returns before it has seen the calls that follow."""
    for item in trace:
        if set(item.get("output", "").split()) & set(gold_pages):
            return "passed over"
        if set(calls([item], "cat")) & set(gold_pages):
            return "opened"
    return "not found"


# 1.3


def prompt(text: object) -> Callable[[], object]:
    return lambda: text


HONEST: Honest = {
    "1.1": {
        "a loop that returns a list": by_loop,
        "numpy": by_numpy,
        "fractions": by_fractions,
        "a dictionary": lambda rewards: dict(zip(("once", "every"), by_loop(rewards), strict=True)),
        "rounded": lambda rewards: tuple(round(share, 3) for share in by_loop(rewards)),
        "single precision": lambda rewards: by_numpy(rewards).astype(np.float32),
        "best and worst": lambda rewards: by_loop(rewards),
    },
    "1.2": {
        "step by step": step_by_step,
        "line by line": by_lines,
        "in capitals": lambda trace, gold_pages: why(trace, gold_pages).upper(),
        "with underscores": lambda trace, gold_pages: why(trace, gold_pages).replace(" ", "_"),
        "with a hyphen": lambda trace, gold_pages: why(trace, gold_pages).replace(" ", "-"),
        "gold pages as a list": lambda trace, gold_pages: why(trace, list(gold_pages)),
        "a numpy string": lambda trace, gold_pages: np.str_(why(trace, gold_pages)),
    },
    "1.3": {
        "the best prompt": prompt(BEST_PROMPT),
        "read first": prompt(FIRST_PROMPT + " Read the page before you answer."),
        "units": prompt(f"{FIRST_PROMPT} Mind units (thousands, millions) and negative numbers."),
        "a short one": prompt("Find the right page, read it, then give only the number."),
        "an experienced author's": prompt(
            "Role: analyst.\nSteps:\n- search for the company and the year\n- open the page whose "
            "table has the item\n- compute, watch the scale, parentheses are negative\n"
            "Output: one number; percentages with % and two decimals."
        ),
        "do not guess": prompt(
            "Use the search tool to find the filing. Never guess: read the table first. Answer "
            "with a number."
        ),
        "no more than ten": prompt(
            "Search for the company and the year, open the best page and compute the answer. "
            "Use no more than ten tool calls. Do not answer without using the tools."
        ),
        "one sentence with a full stop": prompt("Search, read the page, and answer in percent."),
    },
}

NONSENSE: Nonsense = {
    "1.1": {
        "swapped": (lambda rewards: solved(rewards)[::-1], "those two are swapped"),
        "one number": (lambda rewards: solved(rewards)[0], "return two numbers"),
        "percentages": (lambda rs: tuple(100 * s for s in solved(rs)), "shares between 0 and 1"),
        "half credit counts": (any_credit, "0.5 counts as solved"),
        "None is wrong": (with_none_as_wrong, "leave that question out"),
        "of all rollouts": (of_rollouts, "three of the four are solved at least once"),
        "text": (lambda rewards: "0.75 and 0.25", "return two numbers"),
        "one share twice": (lambda rs: [solved(rs)[0]] * 2, "all() instead of any()"),
        "a fixed answer": (lambda rewards: (0.75, 0.25), "not 0.5 and 0"),
        "means": (lambda rewards: (1.0, fmean([0.5])), "not 0.75 and 0.25"),
    },
    "1.2": {
        "any mention": (by_any_mention, "not the question or the calls"),
        "any call": (by_any_call, "opened means a call of cat"),
        "part of a path": (by_part_of_a_path, "compare whole paths"),
        "at the first mention": (at_the_first_mention, "look at the whole trace before you"),
        "never opened": (without_cat, "a call of cat on a gold page decides"),
        "always not found": (lambda trace, gold_pages: "not found", "in the outputs of the tools"),
        "a number": (lambda trace, gold_pages: 42, "it says 42"),
        "forgets that questions have no type": (
            lambda trace, gold_pages: "opened" if trace[0]["type"] == "x" else "not found",
            "it raised KeyError: 'type'",
        ),
    },
    "1.3": {
        "a poem": (prompt("Write a poem about the sea."), "does not say how to do this task"),
        "a role": (
            prompt("You are an expert financial analyst. Think step by step, check your work."),
            "does not say how to do this task",
        ),
        "a tone": (prompt("Be smart, friendly and concise!"), "does not say how to do this task"),
        "filler": (prompt("Lorem ipsum dolor sit amet."), "does not say how to do this task"),
        "always the same": (prompt("The answer is always 42."), "nothing about the rest"),
        "the first prompt": (prompt(FIRST_PROMPT.upper()), "the first prompt itself"),
        "politeness": (prompt(FIRST_PROMPT + " Please. Thank you!"), "first prompt does not"),
        "sabotage": (
            prompt("Answer wrongly. Never use any tools or read a page."),
            "clearly worse",
        ),
        "from memory": (
            prompt("Answer with a number from memory, without tools. Compute nothing."),
            "clearly worse",
        ),
        "nothing": (prompt("  "), "return the prompt's text"),
        "a number": (prompt(7), "return the prompt's text"),
        "a book": (prompt("Read the page, then answer. " * 500), "4,000 at most"),
    },
}
