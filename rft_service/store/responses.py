"""Responses that were stored: to be read again, continued with `previous_response_id`, or referred
to item by item."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from rft_service.errors import ApiError, bad_request, not_found
from rft_service.store.database import Database, Order, pack, unpack
from rft_service.strict_json import dumps
from rft_wire import Item


@dataclass(frozen=True)
class StoredItem:
    """An item of a stored response. `reasoning_id` is that of the reasoning that led to it."""

    id: str
    type: str
    reasoning_id: str | None
    text: str

    @property
    def characters(self) -> int:
        return len(self.text)

    def item(self) -> Item:
        item: Item = json.loads(self.text)
        return item


class ResponseStore:
    """Each response with the whole of its input, earlier turns included.

    Stored reasoning always has its encrypted content, which is shown only where it was asked for.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        response: dict[str, Any],
        earlier: Sequence[Item],
        given: Sequence[Item],
        output: Sequence[Item],
        stored: Collection[str] = (),
    ) -> None:
        """Store a response: its input (`earlier` items, then those `given` in the request) and its
        output. Items whose ID is in `stored` belong to another response."""
        numbered = _numbered(given, response["id"][5:], len(earlier))
        new = [(item, False, None) for item in numbered if item["id"] not in stored]
        reasoning = next((item["id"] for item in output if item["type"] == "reasoning"), None)
        new += [(o, True, reasoning if o["type"] != "reasoning" else None) for o in output]
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO responses (id, created_at, previous_id, input, response)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    response["id"],
                    response["created_at"],
                    response["previous_response_id"],
                    pack([*earlier, *numbered]),
                    pack(response),
                ),
            )
            connection.executemany(
                "INSERT INTO items (id, response_id, type, is_output, reasoning_id, item)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (item["id"], response["id"], item["type"], is_output, led_by, dumps(item))
                    for item, is_output, led_by in new
                ],
            )

    def get(self, response_id: str) -> dict[str, Any]:
        """Raises ApiError 404 if there is none, or it was not stored."""
        row = self._database.row("SELECT response FROM responses WHERE id = ?", response_id)
        if row is None:
            raise not_found("response", response_id)
        response: dict[str, Any] = unpack(row["response"])
        return response

    def item(self, item_id: str) -> StoredItem | None:
        """The item of an ID, the newest if it was used again; None if no response has it."""
        row = self._database.row(
            "SELECT id, type, reasoning_id, item FROM items WHERE id = ? ORDER BY seq DESC LIMIT 1",
            item_id,
        )
        return StoredItem(*row) if row else None

    def delete(self, response_id: str) -> None:
        """Raises ApiError 404 if there is none."""
        self.get(response_id)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM responses WHERE id = ?", (response_id,))
            connection.execute("DELETE FROM items WHERE response_id = ?", (response_id,))

    def history(self, response_id: str | None) -> list[Item]:
        """All items up to the end of a response: its input and its output.

        Raises ApiError 400 if there is no such response.
        """
        if response_id is None:
            return []
        row = self._database.row("SELECT input FROM responses WHERE id = ?", response_id)
        if row is None:
            raise ApiError(
                400,
                f"Previous response with id {response_id!r} not found.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        output = self._database.rows(
            "SELECT item FROM items WHERE response_id = ? AND is_output ORDER BY seq", response_id
        )
        return [*unpack(row["input"]), *(json.loads(found["item"]) for found in output)]

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


def _numbered(items: Sequence[Item], key: str, first: int) -> list[Item]:
    """The items, each with an ID to page by: the client's, where it gave one."""
    return [
        {"type": "message", **item, "id": item.get("id") or f"in_{number}_{key}"}
        for number, item in enumerate(items, first)
    ]


def _shown(item: Item) -> dict[str, Any]:
    if item["type"] == "reasoning":
        return {**item, "encrypted_content": None}
    if item["type"] == "message" and isinstance(item.get("content"), str):
        kind = "output_text" if item.get("role") == "assistant" else "input_text"
        part = {"type": kind, "text": item["content"]}
        if kind == "output_text":
            part["annotations"] = []
        return {"status": "completed", **item, "content": [part]}
    return {"status": "completed", **item}
