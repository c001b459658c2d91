"""Lesson 03: a safe `cat`, a colleague's handler, a design chosen by reward and cost."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fastapi import HTTPException

from . import Honest, Lesson, Nonsense

LESSON = Lesson(
    names={"3.1": "cat", "3.2": "handle", "3.3": "choose"},
    above={"Path": Path, "os": os, "asyncio": asyncio, "HTTPException": HTTPException},
)

READ = "return (root / path).read_text(encoding='utf-8')"


def cat(code: str) -> Any:
    return LESSON.body("3.1", "cat(root, path)", code)


def handle(code: str) -> Any:
    return LESSON.body("3.2", "handle(made, trace_id, call_id, query, find, budget=10)", code)


def handler(
    known: str = "call_id in calls",
    full: str = "len(calls) >= budget",
    mistake: str = 'return 200, f"Error: {error}"',
    fault: str = 'return 503, "down"',
    refusal: str = 'return 200, "Error: no calls left"',
    trace: str = "trace_id",
) -> Any:
    """The solution's structure, with one thing different."""
    return LESSON.defined(
        "3.2",
        f"""
async def handle(made, trace_id, call_id, query, find, budget=10):
    calls = made.setdefault({trace}, set())
    if not ({known}) and {full}:
        {refusal}
    calls.add(call_id)
    try:
        return 200, await find(query)
    except LookupError as error:
        {mistake}
    except ConnectionError as error:
        {fault}
""",
    )


LOCK = """
async def handle(made, trace_id, call_id, query, find, budget=10):
    lock = made.setdefault("lock", asyncio.Lock())
    async with lock:
        seen = made.setdefault(trace_id, [])
        if call_id not in seen:
            if len(seen) == budget:
                return 200, "Error: budget used up, please answer"
            seen.append(call_id)
        try:
            return 200, await find(query)
        except LookupError as error:
            return 200, "Error: " + str(error)
"""
CACHE = """
async def handle(made, trace_id, call_id, query, find, budget=10):
    state = made.setdefault(trace_id, {"left": budget, "answers": {}})
    if call_id in state["answers"]:
        return state["answers"][call_id]
    if state["left"] <= 0:
        return (200, "Error: no calls left; answer now")
    state["left"] -= 1
    try:
        state["answers"][call_id] = (200, await find(query))
    except LookupError as error:
        state["answers"][call_id] = (200, f"Error: {error}. Try other words.")
    except ConnectionError:
        state["left"] += 1
        return (502, "bad gateway")
    return state["answers"][call_id]
"""
KEYED = """
async def handle(made, trace_id, call_id, query, find, budget=10):
    mine = [key for key in made if key[0] == trace_id]
    if (trace_id, call_id) not in made:
        if len(mine) >= budget:
            return 200, "Error: you have used all calls"
        made[trace_id, call_id] = True
    try:
        text = await find(query)
    except LookupError as problem:
        return 200, f"Error: {problem}"
    except Exception:
        raise
    return 200, text
"""
LATE_COUNT = """
async def handle(made, trace_id, call_id, query, find, budget=10):
    calls = made.setdefault(trace_id, set())
    if call_id not in calls and len(calls) >= budget:
        return 200, "Error: no calls left"
    try:
        found = await find(query)
    except LookupError as error:
        return 200, f"Error: {error}"
    calls.add(call_id)
    return 200, found
"""
AS_GIVEN = """
async def handle(made, trace_id, call_id, query, find, budget=10):
    count = made.get(trace_id, 0)
    if count >= budget:
        return 200, "Error: no calls left; answer now"
    try:
        found = await find(query)
    except ConnectionError:
        return 200, "Error: nothing found"
    except LookupError as error:
        return 500, str(error)
    made[trace_id] = count + 1
    return 200, found
"""
COUNTER = AS_GIVEN.replace("    try:\n", "    made[trace_id] = count + 1\n    try:\n", 1).replace(
    "    made[trace_id] = count + 1\n    return 200, found", "    return 200, found"
)


def net(designs: Any, value: float, price: float) -> dict[str, float]:
    return {
        name: value * one["reward"] - price * one["total_tokens"] / 1e6
        for name, one in designs.items()
    }


def by_loop(designs: Any, value: float, price: float) -> str:
    best, most = "", -1e9
    for name in designs:
        gain = designs[name]["reward"] * value
        cost = designs[name]["total_tokens"] * price * 0.000001
        if gain - cost > most:
            best, most = name, gain - cost
    return best


def by_table(designs: Any, value: float, price: float) -> Any:
    table = pd.DataFrame(designs).T
    return (value * table.reward - price * table.total_tokens / 1e6).idxmax()


def by_array(designs: Any, value: float, price: float) -> Any:
    names = np.array(list(designs))
    return names[np.argmax(list(net(designs, value, price).values()))]


HONEST: Honest = {
    "3.1": {
        "os.path": cat(
            """
            base = os.path.realpath(root)
            full = os.path.realpath(os.path.join(base, path))
            if os.path.commonpath([base, full]) != base:
                raise ValueError("that is not one of our pages")
            if not os.path.isfile(full):
                raise ValueError("there is no such page; use list")
            with open(full, encoding="utf-8") as file:
                return file.read()
            """
        ),
        "parents": cat(
            """
            target = (root / path).resolve()
            if root.resolve() not in target.parents or not target.is_file():
                raise ValueError(f"{path} is not a page; call list first")
            return target.read_text()
            """
        ),
        "relative_to": cat(
            """
            target = Path(root, path).resolve()
            try:
                target.relative_to(root.resolve())
            except ValueError:
                raise ValueError("this path leaves the reports") from None
            try:
                return target.read_text(encoding="utf-8")
            except OSError:
                raise ValueError("nothing to read there, list the folder") from None
            """
        ),
        "a list of what may be read": cat(
            """
            pages = {
                page.relative_to(root).as_posix(): page
                for page in root.rglob("*")
                if page.is_file() and not page.is_symlink()
            }
            if path not in pages:
                raise ValueError("unknown page, see list")
            return pages[path].read_text(encoding="utf-8")
            """
        ),
        "a compared string with a slash": cat(
            """
            base = str(root.resolve()) + os.sep
            full = str((root / path).resolve())
            if not full.startswith(base) or not Path(full).is_file():
                raise ValueError("please give a path from list")
            return Path(full).read_bytes().decode("utf-8")
            """
        ),
        "an exception of its own": LESSON.defined(
            "3.1",
            """
class Refused(ValueError):
    pass

def cat(root, path):
    full = (root / path).resolve()
    if full.is_relative_to(root.resolve()) and full.is_file():
        return full.read_text(encoding="utf-8")
    raise Refused(f"cannot read {path!r}; list shows what you can read")
""",
        ),
    },
    "3.2": {
        "a lock": LESSON.defined("3.2", LOCK),
        "cached answers": LESSON.defined("3.2", CACHE),
        "one key per call": LESSON.defined("3.2", KEYED),
        "the fault passes": handler(fault="raise"),
        "a 500": handler(fault='return 500, "internal error"'),
        "another exception": handler(fault='raise RuntimeError("no database") from error'),
        "a web framework's exception": handler(fault="raise HTTPException(503)"),
        "a list": handler(mistake='return [200, f"Error: {error}"]'),
        "a default dictionary": LESSON.defined(
            "3.2",
            """
import collections

async def handle(made, trace_id, call_id, query, find, budget=10):
    mine = made.setdefault("sets", collections.defaultdict(set))[trace_id]
    if len(mine | {call_id}) > budget:
        return 200, "Error: that was one call too many"
    mine |= {call_id}
    try:
        return 200, await find(query)
    except LookupError as error:
        return 200, f"Error: not found ({error})"
""",
        ),
    },
    "3.3": {
        "a loop": by_loop,
        "pandas": by_table,
        "numpy": by_array,
        "sorted": lambda designs, value, price: sorted(
            designs, key=lambda name: -net(designs, value, price)[name]
        )[0],
        "the items": lambda designs, value, price: max(
            designs.items(), key=lambda item: net(designs, value, price)[item[0]]
        )[0],
        "in cents": lambda designs, value, price: max(
            (100 * worth, name) for name, worth in net(designs, value, price).items()
        )[1],
    },
}

NONSENSE: Nonsense = {
    "3.1": {
        "trusts the path": (cat(READ), "reveals a secret through '..'"),
        "looks for two dots": (
            cat(f"if '..' in path:\n    raise ValueError('no dots in a path, please')\n{READ}"),
            "it refuses a page with two dots in its name",
        ),
        "looks for dots between slashes": (
            cat(
                f"if '..' in path.split('/'):\n    raise ValueError('stay in the reports')\n{READ}"
            ),
            "reveals a secret through an absolute path",
        ),
        "compares strings": (
            cat(
                "whole = os.path.realpath(root / path)\n"
                "if not whole.startswith(os.path.realpath(root)) or not os.path.isfile(whole):\n"
                f"    raise ValueError('there is no such page; ask list')\n{READ}"
            ),
            "reveals a secret through a neighbour folder",
        ),
        "follows no links": (
            cat(
                "whole = Path(os.path.normpath(root / path))\n"
                "if not whole.is_relative_to(root) or not whole.is_file():\n"
                f"    raise ValueError('there is no such page; ask list')\n{READ}"
            ),
            "reveals a secret through a link that leads out",
        ),
        "does not resolve the root": (
            LESSON.changed("3.1", "inside = root.resolve()", "inside = root"),
            "resolve the root too",
        ),
        "a missing page is a fault": (
            LESSON.changed("3.1", "not file.is_file()", "False"),
            "which becomes a fault",
        ),
        "shows the root": (
            LESSON.changed("3.1", 'f"no page {path!r}; call list to see the pages"', "str(file)"),
            "shows where the root is",
        ),
        "a useless message": (
            LESSON.changed("3.1", '"this path leads out; use one from list"', '"no"'),
            "does not help the model",
        ),
        "returns the error": (
            cat("return 'Error: no such page'"),
            "instead of raising a ValueError",
        ),
        "refuses everything": (
            cat("raise ValueError('there are no pages today')"),
            "it refuses a page, 'ACME/2012/page_1.pdf'",
        ),
    },
    "3.2": {
        "as it was": (LESSON.defined("3.2", AS_GIVEN), "a race condition"),
        "counted before the await, but as a number": (
            LESSON.defined("3.2", COUNTER),
            "sent twice counts as two calls",
        ),
        "counted after the await": (LESSON.defined("3.2", LATE_COUNT), "a race condition"),
        "one budget for all": (handler(trace="0"), "another rollout's first call is refused"),
        "a fixed budget": (handler(full="len(calls) >= 10"), "it answers all five calls"),
        "one too many": (handler(full="len(calls) > budget"), "answers 4 of five calls"),
        "refuses a known call": (
            handler(known="False"),
            "it refuses a call that it had answered before",
        ),
        "a refusal with 429": (
            handler(refusal='return 429, "too many"'),
            "a refusal is for the model to read",
        ),
        "a mistake that is a fault": (
            handler(mistake="raise"),
            "when `find` raises LookupError it answers LookupError",
        ),
        "a mistake without a message": (
            handler(mistake='return 200, "Error:"'),
            "this is the model's mistake",
        ),
        "a fault that is a mistake": (
            handler(fault='return 200, "Error: try later"'),
            "this is a fault",
        ),
        "a fault that is a 4xx": (handler(fault='return 404, "gone"'), "this is a fault"),
        "a fault that raises a 4xx": (handler(fault="raise HTTPException(429)"), "this is a fault"),
        "never looks": (
            LESSON.defined("3.2", "async def handle(*_): return 200, 'Error: no'"),
            "to a good call it answers (200, 'Error: no')",
        ),
        "not async": (lambda *_: (200, "page 4"), "keep `async def`"),
        "text alone": (
            LESSON.defined("3.2", "async def handle(*_): return 'page 4'"),
            "return a status and a text",
        ),
    },
    "3.3": {
        "the best answers": (
            lambda designs, value, price: max(designs, key=lambda n: designs[n]["reward"]),
            "answers that are worth nothing: it chooses long",
        ),
        "the cheapest": (
            lambda designs, value, price: min(designs, key=lambda n: designs[n]["total_tokens"]),
            "tokens that cost nothing: it chooses short",
        ),
        "reward per token": (
            lambda designs, value, price: max(
                designs, key=lambda n: designs[n]["reward"] / designs[n]["total_tokens"]
            ),
            "tokens that cost nothing: it chooses short",
        ),
        "a price per token": (
            lambda designs, value, price: max(
                designs,
                key=lambda n: value * designs[n]["reward"] - price * designs[n]["total_tokens"],
            ),
            "compare value * reward - price * total_tokens / 1,000,000",
        ),
        "an index": (lambda *_: 0, "returns 0, which is not the name of a design"),
        "a value": (
            lambda designs, value, price: max(net(designs, value, price).values()),
            "which is not the name of a design",
        ),
        "the first": (lambda designs, value, price: next(iter(designs)), "it chooses short"),
        "the worst": (
            lambda designs, value, price: min(designs, key=net(designs, value, price).__getitem__),
            "compare value * reward",
        ),
    },
}
