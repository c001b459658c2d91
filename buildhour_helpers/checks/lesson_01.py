"""Checks of lesson 01: pass rates, why a page was not opened, a better prompt."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from buildhour_helpers import session
from buildhour_helpers.analysis.statistics import Interval
from buildhour_helpers.analysis.summaries import compare
from buildhour_helpers.checks.verdict import Finding, Findings, exercise, is_close, right, wrong
from buildhour_helpers.rollouts import RolloutRecord, evaluate
from buildhour_helpers.tasks import FIRST_PROMPT, Question, build_rows, load_questions
from buildhour_helpers.tools.schemas import DEFINITIONS

HINTS = {
    "1.1": (
        "Work question by question: drop every None, then ask two things of the rewards that are "
        "left. Is any of them 1? Are all of them 1?",
        "Make a list of True and False for each question (reward == 1). any() and all() answer the "
        "two questions; the share is their sum divided by the number of questions that have a "
        "reward.",
        "graded = [[r for r in of if r is not None] for of in rewards.values()]; solved = [[r == 1 "
        "for r in of] for of in graded if of]; return sum(map(any, solved)) / len(solved), "
        "sum(map(all, solved)) / len(solved)",
    ),
    "1.2": (
        "Walk through the trace once and remember two things: which paths cat was called with, "
        "and which paths the tools' outputs named.",
        "A call is an item of type function_call, and its arguments are JSON text. An output is an "
        "item of type function_call_output. item['output'].split() gives whole paths. Decide at "
        "the end, and test for opened first.",
        "opened collects json.loads(item['arguments']).get('path') of calls of cat; named collects "
        "item['output'].split(). Return 'opened' if opened & set(gold_pages), then 'passed over' "
        "if named & set(gold_pages), else 'not found'.",
    ),
    "1.3": (
        "Look at the kinds of failure. Which sentence would you say to a new colleague who makes "
        "the largest of them, and to one who mixes up units?",
        "Begin with the first prompt and add sentences: what to search for, what to read, how to "
        "treat units and signs, how the answer should look.",
        "FIRST_PROMPT + ' Search with the company, the item and the year. Mind units (thousands, "
        "millions); parentheses mean negative. Answer with a number only, with two decimals.'",
    ),
}

Rewards = Mapping[str, Sequence[float | None]]


@exercise("1.1")
def exercise_1_1(pass_rates: Callable[[Rewards], Sequence[float]]) -> Findings:
    """The shares of questions that were solved at least once, and every time."""
    repeats: Rewards = {
        "a": [1.0, 0.0, 0.5],
        "b": [1.0, 1.0, 1.0],
        "c": [0.0, 0.0, 0.5],
        "d": [0.0, 1.0, 1.0],
    }
    yield _two_shares(pass_rates(repeats))
    unequal = _pair(pass_rates({"a": [1.0, 1.0, 1.0, 1.0, 0.0], "b": [0.0]}))
    if unequal and _agree(unequal, (0.5, 0.0)):
        yield right("each question counts once, however many repeats it has")
    else:
        yield wrong(
            f"of [1, 1, 1, 1, 0] and [0] it makes {_shown(unequal)}, not 0.5 and 0",
            "decide for each question first, then average over questions",
        )
    with_none = pass_rates({"a": [None, 1.0, None], "b": [1.0, None, 0.0], "c": [None, None]})
    yield _without_none(_pair(with_none))


def _pair(found: object) -> tuple[float, float] | None:
    """Two numbers from whatever holds two numbers: a tuple, a list, an array, a dictionary."""
    values = list(found.values()) if isinstance(found, Mapping) else found
    try:
        first, second = (float(value) for value in values)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return None
    return first, second


def _agree(found: tuple[float, float], expected: tuple[float, float]) -> bool:
    """Whether two shares are the expected ones; rounding to three decimals is fine."""
    return all(abs(one - other) < 6e-4 for one, other in zip(found, expected, strict=True))


def _shown(found: tuple[float, float] | None) -> str:
    return "something else" if found is None else f"{found[0]:.3g} and {found[1]:.3g}"


KNOWN_RATES = {
    (0.25, 0.75): ("those two are swapped", "return the share solved at least once first"),
    (0.75, 0.5): ("the second is the share of rollouts", "all() asks whether every repeat is 1"),
    (1.0, 0.25): ("0.5 counts as solved", "only a reward of 1 is right: compare with == 1"),
    (3.0, 1.0): ("those are counts", "divide by the number of questions"),
    (75.0, 25.0): ("those are percentages", "return shares between 0 and 1"),
    (0.75, 0.75): ("both are the share solved at least once", "all() instead of any()"),
    (0.25, 0.25): ("both are the share solved every time", "any() instead of all()"),
}


def _two_shares(found: object) -> Finding:
    pair = _pair(found)
    example = "of [1, 0, 0.5], [1, 1, 1], [0, 0, 0.5] and [0, 1, 1]"
    if pair is None:
        return wrong(f"{example} it returns {found!r:.60}", "return two numbers: once, every_time")
    if _agree(pair, (0.75, 0.25)):
        return right("it tells solved at least once from solved every time")
    for value, (what, fix) in KNOWN_RATES.items():
        if _agree(pair, value):
            return wrong(f"{example} it makes {_shown(pair)}: {what}", fix)
    return wrong(
        f"{example} it makes {_shown(pair)}, not 0.75 and 0.25",
        "three of the four are solved at least once, and one of them every time",
    )


def _without_none(found: tuple[float, float] | None) -> Finding:
    if found and _agree(found, (1.0, 0.5)):
        return right("discarded rollouts are left out, and a question that has no other")
    if found and is_close(round(found[0], 6), round(2 / 3, 6)):
        return wrong(
            "a question whose rollouts were all discarded still counts",
            "leave that question out: nothing is known about it",
        )
    return wrong(
        f"of [None, 1, None], [1, None, 0] and [None, None] it makes {_shown(found)}, not 1 and "
        "0.5",
        "drop every None first, then every question whose list is empty",
    )


GOLD = "ACME/2012/page_4.pdf"
Trace = Sequence[Mapping[str, Any]]


def _call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "function_call", "name": name, "arguments": json.dumps(arguments)}


def _output(text: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": "call_1", "output": text}


ASKED = {"role": "user", "content": f"What is on {GOLD}?"}
HITS = f"1. BETA/2012/page_9.pdf\n   revenue rose\n2. {GOLD}\n   | 2012 | 2011 |"
OTHER_HITS = "1. BETA/2012/page_9.pdf\n   revenue rose"
TRACES: tuple[tuple[str, str, Trace, str], ...] = (
    (
        "opened",
        "a page that was found and read",
        [_call("search", query="revenue"), _output(HITS), _call("cat", path=GOLD), _output("...")],
        "a call of cat on a gold page decides, even after an output that named it: look at the "
        "whole trace before you return",
    ),
    (
        "passed over",
        "a page that search named and nobody opened",
        [_call("search", query="revenue"), _output(HITS),
         _call("cat", path="BETA/2012/page_9.pdf"), _output("...")],
        "look for the gold page in the outputs of the tools",
    ),
    (
        "not found",
        "a search that named other pages only",
        [_call("search", query="revenue"), _output(OTHER_HITS)],
        "this is what remains when no output names a gold page",
    ),
    (
        "not found",
        "a question that names the page, and tools that do not",
        [ASKED, _call("search", query="revenue"), _output(OTHER_HITS)],
        "read the items of type function_call_output only, not the question or the calls",
    ),
    (
        "not found",
        "a listing of XACME/2012/page_4.pdf and ACME/2012/page_45.pdf",
        [_call("list", path=""), _output("XACME/2012/page_4.pdf\nACME/2012/page_45.pdf")],
        "compare whole paths: split the output into words, and do not search inside it",
    ),
    (
        "passed over",
        "a gold page that list, not cat, was called on",
        [_call("search", query="revenue"), _output(HITS), _call("list", path=GOLD),
         _output("Error: that is a page, not a folder; read it with cat")],
        "opened means a call of cat; search and list open nothing",
    ),
)  # fmt: skip


@exercise("1.2")
def exercise_1_2(why_unopened: Callable[[Trace, Collection[str]], str]) -> Findings:
    """Whether a page was opened, passed over or not found, in six small traces."""
    for expected, about, trace, fix in TRACES:
        found = why_unopened(trace, (GOLD, "ACME/2013/page_7.pdf"))
        if _in_words(found) == expected:
            yield right(f"{about}: {expected}")
        else:
            yield wrong(f"{about}: it says {found!r}, not {expected!r}", fix)


def _in_words(found: object) -> str:
    """ "Passed_Over" as "passed over": how a kind is written does not matter."""
    return re.sub(r"[\s_-]+", " ", str(found)).strip().lower()


ABOUT = {
    "finding the page": r"\b(tools?|search\w*|find\w*|look\w*|list\w*|folders?|quer(y|ies)|cat|"
    r"locate|retriev\w*|browse)\b",
    "reading it": r"\b(read\w*|open\w*|pages?|reports?|filings?|documents?|tables?|sources?)\b",
    "computing": r"%|\b(units?|thousands?|millions?|billions?|scale|signs?|negative|minus|"
    r"parenthes\w+|brackets?|percent\w*|decimals?|round\w*|comput\w*|calculat\w*|formula)\b",
    "the form of the answer": r"\b(answer\w*|repl(y|ies)|respon\w+|output|numbers?|figures?|"
    r"format|values?|results?)\b",
    "the budget": r"\b(budget|calls|limit\w*|at most|no more than|up to|steps)\b",
}
"""What a prompt for this task may tell the agent, and English words by which that is noticed."""

TAKEN_LITERALLY = {
    "gives up": r"\b(wrong(ly)?|incorrect(ly)?|false|made.up|make up|random|guess)\b",
    "answers without any tools": r"\b(never|without|do not|don't|no)\b[^.:;,]{0,20}\btools?\b",
}
"""What the simulated model does where it sees these words, whatever the sentence says of them."""
MEANT_WELL = (
    r"\b(not|never|n't|no|avoid|without|instead of|rather than)\b[^.;]*"
    r"\b(wrong(ly)?|incorrect(ly)?|false|made.up|make up|random|guess)\b",
    r"\b(not|never|n't|no)\b[^.;]*\bwithout\b[^.;]*\btools?\b",
    r"\b(more than|over|exceed\w*|fewer|twice)\b[^.;]*\btools?\b",
)
"""Sentences with such words that are good advice to a real model."""
LONGEST_PROMPT = 4_000
UNSEEN, UNSEEN_LIVE, REPEATS = 57, 12, 3
CLEARLY = 0.05
"""By how much the whole interval must lie below zero before a prompt is turned down: of a hundred
good prompts, some would look slightly worse by chance."""


@exercise("1.3")
def exercise_1_3(my_prompt: Callable[[], str]) -> Findings:
    """Whether a prompt is about the task, and how it does on questions not used in the lesson."""
    prompt = my_prompt()
    unfit = list(_unfit(prompt))
    yield from unfit
    if unfit:
        return
    topics = [topic for topic, words in ABOUT.items() if re.search(words, prompt, re.IGNORECASE)]
    yield right(f"it is about this task: {', '.join(topics)}")
    measured, left_out = _as_meant(prompt)
    for sentence, effect in left_out:
        yield right(
            f'measured without "{sentence}": a real model would understand it, but the simulated '
            f"model takes its words literally and {effect}"
        )
    gain = _gain(measured)
    found = f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] of mean reward"
    where = f"on {len(unseen_questions())} questions that you have not seen"
    if gain.high < -CLEARLY:
        yield wrong(
            f"{where} it is clearly worse than the first prompt: {found}",
            "say how to do the task, not what to leave undone; change one sentence at a time",
        )
    elif gain.low > 0:
        yield right(f"{where} it is better than the first prompt: {found}")
    elif gain.high < 0:
        yield right(
            f"{where} it looks slightly worse: {found}. That is not held against it: the simulated "
            "model reads only a few words, and a lucky run of the first prompt can do this"
        )
    else:
        yield right(
            f"{where}: {found}. The interval includes zero, so no difference is shown. That is an "
            "honest result, and the usual one here"
        )


def _unfit(prompt: Any) -> Findings:
    """Why a prompt is not even measured."""
    if not isinstance(prompt, str) or not prompt.strip():
        yield wrong(f"my_prompt returns {prompt!r:.40}", "return the prompt's text")
        return
    if _plain(prompt) == _plain(FIRST_PROMPT):
        yield wrong("that is the first prompt itself", "add something that it does not say")
        return
    if len(prompt) > LONGEST_PROMPT:
        yield wrong(
            f"{len(prompt):,} characters are sent with every turn of every rollout",
            f"say it in {LONGEST_PROMPT:,} at most",
        )
        return
    told = {topic: _words_about(topic, prompt) for topic in ABOUT}
    named = [topic for topic, words in told.items() if words]
    if not named:
        yield wrong(
            "it does not say how to do this task. The simulated model ignores words that it does "
            "not know; a real model would follow them",
            f"tell the agent (in English) about two of these: {', '.join(ABOUT)}",
        )
    elif len(named) == 1:
        missing = [topic for topic in ABOUT if topic not in named]
        yield wrong(
            f"it says something about {named[0]}, and nothing about the rest of the task",
            f"add a sentence about {missing[0]} or {missing[1]}",
        )
    elif not any(words - _words_about(topic, FIRST_PROMPT) for topic, words in told.items()):
        yield wrong(
            "it tells the agent nothing about the task that the first prompt does not",
            "add how to find or read the page, how to compute, or how the answer should look",
        )


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _words_about(topic: str, prompt: str) -> set[str]:
    return {hit[0].lower() for hit in re.finditer(ABOUT[topic], prompt, re.IGNORECASE)}


def _as_meant(prompt: str) -> tuple[str, list[tuple[str, str]]]:
    """The prompt without good advice that the simulated model would take literally; and that
    advice, each with what the model would do."""
    kept, left_out = [], []
    for sentence in re.split(r"(?<=[.!?;\n])\s*", prompt):
        effects = [
            effect
            for effect, words in TAKEN_LITERALLY.items()
            if re.search(words, sentence, re.IGNORECASE)
        ]
        if effects and any(re.search(fine, sentence, re.IGNORECASE) for fine in MEANT_WELL):
            left_out.append((sentence.strip(), effects[0]))
        else:
            kept.append(sentence)
    return (" ".join(kept), left_out) if session.mode() == "offline" else (prompt, [])


def unseen_questions() -> list[Question]:
    """Validation questions that the lesson does not use; fewer of them live, where they cost."""
    unused = [q for n, q in enumerate(load_questions(split="validation")) if n % 7 in (2, 5)]
    return unused[: UNSEEN if session.mode() == "offline" else UNSEEN_LIVE]


def _gain(prompt: str) -> Interval:
    """The prompt against the first one, paired by question."""
    to = (session.model(), os.environ.get("OPENAI_BASE_URL", ""))
    return compare(_rolled_out(FIRST_PROMPT, *to), _rolled_out(prompt, *to)).difference["reward"]


@lru_cache(maxsize=8)
def _rolled_out(prompt: str, model: str, _service: str) -> list[RolloutRecord]:
    """The prompt on the unseen questions, kept for the next time that the check is run.

    In a separate thread, because a notebook's thread already runs an event loop.
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as thread:
        coroutine = evaluate(
            build_rows(unseen_questions(), prompt, DEFINITIONS),
            model=model,
            file=Path(folder) / "prompt.jsonl",
            run="prompt",
            repeats=REPEATS,
            progress=False,
        )
        return thread.submit(asyncio.run, coroutine).result()
