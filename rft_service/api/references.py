"""How the items of an `input` hang together: references to stored items, IDs, and reasoning that
belongs to what came after it.

A reasoning item that is sent back by its ID alone, as stored ones are, is read from the store.
"""

from __future__ import annotations

from collections.abc import Sequence

from rft_service.api.security import MAX_BODY_BYTES
from rft_service.errors import ApiError, bad_request, invalid_value, missing_parameter
from rft_service.store.responses import ResponseStore, StoredItem
from rft_wire import Item

UNSTORED = (
    "Items are not persisted when `store` is set to false. Try again with `store` set to true, or "
    "remove this item from your input."
)


def resolve(
    given: Sequence[Item], earlier: Sequence[Item], store: ResponseStore
) -> tuple[list[Item], set[str]]:
    """The items of `input` with what they refer to in its place, and the IDs of those among them
    that are stored already. `earlier` are the items before them. Raises ApiError 400 and 404.
    """
    resolver = _Resolver(store, {item["id"] for item in earlier})
    items = [resolver.item(item, f"input[{number}]") for number, item in enumerate(given)]
    resolver.check_following(None)
    return items, resolver.stored


class _Resolver:
    """Goes through the items in order."""

    def __init__(self, store: ResponseStore, earlier_ids: set[str]) -> None:
        self._store = store
        self._ids = earlier_ids
        self._reasoning_id: str | None = None  # where reasoning is waiting for what follows it
        self._characters = 0
        self.stored = set[str]()

    def item(self, item: Item, param: str) -> Item:
        name = item.get("id")
        if not isinstance(name, str | None):
            raise invalid_value(f"{param}.id", "must be a string")
        if name:
            item = self._identified(item, name)
        elif item.get("type") == "item_reference":
            raise missing_parameter(f"{param}.id")
        self.check_following(item)
        if name and item.get("type") == "reasoning":
            self._reasoning_id = name
        return item

    def check_following(self, item: Item | None) -> None:
        """Raises ApiError 400 where `item` cannot have come from the reasoning before it."""
        name, self._reasoning_id = self._reasoning_id, None
        kind = item.get("type", "message") if item else None
        is_output = kind == "function_call" or (
            kind == "message" and item is not None and item.get("role") == "assistant"
        )
        if name and not is_output:
            message = (
                f"Item '{name}' of type 'reasoning' was provided without its required following "
                "item."
            )
            raise bad_request(message, "input")

    def _identified(self, item: Item, name: str) -> Item:
        if name in self._ids:
            message = (
                f"Duplicate item found with id {name}. Remove duplicate items from your input and "
                "try again."
            )
            raise bad_request(message, "input")
        self._ids.add(name)
        stored = self._store.item(name)
        if stored is not None:
            self.stored.add(name)
            self._check_reasoning(stored)
        if not _is_reference(item):
            return item
        if stored is None:
            raise ApiError(404, f"Item with id '{name}' not found. {UNSTORED}", param="input")
        self._characters += stored.characters
        if self._characters > MAX_BODY_BYTES:
            message = f"The items that the input refers to are larger than {MAX_BODY_BYTES} bytes."
            raise bad_request(message, "input", "context_length_exceeded")
        return stored.item()

    def _check_reasoning(self, stored: StoredItem) -> None:
        if stored.reasoning_id and stored.reasoning_id not in self._ids:
            message = (
                f"Item '{stored.id}' of type '{stored.type}' was provided without its required "
                f"'reasoning' item: '{stored.reasoning_id}'."
            )
            raise bad_request(message, "input")


def _is_reference(item: Item) -> bool:
    """Whether an item stands for the stored one of its ID: `item_reference`, or reasoning that
    does not carry its encrypted content."""
    match item:
        case {"type": "item_reference"}:
            return True
        case {"type": "reasoning"}:
            return "encrypted_content" not in item
        case {"type": _} | {"role": _} | {"content": _}:
            return False
    return True
