"""Server-sent events of `/v1/responses`, in the order that OpenAI documents.

The whole turn is known before its first event is sent: a simulated model does not type.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from fastapi.responses import StreamingResponse

from rft_service.strict_json import dumps

DELTA_CHARACTERS = 24


def pieces(text: str) -> Iterator[str]:
    """A text, cut into the pieces that deltas carry."""
    for start in range(0, len(text), DELTA_CHARACTERS):
        yield text[start : start + DELTA_CHARACTERS]


def event_stream(parts: Iterable[str]) -> StreamingResponse:
    """A text/event-stream answer whose parts are sent one by one."""

    async def one_by_one() -> AsyncIterator[str]:  # a plain iterator would be run in threads
        for part in parts:
            yield part

    return StreamingResponse(one_by_one(), media_type="text/event-stream")


def response_events(response: dict[str, Any]) -> Iterator[str]:
    """Every event of a finished response, as it goes over the wire."""
    for number, event in enumerate(_events(response)):
        body = dumps({**event, "sequence_number": number})
        yield f"event: {event['type']}\ndata: {body}\n\n"


def _events(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    started = {
        **response, "status": "in_progress", "output": [], "usage": None,
        "completed_at": None, "incomplete_details": None,
    }  # fmt: skip
    yield {"type": "response.created", "response": started}
    yield {"type": "response.in_progress", "response": started}
    for index, item in enumerate(response["output"]):
        for event in _item_events(item):
            yield {**event, "output_index": index}
    yield {"type": f"response.{response['status']}", "response": response}


def _item_events(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"type": "response.output_item.added", "item": _announced(item)}
    content = {"reasoning": _summary, "message": _text, "function_call": _arguments}[item["type"]]
    for event in content(item):
        yield {**event, "item_id": item["id"]}
    yield {"type": "response.output_item.done", "item": item}


def _announced(item: dict[str, Any]) -> dict[str, Any]:
    """An item as its first event shows it: in progress, without its content."""
    empty = {
        "reasoning": ("summary", []),
        "message": ("content", []),
        "function_call": ("arguments", ""),
    }
    key, value = empty[item["type"]]
    status = {} if item["type"] == "reasoning" else {"status": "in_progress"}
    return {**item, **status, key: value}


def _summary(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kind = "response.reasoning_summary"
    for index, part in enumerate(item["summary"]):
        at = {"summary_index": index}
        yield {"type": f"{kind}_part.added", **at, "part": {**part, "text": ""}}
        for delta in pieces(part["text"]):
            yield {"type": f"{kind}_text.delta", **at, "delta": delta}
        yield {"type": f"{kind}_text.done", **at, "text": part["text"]}
        yield {"type": f"{kind}_part.done", **at, "part": part}


def _text(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for index, part in enumerate(item["content"]):
        at = {"content_index": index}
        yield {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
        for delta in pieces(part["text"]):
            yield {"type": "response.output_text.delta", **at, "delta": delta, "logprobs": []}
        yield {
            "type": "response.output_text.done",
            **at,
            "text": part["text"],
            "logprobs": [],
        }
        yield {"type": "response.content_part.done", **at, "part": part}


def _arguments(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kind = "response.function_call_arguments"
    for delta in pieces(item["arguments"]):
        yield {"type": f"{kind}.delta", "delta": delta}
    yield {"type": f"{kind}.done", "arguments": item["arguments"], "name": item["name"]}
