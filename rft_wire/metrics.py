"""The numbers of a step's metrics event, one name for each: what trackers and tables want."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def numbers(data: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers in a metrics event's `data` by their path, such as `update/entropy`.

    An entry of a list of graders is listed under its name, as in
    `scores/graders/exact/train_reward_mean`. Texts, nulls and truth values are left out.
    """
    return dict(_leaves(data, prefix))


def _leaves(data: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    for key, value in data.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}/")
        elif isinstance(value, list):
            named = {str(e["name"]): e for e in value if isinstance(e, Mapping) and "name" in e}
            yield from _leaves(named, f"{path}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield path, value
