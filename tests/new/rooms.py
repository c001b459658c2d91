"""Functions as a user has them: the rooms of a house."""

from typing import Literal

SEATS = {"red": 14, "blue": 22, "green": 31}


async def seats(room: Literal["red", "blue", "green"], rollout_id: str = "") -> int:
    """How many seats a room has.

    Args:
        room: The room's colour.
    """
    return SEATS[room]


def price(room: Literal["red", "blue", "green"], hours: int = 1) -> dict[str, int]:
    """What a room costs.

    :param room: the room's colour
    :param hours: for how long
    """
    if hours < 1:
        raise ValueError("hours must be 1 or more")
    return {"price": SEATS[room] * hours}


def _not_a_tool() -> None: ...
