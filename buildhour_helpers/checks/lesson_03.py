"""Checks of lesson 03: a `cat` that stays inside its folder, and a budget for each rollout."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from textwrap import shorten
from typing import Any

from buildhour_helpers.checks.verdict import Finding, Findings, exercise, right, wrong

HINTS = {
    "3.1": (
        "Do not look for bad letters in the path. Work out where it leads, then ask whether that "
        "place is inside the root.",
        "(root / path).resolve() follows links and undoes '..'; then .is_relative_to(root."
        "resolve()) and .is_file(). Raise ValueError for both, with the path as the model wrote "
        "it.",
    ),
    "3.2": (
        "Keep for each trace_id the call_ids that were let through: a set, in made. Its length is "
        "the count.",
        "calls = made.setdefault(trace_id, set()). True if call_id is in it; else False if "
        "len(calls) >= budget; else add it and return True.",
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
        yield root


@exercise("3.1")
def exercise_3_1(cat: Callable[[Path, str], str]) -> Findings:
    """Reads every page and refuses every escape, with messages that help the model."""
    with _reports() as root:
        yield from _reads(cat, root)
        for what, path, fix in _escapes(root):
            yield _refusal(cat, root, path, what, fix)
        for what, path in (("a folder", "ACME"), ("a missing page", "ACME/2012/page_9.pdf")):
            yield _refusal(
                cat, root, path, what, "ask .is_file() before you read: the model can fix this"
            )


def _reads(cat: Callable[[Path, str], str], root: Path) -> Findings:
    for what, path in (
        ("a page", "ACME/2012/page_1.pdf"),
        ("a page with two dots in its name", "ACME/q3..q4.pdf"),
    ):
        try:
            text = cat(root, path)
        except ValueError as error:
            yield wrong(
                f"it refuses {what}, {path!r}: {error}",
                "a path may hold dots; what counts is where it leads",
            )
            continue
        if text == PAGE:
            yield right(f"it reads {what}")
        else:
            yield wrong(
                f"of {what} it returns {shorten(repr(text), 40)}",
                "return file.read_text(encoding='utf-8')",
            )


def _escapes(root: Path) -> Iterator[tuple[str, str, str]]:
    """Ways out of the root: the name, the path and the fix."""
    inside = "resolve the joined path, then ask whether it is inside the root"
    yield "'..'", "../secret.txt", inside
    yield "'..' further in", "ACME/../../secret.txt", inside
    yield (
        "an absolute path",
        str(root.parent / "secret.txt"),
        "root / path is just path where path is absolute: resolve it and ask where it lies",
    )
    yield (
        "a neighbour folder",
        "../reports-private/secret.txt",
        "its name begins as the root's does: do not compare strings, use is_relative_to",
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
            f"for {what} it raises {type(error).__name__}, which would become a fault",
            f"{fix}; raise ValueError with what the model should do instead",
        )
    if PRIVATE in str(text):
        return wrong(f"it gives away a secret by {what}", fix)
    return wrong(f"for {what} it returns {shorten(repr(text), 40)} and raises no ValueError", fix)


def _worded(message: str, root: Path, what: str) -> Finding:
    if str(root) in message or str(root.resolve()) in message:
        return wrong(
            f"its message for {what} tells where the root lies on your disk",
            "name the path as the model wrote it, and nothing of the server's",
        )
    if len(message.split()) < 3:
        return wrong(
            f"its message for {what} is {message!r}, which tells the model nothing",
            "say what to do instead, such as: there is no page X; list shows which there are",
        )
    return right(f"it refuses {what}")


@exercise("3.2")
def exercise_3_2(allow: Callable[..., bool]) -> Findings:
    """Each rollout has a budget; a call that is sent again counts once."""
    made: dict[str, Any] = {}
    first = [allow(made, "a", f"call_{n}", 3) for n in range(5)]
    if any(not isinstance(answer, bool) for answer in first):
        yield wrong(f"it answers {first[0]!r}", "return True or False")
        return
    yield _counted(first)
    if allow(made, "b", "call_0", 3):
        yield right("another rollout has a budget of its own")
    else:
        yield wrong(
            "with one rollout's budget used up, another's first call is refused",
            "count under made[trace_id], and not for all rollouts together",
        )
    yield from _sent_again(allow)
    ten = [allow(made, "c", f"call_{n}") for n in range(12)]
    if sum(ten) != 10 and sum(first) == 3:
        yield wrong(
            f"without a budget given it allows {sum(ten)} calls of 12", "use budget, not a number"
        )


def _counted(answers: list[bool]) -> Finding:
    """Whether of five calls with a budget of 3 the first three are allowed."""
    if answers == [True, True, True, False, False]:
        return right("of five calls with a budget of 3 it allows the first three")
    if all(answers):
        return wrong(
            "with a budget of 3 it allows five calls of one rollout",
            "put each allowed call into made, and look there first",
        )
    return wrong(
        f"with a budget of 3 it allows {sum(answers)} of five calls",
        "refuse as soon as `budget` calls are there: len(calls) >= budget",
    )


def _sent_again(allow: Callable[..., bool]) -> Findings:
    made: dict[str, Any] = {}
    again = [allow(made, "a", call, 2) for call in ("call_0", "call_0", "call_1")]
    if again == [True, True, True]:
        yield right("a call that is sent again counts once")
    else:
        yield wrong(
            "the same call_id sent twice counts as two calls",
            "keep the call_ids themselves, in a set, rather than a number",
        )
    made = {}
    used_up = [allow(made, "a", call, 2) for call in ("call_0", "call_1", "call_0")]
    if used_up[-1]:
        yield right("it allows a call again that was paid for, with the budget used up")
    elif again == [True, True, True]:
        yield wrong(
            "with the budget used up it refuses a call that it had allowed before",
            "ask whether the call_id is known before you ask how many there are",
        )
