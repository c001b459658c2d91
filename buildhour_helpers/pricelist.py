"""The task of lesson 09's real models: the price of an item, which only a tool knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI

ITEMS = (
    *("milk", "rice", "salt", "soap", "tea", "honey", "butter", "cheese", "apples", "onions"),
    *("sugar", "flour", "coffee", "pepper", "beans", "corn", "fish", "grapes", "lemons", "nuts"),
    *("olives", "pears", "plums", "yeast", "ham", "oats", "peas", "lamb", "mint", "figs"),
)
TRAIN = 20  # of the items; the rest are for validation
PRICES = {name: 17 + 37 * number % 80 for number, name in enumerate(ITEMS)}
TOOL = {
    "type": "function",
    "function": {
        "name": "price",
        "description": "the price of an item",
        "parameters": {
            "type": "object",
            "properties": {"item": {"type": "string"}},
            "required": ["item"],
        },
    },
}

Row = dict[str, Any]
Grade = Callable[[Mapping[str, Any], Mapping[str, Any]], float]


def rows() -> dict[str, list[Row]]:
    """The rows of both splits; grader and tool see `item` and `price`, the model does not."""
    made = [
        {
            "messages": [{"role": "user", "content": f"Price of {name}?"}],
            "tools": [TOOL],
            "item": name,
            "price": str(price),
        }
        for name, price in PRICES.items()
    ]
    return {"train": made[:TRAIN], "validation": made[TRAIN:]}


def items_asked(sample: Mapping[str, Any]) -> list[str | None]:
    """The item of each call of the tool; None for a malformed one."""
    return [_item(call["function"]["arguments"]) for call in sample["output_tools"]]


def app(grade: Grade) -> FastAPI:
    """The customer's server: the tool at `/price` and the grader at `/grade`."""
    made = FastAPI()

    @made.post("/price")
    def price(body: dict[str, Any]) -> dict[str, Any]:
        known = PRICES.get(str(_item(body["arguments"])))
        output = str(known) if known else "Error: there is no such item"
        return {"type": "function_call_output", "call_id": body["call_id"], "output": output}

    @made.post("/grade")
    def graded(body: dict[str, Any]) -> dict[str, float]:
        return {"score": float(grade(body["sample"], body["item"]))}

    return made


def _item(arguments: str) -> str | None:
    try:
        item: str | None = json.loads(arguments).get("item")
    except (ValueError, AttributeError):
        return None
    return item
