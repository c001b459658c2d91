"""What can be asked of one page: each draft is a computation over its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, pairwise

from authoring.corpus.pages import Page, ProseFact
from authoring.corpus.sheet import Cell, Column, Row

Key = tuple[str, ...]
UNIT_FACTORS = {"billions": 1_000_000_000, "millions": 1_000_000, "thousands": 1_000, "": 1}


@dataclass(frozen=True)
class Operand:
    """A number on the page, with what a question calls it."""

    value: Decimal
    unit: str  # "billions", "millions", "thousands"; "" for counts, prices and percentages
    key: Key  # the same number has the same key on every page of the company
    fact: str  # the row and column, or the sentence, that holds it
    exact: str  # "total debt", as the page says it
    other: str  # "everything borrowed"
    when: str  # "in 2012", "at the end of 2012", or empty
    part: tuple[str, str] = ("", "")  # both names where the whole is named beside it
    percent: bool = False

    @property
    def number(self) -> str:
        """As a program writes it: no comma, no dollar sign, percent kept."""
        return f"{self.value}%" if self.percent else f"{self.value}"


@dataclass(frozen=True)
class Draft:
    """A shape of question over operands; `items` are what its template names."""

    shape: str
    operands: tuple[Operand, ...]
    prose: bool = False
    table: bool = True

    @property
    def converts(self) -> bool:
        return len({operand.unit for operand in self.operands if operand.unit}) > 1


def drafts(page: Page) -> Iterator[Draft]:
    """Every draft of a page, in a fixed order."""
    grid = _Grid(page)
    layout = page.kind.layout
    if layout in ("years", "roll"):
        yield from _over_time(grid)
        yield from _within_columns(grid)
        yield from _shifts(grid)
    elif layout == "rates":
        yield from (d for d in _over_time(grid) if d.shape in ("points", "average", "rose"))
    elif layout in ("single", "matrix"):
        yield from _within_columns(grid)
        yield from _across_columns(grid)
    elif layout == "schedule":
        yield from _schedule(grid)
    elif layout == "graph":
        yield from _returns(grid)
    elif layout == "months":
        yield from _purchases(grid)
    elif layout == "quarters":
        yield from _quarters(grid)
    elif layout == "options":
        yield from _options(grid)
    for fact in page.facts:
        yield from _prose(page, fact, grid)


class _Grid:
    """The operands of a page's table, by row and column."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._operands: dict[tuple[str, str], Operand] = {}
        self.columns = page.sheet.columns
        # "other" and the like cannot be asked for: every company has several of them.
        self.rows = [row for row in page.sheet.rows if row.key not in ("other", "fx", "noncash")]
        self.total = next((row for row in self.rows if row.key == "total"), None)

    def at(self, row: Row, column: Column) -> Operand:
        place = row.key, column.key
        if place not in self._operands:
            self._operands[place] = self._operand(row, column)
        return self._operands[place]

    def _operand(self, row: Row, column: Column) -> Operand:
        cell = row.cells[self.columns.index(column)]
        exact, other, when = _names(self.page, row, column)
        return Operand(
            value=cell.value,
            unit=self.page.company.unit if cell.style == "amount" else "",
            key=(self.page.kind.name, row.key, column.key),
            fact=f"{row.label} | {column.header} | {cell.text}",
            exact=exact,
            other=other,
            when=when,
            percent=cell.style == "percent",
            part=_part(self.page, row),
        )

    def filled(self, column: Column) -> list[Row]:
        place = self.columns.index(column)
        return [row for row in self.rows if _usable(row.cells[place])]


def _usable(cell: Cell) -> bool:
    return abs(cell.value) >= 2 or (cell.value != 0 and cell.style != "amount")


def _names(page: Page, row: Row, column: Column) -> tuple[str, str, str]:
    """How a question names a cell: in the page's words, in other words, and its time."""
    kind = page.kind
    during = f"{'fiscal ' if page.company.fiscal else ''}{page.year}"
    end = f"at the end of {during}"
    if kind.layout == "schedule":
        if row.role == "total":
            return f"total {column.header}", f"all {column.ask}", f"as of the end of {during}"
        exact, other = f"{column.header} {row.ask}", f"{column.ask} {row.ask}"
        return exact, other, f"as of the end of {during}"
    if kind.layout == "matrix":
        label = f"total {kind.subject}" if row.label == "total" else row.label
        if row.role == "total" and column.key.endswith("/t"):
            return label, row.ask, end
        if kind.name in ("intangible assets", "derivatives"):
            header = column.header.removeprefix("less ")
            return f"the {header} of {label}", f"{row.ask} {column.ask}", end
        return f"{label} {column.ask}", f"{row.ask} {column.ask}", end
    if kind.layout == "graph":
        base = column.key.split("/")[0]
        return f"{base} investment in {row.label}", f"{base} investment in {row.ask}", column.ask
    if kind.layout == "months":
        return f"{column.header} {row.ask}", f"{column.ask} {row.ask}", f"in {during}"
    if kind.layout == "quarters":
        nouns = {"high": "high price", "low": "low price", "dividend": "dividend per share"}
        exact = f"the {nouns[column.key.split('/')[1]]} {row.ask}"
        return exact, f"{column.ask} {row.ask}", f"in {during}"
    if kind.layout == "options":
        noun = "exercise price" if column.key.endswith("price") else "number"
        return f"{noun} of options {_plain(row.label)}", f"{noun} of {row.ask}", f"in {during}"
    if kind.layout == "single":
        target = page.company.target
        return f"{row.label} acquired with {target}", f"{row.ask} from {target}", ""
    return *_item(page, row), column.ask


def _part(page: Page, row: Row) -> tuple[str, str]:
    """The row named without its column, for a share of a whole that names the column."""
    if page.kind.layout == "schedule" and row.role == "line":
        return f"payments {row.ask}", f"the part {row.ask}"
    if page.kind.layout == "matrix":
        return row.label, row.ask
    return "", ""


def _plain(label: str) -> str:
    """ "options granted" and "granted", "outstanding at end" and "ending balance" alike."""
    label = label.removeprefix("options ")
    return f"in the {label}" if label.endswith("balance") else label


def _item(page: Page, row: Row) -> tuple[str, str]:
    name = page.kind.name
    label, ask = row.label.removeprefix("less: "), row.ask
    if name == "segments" and row.role == "line":
        return f"net sales of {label}", f"sales of {ask}"
    if name == "geographic revenue" and row.role == "line":
        return f"net sales in {label}", f"sales to {ask}"
    if page.kind.layout == "roll":
        subjects = {
            "reserves": f"the {page.reserve}",
            "unrecognized tax benefits": "unrecognized tax benefits",
            "restructuring": "the restructuring reserve",
        }
        link = "of" if row.role == "balance" else "in"
        other = ask if name != "reserves" else f"{ask} {link} {subjects[name]}"
        return f"{label} {link} {subjects[name]}", other
    if label == "total":
        return f"total {page.kind.subject}", ask
    return label, ask


def _over_time(grid: _Grid) -> Iterator[Draft]:
    """One row over the years."""
    columns = sorted(grid.columns, key=lambda column: column.key)
    for row in grid.rows:
        line = [grid.at(row, column) for column in columns]
        if row.key in ("statutory",) or not all(_usable(cell) for cell in row.cells):
            continue
        for old, new in combinations(line, 2):
            if old.percent:
                yield Draft("points", (new, old))
                continue
            deducted = row.role == "less" and old.value < 0
            if deducted or min(old.value, new.value) > 0:
                yield Draft("change", (new, old))
            if not deducted and new.value != old.value:
                yield Draft("difference", (new, old))
                yield Draft("rose", (new, old))
                yield Draft("sum years", (old, new))
                yield Draft("average", (old, new))
        if len(line) >= 3 and min(operand.value for operand in line) > 0:
            yield Draft("row average", tuple(line))
            yield Draft("row max", tuple(line))
            yield Draft("row min", tuple(line))


def _within_columns(grid: _Grid) -> Iterator[Draft]:
    """Two rows of one column; shares of the total."""
    for column in grid.columns:
        if column.key.endswith("/t") and grid.page.kind.name == "fair value":
            continue
        rows = grid.filled(column)
        lines = [row for row in rows if row.role == "line"]
        total = grid.total if grid.total in rows else None
        for row in lines if total else []:
            assert total is not None
            yield Draft("share", (grid.at(row, column), grid.at(total, column)))
        for a, b in combinations(lines, 2):
            first, second = grid.at(a, column), grid.at(b, column)
            yield Draft("ratio", (first, second))
            if min(first.value, second.value) > 0:
                yield Draft("sum", (first, second))
                yield Draft("gap", (first, second))
                yield Draft("greater", (first, second))
            if total:
                yield Draft("joint share", (first, second, grid.at(total, column)))
        for three in combinations(lines, 3) if total else []:
            assert total is not None
            parts = [grid.at(row, column) for row in three]
            yield Draft("triple share", (*parts, grid.at(total, column)))


def _shifts(grid: _Grid) -> Iterator[Draft]:
    """How a row's share of the total moved between two years."""
    columns = sorted(grid.columns, key=lambda column: column.key)
    for old, new in combinations(columns, 2):
        rows = [row for row in grid.filled(old) if row in grid.filled(new)]
        for row in rows if grid.total in rows else []:
            assert grid.total is not None
            if row.role == "line":
                parts = (grid.at(row, new), grid.at(grid.total, new))
                yield Draft("shift", (*parts, grid.at(row, old), grid.at(grid.total, old)))


def _across_columns(grid: _Grid) -> Iterator[Draft]:
    """Two columns of one row of a matrix."""
    keyed = {column.key.split("/")[-1]: column for column in grid.columns}
    pairs = {
        "fair value": [("2", "t"), ("1", "t"), ("3", "t"), ("1", "2")],
        "contractual obligations": [("1", "t"), ("9", "t"), ("3", "t"), ("1", "3")],
        "intangible assets": [("accumulated", "gross"), ("net", "gross")],
        "derivatives": [("asset", "liability"), ("asset", "notional")],
    }.get(grid.page.kind.name, [])
    for part, whole in pairs:
        for row in grid.rows:
            a, b = grid.at(row, keyed[part]), grid.at(row, keyed[whole])
            if abs(a.value) < 2 or abs(b.value) < 2 or a.value == b.value:
                continue
            if whole in ("t", "gross", "notional"):
                yield Draft("portion", (a, b))
            else:
                yield Draft("gap", (a, b))
                yield Draft("ratio", (a, b))


def _schedule(grid: _Grid) -> Iterator[Draft]:
    for column in grid.columns:
        dues = [grid.at(row, column) for row in grid.rows if row.role == "line"]
        total = grid.at(grid.rows[-1], column)
        for due in dues:
            yield Draft("share", (due, total))
        for old, new in combinations(dues[:5], 2):
            if new.value != old.value:
                yield Draft("change due", (new, old))
                yield Draft("gap", (old, new))
        for old, new in pairwise(dues[:5]):
            yield Draft("sum", (old, new))
            yield Draft("joint share", (old, new, total))
            yield Draft("average pair", (old, new))


def _returns(grid: _Grid) -> Iterator[Draft]:
    columns = list(grid.columns)
    for row in grid.rows:
        line = [grid.at(row, column) for column in columns]
        for old, new in combinations(line, 2):
            if new.value != old.value:
                yield Draft("return", (new, old))
    for column in columns[1:]:
        for a, b in combinations(grid.rows, 2):
            yield Draft("ahead", (grid.at(a, column), grid.at(b, column)))
            yield Draft("ratio", (grid.at(a, column), grid.at(b, column)))
            base_a, base_b = grid.at(a, columns[0]), grid.at(b, columns[0])
            pair = (grid.at(a, column), base_a, grid.at(b, column), base_b)
            yield Draft("return gap", pair)


def _purchases(grid: _Grid) -> Iterator[Draft]:
    shares, price, plan = grid.columns
    months = [row for row in grid.rows if row.role == "line"]
    total = grid.rows[-1]
    for row in months:
        yield Draft("cost", (grid.at(row, shares), grid.at(row, price)))
        yield Draft("share", (grid.at(row, shares), grid.at(total, shares)))
        if row.cells[0].value != row.cells[2].value:
            yield Draft("portion", (grid.at(row, plan), grid.at(row, shares)))
    for a, b in combinations(months, 2):
        yield Draft("sum", (grid.at(a, shares), grid.at(b, shares)))
        yield Draft("gap", (grid.at(a, shares), grid.at(b, shares)))
        yield Draft("average pair", (grid.at(a, price), grid.at(b, price)))


def _quarters(grid: _Grid) -> Iterator[Draft]:
    high, low, dividend = grid.columns
    for row in grid.rows:
        yield Draft("gap", (grid.at(row, high), grid.at(row, low)))
        yield Draft("change due", (grid.at(row, high), grid.at(row, low)))
        yield Draft("average pair", (grid.at(row, high), grid.at(row, low)))
    for a, b in combinations(grid.rows, 2):
        yield Draft("gap", (grid.at(b, high), grid.at(a, high)))
        yield Draft("ratio", (grid.at(b, low), grid.at(a, low)))
    yield Draft("column sum", tuple(grid.at(row, dividend) for row in grid.rows))


def _options(grid: _Grid) -> Iterator[Draft]:
    shares, price = grid.columns
    rows = {row.key: row for row in grid.rows}
    for row in grid.rows:
        if row.cells[0].value > 0:
            yield Draft("exercise", (grid.at(row, shares), grid.at(row, price)))
    end = grid.at(rows["end"], shares)
    for key in ("exercisable", "granted"):
        yield Draft("portion", (grid.at(rows[key], shares), end))
    begin = grid.at(rows["begin"], shares)
    if end.value != begin.value:
        yield Draft("change due", (end, begin))
        yield Draft("gap", (end, begin))
    for a, b in combinations([rows[k] for k in ("granted", "end", "exercisable")], 2):
        yield Draft("gap", (grid.at(a, price), grid.at(b, price)))


def _prose(page: Page, fact: ProseFact, grid: _Grid) -> Iterator[Draft]:
    now, prior = (
        Operand(
            value=value,
            unit=fact.unit,
            key=("fact", fact.fact.asks[0], str(year)),
            fact=fact.sentence,
            exact=fact.fact.asks[0],
            other=fact.ask,
            when=f"in {'fiscal ' if page.company.fiscal else ''}{year}",
        )
        for value, year in ((fact.now, page.year), (fact.prior, page.year - 1))
    )
    if now.value != prior.value:
        yield Draft("change", (now, prior), prose=True, table=False)
        yield Draft("difference", (now, prior), prose=True, table=False)
        yield Draft("rose", (now, prior), prose=True, table=False)
    yield Draft("average", (prior, now), prose=True, table=False)
    yield Draft("sum years", (prior, now), prose=True, table=False)
    yield from _beside_table(page, fact, now, grid)


def _beside_table(page: Page, fact: ProseFact, now: Operand, grid: _Grid) -> Iterator[Draft]:
    """The fact as a part of a row of the table, where both are of the filing's own year."""
    row = next((row for row in grid.rows if row.key == fact.fact.part_of), None)
    if row is None:
        return
    for column in grid.columns:
        current = column.key in (str(page.year), f"{page.year}/t", f"{page.year}/gross")
        if current and row.cells[grid.columns.index(column)].value > 0:
            yield Draft("mixed share", (now, grid.at(row, column)), prose=True)
