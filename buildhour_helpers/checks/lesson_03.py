"""Checks of lesson 03: a safe `cat`, a colleague's handler, a design chosen by reward and cost."""

from __future__ import annotations

import asyncio
import inspect
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from textwrap import shorten
from typing import Any

from buildhour_helpers.checks.verdict import Finding, Findings, exercise, right, wrong

HINTS = {
    "3.1": (
        "Do not look for bad characters in the path. Work out where the path leads, and then ask "
        "whether that place is inside the root.",
        "`(root / path).resolve()` follows links and undoes `..`. Resolve the root as well, and "
        "compare with `is_relative_to`, not by comparing strings. Then check `is_file`.",
        "Let `file = (root / path).resolve()`. Raise ValueError if not "
        "`file.is_relative_to(root.resolve())`, and another if not `file.is_file()`; put the path "
        "as the model wrote it into the message. Otherwise return "
        "`file.read_text(encoding='utf-8')`.",
    ),
    "3.2": (
        "Follow one call through the handler, then two calls at the same time. Then ask what the "
        "model would read in each `except`, and whether that is true.",
        "Keep the call_ids of a rollout in a set, and add to it before the `await`. Swap what the "
        "two `except` branches do: the model's mistake is a 200 with `Error:`, a fault is a 5xx.",
        "`calls = made.setdefault(trace_id, set())`. Refuse if `call_id not in calls and "
        "len(calls) >= budget`. Then `calls.add(call_id)`, and only then `await find(query)`. "
        '`LookupError` becomes `200, f"Error: {error}"`; `ConnectionError` becomes `503, ...`.',
    ),
    "3.3": (
        "Put both sides in dollars: what the answers of a rollout are worth, and what its tokens "
        "cost.",
        "A rollout earns `value * reward` and costs `price * total_tokens / 1_000_000`. Return the "
        "name with the greatest difference.",
        "`max(designs, key=lambda name: value * designs[name]['reward'] - price * "
        "designs[name]['total_tokens'] / 1e6)`",
    ),
}

PAGE = "Net sales were 12.5 million in 2012."
PRIVATE = "the key is 1234"


@contextmanager
def _reports() -> Iterator[Path]:
    """A folder of two pages, with secrets outside it and a link to one of them."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        outside = Path(folder)
        root = outside / "reports"
        (root / "ACME" / "2012").mkdir(parents=True)
        (root / "ACME" / "2012" / "page_1.pdf").write_text(PAGE, encoding="utf-8")
        (root / "ACME" / "q3..q4.pdf").write_text(PAGE, encoding="utf-8")
        (outside / "reports-private").mkdir()
        for secret in (outside / "secret.txt", outside / "reports-private" / "secret.txt"):
            secret.write_text(PRIVATE, encoding="utf-8")
        with suppress(OSError, NotImplementedError):  # on Windows, links need a privilege
            (root / "link.pdf").symlink_to(outside / "secret.txt")
            (outside / "linked").symlink_to(root)
        yield root


@exercise("3.1")
def exercise_3_1(cat: Callable[[Path, str], str]) -> Findings:
    """Reads every page and refuses every escape, with messages that help the model."""
    with _reports() as root:
        yield from _reads(cat, root)
        for what, path, fix in _escapes(root):
            yield _refusal(cat, root, path, what, fix)
        for what, path in (("a folder", "ACME"), ("a missing page", "ACME/2012/page_9.pdf")):
            yield _refusal(cat, root, path, what, "check .is_file() before you read")


def _reads(cat: Callable[[Path, str], str], root: Path) -> Findings:
    page = "ACME/2012/page_1.pdf"
    dots = "a path may contain dots; what counts is where it leads"
    cases = [("a page", root, page, dots)]
    cases.append(("a page with two dots in its name", root, "ACME/q3..q4.pdf", dots))
    if (linked := root.parent / "linked").is_symlink():
        fix = "resolve the root too, before you compare the two"
        cases.append(("a page where the root itself is a link", linked, page, fix))
    for what, folder, path, fix in cases:
        try:
            text = cat(folder, path)
        except ValueError as error:
            yield wrong(f"it refuses {what}, {path!r}: {error}", fix)
            continue
        if text == PAGE:
            yield right(f"it reads {what}")
        else:
            yield wrong(
                f"for {what} it returns {shorten(repr(text), 40)}",
                "return file.read_text(encoding='utf-8')",
            )


def _escapes(root: Path) -> Iterator[tuple[str, str, str]]:
    """Ways out of the root: the name, the path and the fix."""
    inside = "resolve the joined path, then check that it is inside the root"
    yield "'..'", "../secret.txt", inside
    yield "'..' further in", "ACME/../../secret.txt", inside
    yield (
        "an absolute path",
        str(root.parent / "secret.txt"),
        "if path is absolute, root / path is just path: resolve it, then check where it is",
    )
    yield (
        "a neighbour folder",
        "../reports-private/secret.txt",
        "its name starts like the root's: use is_relative_to instead of comparing strings",
    )
    if (root / "link.pdf").is_symlink():
        follow = "resolve() follows links; absolute() and normpath do not"
        yield "a link that leads out", "link.pdf", follow


def _refusal(
    cat: Callable[[Path, str], str], root: Path, path: str, what: str, fix: str
) -> Finding:
    try:
        text = cat(root, path)
    except ValueError as error:
        return _worded(str(error), root, what)
    except Exception as error:
        return wrong(
            f"for {what} it raises {type(error).__name__}, which becomes a fault",
            f"{fix}; raise ValueError with what the model should do instead",
        )
    if PRIVATE in str(text):
        return wrong(f"it reveals a secret through {what}", fix)
    return wrong(
        f"for {what} it returns {shorten(repr(text), 40)} instead of raising a ValueError", fix
    )


def _worded(message: str, root: Path, what: str) -> Finding:
    if str(root) in message or str(root.resolve()) in message:
        return wrong(
            f"its message for {what} shows where the root is on your disk",
            "name the path as the model wrote it, and nothing else from the server",
        )
    if len(message.split()) < 3:
        return wrong(
            f"its message for {what} is {message!r}, which does not help the model",
            "say what to do instead, such as: page X does not exist; call list to see the pages",
        )
    return right(f"it refuses {what}")


Handler = Callable[..., Awaitable[tuple[int, str]]]
FOUND = "page 4"
PATIENCE_S = 10.0


@exercise("3.2")
def exercise_3_2(handle: Handler) -> Findings:
    """The budget holds in parallel, a repeated call counts once, mistakes and faults differ."""
    if not inspect.iscoroutinefunction(handle):
        yield wrong("handle is not an `async def`", "keep `async def`, and await `find(query)`")
        return
    with ThreadPoolExecutor(1) as thread:  # a notebook's own event loop is running already
        yield from thread.submit(asyncio.run, _handled(handle)).result()


async def _handled(handle: Handler) -> list[Finding]:
    async def call(made: Made, trace: str, call_id: str, budget: int, find: Find) -> Reply:
        return await _reply(handle(made, trace, call_id, "sales", find, budget))

    made: Made = {}
    first = [await call(made, "a", f"call_{n}", 3, _finds) for n in range(5)]
    if malformed := next((one for one in first if not _is_reply(one)), None):
        shown = shorten(repr(malformed), 60)
        return [wrong(f"it returns {shown}", 'return a status and a text: `200, "..."`')]
    other = await call(made, "b", "call_9", 3, _finds)
    made = {}
    crowd = await asyncio.gather(*(call(made, "a", f"call_{n}", 10, _finds) for n in range(14)))
    made = {}
    again = [
        await call(made, "a", name, 2, _finds) for name in ("call_0", "call_0", "call_1", "call_0")
    ]
    return [
        _counted(first),
        _separate(first, other),
        _in_parallel(crowd),
        _repeated(again),
        _mistake(await call({}, "a", "call_0", 3, _does_not_exist)),
        _fault(await call({}, "a", "call_0", 3, _is_down)),
    ]


Made = dict[Any, Any]
Find = Callable[[str], Awaitable[str]]
Reply = Any
"""What a handler returned, or the exception that it let pass."""


async def _finds(query: str) -> str:
    await asyncio.sleep(0.001)
    return FOUND if query else ""


async def _does_not_exist(query: str) -> str:
    await asyncio.sleep(0)
    raise LookupError(f"no page has {query!r}; use other words")


async def _is_down(query: str) -> str:
    await asyncio.sleep(0)
    raise ConnectionError(f"the database does not answer to {query!r}")


async def _reply(answer: Awaitable[tuple[int, str]]) -> Reply:
    try:
        return await asyncio.wait_for(answer, PATIENCE_S)
    except NotImplementedError:
        raise
    except Exception as error:
        return error


def _is_reply(reply: Reply) -> bool:
    if isinstance(reply, Exception):
        return True
    is_pair = isinstance(reply, tuple | list) and len(reply) == 2
    return is_pair and isinstance(reply[0], int) and isinstance(reply[1], str)


def _is_found(reply: Reply) -> bool:
    return not isinstance(reply, Exception) and tuple(reply) == (200, FOUND)


def _is_error(reply: Reply) -> bool:
    if not _is_reply(reply) or isinstance(reply, Exception) or reply[0] != 200:
        return False
    return bool(reply[1].startswith("Error:") and reply[1].removeprefix("Error:").strip())


def _said(reply: Reply) -> str:
    if isinstance(reply, Exception):
        return f"{type(reply).__name__}: {reply}" if str(reply) else type(reply).__name__
    return shorten(repr(reply), 60)


def _counted(replies: list[Reply]) -> Finding:
    """Of five calls with a budget of 3."""
    found = [_is_found(reply) for reply in replies]
    if found == [True, True, True, False, False]:
        if all(map(_is_error, replies[3:])):
            return right("with a budget of 3 it answers three calls and refuses the rest")
        return wrong(
            f"it refuses a call beyond the budget with {_said(replies[3])}",
            "a refusal is for the model to read: 200 and a text that begins with `Error:`",
        )
    if all(found):
        return wrong(
            "with a budget of 3 it answers all five calls of one rollout",
            "remember each call in `made`, and look there first",
        )
    if not any(found):
        return wrong(
            f"to a good call it answers {_said(replies[0])}", "return `200, await find(query)`"
        )
    return wrong(
        f"with a budget of 3 it answers {sum(found)} of five calls",
        "use `budget` itself, and refuse once that many calls are known",
    )


def _separate(replies: list[Reply], other: Reply) -> Finding:
    if _is_found(other) or not any(map(_is_found, replies)):
        return right("each rollout has its own budget")
    return wrong(
        "once one rollout has used its budget, another rollout's first call is refused",
        "count under `made[trace_id]`, not for all rollouts together",
    )


def _in_parallel(replies: list[Reply]) -> Finding:
    found = sum(map(_is_found, replies))
    if found == 10:
        return right("of 14 parallel calls with a budget of 10 it answers ten")
    return wrong(
        f"of 14 parallel calls with a budget of 10 it answers {found}",
        "a race condition: change the count before you `await find(query)`, not after it",
    )


def _repeated(replies: list[Reply]) -> Finding:
    """call_0, call_0, call_1 and call_0 again, with a budget of 2."""
    found = [_is_found(reply) for reply in replies]
    if all(found):
        return right("a repeated call_id is answered again and counts once")
    if not all(found[:3]):
        return wrong(
            "the same call_id sent twice counts as two calls",
            "keep the call_ids in a set instead of a number",
        )
    return wrong(
        "once the budget is used up it refuses a call that it had answered before",
        "refuse only if the call_id is new *and* the budget is used up",
    )


def _mistake(reply: Reply) -> Finding:
    if _is_error(reply):
        return right("what does not exist is an `Error:` for the model")
    return wrong(
        f"when `find` raises LookupError it answers {_said(reply)}",
        "this is the model's mistake: 200 and `Error:` with what to do instead",
    )


def _fault(reply: Reply) -> Finding:
    error = reply if isinstance(reply, Exception) else None
    unhandled = isinstance(error, ConnectionError) or (
        error is not None and isinstance(error.__context__, ConnectionError) and not _status(error)
    )
    if unhandled or (_is_reply(reply) and 500 <= _status(reply) < 600):
        return right("a database that is down is a fault")
    return wrong(
        f"when `find` raises ConnectionError it answers {_said(reply)}",
        "this is a fault, and the model can do nothing about it: return a 5xx",
    )


def _status(reply: Reply) -> int:
    """Of a web framework's exception too, such as HTTPException(503)."""
    return int(getattr(reply, "status_code", 0) if isinstance(reply, Exception) else reply[0])


Designs = dict[str, dict[str, float]]
TABLES: tuple[Designs, ...] = (
    {
        "short": {"reward": 0.30, "total_tokens": 15_000.0},
        "medium": {"reward": 0.36, "total_tokens": 40_000.0},
        "long": {"reward": 0.40, "total_tokens": 120_000.0},
    },
    {
        "wide": {"reward": 0.55, "total_tokens": 90_000.0},
        "narrow": {"reward": 0.50, "total_tokens": 20_000.0},
    },
)
CASES = (  # a table, the value of a right answer and the price of a million tokens, in dollars
    (0, 1.0, 0.0, "tokens that cost nothing"),
    (0, 0.0, 1.0, "answers that are worth nothing"),
    (0, 1.0, 1.0, "a dollar a right answer, a dollar a million tokens"),
    (0, 5.0, 1.0, "five dollars a right answer, a dollar a million tokens"),
    (1, 1.0, 1.0, "two other designs, a dollar each"),
    (1, 20.0, 2.0, "two other designs, twenty dollars a right answer"),
)


@exercise("3.3")
def exercise_3_3(choose: Callable[[Designs, float, float], object]) -> Findings:
    """The design with the greatest value minus cost, for several values and prices."""
    for table, value, price, what in CASES:
        designs = {name: dict(measured) for name, measured in TABLES[table].items()}
        answer = choose(designs, value, price)
        yield _chosen(answer, TABLES[table], value, price, what)
        if not isinstance(answer, str):
            return


def _chosen(answer: object, designs: Designs, value: float, price: float, what: str) -> Finding:
    net = {
        name: value * measured["reward"] - price * measured["total_tokens"] / 1e6
        for name, measured in designs.items()
    }
    best = max(net, key=lambda name: net[name])
    if not isinstance(answer, str) or answer not in net:
        return wrong(
            f"{what}: it returns {shorten(repr(answer), 40)}, which is not the name of a design",
            "return the name itself, a key of `designs`",
        )
    if net[best] - net[answer] < 1e-9:
        return right(f"{what}: {answer}")
    return wrong(
        f"{what}: it chooses {answer}, worth {net[answer]:.3f} dollars a rollout; {best} is worth "
        f"{net[best]:.3f}",
        "compare value * reward - price * total_tokens / 1,000,000",
    )
