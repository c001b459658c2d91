"""Responses that were stored, to be read again or continued with `previous_response_id`."""

from __future__ import annotations

from typing import Any

from rft_service.errors import ApiError, bad_request, not_found
from rft_service.store.database import Database, Order, pack, unpack


class ResponseStore:
    """Each response with the whole of its input, earlier turns included."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, response: dict[str, Any], input_items: list[dict[str, Any]]) -> None:
        numbered = _numbered(input_items, response["id"][5:])
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO responses (id, created_at, previous_id, input, response)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    response["id"],
                    response["created_at"],
                    response["previous_response_id"],
                    pack(numbered),
                    pack(response),
                ),
            )

    def get(self, response_id: str) -> dict[str, Any]:
        """Raises ApiError 404 if there is none, or it was not stored."""
        row = self._database.row("SELECT response FROM responses WHERE id = ?", response_id)
        if row is None:
            raise not_found("response", response_id)
        response: dict[str, Any] = unpack(row["response"])
        return response

    def delete(self, response_id: str) -> None:
        """Raises ApiError 404 if there is none."""
        self.get(response_id)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM responses WHERE id = ?", (response_id,))

    def history(self, response_id: str | None) -> list[dict[str, Any]]:
        """All items up to the end of a response: its input and its output.

        Raises ApiError 400 if there is no such response.
        """
        if response_id is None:
            return []
        row = self._database.row("SELECT input, response FROM responses WHERE id = ?", response_id)
        if row is None:
            raise ApiError(
                400,
                f"Previous response with id {response_id!r} not found.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        return [*unpack(row["input"]), *unpack(row["response"])["output"]]

    def input_items(
        self, response_id: str, after: str | None, limit: int, order: Order
    ) -> list[dict[str, Any]]:
        """At most `limit` input items as the API shows them: a message's text as a part."""
        self.get(response_id)
        row = self._database.row("SELECT input FROM responses WHERE id = ?", response_id)
        items = [_shown(item) for item in unpack(row["input"])] if row else []
        if order == "desc":
            items.reverse()
        if after is not None:
            ids = [item["id"] for item in items]
            if after not in ids:
                raise bad_request(f"Nothing has the ID {after!r}.", "after")
            items = items[ids.index(after) + 1 :]
        return items[:limit]


def _numbered(items: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """The items, each with an ID of its own to page by: the client's, where it gave one."""
    numbered = list[dict[str, Any]]()
    used = set[str]()
    for number, item in enumerate(items):
        name = item.get("id")
        if not isinstance(name, str) or not name or name in used:
            name = f"in_{number}_{key}"
        used.add(name)
        rest = {field: value for field, value in item.items() if field != "id"}
        numbered.append({"id": name, "type": "message", **rest})
    return numbered


def _shown(item: dict[str, Any]) -> dict[str, Any]:
    if item["type"] == "message" and isinstance(item.get("content"), str):
        kind = "output_text" if item.get("role") == "assistant" else "input_text"
        part = {"type": kind, "text": item["content"]}
        if kind == "output_text":
            part["annotations"] = []
        return {"status": "completed", **item, "content": [part]}
    if item["type"] in ("function_call", "function_call_output", "message"):
        return {"status": "completed", **item}
    return item
