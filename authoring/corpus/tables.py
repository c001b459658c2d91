"""Builds the table of a page from the ledger, one function a layout."""

from __future__ import annotations

from decimal import Decimal

from authoring.corpus.companies import YEARS, Company
from authoring.corpus.ledger import Ledger
from authoring.corpus.page_kinds import LEASES, RESULTS, Kind, Line
from authoring.corpus.random_choices import Draw
from authoring.corpus.sheet import Cell, Column, Role, Row, Sheet, Style, cell

QUARTERS = ("first quarter", "second quarter", "third quarter", "fourth quarter")
MONTHS = (  # noqa: SIM905
    "January February March April May June July August September October November December"
).split()
RESTATED = (
    "(1) Amounts of {prior_year} have been restated from those first reported, to correct "
    "[the classification of certain costs|the timing of certain entries] found during {year}."
)
RESERVES = (
    "allowance for doubtful accounts",
    "warranty reserve",
    "allowance for sales returns",
    "reserve for self-insured claims",
)
RELABEL_PERCENT = 6  # how often a page calls a row otherwise than the company's other pages


class TableBuilder:
    """The tables of one company."""

    def __init__(self, seed: int, company: Company) -> None:
        self.seed = seed
        self.company = company
        self.ledger = Ledger(seed, company)
        self._rolled: dict[str, dict[int, dict[str, int]]] = {}

    def build(self, kind: Kind, year: int) -> Sheet:
        """The table of `kind` in the filing of `year`."""
        builders = {
            "years": self._years,
            "rates": self._years,
            "roll": self._years,
            "single": self._years,
            "schedule": self._schedule,
            "matrix": self._matrix,
            "options": self._options,
            "graph": self._graph,
            "months": self._months,
            "quarters": self._quarters,
        }
        return builders[kind.layout](kind, year)

    # What a company keeps from year to year.

    def lines(self, kind: Kind) -> list[Line]:
        """The rows that this company reports; optional ones are its own choice."""
        return [
            line
            for line in kind.lines
            if "opt" not in line.flags
            or self._habit(kind, "shows", line.key.split(".")[0]).chance(45)
        ]

    def restates(self, kind: Kind, year: int) -> bool:
        """Whether the filing of `year` prints another number for the year before."""
        return kind.layout == "years" and self._habit(kind, "restated", year).chance(7)

    def reserve_name(self) -> str:
        return Draw(self.seed, self.company.number, "reserve").choice(RESERVES)

    def value(self, kind: Kind, line: Line, year: int) -> int:
        """The amount of a row that is not a total, always positive, in the last printed digit."""
        if kind.layout == "rates":
            return line.share if not line.swing else self._level(kind, line, year)
        return self.ledger.amount(f"{kind.name}/{line.key}", year, line.share, line.swing)

    def _level(self, kind: Kind, line: Line, year: int) -> int:
        return self.ledger.level(f"{kind.name}/{line.key}", year, line.share, line.swing)

    def _habit(self, kind: Kind, *key: object) -> Draw:
        return Draw(self.seed, self.company.number, kind.name, *key)

    def _label(self, kind: Kind, line: Line, year: int) -> str:
        # Every few years a company edits its filings anew, and the labels change together.
        edition = (year - self.company.first_year + self._habit(kind, "edition").below(4)) // 4
        habit = self._habit(kind, "label", line.key, edition).below(len(line.labels))
        page = self._habit(kind, "label", line.key, year)
        if page.chance(RELABEL_PERCENT):
            habit += 1 + page.below(2)
        return self._named(line.labels[habit % len(line.labels)])

    def _ask(self, kind: Kind, line: Line) -> str:
        return self._named(self._habit(kind, "ask", line.key).choice(line.asks))

    def _named(self, text: str) -> str:
        """Fill in the company's own names; they are the only braces in a label."""
        if "{" not in text:
            return text
        a, b, c = self.company.segments
        own = self.company
        return text.format(
            segment0=a, segment1=b, segment2=c, name=own.name, alias=own.alias,
            sector=own.sector.name,
        )  # fmt: skip

    def _row(self, kind: Kind, line: Line, year: int, role: Role, cells: list[Cell]) -> Row:
        label = self._label(kind, line, year)
        return Row(line.key, label, self._ask(kind, line), role, tuple(cells))

    def _corner(self, kind: Kind) -> str:
        habit = self._habit(kind, "corner").below(100)
        if kind.layout in ("graph", "months", "quarters", "rates", "options"):
            return {"months": "period", "quarters": "quarter"}.get(kind.layout, "")
        if habit < 42:
            return f"(in {self.company.unit})"
        if habit < 52:
            return f"(dollars in {self.company.unit})"
        return f"years ended {self.company.year_end}" if habit < 60 and not kind.stock else ""

    def _decimal(self, value: int) -> Decimal:
        return Decimal(value).scaleb(-self.company.decimals)

    # Rows by years.

    def _years(self, kind: Kind, year: int) -> Sheet:
        years = self._columns_of(kind, year)
        single = kind.layout == "single"
        columns = tuple(
            Column("acquired", "amount", "")
            if single
            else Column(str(y), self._year_header(kind, y), self._when(kind, y))
            for y in years
        )
        values = {y: self._column_values(kind, y) for y in years}
        if self.restates(kind, year) and year - 1 in values:
            values[year - 1] = self._column_values(kind, year - 1, restated=True)
        lines = self.lines(kind)
        rows = []
        for place, line in enumerate(lines):
            dollar = place == 0 or "total" in line.flags or line.key in ("begin", "end")
            cells = [self._amount_cell(kind, values[y][line.key], dollar) for y in years]
            rows.append(self._row(kind, line, year, _role(line), cells))
        turned = kind.layout == "years" and len(rows) <= 6 and self._habit(kind, "turn").chance(24)
        return Sheet(
            kind.layout, kind.subject, self._corner(kind), columns, tuple(rows), turned=turned
        )

    def _columns_of(self, kind: Kind, year: int) -> list[int]:
        if kind.layout == "single":
            return [self.company.target_year]
        counts = (2, 2, 2, 3) if kind.stock else (2, 3, 3, 3, 3, 3, 4, 5)
        count = self._habit(kind, "years").choice(counts)
        years = [year - n for n in range(count)]
        return years if self.company.newest_first else years[::-1]

    def _amount_cell(self, kind: Kind, value: int, dollar: bool) -> Cell:
        if kind.layout == "rates":
            return cell(Decimal(value).scaleb(-1), "percent")
        return cell(self._decimal(value), "amount", dollar)

    def _column_values(self, kind: Kind, year: int, restated: bool = False) -> dict[str, int]:
        """Printed value of every row in one year; totals are the running sum of the rows above."""
        if kind.layout == "roll":
            return self._roll(kind)[year]
        amounts = self._amounts(kind, year)
        if restated:
            first = next(iter(amounts))
            amounts[first] += (
                1 + amounts[first] * self._habit(kind, "error", year).below(30) // 1000
            )
        values: dict[str, int] = {}
        running = 0
        for line in self.lines(kind):
            if "total" in line.flags:
                values[line.key] = running
                continue
            amount = amounts[line.key]
            less = "less" in line.flags
            running += -amount if less else amount
            values[line.key] = -amount if "neg" in line.flags else amount
        return values

    def _amounts(self, kind: Kind, year: int) -> dict[str, int]:
        """The rows that are not totals; those that split revenue come to the same revenue."""
        lines = [line for line in self.lines(kind) if "total" not in line.flags]
        amounts = {line.key: self.value(kind, line, year) for line in lines}
        if kind.name not in ("segments", "geographic revenue"):
            return amounts
        parts = [line.key for line in lines if "less" not in line.flags]
        revenue = self.value(RESULTS, RESULTS.lines[0], year) + amounts.get("elim", 0)
        whole = sum(amounts[key] for key in parts)
        for key in parts[1:]:
            amounts[key] = amounts[key] * revenue // whole
        amounts[parts[0]] = revenue - sum(amounts[key] for key in parts[1:])
        return amounts

    def _roll(self, kind: Kind) -> dict[int, dict[str, int]]:
        """Opening balance, movements and closing balance of every year, each opening the last."""
        if kind.name in self._rolled:
            return self._rolled[kind.name]
        lines = self.lines(kind)
        moves = [line for line in lines if line.key not in ("begin", "end")]
        years = range(YEARS.start - 8, YEARS.stop)
        balance = 2 * sum(
            self.value(kind, line, years[0]) for line in moves if "less" not in line.flags
        )
        rolled = {}
        for year in years:
            values = {"begin": balance}
            for line in moves:
                amount = self.value(kind, line, year)
                if "less" in line.flags:
                    amount = -min(amount, balance // 3)
                values[line.key] = amount
                balance += amount
            values["end"] = balance
            rolled[year] = values
        self._rolled[kind.name] = rolled
        return rolled

    def _year_header(self, kind: Kind, year: int) -> str:
        habit = self._habit(kind, "header").below(100)
        if kind.stock and habit < 30:
            return f"{self.company.year_end}, {year}"
        if habit < 50 and self.company.fiscal:
            return f"fiscal {year}"
        return str(year)

    def _when(self, kind: Kind, year: int) -> str:
        year_name = f"fiscal {year}" if self.company.fiscal else str(year)
        return f"at the end of {year_name}" if kind.stock else f"in {year_name}"

    # Payments by the year in which they fall due.

    def _schedule(self, kind: Kind, year: int) -> Sheet:
        lines = self.lines(kind)
        columns = tuple(
            Column(f"{year}/{line.key}", self._label(kind, line, year), self._ask(kind, line))
            for line in lines
        )
        dues = [str(year + n) for n in range(1, 6)] + ["thereafter"]
        amounts = [self._payments(kind, line, year) for line in lines]
        rows = []
        for place, due in enumerate(dues):
            ask = f"due in {due}" if due.isdigit() else "due after five years"
            cells = [cell(self._decimal(part[place]), "amount", place == 0) for part in amounts]
            header = self._due_header(kind, due)
            rows.append(Row(f"due {due}", header, ask, "line", tuple(cells)))
        totals = [cell(self._decimal(sum(part)), "amount", True) for part in amounts]
        label = self._habit(kind, "total").choice(
            ("total", "total minimum lease payments", "total minimum payments", "total payments")
        )
        rows.append(Row("total", label, "in all years together", "total", tuple(totals)))
        return Sheet("schedule", kind.subject, self._corner(kind), columns, tuple(rows))

    def _due_header(self, kind: Kind, due: str) -> str:
        if due.isdigit() and self.company.fiscal and self._habit(kind, "due").chance(50):
            return f"fiscal {due}"
        return due

    def _payments(self, kind: Kind, line: Line, year: int) -> list[int]:
        start = self.value(kind, line, year)
        draw = self._habit(kind, "payments", line.key, year)
        payments = []
        for n in range(6):
            payments.append(max(start * (100 - 13 * n) * draw.between(90, 108) // 10_000, 3))
        payments[5] = payments[4] * draw.between(60, 280) // 100 + 1
        return payments

    # Rows by categories, at one day.

    def _matrix(self, kind: Kind, year: int) -> Sheet:
        categories = list(kind.categories)
        if categories[-1].key == "t" and self._habit(kind, "total first").chance(35):
            categories.insert(0, categories.pop())
        columns = tuple(
            Column(
                f"{year}/{category.key}",
                category.headers[self._habit(kind, "header").below(len(category.headers))],
                category.ask,
            )
            for category in categories
        )
        totals = dict.fromkeys([category.key for category in categories], 0)
        rows = []
        for place, line in enumerate(self.lines(kind)):
            if "total" in line.flags:
                values = totals
            else:
                values = self._split(kind, line, year)
                totals = {key: totals[key] + values[key] for key in totals}
            dollar = place == 0 or "total" in line.flags
            cells = [
                cell(self._decimal(values[category.key]), "amount", dollar)
                for category in categories
            ]
            rows.append(self._row(kind, line, year, _role(line), cells))
        return Sheet("matrix", kind.subject, self._corner(kind), columns, tuple(rows))

    def _split(self, kind: Kind, line: Line, year: int) -> dict[str, int]:
        """A row's amount over the categories; a category of weight 0 is the sum of the rest."""
        amount = self.value(kind, line, year)
        if kind.name == "contractual obligations" and line.key == "leases":
            return self._lease_obligations(year)
        draw = self._habit(kind, "split", line.key, year)
        shown = self._shown(kind, line)
        values = {}
        for category in kind.categories:
            jitter = 1000 if category.weight == 1000 else draw.between(750, 1250)
            part = amount * category.weight * jitter // 1_000_000
            values[category.key] = part if category.key in shown else 0
        for category in kind.categories:
            if not category.weight:
                values[category.key] = sum(values.values())
        return values

    def _lease_obligations(self, year: int) -> dict[str, int]:
        """The operating leases of the schedule, by the obligation table's periods."""
        due = self._payments(LEASES, LEASES.lines[0], year)
        parts = {"1": due[0], "3": due[1] + due[2], "5": due[3] + due[4], "9": due[5]}
        return {**parts, "t": sum(due)}

    def _shown(self, kind: Kind, line: Line) -> set[str]:
        """Which categories hold anything: an asset is seldom valued at all three levels."""
        keys = [category.key for category in kind.categories if category.weight]
        if kind.name != "fair value":
            return set(keys)
        draw = self._habit(kind, "levels", line.key)
        if line.key in ("mmf", "equity", "ust"):  # quoted in active markets, or nearly so
            return {"1", "2"} if draw.chance(40) else {"1"}
        return {"2", "3"} if draw.chance(45) else {"2"} | ({"1"} if draw.chance(25) else set())

    # Tables of one layout each.

    def _options(self, kind: Kind, year: int) -> Sheet:
        columns = (
            Column(f"{year}/shares", "number of shares (in thousands)", "options"),
            Column(f"{year}/price", "weighted average exercise price", "exercise price"),
        )
        counts = self._option_counts(kind, year)
        rows = []
        for place, line in enumerate(self.lines(kind)):
            draw = self._habit(kind, "exercise price", line.key, year)
            price = Decimal(self.share_price(year) * draw.between(45, 105) // 100).scaleb(-2)
            cells = [cell(Decimal(counts[line.key]), "count"), cell(price, "price", place == 0)]
            rows.append(self._row(kind, line, year, _role(line), cells))
        return Sheet("options", kind.subject, "", columns, tuple(rows))

    def _option_counts(self, kind: Kind, year: int) -> dict[str, int]:
        by_key = {line.key: line for line in kind.lines}
        held = self._level(kind, by_key["begin"], YEARS.start - 8)
        values: dict[str, int] = {}
        for y in range(YEARS.start - 8, year + 1):
            granted = self._level(kind, by_key["granted"], y)
            exercised = min(self._level(kind, by_key["exercised"], y), held // 3)
            forfeited = min(self._level(kind, by_key["forfeited"], y), held // 8)
            values = {"begin": held, "granted": granted, "exercised": -exercised}
            values["forfeited"] = -forfeited
            held = held + granted - exercised - forfeited
            values["end"] = held
            values["exercisable"] = held * 55 // 100
        return values

    def share_price(self, year: int) -> int:
        """The share's price in cents around the middle of a year."""
        return self.ledger.level("share price", year, 4_200, 14)

    def _graph(self, kind: Kind, year: int) -> Sheet:
        base = year - 5
        years = range(base, year + 1)
        columns = tuple(
            Column(f"{base}/{y}", self._graph_header(kind, y), f"at the end of {y}") for y in years
        )
        rows = []
        for line in self.lines(kind):
            values = self._returns(line, base, year)
            dollar = self._habit(kind, "dollar").chance(40)
            cells = [cell(Decimal(value).scaleb(-2), "index", dollar) for value in values]
            rows.append(self._row(kind, line, year, "line", cells))
        return Sheet("graph", kind.subject, "", columns, tuple(rows))

    def _graph_header(self, kind: Kind, year: int) -> str:
        month = MONTHS.index(self.company.year_end.split()[0]) + 1
        day = self.company.year_end.split()[1]
        if self._habit(kind, "header").chance(45):
            return f"{month}/{day}/{year % 100:02d}"
        return str(year)

    def _returns(self, line: Line, base: int, year: int) -> list[int]:
        owner = "market" if line.key == "sp500" else self.company.number
        value = 10_000
        values = [value]
        for y in range(base + 1, year + 1):
            draw = Draw(self.seed, "return", owner, line.key, y)
            value = value * (1000 + draw.between(-11 * line.swing, 15 * line.swing)) // 1000
            values.append(value)
        return values

    def _months(self, kind: Kind, year: int) -> Sheet:
        last = MONTHS.index(self.company.year_end.split()[0])
        columns = tuple(
            Column(
                f"{year}/{line.key}", self._label(kind, line, year), self._ask(kind, line)
            )
            for line in kind.lines
        )  # fmt: skip
        rows = []
        sums = [0, 0, 0]  # shares, their cost in cents, shares under the program
        for place in range(3):
            month = MONTHS[(last - 2 + place) % 12]
            draw = self._habit(kind, "month", place, year)
            shares = draw.between(60_000, 2_400_000)
            price = self.share_price(year) * draw.between(88, 112) // 100
            plan = shares * draw.between(55, 100) // 100
            sums = [sums[0] + shares, sums[1] + shares * price, sums[2] + plan]
            cells = _trade_cells(shares, price, plan, place == 0)
            header = f"{month} 1 - {month} {_last_day(month, year)}" if self._long() else month
            rows.append(Row(month, header, f"in {month}", "line", cells))
        mean = (sums[1] + sums[0] // 2) // sums[0]
        cells = _trade_cells(sums[0], mean, sums[2], True)
        rows.append(Row("total", "total", "in the whole quarter", "total", cells))
        return Sheet("months", kind.subject, self._corner(kind), columns, tuple(rows))

    def _long(self) -> bool:
        return self.company.number % 2 == 0

    def _quarters(self, kind: Kind, year: int) -> Sheet:
        columns = tuple(
            Column(f"{year}/{line.key}", self._label(kind, line, year), self._ask(kind, line))
            for line in kind.lines
        )
        dividend = self.ledger.level("dividend", year, 24, 12)
        rows = []
        for place, quarter in enumerate(QUARTERS):
            draw = self._habit(kind, "quarter", place, year)
            middle = self.share_price(year) * draw.between(90, 112) // 100
            high = middle * draw.between(104, 117) // 100
            low = middle * draw.between(82, 96) // 100
            cells = tuple(
                cell(Decimal(cents).scaleb(-2), "price", place == 0)
                for cents in (high, low, dividend)
            )
            ask = f"in the {quarter}"
            rows.append(Row(quarter, quarter, ask, "line", cells))
            dividend += draw.choice((0, 0, 0, 1))
        return Sheet("quarters", kind.subject, self._corner(kind), columns, tuple(rows))


def _role(line: Line) -> Role:
    if "total" in line.flags:
        return "total"
    if line.key in ("begin", "end"):
        return "balance"
    return "less" if "less" in line.flags else "line"


def _trade_cells(shares: int, cents: int, plan: int, dollar: bool) -> tuple[Cell, ...]:
    count: Style = "count"
    return (
        cell(Decimal(shares), count),
        cell(Decimal(cents).scaleb(-2), "price", dollar),
        cell(Decimal(plan), count),
    )


def _last_day(month: str, year: int) -> int:
    if month == "February":
        return 29 if year % 4 == 0 else 28
    return 30 if month in ("April", "June", "September", "November") else 31
