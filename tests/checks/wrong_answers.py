"""Wrong answers to each exercise, and what the check must say about them.

`WRONG[number][name]` is an answer and a fragment of the check's output. Where the solution is easy
to change, a wrong answer is the solution with one mistake in it.
"""

from __future__ import annotations

import json
import textwrap
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from openai.types.fine_tuning import FineTuningJob

from authoring.course.source import solution_of
from buildhour_helpers.checks.lesson_02 import leaky_split
from buildhour_helpers.checks.lesson_07 import deserved
from buildhour_helpers.graders.specs import SLOPPY_RUBRIC
from buildhour_helpers.tasks import Question

# The name that each exercise's cell defines.
ANSWERS = {
    "0.1": "count_calls",
    "0.2": "advantages",
    "0.3": "advice",
    "1.1": "best_of",
    "1.2": "why_unopened",
    "1.3": "my_prompt",
    "2.1": "find_leak",
    "2.2": "choose",
    "3.1": "cat",
    "3.2": "allow",
    "4.1": "score",
    "4.2": "mended",
    "5.1": "half_job",
    "5.2": "diagnose",
    "6.1": "paired_bootstrap",
    "6.2": "regressed",
    "7.1": "is_hack",
    "7.2": "review",
}
SETTINGS = {
    "n_epochs": 1,
    "batch_size": 4,
    "compute_multiplier": 0.5,
    "learning_rate_multiplier": 0.25,
    "eval_interval": 2,
    "eval_samples": 1,
}


def job(changed: dict[str, Any], *, id: str = "ftjob-2", file: str = "file-1") -> FineTuningJob:
    """A job with some of SETTINGS changed, as the client parses it."""
    reinforcement = {
        "grader": {"type": "endpoint", "name": "grade", "url": "http://127.0.0.1/grade"},
        "tools": [],
        "hyperparameters": {"reasoning_effort": "default", **SETTINGS, **changed},
    }
    method = {"type": "reinforcement", "reinforcement": reinforcement}
    return FineTuningJob.construct(
        id=id, object="fine_tuning.job", training_file=file, method=method
    )


def question_means(records: Any, value: Any) -> dict[str, float]:
    groups = defaultdict(list)
    for record in records:
        if record.reward is not None:
            groups[record.question_id].append(value(record))
    return {question: fmean(values) for question, values in groups.items()}


def pages_read(record: Any) -> set[str]:
    return {
        json.loads(item["arguments"]).get("path", "")
        for item in record.trace
        if item.get("type") == "function_call" and item["name"] == "cat"
    }


# What the cells above an exercise define in the lesson.
ABOVE = {
    "fmean": fmean,
    "json": json,
    "np": np,
    "question_means": question_means,
    "pages_read": pages_read,
    "files": {},
    "SETTINGS": SETTINGS,
    "launch": lambda files, settings: job(settings),
}


def defined(number: str, code: str) -> Any:
    """The answer to an exercise that some code defines."""
    space = dict(ABOVE)
    exec(code, space)
    return space[ANSWERS[number]]


def solution(number: str) -> Any:
    return defined(number, solution_of(number))


def changed(number: str, old: str, new: str) -> Any:
    """The solution with one mistake in it."""
    code = solution_of(number)
    assert code.count(old) == 1, f"{old!r} is not once in the solution"
    return defined(number, code.replace(old, new))


def body(number: str, signature: str, code: str) -> Any:
    """An answer from the body of its function."""
    head = f"import os\nfrom pathlib import Path\ndef {signature}:\n"
    return defined(number, head + textwrap.indent(textwrap.dedent(code).strip(), "    "))


# Lesson 00

Trace = list[dict[str, Any]]
TEAMS = {"triage": "base RFT", "contracts": "Agent RFT", "summaries": "prompt", "proofs": "not yet"}


def names(trace: Trace) -> list[str]:
    return [item["name"] for item in trace if item.get("type") == "function_call"]


def count_anything_named(trace: Trace) -> dict[str, int]:
    kinds = [i.get("name", "output") for i in trace if "function_call" in i.get("type", "")]
    return {kind: kinds.count(kind) for kind in kinds}


def remembering(kept: list[str]) -> Callable[[Trace], dict[str, int]]:
    """Counts into the same list in every call, as with a mutable default."""

    def count(trace: Trace) -> dict[str, int]:
        kept.extend(names(trace))
        return {name: kept.count(name) for name in kept}

    return count


def mean_of(rewards: list[float]) -> float:
    return sum(rewards) / len(rewards)


# Lesson 01


def without_cat(trace: Sequence[dict[str, Any]], gold_pages: Sequence[str]) -> str:
    found: str = solution("1.2")([i for i in trace if i.get("name") != "cat"], gold_pages)
    return found


def by_any_mention(trace: Sequence[dict[str, Any]], gold_pages: Sequence[str]) -> str:
    """Looks for the page in the question and in the calls too."""
    named = [page for page in gold_pages if page in json.dumps(trace)]
    return "passed over" if named else "not found"


def by_any_call(trace: Sequence[dict[str, Any]], gold_pages: Sequence[str]) -> str:
    """Takes any tool that was called on the page as opening it."""
    calls = [json.loads(item["arguments"]) for item in trace if "arguments" in item]
    opened = {call.get("path") for call in calls} & set(gold_pages)
    return "opened" if opened else without_cat(trace, gold_pages)


def by_part_of_a_path(trace: Sequence[dict[str, Any]], gold_pages: Sequence[str]) -> str:
    outputs = " ".join(item.get("output", "") for item in trace)
    found = any(page in outputs for page in gold_pages)
    return "passed over" if found else without_cat(trace, gold_pages)


# Lesson 02

Questions = Sequence[Question]
Rewards = dict[str, list[float | None]]


def in_test(part: Callable[[Question], list[str]]) -> Callable[[Questions, Questions], set[str]]:
    """Takes as leaks all questions that share a part with a test question."""

    def find_leak(train: Questions, test: Questions) -> set[str]:
        known = {value for question in test for value in part(question)}
        return {question.id for question in train if known & set(part(question))}

    return find_leak


def page_part(index: int) -> Callable[[Question], list[str]]:
    return lambda question: [path.split("/")[index] for path in question.gold_pages]


def whole_questions(train: Questions, test: Questions) -> list[Question]:
    leaked = solution("2.1")(train, test)
    return [question for question in train if question.id in leaked]


def graded(rewards: Rewards) -> dict[str, list[float]]:
    return {name: [r for r in of if r is not None] for name, of in rewards.items()}


def choose(rewards: Rewards, most: int = 99) -> list[str]:
    found: list[str] = solution("2.2")(rewards, most)
    return found


def by_mean(rewards: Rewards, most: int) -> list[str]:
    """Keeps what is neither 0 nor 1 on average."""
    means = {name: fmean(of) for name, of in graded(rewards).items()}
    kept = [name for name, mean in means.items() if 0 < mean < 1]
    return sorted(kept, key=lambda name: (abs(means[name] - 0.5), name))[:most]


def best_first(rewards: Rewards, most: int) -> list[str]:
    of = graded(rewards)
    return sorted(choose(rewards), key=lambda name: -fmean(of[name]))[:most]


def without_ties(rewards: Rewards, most: int) -> list[str]:
    of = graded(rewards)
    backwards = sorted(choose(rewards), reverse=True)
    return sorted(backwards, key=lambda name: abs(fmean(of[name]) - 0.5))[:most]


# Lesson 03

READ = "return (root / path).read_text(encoding='utf-8')"


def cat(code: str) -> Any:
    return body("3.1", "cat(root, path)", f"{code}\n{READ}")


def resolving(condition: str, otherwise: str) -> Any:
    return cat(f"whole = (root / path).resolve()\nif {condition}:\n    {otherwise}")


OUTSIDE = "not whole.is_relative_to(root.resolve())"
OUTSIDE_OR_MISSING = f"{OUTSIDE} or not whole.is_file()"


def allow(known: str = "call_id in calls", full: str = "len(calls) >= budget") -> Any:
    code = f"""
    calls = made.setdefault(trace_id, set())
    if {known}:
        return True
    if {full}:
        return False
    calls.add(call_id)
    return True
    """
    return body("3.2", "allow(made, trace_id, call_id, budget=10)", code)


# Lesson 06


def bootstrap(
    before: list[float],
    after: list[float],
    resamples: int = 4000,
    *,
    paired: bool = True,
    replace: bool = True,
    sign: float = 1.0,
    tail: float = 0.025,
    size: int = 0,
) -> tuple[float, float, float]:
    """A paired bootstrap that can be made wrong."""
    random = np.random.default_rng(0)
    old, new = np.array(before), np.array(after)
    size = size or len(old)

    def resample() -> Any:
        return np.array([random.choice(len(old), size, replace=replace) for _ in range(resamples)])

    first = resample()
    second = first if paired else resample()
    found = sign * (new[second].mean(axis=1) - old[first].mean(axis=1))
    low, high = np.quantile(found, [tail, 1 - tail])
    return sign * float(new.mean() - old.mean()), float(low), float(high)


def bootstrapped(**mistake: Any) -> Any:
    return lambda before, after: bootstrap(before, after, **mistake)


def regressed(
    *,
    none_as: float | None = None,
    by_repeat: bool = False,
    falls: Callable[[float, float], bool] = lambda was, now: now < was,
    enough: Callable[[list[bool]], bool] = any,
    listed_is_read: bool = False,
) -> Any:
    """An answer to 6.2 that can be made wrong."""

    def find(before: Any, after: Any, gold: Any) -> dict[str, str]:
        for record in [*before, *after]:
            if record.reward is None:
                record.reward = none_as
        was, now = (question_means(side, lambda r: r.reward) for side in (before, after))
        fell = {name for name in was if name in now and falls(was[name], now[name])}
        if by_repeat:
            old = {(r.question_id, r.repeat): r.reward for r in before}
            fell |= {
                r.question_id
                for r in after
                if r.reward is not None and r.reward < (old.get((r.question_id, r.repeat)) or 0)
            }
        read = defaultdict(list)
        for record in after:
            pages = pages_read(record) | ({"page A"} if listed_is_read else set())
            read[record.question_id].append(bool(pages & gold[record.question_id]))
        return {q: "read, but wrong" if enough(read[q]) else "page not read" for q in fell}

    return find


# Lesson 07


def reviewed(evidence: dict[str, Any], **changed: Any) -> dict[str, Any]:
    found: dict[str, Any] = solution("7.2")(evidence | changed)
    return found


def gentle(evidence: dict[str, Any]) -> dict[str, Any]:
    found = reviewed(evidence)
    return found | {"decision": found["decision"].replace("stop", "wait")}


HALF = {"compute_multiplier": 0.25}

WRONG: dict[str, dict[str, tuple[Any, str]]] = {
    "0.1": {
        "outputs are counted too": (count_anything_named, "and not their outputs"),
        "a call is counted once": (lambda t: dict.fromkeys(names(t), 1), "and counts once"),
        "a number": (lambda t: len(names(t)), "returns 3, not a count for each name"),
        "zeros": (
            lambda t: {tool: names(t).count(tool) for tool in ("search", "list", "cat")},
            "leave out what was not called",
        ),
        "the question has no type": (
            lambda t: {item["type"]: 1 for item in t},
            "it raised KeyError: 'type'",
        ),
        "nothing": (lambda t: {}, "it finds no call by its name"),
        "remembers": (remembering([]), "begin with an empty dictionary"),
    },
    "0.2": {
        "the mean": (mean_of, "returns 0.375 a list"),
        "the rewards": (list, "they sum to 1.500, not to 0"),
        "reversed": (lambda r: [mean_of(r) - one for one in r], "the signs are reversed"),
        "from the best": (lambda r: [one - max(r) for one in r], "it measures from the best"),
        "scaled": (lambda r: [2 * (one - mean_of(r)) for one in r], "on another scale"),
        "too few": (lambda r: [one - mean_of(r) for one in r[1:]], "a list of four numbers"),
        "from the median": (lambda r: [one - 0.25 for one in r], "subtract the mean of the group"),
    },
    "0.3": {
        "more than needed": (TEAMS | {"summaries": "Agent RFT"}, "nobody has yet asked for"),
        "less than needed": (TEAMS | {"contracts": "base RFT"}, "base RFT trains one reply"),
        "hope": (TEAMS | {"proofs": "Agent RFT"}, "every advantage is 0"),
        "only prompts": (TEAMS | {"triage": "prompt"}, "have reached their plateau"),
        "no such lever": (TEAMS | {"triage": "SFT"}, "'SFT' is none of the four"),
        "one left out": ({"triage": "base RFT"}, "contracts: None is none of the four"),
        "a list": (list(TEAMS.values()), "a dictionary such as"),
    },
    "1.1": {
        "mean": (lambda rs: fmean(r or 0 for of in rs.values() for r in of), "mean of all"),
        "maximum": (lambda rs: max(r or 0 for of in rs.values() for r in of), "all rollouts"),
        "sum": (lambda rs: sum(max(r or 0 for r in of) for of in rs.values()), "a sum"),
        "none in it": (lambda rs: fmean(max(of) for of in rs.values()), "raised TypeError"),
        "none as 0": (
            lambda rs: fmean(max(r or 0 for r in of) for of in rs.values()),
            "all discarded counts as 0",
        ),
        "text": (lambda rs: "0.5", "it makes '0.5', not 0.5"),
    },
    "1.2": {
        "any mention": (by_any_mention, "not the question or the calls"),
        "any call": (by_any_call, "opened means a call of cat"),
        "part of a path": (by_part_of_a_path, "compare whole paths"),
        "never opened": (without_cat, "whose name is cat"),
        "constant": (lambda trace, gold_pages: "not found", "in the outputs of the tools"),
    },
    "2.1": {
        "same text": (in_test(lambda q: [q.text]), "compare texts in lower case"),
        "same words": (
            in_test(lambda q: [" ".join(q.text.lower().split())]),
            "compare companies",
        ),
        "same company": (in_test(page_part(0)), "where gold_pages is empty only the text can tell"),
        "first page": (in_test(lambda q: [q.gold_pages[0]]), "raised IndexError"),
        "same year": (in_test(page_part(1)), "innocent training questions"),
        "the test": (lambda train, test: {q.id for q in test}, "keep the test as it is"),
        "questions": (whole_questions, "return a set of question.id"),
        "nothing": (lambda train, test: set(), "missed: a copy of a test question"),
        "memorised": (lambda train, test: solution("2.1")(*leaky_split()), "a second split"),
    },
    "2.2": {
        "all": (lambda rewards, most: list(rewards)[:most], "no better rollout to learn from"),
        "by mean": (by_mean, "0.5 each time has no variance either"),
        "best first": (best_first, "sort by abs(mean - 0.5)"),
        "none as 0": (
            lambda rs, most: choose({name: [r or 0.0 for r in rs[name]] for name in rs}, most),
            "None is not a reward",
        ),
        "whole only": (
            lambda rs, most: choose({name: of for name, of in rs.items() if None not in of}, most),
            "leave the None out",
        ),
        "ties": (without_ties, "ties are not in the order of their IDs"),
        "cut first": (
            lambda rs, most: choose(dict(list(rs.items())[-most:]), most),
            "cut afterwards",
        ),
        "uncut": (lambda rewards, most: choose(rewards), "cut the list"),
        "a set": (lambda rewards, most: set(choose(rewards, most)), "return a list of IDs"),
    },
    "3.1": {
        "trusts the path": (cat(""), "gives away a secret by '..'"),
        "looks for two dots": (
            cat("if '..' in path:\n    raise ValueError('no dots in a path, please')"),
            "it refuses a page with two dots in its name",
        ),
        "looks for dots between slashes": (
            cat("if '..' in path.split('/'):\n    raise ValueError('stay in the reports')"),
            "gives away a secret by an absolute path",
        ),
        "compares strings": (
            cat(
                "whole = os.path.realpath(root / path)\n"
                "if not whole.startswith(os.path.realpath(root)) or not os.path.isfile(whole):\n"
                "    raise ValueError('there is no such page; ask list')"
            ),
            "gives away a secret by a neighbour folder",
        ),
        "follows no links": (
            cat(
                "whole = Path(os.path.normpath(root / path))\n"
                "if not whole.is_relative_to(root) or not whole.is_file():\n"
                "    raise ValueError('there is no such page; ask list')"
            ),
            "gives away a secret by a link that leads out",
        ),
        "a missing page is a fault": (
            resolving(OUTSIDE, "raise ValueError('path leads out of the reports')"),
            "raises FileNotFoundError",
        ),
        "shows the root": (
            resolving(OUTSIDE_OR_MISSING, "raise ValueError(f'nothing in {root.resolve()}')"),
            "tells where the root lies",
        ),
        "a useless message": (
            resolving(OUTSIDE_OR_MISSING, "raise ValueError('no')"),
            "tells the model nothing",
        ),
        "returns the error": (
            resolving(OUTSIDE_OR_MISSING, "return 'Error: no such page'"),
            "raises no ValueError",
        ),
    },
    "3.2": {
        "allows everything": (lambda *_: True, "it allows five calls of one rollout"),
        "one budget for all": (
            lambda made, trace, call, budget=10: solution("3.2")(made, "", trace + call, budget),
            "another's first call is refused",
        ),
        "one too many": (allow(full="len(calls) > budget"), "allows 4 of five calls"),
        "counts a repeated call": (
            lambda made, trace, call, budget=10: (
                made.update({trace: made.get(trace, 0) + 1}) or made[trace] <= budget
            ),
            "sent twice counts as two",
        ),
        "refuses a call it allowed": (
            allow(known="False"),
            "refuses a call that it had allowed before",
        ),
        "a fixed budget": (allow(full="len(calls) >= min(budget, 5)"), "it allows 5 calls of 12"),
        "no answer": (lambda *_: None, "return True or False"),
    },
    "4.1": {
        "compares strings": (
            lambda answer, expected, kind: float(answer.strip("%") == str(expected)),
            "✗ percent signs, currency signs and commas",
        ),
        "converts the whole answer": (
            lambda answer, expected, kind: float(
                abs(float(answer.strip("%$").replace(",", "")) / expected - 1) <= 0.01
            ),
            "score('The answer is 8.35%.', 8.35, 'percent') raises ValueError",
        ),
        "takes any of several": (
            changed("4.1", "if len(values) != 1", "if not values"),
            "✗ several values: score(",
        ),
        "a tolerance of a tenth": (
            changed("4.1", "0.01 * abs(to)", "0.1 * abs(to)"),
            "✗ rounding within 1%",
        ),
        "negative values fail": (
            changed("4.1", "0.01 * abs(to)", "0.01 * to"),
            "✗ rounding within 1%",
        ),
        "forgets the sign": (
            changed("4.1", "-value if sign else value", "value"),
            "✗ minus signs and parentheses",
        ),
        "nothing for the sign": (changed("4.1", "-wanted, *(", "*("), "✗ half for the sign"),
        "nothing for decimals": (
            changed("4.1", '"percent": (100, 0.01)', '"percent": ()'),
            "✗ half for a percentage as a decimal",
        ),
        "nothing for millions": (
            changed("4.1", "(1e3, 1e6, 1e-3, 1e-6)", "(1e3, 1e-3)"),
            "✗ half for thousands and millions",
        ),
        "one list of factors": (
            changed("4.1", "factors[kind]", "factors['percent'] + factors['amount']"),
            "✗ each kind has slips of its own",
        ),
        "full marks for a slip": (
            changed("4.1", "return 0.5 if", "return 1.0 if"),
            "✗ half for the sign",
        ),
    },
    "4.2": {
        "as sloppy as before": (SLOPPY_RUBRIC, "✗ a wrong value in a clear sentence gets 1"),
        "half credit forgotten": (
            "Score 1 if the answer gives the reference value. Score 0 for any other value, for "
            "several values, and for no value.",
            "✗ a value in the wrong scale gets 0 a person gives 0.5",
        ),
        "several values allowed": (
            "Score 1 if the answer mentions the reference value. Score 0.5 if it is right but for "
            "its scale or sign. Score 0 for any other value and for no answer.",
            "✗ several values gets 1 a person gives 0",
        ),
        "half for the form": (
            SLOPPY_RUBRIC.replace("Score 1 for", "Score 0.5 for").replace(
                "Score 0.5 for an answer close to", "Score 1 for an answer that equals"
            ),
            "✗ a wrong value in a clear sentence gets 0.5",
        ),
        "nothing for anything": ("Score 0 for any answer.", "✗ a bare right value gets 0"),
    },
    "5.1": {
        "a dict": (SETTINGS | HALF, "half_job is a dict, not a job"),
        "the same": (job({}, id="ftjob-1"), "the first job itself"),
        "unchanged": (job({}), "as many as before"),
        "double": (job({"compute_multiplier": 1}), "8 rollouts a row where there were 4"),
        "batch": (job({"batch_size": 2}), "fewer rows a step means more steps"),
        "eval": (job(HALF | {"eval_interval": 5}), "what you know, and no training rollout"),
        "rate": (
            job(HALF | {"learning_rate_multiplier": 1.0}),
            "{**SETTINGS, ...} keeps learning_rate_multiplier",
        ),
        "file": (job(HALF, file="file-9"), "trains on another file"),
    },
    "5.2": {
        "by reward": (
            lambda step: {None: "discarded", 0.0: "flat"}.get(step["train_mean_reward"], "ok"),
            "always gives 0.5: it says 'ok'",
        ),
        "zero variance first": (
            lambda step: (
                "flat" if step["mean_unresponsive_rewards"] == 1 else solution("5.2")(step)
            ),
            "ask for discarded rollouts first",
        ),
        "any discarded": (
            lambda step: (
                "discarded" if step["errors"]["train_discarded"] else solution("5.2")(step)
            ),
            "compare train_discarded with the number of training rollouts",
        ),
        "any zero-variance group": (
            lambda step: "flat" if solution("5.2")(step) == "ok" else solution("5.2")(step),
            "some flat groups are quite usual",
        ),
        "no such key": (lambda step: step["discarded"], "raised KeyError"),
    },
    "6.1": {
        "unpaired": (bootstrapped(paired=False), "two separate draws"),
        "no replacement": (bootstrapped(replace=False), "draw with replacement"),
        "sign": (bootstrapped(sign=-1.0), "wrong sign"),
        "90%": (bootstrapped(tail=0.05), "that of 90%"),
        "few": (bootstrapped(size=30), "as many questions in a resample as there are"),
        "two numbers": (lambda *sides: bootstrap(*sides)[:2], "return difference, low, high"),
    },
    "6.2": {
        "none as 0": (regressed(none_as=0.0), "a reward of None says nothing"),
        "by repeat": (regressed(by_repeat=True), "whose repeats swapped their rewards"),
        "sign": (regressed(falls=lambda was, now: now > was), "got better"),
        "threshold": (
            regressed(falls=lambda was, now: now < was - 0.3),
            "1 of 3 questions that fell are missing",
        ),
        "every": (regressed(enough=all), "one rollout that read a gold page is enough"),
        "search": (regressed(listed_is_read=True), "only cat counts"),
    },
    "7.1": {
        "every full mark": (lambda record, _: record.reward == 1.0, "are honest: paid, and right"),
        "every wrong answer": (
            lambda record, question: deserved(record, question) < 1.0,
            "ask for record.reward == 1.0 first",
        ),
        "one form of hedge": (
            lambda record, _: "Either" in (record.answer or ""),
            "they do not all look the same",
        ),
        "reversed": (
            lambda record, question: record.reward == 1.0 == deserved(record, question),
            "none of the 6 planted hedges",
        ),
        "nothing": (lambda record, question: False, "it flags none of"),
    },
    "7.2": {
        "a bare decision": (lambda evidence: "launch", "without `blockers` and `decision`"),
        "always launch": (
            lambda evidence: {"blockers": [], "decision": "launch"},
            "where the gain's interval reaches below zero",
        ),
        "waits for a gamed grader": (gentle, "waiting does not fix a gamed grader"),
        "a gap of a tenth": (lambda e: reviewed(e, gap=e["gap"] + 0.001), "*over* 0.10"),
        "never writes": (
            lambda e: reviewed(e, sandboxed=False),
            "if it is sandboxed",
        ),
        "unnamed blockers": (
            lambda e: reviewed(e) | {"blockers": []},
            "its blockers lack gain_low",
        ),
    },
}
