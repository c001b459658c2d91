"""Numbers in a lesson's prose: the builder fills in `{{ gain:+.2f }}` from the run.

What stands between the braces is what stands between those of an f-string. It is evaluated in the
kernel once the cells above have run. So a sentence that states a finding is as true as the output
beside it, and each number must be seen in an output of the lesson.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

FINDING = re.compile(r"\{\{\s*(?!(?:item|sample)\.)(.+?)\s*\}\}", re.DOTALL)
"""Not the templates of a grader, such as {{item.reference_answer}}."""
NUMBER = re.compile(r"(?<![\w.])[-+\u2212]?(\d[\d,]*(?:\.\d+)?)(%?)")


def to_evaluate(text: str) -> dict[str, str]:
    """The findings of a Markdown cell as expressions to evaluate: number in the text -> code."""
    return {str(n): f'f"""{{{found}}}"""' for n, found in enumerate(FINDING.findall(text))}


def filled(text: str, replies: Mapping[str, Mapping[str, Any]]) -> str:
    """The text with the kernel's replies to `to_evaluate`. Raises ValueError naming a finding that
    could not be evaluated."""
    values = iter(sorted(replies.items(), key=lambda reply: int(reply[0])))

    def value(found: re.Match[str]) -> str:
        _, reply = next(values)
        if reply["status"] != "ok":
            raise ValueError(f"{found[0]}: {reply['ename']}: {reply['evalue']}")
        return str(ast.literal_eval(reply["data"]["text/plain"]))

    return FINDING.sub(value, text)


def values_in(template: str, text: str) -> list[str] | None:
    """What was filled into a template to make this text; None if it was not made from it."""
    fixed = [re.escape(part) for part in FINDING.split(template)[::2]]
    found = re.fullmatch("(.+?)".join(fixed), text, re.DOTALL)
    return None if found is None else list(found.groups())


def not_shown(values: Iterable[str], outputs: str) -> Iterator[str]:
    """Those values with a number that no output shows, be it rounded or as a percentage."""
    shown = [number for number, _ in _numbers(outputs)]
    for value in values:
        for number, tolerance in _numbers(value):
            if not any(abs(number - one) <= tolerance for one in shown):
                yield value
                break


def _numbers(text: str) -> Iterator[tuple[float, float]]:
    """Each number without its sign ("-45%" is 0.45), and half a unit of its last digit."""
    for digits, percent in NUMBER.findall(text):
        scale = 0.01 if percent else 1.0
        decimals = len(digits.partition(".")[2])
        yield float(digits.replace(",", "")) * scale, (0.5001 * 10.0**-decimals) * scale
