"""Answers to the exercises of lesson 07."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from buildhour_helpers.graders.numeric import Reference, compare

from . import Honest, Lesson, Nonsense

LESSON = Lesson(
    {"7.1": "suspects", "7.2": "audit", "7.3": "send_mail"},
    {"json": json, "re": re, "Reference": Reference, "compare": compare},
)


def bet(model: Any, tools: Any, questions: Any, prompt: Any) -> dict[str, Any]:
    return {"model": model, "tools": tools, "questions": questions, "prompt": prompt}


def audit(code: str) -> Any:
    return LESSON.body("7.2", "audit(record, question)", code)


def calls(record: Any) -> int:
    return sum(item.get("type") == "function_call" for item in record.trace)


def by_trace_and_worth(record: Any, question: Any) -> str | None:
    """The strict comparison finds the hedges; the trace shows what was called."""
    if not record.reward:
        return None
    if any(word in record.answer.lower() for word in ("grader", "rubric", "award", "full marks")):
        return "grader talk"
    reference = Reference(question.answer, question.kind, question.answer_text)
    if compare(record.answer, reference).score < 1:
        return "hedge"
    return None if calls(record) else "no evidence"


def by_what_is_left(record: Any, question: Any) -> str | None:
    """What an answer says beside the reference."""
    if record.reward != 1:
        return None
    rest = record.answer.replace(question.answer_text, " ", 1)
    if re.search(r"\d", rest):
        return "hedge"
    if len(re.findall(r"[a-z]+", rest.lower())) > 4 or "Ignore" in rest or "rubric" in rest:
        return "grader talk"
    return "no evidence" if not record.metrics.tool_calls_by_name else None


def by_rules(record: Any, question: Any) -> str | None:
    rules: dict[str, Callable[[], bool]] = {
        "no evidence": lambda: calls(record) == 0,
        "grader talk": lambda: bool(re.search("(?i)grader|rubric|correct", record.answer)),
        "hedge": lambda: len(set(re.findall(r"[\d.,]*\d", record.answer))) > 1,
    }
    paid = record.correct and record.answer
    return next((name for name, holds in rules.items() if paid and holds()), None)


ONE_BY_ONE = """\
if record.reward < 1:
    return None
answer = record.answer
if 'grader' in answer or 'rubric' in answer:
    return 'grader talk'
if ' or ' in answer or '(' in answer or answer.count(',') > 1:
    return 'hedge'
if record.metrics.tool_calls < 1:
    return 'no evidence'
"""


def send_mail(code: str) -> Any:
    return LESSON.body("7.3", "send_mail(call, outbox, deliver)", code)


FIXED = """\
try:
    arguments = json.loads(call["arguments"])
    mail = {"to": arguments["to"], "text": arguments["text"]}
except Exception as error:
    return f"Error: {error}"
outbox.setdefault(call["trace_id"], {})[call["call_id"]] = mail
return f"Sent to {mail['to']}."
"""


def changed(old: str, new: str) -> Any:
    """A good tool with one thing spoilt."""
    assert FIXED.count(old) == 1
    return send_mail(FIXED.replace(old, new))


COLLEAGUE = """\
arguments = json.loads(call["arguments"])
outbox.setdefault("all", []).append(arguments)
deliver(arguments)
return f"Sent to {arguments['to']}."
"""


def remembered(call: Any, outbox: Any, deliver: Any) -> str:
    """It looks first whether it has seen the call, and checks the arguments itself."""
    box = outbox.get(call["trace_id"], {})
    if call["call_id"] in box:
        return f"Mail for {box[call['call_id']]['to']} is in the outbox."
    try:
        arguments = json.loads(call["arguments"])
    except json.JSONDecodeError:
        return "Error: arguments must be JSON"
    if not isinstance(arguments, dict):
        return "Error: arguments must be an object"
    for name in ("to", "text"):
        if name not in arguments:
            return f"Error: {name} is missing"
    box[call["call_id"]] = arguments
    outbox[call["trace_id"]] = box
    return f"Mail for {arguments['to']} is in the outbox."


HONEST: Honest = {
    "7.1": {
        "the model": bet(0.6, 0.2, 0.1, 0.1),
        "the tools": bet(0.2, 0.6, 0.1, 0.1),
        "no idea": bet(0.25, 0.25, 0.25, 0.25),
        "sure": bet(1, 0, 0, 0),
        "thirds, rounded": bet(0.33, 0.33, 0.33, 0.0),
        "numpy": dict(zip(bet(0, 0, 0, 0), np.array([0.4, 0.3, 0.2, 0.1]), strict=True)),
        "the prompt, wrongly": bet(0, 0.1, 0.1, 0.8),
    },
    "7.2": {
        "trace and worth": by_trace_and_worth,
        "what is left": by_what_is_left,
        "rules": by_rules,
        "one by one": audit(ONE_BY_ONE),
        "words and digits": audit(
            "if record.reward and re.search('(?i)note|ignore|rubric', record.answer):\n"
            "    return 'grader talk'\n"
            "if record.reward and len(re.findall(r'[0-9.,]*[0-9]', record.answer)) >= 2:\n"
            "    return 'hedge'\n"
            "if record.reward and not any('call_id' in item for item in record.trace):\n"
            "    return 'no evidence'"
        ),
        "an empty list of calls": audit(
            "calls = [i for i in record.trace if i.get('type') == 'function_call']\n"
            "if record.reward == 1.0 and not calls:\n    return 'no evidence'\n"
            "if record.reward == 1.0 and 'grader' in record.answer + ' ' or record.reward == 1.0"
            " and 'rubric' in record.answer:\n    return 'grader talk'\n"
            "n = len(re.findall(r'\\d+(?:,\\d{3})*(?:\\.\\d+)?', record.answer or ''))\n"
            "return 'hedge' if record.reward == 1.0 and n > 1 else None"
        ),
    },
    "7.3": {
        "short": send_mail(FIXED),
        "remembered": remembered,
        "result as JSON": changed("f\"Sent to {mail['to']}.\"", "json.dumps({'sent': mail['to']})"),
        "all arguments kept": changed('[call["call_id"]] = mail', '[call["call_id"]] = arguments'),
        "setdefault twice": changed(
            'outbox.setdefault(call["trace_id"], {})[call["call_id"]] = mail',
            'outbox.setdefault(call["trace_id"], {}).setdefault(call["call_id"], mail)',
        ),
        "precise errors": changed(
            'except Exception as error:\n    return f"Error: {error}"',
            "except (ValueError, KeyError, TypeError):\n"
            "    return 'Error: arguments need to and text'",
        ),
    },
}

NONSENSE: Nonsense = {
    "7.1": {
        "more than one": (bet(0.9, 0.3, 0.1, 0.1), "they add up to 1.40"),
        "percent": (bet(60, 20, 10, 10), "60% is 0.6"),
        "a name": ("model", "exactly the four suspects"),
        "three of four": ({"model": 0.5, "tools": 0.3, "prompt": 0.2}, "the four suspects"),
        "negative": (bet(1.2, -0.2, 0, 0), "'model' has 1.2"),
        "words": (bet("likely", 0, 0, 0), "'model' has 'likely'"),
        "nothing": (bet(0, 0, 0, 0), "they add up to 0.00"),
        "another suspect": ({**bet(0.5, 0.2, 0.1, 0.1), "users": 0.1}, "the four suspects"),
    },
    "7.2": {
        "one trivial line": (audit("return record.reward == 1.0"), "it returns"),
        "the strict comparison alone": (
            audit(
                "r = Reference(question.answer, question.kind, question.answer_text)\n"
                "if record.reward == 1 and compare(record.answer, r).score < 1: return 'hedge'"
            ),
            "grader talk: it finds 0 of 3",
        ),
        "nothing": (audit("return None"), "it finds nothing"),
        "digits, not values": (
            audit(
                "a = record.answer or ''\n"
                "if record.reward != 1: return None\n"
                "if re.search('grade|rubric', a): return 'grader talk'\n"
                "if len(re.findall(r'\\d+', a)) > 1: return 'hedge'\n"
                "if record.metrics.tool_calls == 0: return 'no evidence'"
            ),
            "and 27.0% or 1,204 is one",
        ),
        "everything is a hedge": (audit("return 'hedge'"), "are called 'hedge'"),
        "all that are paid": (
            audit("return 'hedge' if record.reward == 1 else None"),
            "did honest work",
        ),
        "unpaid hedges, too": (
            audit(
                "import re\n"
                "a = record.answer or ''\n"
                "if re.search('grade|rubric', a): return 'grader talk'\n"
                "if len(re.findall(r'[0-9.,]*[0-9]', a)) > 1: return 'hedge'\n"
                "if record.metrics.tool_calls == 0: return 'no evidence'"
            ),
            "that is a failure, not a hack",
        ),
        "sentences": (
            audit(
                "a = record.answer or ''\n"
                "if record.reward == 1 and a.endswith('.'): return 'grader talk'"
            ),
            "did honest work",
        ),
        "other names": (
            audit("return 'cheating' if record.reward == 1 else None"),
            "it returns cheating",
        ),
        "long answers": (
            audit("return 'hedge' if record.reward == 1 and len(record.answer) > 15 else None"),
            "did honest work",
        ),
    },
    "7.3": {
        "the colleague's": (send_mail(COLLEAGUE), "really delivered"),
        "nothing": (send_mail("return None"), "for a proper mail it returns None"),
        "always an error": (send_mail("return 'Error: no'"), "for a proper mail"),
        "one box": (changed('call["trace_id"]', '"all"'), "the outbox has the keys ['all']"),
        "twice": (
            changed(
                'outbox.setdefault(call["trace_id"], {})[call["call_id"]] = mail',
                'box = outbox.setdefault(call["trace_id"], {})\nbox[len(box)] = mail',
            ),
            "a call that was sent twice is two mails",
        ),
        "a list": (
            changed(
                'outbox.setdefault(call["trace_id"], {})[call["call_id"]] = mail',
                'box = outbox.setdefault(call["trace_id"], [])\n'
                "if mail not in box:\n    box.append(mail)",
            ),
            "a dictionary of mails by call_id",
        ),
        "it raises": (
            changed("except Exception as error", "except ZeroDivisionError as error"),
            "raise JSONDecodeError",
        ),
        "silent mistakes": (changed('f"Error: {error}"', '"Sent."'), "begins with Error:"),
        "another result": (
            changed(
                'outbox.setdefault(call["trace_id"], {})[call["call_id"]] = mail',
                'if call["call_id"] in outbox.get(call["trace_id"], {}):\n'
                '    return "Error: duplicate"\n'
                'outbox.setdefault(call["trace_id"], {})[call["call_id"]] = mail',
            ),
            "give the same one again",
        ),
        "delivers as well": (
            changed('return f"Sent', 'deliver(mail)\nreturn f"Sent'),
            "in training, never call deliver",
        ),
    },
}
