"""One tool: the spare parts of six machines. Replace it with what your agent needs.

Every public function here is a tool. The model is told its name, its docstring and its parameters,
so write them for it. After a change of those run `python schemas.py`.
"""

from __future__ import annotations

import random

MACHINES = ("Norden press", "Vela mill", "Castor lathe", "Orion saw", "Tycho pump", "Halley fan")
KINDS = ("drive belt", "oil seal", "guide rail", "clutch plate", "feed roller", "brake pad")


def _parts() -> list[dict[str, str | int]]:
    rng = random.Random("parts")
    return [
        {
            "machine": machine,
            "description": kind,
            "bay": f"{rng.choice('KLM')}-{rng.randint(10, 99)}",
            "article": f"{machine[:2].upper()}-{rng.randint(1000, 9999)}",
            "price_cents": rng.randint(200, 90000),
        }
        for machine in MACHINES
        for kind in KINDS
    ]


PARTS = _parts()


def lookup_parts(terms: str, limit: int = 4) -> list[dict[str, str | int]]:
    """Look up spare parts by machine and description. Returns the best matches first.

    Args:
        terms: Words of the machine's name and of the part's description.
        limit: How many parts to return, from 1 to 10.
    """
    if not 1 <= limit <= 10:
        raise ValueError(f"limit must be from 1 to 10, not {limit}")
    words = set(terms.lower().replace("?", " ").split())

    def shared(part: dict[str, str | int]) -> int:
        return len(words & set(f"{part['machine']} {part['description']}".lower().split()))

    found = sorted(filter(shared, PARTS), key=shared, reverse=True)
    if not found:
        raise LookupError(f"no part matches {terms!r}; use the words of the question")
    return found[:limit]
