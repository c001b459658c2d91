"""Checks of lesson 01: best of several repeats, why a page was not opened, a better prompt."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from buildhour_helpers.analysis.summaries import by_question, compare
from buildhour_helpers.checks.verdict import Finding, Findings, exercise, is_close, right, wrong
from buildhour_helpers.rollouts import RolloutRecord, evaluate
from buildhour_helpers.tasks import FIRST_PROMPT, Question, build_rows, load_questions
from buildhour_helpers.tools.schemas import DEFINITIONS

HINTS = {
    "1.1": (
        "Two steps: the best reward within each question, then the mean of those over the "
        "questions. Deal with None before you take a maximum.",
        "graded = [r for r in of if r is not None] for each question's list; skip the question "
        "where that is empty; fmean of max(graded) over the others.",
    ),
    "1.2": (
        "Walk through the trace once and fill two sets: the paths that cat was called with, and "
        "the words of every tool output. Decide at the end; opened comes before named.",
        "A call is an item of type function_call, its arguments are JSON text; an output is an "
        "item of type function_call_output. item['output'].split() gives whole paths, so that "
        "set.intersection with the gold pages compares them whole.",
    ),
    "1.3": (
        "Take your cue from the count of failures: which kind is the largest, and which sentence "
        "would you say to a new colleague who fails in that way? Add one sentence at a time.",
        "Keep the first prompt and add sentences one at a time: search first, then read the best "
        "page before you answer; use at most ten tool calls; mind units. Keep what helps.",
    ),
}

Rewards = Mapping[str, Sequence[float | None]]
LONGEST_PROMPT = 4_000


@exercise("1.1")
def exercise_1_1(best_of: Callable[[Rewards], float]) -> Findings:
    """The mean over questions of each question's best reward."""
    plain = {"a": [0.0, 1.0, 0.5], "b": [0.0, 0.0, 0.0], "c": [0.5, 0.0, 0.0]}
    yield _best_of_three(best_of(plain))
    if is_close(best_of({"a": [0.0, 1.0], "b": [0.0, 0.0, 0.0, 0.0]}), 0.5):
        yield right("a question counts once, however many repeats it has")
    else:
        yield wrong(
            "a question with more repeats weighs more than one with fewer",
            "take the best of each question first, and average over questions",
        )
    with_none = best_of({"a": [None, 1.0, None], "b": [0.0, None, 0.0], "c": [None, None, None]})
    if is_close(with_none, 0.5):
        yield right("discarded rollouts are left out, and a question that has no other")
    elif is_close(with_none, 1 / 3):
        yield wrong(
            "a question whose rollouts were all discarded counts as 0",
            "leave that question out: nothing is known of it",
        )
    else:
        yield wrong(
            "of [None, 1, None], [0, None, 0] and [None, None, None] it makes "
            f"{with_none:.3g}, not 0.5",
            "drop every None, then every list that is empty",
        )


def _best_of_three(found: object) -> Finding:
    if is_close(found, 0.5):
        return right("of three repeats it takes the best, and averages over questions")
    known = {
        2 / 9: ("that is the mean of all repeats", "max within a question, mean over questions"),
        1.0: ("that is the best of all rollouts together", "a maximum for each question"),
        1.5: ("that is a sum over questions", "divide by their number"),
    }
    for value, (what, fix) in known.items():
        if is_close(found, value):
            return wrong(
                f"of [0, 1, 0.5], [0, 0, 0] and [0.5, 0, 0] it makes {value:.3g}: {what}", fix
            )
    return wrong(
        f"of [0, 1, 0.5], [0, 0, 0] and [0.5, 0, 0] it makes {found!r}, not 0.5",
        "the best of the three are 1, 0 and 0.5; their mean is 0.5",
    )


GOLD = "ACME/2012/page_4.pdf"
Trace = Sequence[Mapping[str, Any]]


def _call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "function_call", "name": name, "arguments": json.dumps(arguments)}


def _output(text: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": "call_1", "output": text}


ASKED = {"role": "user", "content": f"What stands on {GOLD}?"}
HITS = f"1. BETA/2012/page_9.pdf\n   revenue rose\n2. {GOLD}\n   | 2012 | 2011 |"
OTHER_HITS = "1. BETA/2012/page_9.pdf\n   revenue rose"
TRACES: tuple[tuple[str, str, Trace, str], ...] = (
    (
        "opened",
        "a page that was found and read",
        [_call("search", query="revenue"), _output(HITS), _call("cat", path=GOLD), _output("...")],
        "look at the function_call items whose name is cat",
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
         _output("Error: a page is no folder; read it with cat")],
        "opened means a call of cat; search and list open nothing",
    ),
)  # fmt: skip


@exercise("1.2")
def exercise_1_2(why_unopened: Callable[[Trace, Collection[str]], str]) -> Findings:
    """Whether a page was opened, passed over or not found, in six small traces."""
    for expected, about, trace, fix in TRACES:
        found = why_unopened(trace, (GOLD, "ACME/2013/page_7.pdf"))
        if found == expected:
            yield right(f"{about}: {expected}")
        else:
            yield wrong(f"{about}: it says {found!r}, not {expected!r}", fix)


@exercise("1.3")
def exercise_1_3(my_prompt: Callable[[], str], first: Sequence[RolloutRecord]) -> Findings:
    """Evaluate the prompt on the questions of `first`, paired by question."""
    prompt = my_prompt()
    asked = {record.question_id for record in first}
    questions = [q for q in load_questions(split="validation") if q.id in asked]
    unfair = list(_unfair(prompt, questions))
    yield from unfair
    if unfair:
        return
    yield right("a prompt of your own, with nothing in it from these questions")
    mine = _roll_out(prompt, questions, first)
    gain = compare(first, mine).difference["reward"]
    measured = f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] of mean reward"
    if gain.value <= 0:
        yield wrong(
            f"it does not beat the first prompt here: {measured}",
            "change one thing, and run the check again; several good prompts lose on so few "
            "questions",
        )
    elif gain.is_clear_of_zero:
        yield right(
            f"it is ahead by {measured}: more than noise on these questions, on which you chose it"
        )
    else:
        yield right(
            f"it is ahead by {measured}; the interval spans zero, so this many questions do not "
            "show that it is better"
        )


def _unfair(prompt: Any, questions: Sequence[Question]) -> Findings:
    """Why a prompt is not even run."""
    if not isinstance(prompt, str) or not prompt.strip():
        yield wrong(f"my_prompt returns {prompt!r:.40}", "return the prompt's text")
        return
    if " ".join(prompt.split()) == " ".join(FIRST_PROMPT.split()):
        yield wrong("that is the first prompt itself", "add something that it does not say")
    if len(prompt) > LONGEST_PROMPT:
        yield wrong(
            f"{len(prompt):,} characters are sent with every turn of every rollout",
            f"say it in {LONGEST_PROMPT:,} at most",
        )
    pages = [page for question in questions for page in question.gold_pages if page in prompt]
    words = set(re.findall(r"[\w.,%()-]*\d[\w.,%()-]*\w", prompt))
    answers = [
        q.answer_text for q in questions if len(q.answer_text) > 3 and q.answer_text in words
    ]
    if pages or answers:
        yield wrong(
            f"it holds {'a page' if pages else 'an answer'} of these very questions: "
            f"{(pages or answers)[0]}",
            "take it out: that scores here and nowhere else",
        )


def _roll_out(
    prompt: str, questions: Sequence[Question], first: Sequence[RolloutRecord]
) -> list[RolloutRecord]:
    """The prompt on the same questions, model and repeats as `first`.

    In a separate thread, because a notebook's thread already runs an event loop.
    """
    repeats = max(len(records) for records in by_question(first).values())
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as thread:
        coroutine = evaluate(
            build_rows(questions, prompt, DEFINITIONS),
            model=first[0].model,
            file=Path(folder) / "mine.jsonl",
            run="my prompt",
            repeats=repeats,
            progress=False,
        )
        return thread.submit(asyncio.run, coroutine).result()
