"""What each company earned, owed and owned: one number per company, item and year.

Every page reads from here, so pages of neighbouring years agree where they overlap.
Amounts are whole numbers of the company's last printed digit (a million, a tenth of a
million, or a thousand dollars), walked forward in integers.
"""

from __future__ import annotations

from authoring.corpus.companies import YEARS, Company
from authoring.corpus.random_choices import Draw

_START = YEARS.start - 8


class Ledger:
    """The numbers of one company."""

    def __init__(self, seed: int, company: Company) -> None:
        self.company = company
        self._seed = seed
        self._walks: dict[tuple[str, int, int], list[int]] = {}

    def amount(self, item: str, year: int, share: int, swing: int) -> int:
        """About `share` per mille of revenue, changing by up to `swing` percent a year."""
        quanta = self.company.scale * 10**self.company.decimals
        return self._walk(item, max(quanta * share // 1000, 40), swing)[year - _START]

    def level(self, item: str, year: int, start: int, swing: int) -> int:
        """Like `amount`, from a given start and in a unit of the caller's."""
        return self._walk(item, start, swing)[year - _START]

    def _walk(self, item: str, start: int, swing: int) -> list[int]:
        key = (item, start, swing)
        if key not in self._walks:
            draw = Draw(self._seed, "ledger", self.company.number, item)
            value = start * draw.between(600, 1500) // 1000
            values = []
            for _ in range(_START, YEARS.stop + 12):
                values.append(max(value, 12))
                value = value * (1000 + draw.between(-8 * swing, 11 * swing)) // 1000
                # Held near the start, so that ten lean years do not end at nothing.
                value = min(max(value, start // 3), start * 4)
                value += draw.between(0, 1 + value // 50)
            self._walks[key] = values
        return self._walks[key]
