"""What the model knows at one turn: the question, the calls so far and their perceived outputs.

Memory is rebuilt from the request at each turn, like a model's context. Cached is only what depends
on a text and a question alone (`perceive`, `read_question`, `number_table`, `text_table`), since
the rollouts of a group read the same pages for the same question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from rft_service.engines.simulated.perception import View, perceive
from rft_service.engines.simulated.question import Question, read_question
from rft_service.engines.simulated.shapes import texts_in
from rft_service.rl.engine import TurnRequest
from rft_wire import Item

WINDOW_SEGMENTS = 16  # that are read of each output before the model looks further


@dataclass(frozen=True)
class PastCall:
    """A call in the conversation. `texts` are its arguments as strings."""

    name: str
    arguments: str
    texts: frozenset[str]


@dataclass(frozen=True)
class Output:
    """A call's output and the view of it."""

    call: PastCall
    text: str
    view: View


@dataclass(frozen=True)
class Memory:
    """A conversation, read. `outputs` are the distinct ones, oldest first."""

    question: Question
    calls: tuple[PastCall, ...]
    outputs: tuple[Output, ...]
    last_is_error: bool
    last_tool: str

    @property
    def used_texts(self) -> frozenset[str]:
        return frozenset().union(*(call.texts for call in self.calls))

    def with_call(self, name: str, arguments: str) -> Memory:
        """The memory after one more call, before its output."""
        return replace(self, calls=(*self.calls, _past_call(name, arguments)))


def message_text(item: Item) -> str:
    """The text of a message, whether its content is a string or a list of parts."""
    content = item.get("content", "")
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))


def remember(request: TurnRequest) -> Memory:
    """Read a conversation. The last user message is the question; the instructions and all other
    messages of system, developer and user are the prompt."""
    prompts: list[str] = [request.instructions] if request.instructions else []
    asked = ""
    calls: dict[str, PastCall] = {}
    outputs: dict[str, Output] = {}
    last: Output | None = None
    for item in request.items:
        kind = item.get("type", "message")
        if kind == "message" and item.get("role") in ("system", "developer"):
            prompts.append(message_text(item))
        elif kind == "message" and item.get("role") == "user":
            prompts += [asked] if asked else []
            asked = message_text(item)
        elif kind == "function_call":
            calls[item["call_id"]] = _past_call(item["name"], item["arguments"])
        elif kind == "function_call_output":
            call = calls.get(item["call_id"]) or PastCall("", "", frozenset())
            text = _output_text(item["output"])
            last = Output(call, text, perceive(text))
            outputs.setdefault(text, last)
    return Memory(
        question=read_question("\n".join(prompts), asked),
        calls=tuple(calls.values()),
        outputs=tuple(outputs.values()),
        last_is_error=last is not None and last.view.is_error,
        last_tool=last.call.name if last else "",
    )


def _output_text(output: Any) -> str:
    if isinstance(output, str):
        return output
    if isinstance(output, Sequence):
        return "\n".join(str(part.get("text", "")) for part in output if isinstance(part, Mapping))
    return json.dumps(output)


@lru_cache(maxsize=4096)
def _past_call(name: str, arguments: str) -> PastCall:
    try:
        values = json.loads(arguments)
    except ValueError:
        values = {}
    texts = texts_in(values) if isinstance(values, dict) else ()
    return PastCall(name, arguments, frozenset(text.rstrip("/") for text in texts))
