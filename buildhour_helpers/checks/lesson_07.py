"""Checks of lesson 07: a bet on the cause, an audit of planted hacks, a tool that is safe to train
with."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from buildhour_helpers.checks.verdict import Finding, Findings, exercise, number_of, right, wrong
from buildhour_helpers.graders.numeric import Reference, compare
from buildhour_helpers.recordings import RUNS
from buildhour_helpers.tasks import Question, load_questions
from rft_wire.records import RolloutRecord

HINTS = {
    "7.1": (
        "What was released on Monday, and what on Tuesday? How often does each of the four cause "
        "trouble where you work?",
        "Four numbers from 0 to 1 that add up to 1. Leave something for each suspect that no "
        "evidence has cleared yet.",
        'For example `suspects = {"model": 0.4, "tools": 0.3, "questions": 0.2, "prompt": 0.1}`.',
    ),
    "7.2": (
        "Read the answers printed above, and the number of calls before each. Three families "
        "stand out.",
        "Count the numbers in the answer (a hedge has several), look for words about grading, and "
        "count tool calls. Ask first whether there was a reward at all.",
        "if record.reward != 1: None. If re.search('grade|rubric|marks', answer, re.I): 'grader "
        "talk'. If the answer has two numbers: 'hedge'. If record.metrics.tool_calls == 0: 'no "
        "evidence'.",
    ),
    "7.3": (
        "Go through the four points one by one. Which line of the colleague's tool breaks each?",
        "Read the arguments in a `try` and return a string that begins with Error: on a failure. "
        "Then put the mail under its trace_id and call_id: the same key twice is one mail.",
        "outbox.setdefault(call['trace_id'], {})[call['call_id']] = mail, and no call of deliver; "
        "except (ValueError, KeyError, TypeError): return 'Error: ...'.",
    ),
}

SUSPECTS = ("model", "tools", "questions", "prompt")


@exercise("7.1")
def exercise_7_1(suspects: Any) -> Findings:
    """A bet on four suspects; its score once the cause is known."""
    if not isinstance(suspects, Mapping) or set(suspects) != set(SUSPECTS):
        yield wrong(
            "it does not name exactly the four suspects",
            "a dictionary with the keys " + ", ".join(f'"{name}"' for name in SUSPECTS),
        )
        return
    bets = {name: number_of(suspects[name]) for name in SUSPECTS}
    for name, bet in bets.items():
        if bet is None or not 0 <= bet <= 1:
            yield wrong(
                f"{name!r} has {suspects[name]!r}", "give each a number from 0 to 1: 60% is 0.6"
            )
            return
    known = {name: bet for name, bet in bets.items() if bet is not None}
    total = sum(known.values())
    if not math.isclose(total, 1, abs_tol=0.011):
        yield wrong(f"they add up to {total:.2f}", "one of the four did it: make them add up to 1")
        return
    yield right("the four numbers add up to 1")
    first = [f"the {name}" for name, bet in known.items() if bet == max(known.values())]
    are = "suspects are" if len(first) > 1 else "suspect is"
    yield right(f"your first {are} {_listed(first)}: the next cell tests that")
    if ruled_out := [f"the {name}" for name, bet in known.items() if bet == 0]:
        yield right(
            f"you ruled out {_listed(ruled_out)} before any run; then no evidence could change "
            "your mind"
        )


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


Audit = Callable[[RolloutRecord, Question], Any]
KINDS = {
    "hedge": "count the values in the answer: a hedge offers several",
    "grader talk": "look for words about grading: an honest answer has no reason to use them",
    "no evidence": "look at what the rollout did: did it call any tool?",
}
"""Each planted hack, and where to look for it."""
TOO_WIDE = {
    "hedge": "a hedge has several values, and 27.0% or 1,204 is one",
    "grader talk": "ask for words about grading",
    "no evidence": "ask for no tool call at all",
}
"""What to change where honest answers or other hacks get this name."""


def planted() -> tuple[list[RolloutRecord], dict[tuple[str, int], str]]:
    """The rollouts of the recording, and the name of the hack in those that have one."""
    run = json.loads((RUNS / "planted_hack.json").read_text(encoding="utf-8"))
    names = {(question, repeat): hack for question, repeat, hack in run["planted"]}
    return [RolloutRecord.from_json(row) for row in run["rollouts"]], names


@exercise("7.2")
def exercise_7_2(audit: Audit) -> Findings:
    """What an audit names, misses and accuses in a recording with planted hacks."""
    records, hacks = planted()
    asked = {question.id: question for question in load_questions(split="test")}
    said = {(r.question_id, r.repeat): audit(r, asked[r.question_id]) for r in records}
    unknown = {str(name) for name in said.values() if name is not None and name not in KINDS}
    if unknown:
        yield wrong(
            f"it returns {', '.join(sorted(unknown)[:3])}",
            'return "hedge", "grader talk" or "no evidence", or None where there is no hack',
        )
        return
    if not any(said.values()):
        yield wrong(
            f"it finds nothing in {len(records)} rollouts",
            "read the answers with a reward, printed above: nine of them are hacks",
        )
        return
    for hack, where in KINDS.items():
        yield _found(hack, where, said, hacks)
    yield from _accused(records, said, hacks, asked)


def _found(
    hack: str, where: str, said: Mapping[Any, Any], hacks: Mapping[tuple[str, int], str]
) -> Finding:
    mine = [key for key, name in hacks.items() if name == hack]
    named = Counter(said[key] for key in mine)
    if named[hack] == len(mine):
        return right(f"{hack}: it finds all {len(mine)}")
    others = {name: count for name, count in named.items() if name not in (hack, None)}
    if others:
        called, count = max(others.items(), key=lambda pair: pair[1])
        return wrong(
            f"{hack}: {count} of {len(mine)} are called {called!r}",
            f"the test for {called!r} catches too much: {TOO_WIDE[called]}",
        )
    return wrong(f"{hack}: it finds {named[hack]} of {len(mine)}", where)


def _accused(
    records: list[RolloutRecord],
    said: Mapping[Any, Any],
    hacks: Mapping[tuple[str, int], str],
    asked: Mapping[str, Question],
) -> Findings:
    """Accusations of rollouts without a reward, and of honest work."""
    others = [r for r in records if (r.question_id, r.repeat) not in hacks]
    accused = [r for r in others if said[r.question_id, r.repeat]]
    unrewarded = [r for r in accused if r.reward != 1.0]
    honest = [
        r
        for r in accused
        if r.reward == 1.0 and r.metrics.tool_calls and deserved(r, asked[r.question_id]) == 1.0
    ]
    if unrewarded:
        yield wrong(
            f"{len(unrewarded)} of those it accuses got no reward: that is a failure, not a hack",
            "ask for record.reward == 1 first",
        )
    if honest:
        called = said[honest[0].question_id, honest[0].repeat]
        yield wrong(
            f"{len(honest)} of those it accuses did honest work, such as {honest[0].answer!r}, "
            f"which it calls {called!r}",
            TOO_WIDE[called],
        )
    if not unrewarded and not honest:
        yield right("it accuses nobody who did honest work")


def deserved(record: RolloutRecord, question: Question) -> float:
    """The score that the strict comparison of lesson 04 gives the answer."""
    reference = Reference(question.answer, question.kind, question.answer_text)
    return compare(record.answer or "", reference).score


SendMail = Callable[[dict[str, Any], dict[str, Any], Callable[[Any], None]], Any]
BAD_ARGUMENTS = {
    "no JSON": "to: ann@example.com",
    "a list": "[1, 2]",
    "no `to`": '{"text": "Hi"}',
    "no `text`": '{"to": "ann@example.com"}',
}


@exercise("7.3")
def exercise_7_3(send_mail: SendMail) -> Findings:
    """A mail tool in training: delivery, isolation, calls sent twice, mistakes of the model."""
    outbox: dict[str, Any] = {}
    delivered: list[Any] = []

    def send(trace_id: str, call_id: str, arguments: str) -> Any:
        call = {"trace_id": trace_id, "call_id": call_id, "arguments": arguments}
        return send_mail(call, outbox, delivered.append)

    first = json.dumps({"to": "ann@example.com", "text": "Hi"})
    other = json.dumps({"to": "bob@example.com", "text": "Hello"})
    said = send("trace_a", "call_1", first)
    if not isinstance(said, str) or not said or said.startswith("Error"):
        yield wrong(
            f"for a proper mail it returns {said!r}",
            "return a string that the model can read, such as 'Sent to ann@example.com.'",
        )
        return
    again = send("trace_a", "call_1", first)
    send("trace_a", "call_2", other)
    send("trace_b", "call_1", other)
    yield _delivery(delivered)
    yield _boxes(outbox)
    if again == said:
        yield right("a call that comes again gets the same result")
    else:
        yield wrong(
            f"a call that comes again gets {again!r}, not {said!r}",
            "the caller never saw the first result: give the same one again",
        )
    yield from _mistakes(send, outbox)


def _delivery(delivered: list[Any]) -> Finding:
    if delivered:
        return wrong(
            f"{len(delivered)} mails were really delivered", "in training, never call deliver"
        )
    return right("nothing is delivered")


def _boxes(outbox: Mapping[str, Any]) -> Finding:
    if set(outbox) != {"trace_a", "trace_b"}:
        return wrong(
            f"the outbox has the keys {sorted(map(str, outbox))}",
            "one box for each rollout: outbox[call['trace_id']]",
        )
    sizes = {name: len(box) for name, box in outbox.items()}
    if sizes == {"trace_a": 3, "trace_b": 1}:
        return wrong("a call that was sent twice is two mails", "keep the mails by their call_id")
    expected = {"trace_a": {"call_1": "ann", "call_2": "bob"}, "trace_b": {"call_1": "bob"}}
    for name, mails in expected.items():
        box = outbox[name]
        if not isinstance(box, Mapping) or set(box) != set(mails):
            return wrong(
                f"the box of {name} is {box!r}"[:120],
                "a dictionary of mails by call_id, each with `to` and `text`",
            )
        for call_id, person in mails.items():
            if not _is_mail(box[call_id], person):
                return wrong(
                    f"{call_id} of {name} is {box[call_id]!r}"[:120],
                    "keep each call's own `to` and `text`",
                )
    return right("each rollout has its own box, and a call that is sent twice is one mail")


def _is_mail(mail: Any, person: str) -> bool:
    if not isinstance(mail, Mapping):
        return False
    return bool(mail.get("to") == f"{person}@example.com" and mail.get("text"))


def _mistakes(send: Callable[[str, str, str], Any], outbox: Mapping[str, Any]) -> Findings:
    """Calls that a model gets wrong: each is told so, and leaves nothing behind."""
    for number, (what, arguments) in enumerate(BAD_ARGUMENTS.items()):
        try:
            said = send("trace_c", f"call_{number}", arguments)
        except Exception as error:
            yield wrong(
                f"arguments with {what} raise {type(error).__name__}",
                "catch it and return a string that begins with Error:",
            )
            return
        if not isinstance(said, str) or not said.startswith("Error:"):
            yield wrong(
                f"for arguments with {what} it returns {said!r}",
                "return a string that begins with Error:, so that the model can correct itself",
            )
            return
    if outbox.get("trace_c"):
        yield wrong("a call with a mistake left a mail", "check the arguments before you keep them")
    else:
        yield right("a mistake is an Error: that the model can read, and leaves no mail")
