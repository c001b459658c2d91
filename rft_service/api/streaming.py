"""Server-sent events of `/v1/responses`, in the order that OpenAI documents.

A turn is known whole before its first event is sent: a simulated model does not type.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from fastapi.responses import StreamingResponse

from rft_service.strict_json import dumps

DELTA_CHARACTERS = 24


def pieces(text: str) -> Iterator[str]:
    """A text in the pieces that its deltas carry."""
    for start in range(0, len(text), DELTA_CHARACTERS):
        yield text[start : start + DELTA_CHARACTERS]


def event_stream(parts: Iterable[str]) -> StreamingResponse:
    """Parts of a text/event-stream body, sent one by one."""

    async def flow() -> AsyncIterator[str]:
        for part in parts:
            yield part

    return StreamingResponse(flow(), media_type="text/event-stream")


def response_events(response: dict[str, Any]) -> Iterator[str]:
    """Every event of a finished response, as it goes over the wire."""
    for number, event in enumerate(_events(response)):
        body = dumps({**event, "sequence_number": number})
        yield f"event: {event['type']}\ndata: {body}\n\n"


def _events(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    begun = {
        **response, "status": "in_progress", "output": [], "usage": None,
        "completed_at": None, "incomplete_details": None,
    }  # fmt: skip
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        for event in _item_events(item):
            yield {**event, "output_index": index}
    yield {"type": f"response.{response['status']}", "response": response}


def _item_events(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"type": "response.output_item.added", "item": _opened(item)}
    middle = {"reasoning": _summary, "message": _text, "function_call": _arguments}[item["type"]]
    for event in middle(item):
        yield {**event, "item_id": item["id"]}
    yield {"type": "response.output_item.done", "item": item}


def _opened(item: dict[str, Any]) -> dict[str, Any]:
    """An item as it is announced: in progress, its content still to come."""
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
        place = {"summary_index": index}
        yield {"type": f"{kind}_part.added", **place, "part": {**part, "text": ""}}
        for delta in pieces(part["text"]):
            yield {"type": f"{kind}_text.delta", **place, "delta": delta}
        yield {"type": f"{kind}_text.done", **place, "text": part["text"]}
        yield {"type": f"{kind}_part.done", **place, "part": part}


def _text(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for index, part in enumerate(item["content"]):
        place = {"content_index": index}
        yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
        for delta in pieces(part["text"]):
            yield {"type": "response.output_text.delta", **place, "delta": delta, "logprobs": []}
        yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **place, "part": part}


def _arguments(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kind = "response.function_call_arguments"
    for delta in pieces(item["arguments"]):
        yield {"type": f"{kind}.delta", "delta": delta}
    yield {"type": f"{kind}.done", "arguments": item["arguments"], "name": item["name"]}
