"""A report page: prose, one table, prose; the unit that `cat` prints and `search` finds."""

from __future__ import annotations

from dataclasses import dataclass

Table = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One page of a filing.

    `path` is `TICKER/YEAR/page_N.pdf`. `pre_text` and `post_text` are the sentences
    before and after the table; the table's first row is its header, and its cells are
    strings as printed (`$ 1,234`, `(56)`, `7.8%`).
    """

    path: str
    pre_text: tuple[str, ...]
    table: Table
    post_text: tuple[str, ...]

    def text(self) -> str:
        """The page as a reader sees it: prose, the table as pipe rows, prose."""
        rows = "\n".join("| " + " | ".join(row) + " |" for row in self.table)
        parts = ["\n".join(self.pre_text), rows, "\n".join(self.post_text)]
        return "\n\n".join(part for part in parts if part)
