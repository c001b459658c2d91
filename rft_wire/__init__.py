"""The vocabulary that both sides of Agent RFT share on the wire, and nothing else.

The helper package runs rollouts as a client; the service runs them inside a job. Both read the same
dataset rows, call the same tools and graders with the same retries, and stop for the same reasons.
This package knows nothing about reports, models or jobs.

Next: `rows` (what a dataset row must be), `client` (calls to an owner's tools and graders),
`metrics` (the numbers of a job's steps).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

Item = dict[str, Any]
"""One item of a Responses API conversation: a message, reasoning, a function_call or its output."""


class StopReason(StrEnum):
    """Why a rollout ended. The first four are graded; a rollout that failed is discarded."""

    ANSWERED = "answered"  # the model gave a final answer
    STEP_LIMIT = "step_limit"  # no answer within the allowed turns; graded on empty text
    LENGTH_LIMIT = "length_limit"  # a turn reached its token limit; graded on what it said
    CONTEXT_FULL = "context_full"  # the conversation no longer fits; graded on what was said
    TOOL_FAILED = "tool_failed"  # a tool still failed after its retries
    GRADER_FAILED = "grader_failed"  # there was no usable score
    MODEL_FAILED = "model_failed"  # sampling failed


def build_sample(
    answer: str, calls: Sequence[Mapping[str, Any]], reasoning_summary: str | None = None
) -> Item:
    """The `sample` of a grader call: an answer, and the `function_call` items that led to it.

    Its shape is that of OpenAI's graders: a chat completion plus the `output_...` shortcuts.
    """
    tools = [
        {
            "id": call["call_id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": call["arguments"]},
        }
        for call in calls
    ]
    message = {"role": "assistant", "content": answer, "tool_calls": tools}
    return {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "output_text": answer,
        "output_json": _json_or_none(answer),
        "output_tools": tools,
        "output_reasoning_summary": reasoning_summary,
    }


def _json_or_none(answer: str) -> Any:
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


TEXT_PARTS = ("input_text", "output_text", "text", "summary_text", "refusal")


class ContentError(ValueError):
    """Message content that is not text; `path` is the place within the content, such as
    `[0].type`, and `missing` tells whether a required key is absent there."""

    def __init__(self, message: str, path: str = "", missing: bool = False) -> None:
        super().__init__(message)
        self.path, self.missing = path, missing


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or a list of text parts.

    Raises ContentError.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise ContentError("must be a string or a list of parts")
    texts = list[str]()
    for index, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in TEXT_PARTS:
            raise ContentError(f"{kind!r}; this model reads text only", f"[{index}].type")
        text = part.get("refusal" if kind == "refusal" else "text")
        if not isinstance(text, str):
            raise ContentError("missing; write the text", f"[{index}].text", missing=True)
        texts.append(text)
    return "\n".join(texts)
