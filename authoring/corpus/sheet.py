"""A table before it is printed: numbers with the words that rows, columns and questions use."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Style = Literal["amount", "count", "percent", "price", "index"]
Role = Literal["line", "less", "total", "balance"]


@dataclass(frozen=True)
class Cell:
    """One number; `value` is exactly what `text` shows, sign included."""

    value: Decimal
    text: str
    style: Style


@dataclass(frozen=True)
class Column:
    key: str  # the same for the same column on another page: "2012", "2012/level 1"
    header: str
    ask: str  # how a question refers to it: "in 2012", "classified as level 1"


@dataclass(frozen=True)
class Row:
    key: str
    label: str
    ask: str  # the label in other words
    role: Role
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Sheet:
    """A table of one kind: columns, rows and what they are about."""

    layout: str
    subject: str  # "inventories"
    corner: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    turned: bool = False  # printed with the columns as rows

    def printed(self) -> tuple[tuple[str, ...], ...]:
        header = (self.corner, *(column.header for column in self.columns))
        body = ((row.label, *(cell.text for cell in row.cells)) for row in self.rows)
        table = (header, *body)
        return tuple(zip(*table, strict=True)) if self.turned else table

    def values(self) -> dict[tuple[str, str], Decimal]:
        """(row key, column key) -> value, the same keys on every page of the company."""
        return {
            (row.key, column.key): cell.value
            for row in self.rows
            for column, cell in zip(self.columns, row.cells, strict=True)
        }


def cell(value: Decimal, style: Style, dollar: bool = False) -> Cell:
    """Print a number as filings do: `$ 1,234`, `(56)`, `7.8%`, `—` for nothing."""
    if not value and style == "amount":
        return Cell(value, "—", style)
    digits = f"{abs(value):,}" + ("%" if style == "percent" else "")
    body = f"({digits})" if value < 0 else digits
    return Cell(value, f"$ {body}" if dollar else body, style)
