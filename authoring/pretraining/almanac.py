"""Almanac pages: prose around a table, as hard to read as a report page, about other things.

A page is of one place and year: a mill, a harbour, a garden. It has the traps that real pages have:
labels that share words, totals and subtotals, years across or down, units in the header, in the
caption or in prose only, negative numbers in parentheses, facts in prose between
sentences with numbers that nobody asks for. A question says some labels in other words than the
page does. The program that asks knows the numbers, so it computes the answer instead of reading it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from authoring.pretraining.world import Problem

PLACES = (
    "Falcon", "Heron", "Curlew", "Osprey", "Plover", "Petrel", "Gannet", "Dunlin", "Merlin",
    "Kestrel", "Bittern", "Avocet", "Lapwing", "Redshank", "Wigeon", "Siskin",
)  # fmt: skip
KINDS_OF_PLACE = ("Harbour", "Mill", "Gardens", "Quarry", "Ferry", "Orchard", "Lighthouse")
LANDMARKS = ("bridge", "tower", "dam", "windmill", "light", "chapel", "crane", "lock")
OWNERS = ("the parish with", "the guild that runs", "the owners of", "the village behind")
# What is counted: how a page writes it, and other words for it.
THINGS = {
    "barrels": "casks", "boats": "vessels", "sheep": "ewes", "letters": "mail", "loaves": "bread",
    "trees": "timber", "lamps": "lights", "stones": "blocks", "wagons": "carts",
    "visitors": "guests",
    "nets": "fishing gear", "bells": "chimes", "birds": "fowl", "ropes": "cordage",
    "tiles": "slates",
    "apples": "fruit", "wells": "springs", "kites": "flyers", "books": "volumes",
    "coats": "garments",
    "horses": "mounts", "fences": "hurdles", "maps": "charts", "candles": "tapers",
}  # fmt: skip
DEEDS = {
    "filled": "topped up", "moored": "tied up", "mended": "repaired", "sorted": "put in order",
    "felled": "cut down", "counted": "tallied", "shipped": "sent out", "stored": "kept",
    "sold": "disposed of", "lent": "on loan", "painted": "coloured", "inspected": "looked over",
    "burnt": "lost to fire", "weighed": "put on the scales", "insured": "covered",
    "hired": "rented",
}  # fmt: skip
TRAITS = {
    "coastal": "seaside", "inland": "upland", "early": "spring", "late": "autumn",
    "small": "lesser",
    "large": "big", "new": "recent", "old": "aged", "dry": "seasoned", "common": "ordinary",
    "foreign": "from abroad", "private": "privately owned", "spare": "reserve", "heavy": "bulky",
}  # fmt: skip
# Columns of a table of one date: the heading, and how a question says it after a row's label.
COLUMN_SETS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("north gate (1)", "at gate 1"), ("river gate (2)", "at gate 2"), ("mill (3)", "at gate 3")),
    (("grade 1", "graded 1"), ("grade 2", "graded 2"), ("grade 3", "graded 3")),
    (("before noon", "before noon"), ("after noon", "after noon"), ("after dark", "after dark")),
    (("gross", "before waste"), ("waste", "gone to waste"), ("net", "after waste")),
    (
        ("due within one year", "due within one year"),
        ("due in one to three years", "due in one to three years"),
        ("due later", "due later"),
    ),
    (("most in a day", "the most in a day"), ("least in a day", "the least in a day")),
    (("first class", "in first class"), ("second class", "in second class")),
)  # fmt: skip
PERIODS = (
    ("January", "February", "March"), ("April", "May", "June"), ("July", "August", "September"),
    ("October", "November", "December"),
    ("first quarter", "second quarter", "third quarter", "fourth quarter"),
)  # fmt: skip
UNITS = {"": 1.0, "thousand": 1e3, "million": 1e6, "billion": 1e9}
FILLER = (
    "The keeper signed the page in the evening.",
    "A new gate was hung after the storm of {year}.",
    "The roof was repaired twice, for {n} shillings and {m} pence.",
    "Entries were copied from the day book by candle light.",
    "The clerk notes that ink was short in {year} and in {last_year}.",
    "Readings were taken at noon unless the weather forbade it.",
    "The inspector came by boat with {n} men and left content.",
    "The old scale, off by {n}%, was used until the spring of {year}.",
    "About {n}% of the {label} were seen by the keeper himself.",
    "In {last_year} the {label} were entered by another hand, on {m} leaves.",
    "Of the {label} no further account was kept after {year}.",
    "On the 31st of December, {year}, the book was closed by {n} hands.",
    "From {last_year} to {year} the place had {n} men and {m} boys, at $ {n}.{m} a week.",
    "Of {n} thousand {label} in the county, {m} thousand were counted here in {year}.",
    "By December 31, {year} and {last_year}, $ {n} million had been lent to the parish.",
    "The {label} of {last_year}, {n},{m}00 by one count, were entered late.",
    "A levy of {m}% on the {label} was proposed for {next_year} and put off.",
    "The council met {m} times during {year}, and nobody stayed away.",
    "Wages rose by about {n}% over {last_year}, and we expect {next_year} to be much the same.",
    "Higher prices for the {label} made up for a wet summer, and the change came to about {m}%.",
    "We do not count what is left at the door, which is under {n} in most years.",
    "The {label} are entered when they arrive, and taken out when they leave, as in {last_year}.",
)
REMARKS = (
    "The {label} came to {new} in {year}, against {old} in {last_year}.",
    "In {year} there were {new} {label}, compared with {old} a year earlier.",
    "{Label} were {new} in {year} and {old} in {last_year}.",
    "Of the {label}, {new} at the end of {year} and {old} at the end of {last_year} had been "
    "paid for.",
    "{Label}, which are counted by hand each spring, reached {new} in {year} compared with "
    "{old} in {last_year}.",
    "We had {old} {label} at the end of {last_year} and {new} at the end of {year}, of which "
    "about {n}% were ours.",
    "{Label} totaled {new} and {old} in {year} and {last_year}, respectively.",
    "The {label} went from {old} in {last_year} to {new} in {year}.",
    "{Label} amounted to {new} in {year} (against {old} the year before), apart from {m}% "
    "that was given away.",
)  # fmt: skip
CAPTIONS = (
    "The following table shows the {title}{unit}:",
    "What was entered is summarized below{unit}.",
    "The {title} of the last years were as follows{unit}:",
)
STATED = (
    "The figures of the table are in {unit}, and may not add up because of rounding.",
    "Unless we say otherwise, amounts are given in {unit}.",
)


@dataclass(frozen=True)
class Term:
    """Something that is counted: how the page writes it and how a question may say it."""

    label: str
    other_words: str


@dataclass(frozen=True)
class Cell:
    """A number that can be asked for: what a question calls it, apart from its year, and where it
    stands. `value` is in `unit`s; `place` is its row and column, or the sentence that tells it."""

    value: float
    unit: str
    place: tuple[object, object]

    @property
    def in_ones(self) -> float:
        return self.value * UNITS[self.unit]


@dataclass
class Page:
    """A page, and its numbers by term and time. A term's times are years, or for a table of one
    date the columns; `times` has how a question says each of them."""

    site: str
    alias: str
    year: int
    text: str
    cells: dict[tuple[str, str], Cell]
    spoken: dict[str, str]
    times: dict[str, str]
    total: str  # the term of the total row or column, "" if there is none
    parts: tuple[str, ...]  # what it is the total of
    by_year: bool  # whether the times are years
    fiscal: bool
    remarks: tuple[str, ...] = ()
    names: list[str] = field(default_factory=list)


def draw_terms(count: int, rng: random.Random, alike: float = 0.5) -> list[Term]:
    """Distinct terms; with the chance `alike` one shares its thing or its deed with the first."""
    found: dict[str, Term] = {}
    first: tuple[str, str] | None = None
    while len(found) < count:
        thing, deed = rng.choice(list(THINGS)), rng.choice(list(DEEDS))
        if first and rng.random() < alike:
            thing, deed = rng.choice(((first[0], deed), (thing, first[1])))
        first = first or (thing, deed)
        term = _term(thing, deed, rng)
        found.setdefault(term.label, term)
    return list(found.values())


def _term(thing: str, deed: str, rng: random.Random) -> Term:
    trait = rng.choice(list(TRAITS)) if rng.random() < 0.5 else ""
    other = rng.choice([name for name in THINGS if name != thing])
    form = rng.random()
    label = f"{trait} {thing} {deed}".strip()
    said = f"{TRAITS[trait] if trait else ''} {thing} {DEEDS[deed]}".strip()
    if form < 0.2:
        label, said = (
            f"{trait} {thing} and {other} {deed}".strip(),
            f"{thing} and {other} {DEEDS[deed]}",
        )
    elif form < 0.4:
        label, said = f"{deed} {trait} {thing}", f"{trait} {THINGS[thing]} {deed}"
    elif form < 0.55:
        label, said = (
            f"{trait} {thing}".strip() if trait else f"{thing} {deed}",
            f"{thing} of the {trait} kind" if trait else f"{DEEDS[deed]} {thing}",
        )
    elif form < 0.7:
        label, said = f"number of {label}", label
    return Term(" ".join(label.split()), " ".join(said.split()))


# --- pages --------------------------------------------------------------------------------------


def make_page(rng: random.Random) -> Page:
    """A random page."""
    layout = rng.choices(
        (_years_across, _years_down, _columns, _schedule, _periods), (36, 16, 28, 10, 10)
    )[0]
    return layout(_Draft(rng))


@dataclass
class _Draft:
    """What every layout draws alike."""

    rng: random.Random

    def __post_init__(self) -> None:
        rng = self.rng
        self.site = f"{rng.choice(PLACES)} {rng.choice(KINDS_OF_PLACE)}"
        self.landmark = (
            f"{rng.choice(PLACES)}{rng.choice(('', 'ton', 'ley'))} {rng.choice(LANDMARKS)}"
        )
        self.alias = f"{rng.choice(OWNERS)} the {self.landmark}"
        self.year = rng.randint(1961, 2015)
        self.unit = rng.choices(tuple(UNITS), (22, 33, 43, 2))[0]
        self.fiscal = rng.random() < 0.25
        self.decimals = rng.choice((0, 0, 1)) if self.unit != "thousand" else 0
        self.scale = rng.choice((60, 900, 9000, 400_000 if not self.decimals else 3000))

    def number(self) -> float:
        value = self.rng.uniform(self.scale / 30, self.scale)
        return round(value, self.decimals) if self.decimals else float(max(1, round(value)))

    def series(self, count: int) -> list[float]:
        """Numbers that follow each other in time: each near the one before."""
        value = self.number()
        found = [value]
        for _ in range(count - 1):
            change = (
                1 + self.rng.uniform(-0.3, 0.35)
                if self.rng.random() < 0.8
                else self.rng.uniform(0.2, 3)
            )
            value = round(value * change, self.decimals)
            found.append(max(value, 1.0))
        return found

    def written(self, value: float) -> str:
        text = f"{abs(value):,.{self.decimals}f}"
        return f"({text})" if value < 0 else text

    def year_heading(self, year: int, style: str) -> str:
        return {
            "plain": f"{year}",
            "fiscal": f"fiscal {year}",
            "end": f"December 31, {year}",
            "short": f"12/31/{year % 100:02d}",
        }[style]

    def total_row(self, rng: random.Random, group: str) -> tuple[str, str]:
        """A total's label and how a question says it."""
        return rng.choice(
            (
                (f"total {group}", f"all {group}"),
                (f"total {group}", f"total {group}"),
                ("total", f"total {group}"),
                (f"total {group}, all kinds", f"total {group}"),
                (f"{group} at the end", f"closing {group}"),
            )
        )

    def page(self, header: list[str], rows: list[list[str]], title: str, **known: object) -> Page:
        """Put the prose around a table, with one or more facts that only the prose tells."""
        rng = self.rng
        labels = [row[0] for row in rows]
        where = rng.random()
        plural = f"{self.unit}s"
        in_header = f"(in {plural})" if self.unit and where < 0.45 else rng.choice(("", "", "item"))
        in_caption = f" (in {plural})" if self.unit and 0.45 <= where < 0.75 else ""
        caption = rng.choice(CAPTIONS).format(title=title, unit=in_caption)
        header = [in_header, *header]
        if rng.random() < 0.4:  # money: a sign before the first and the last row
            for row in (rows[0], rows[-1]):
                row[1:] = [f"$ {cell}" if cell and cell[0].isdigit() else cell for cell in row[1:]]
        table = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
        remarks = draw_terms(rng.randint(1, 3), rng, alike=0.2)
        cells, spoken = dict(known.pop("cells")), dict(known.pop("spoken"))  # type: ignore[call-overload]
        told = []
        names = []
        for term in remarks:
            if term.label in spoken:
                continue
            told.append(self._remark(term, cells))
            spoken[term.label] = term.other_words
            names.append(term.label)

        def sentence() -> str:
            return rng.choice(FILLER).format(
                year=self.year,
                last_year=self.year - 1,
                next_year=self.year + 1,
                n=rng.randint(2, 90),
                m=rng.randint(2, 12),
                label=rng.choice(labels),
            )

        before = [sentence() for _ in range(rng.randint(2, 14))]
        after = [sentence() for _ in range(rng.randint(2, 16))]
        if self.unit and where >= 0.75:
            told.append(rng.choice(STATED).format(unit=plural))
        for fact in told:
            place = rng.choice((before, after))
            place.insert(rng.randint(0, len(place)), fact)
        before.insert(
            rng.randint(0, len(before)), f"The {self.landmark} was open to everyone in {self.year}."
        )
        before.insert(0, f"{self.site}: {title} of {self.year}, and what else was noted.")
        text = "\n".join([*before, caption, "", *table, "", *after])
        return Page(
            site=self.site,
            alias=self.alias,
            year=self.year,
            text=text,
            cells=cells,
            spoken=spoken,
            fiscal=self.fiscal,
            remarks=tuple(names),
            **known,  # type: ignore[arg-type]
        )

    def _remark(self, term: Term, cells: dict[tuple[str, str], Cell]) -> str:
        """A sentence that tells a term's numbers of this year and the last."""
        rng = self.rng
        unit = self.unit if rng.random() < 0.6 else rng.choice(("", "million", "billion"))
        decimals = rng.choice((1, 1, 2)) if unit else 0
        low, high = {
            "": (20, 20_000),
            "thousand": (20, 900),
            "million": (2, 900),
            "billion": (1, 9),
        }[unit]
        new = round(rng.uniform(low, high), decimals)
        old = round(new * rng.uniform(0.7, 1.3), decimals)
        sign = "$ " if unit and rng.random() < 0.7 else ""
        told = [f"{sign}{v:,.{decimals}f}{' ' + unit if unit else ''}" for v in (new, old)]
        for year, value in ((self.year, new), (self.year - 1, old)):
            cells[term.label, str(year)] = Cell(value, unit, (term.label, year))
        fiscal = "fiscal " if self.fiscal else ""
        return rng.choice(REMARKS).format(
            label=term.label,
            Label=term.label.capitalize(),
            new=told[0],
            old=told[1],
            year=f"{fiscal}{self.year}",
            last_year=f"{fiscal}{self.year - 1}",
            n=rng.randint(5, 60),
            m=rng.randint(2, 12),
        )


def _years_across(d: _Draft) -> Page:
    """Terms down the rows, years across."""
    return _grid(d, down=False)


def _years_down(d: _Draft) -> Page:
    """Years down the rows, terms across."""
    return _grid(d, down=True)


def _grid(d: _Draft, down: bool) -> Page:
    rng = d.rng
    count = rng.randint(2, 5) if down else rng.randint(2, 8)
    span = rng.randint(3, 6) if down else rng.randint(2, 4)
    years = [d.year - n for n in range(span)]
    terms = draw_terms(count, rng)
    flow = not down and rng.random() < 0.25
    values = {term.label: d.series(span) for term in terms}
    signs = {label: -1.0 if rng.random() < 0.12 else 1.0 for label in values}
    values = {label: [signs[label] * v for v in line] for label, line in values.items()}
    spoken = {term.label: term.other_words for term in terms}
    group = rng.choice(list(THINGS))
    total = said = ""
    if not flow and rng.random() < 0.7:
        total, said = d.total_row(rng, group)
        values[total] = [
            round(sum(line[n] for line in values.values()), d.decimals) for n in range(span)
        ]
        spoken[total] = said
    elif flow:  # what was there, came and left
        opening, closing = (
            f"{group} at the beginning of the year",
            f"{group} at the end of the year",
        )
        start = [abs(v) * 5 for v in d.series(span)]
        values = {opening: start, **values}
        values[closing] = [
            round(sum(line[n] for line in values.values()), d.decimals) for n in range(span)
        ]
        spoken |= {opening: f"opening {group}", closing: f"closing {group}"}
    style = rng.choices(
        ("plain", "fiscal" if d.fiscal else "plain", "end", "short"), (60, 20, 14, 6)
    )[0]
    order = list(range(span)) if rng.random() < 0.82 else list(reversed(range(span)))
    cells = {
        (label, str(years[n])): Cell(line[n], d.unit, (label, years[n]))
        for label, line in values.items()
        for n in range(span)
    }
    heads = {n: d.year_heading(years[n], style) for n in order}
    if down:
        header = list(values)
        rows = [[heads[n], *(d.written(values[label][n]) for label in values)] for n in order]
    else:
        header = [heads[n] for n in order]
        rows = [[label, *(d.written(line[n]) for n in order)] for label, line in values.items()]
    parts = tuple(term.label for term in terms) if total else ()
    return d.page(
        header,
        rows,
        f"{group} book",
        cells=cells,
        spoken=spoken,
        times={str(y): str(y) for y in years},
        total=total,
        parts=parts,
        by_year=True,
    )


def _columns(d: _Draft) -> Page:
    """A table of one date: terms down the rows, kinds across."""
    rng = d.rng
    chosen = list(rng.choice(COLUMN_SETS))
    terms = draw_terms(rng.randint(2, 7), rng)
    values = {term.label: [d.number() for _ in chosen] for term in terms}
    spoken = {term.label: term.other_words for term in terms}
    group = rng.choice(list(THINGS))
    total = ""
    if rng.random() < 0.8:
        total, said = d.total_row(rng, group)
        values[total] = [
            round(sum(line[n] for line in values.values()), d.decimals) for n in range(len(chosen))
        ]
        spoken[total] = said
    if rng.random() < 0.4:
        chosen.insert(rng.choice((0, len(chosen))), ("total", "in all"))
        place = 0 if chosen[0][0] == "total" else len(chosen) - 1
        for line in values.values():
            line.insert(place, round(sum(line), d.decimals))
    cells = {
        (label, head): Cell(line[n], d.unit, (label, head))
        for label, line in values.items()
        for n, (head, _) in enumerate(chosen)
    }
    rows = [[label, *map(d.written, line)] for label, line in values.items()]
    return d.page(
        [head for head, _ in chosen],
        rows,
        f"{group} at the end",
        cells=cells,
        spoken=spoken,
        times=dict(chosen),
        total=total,
        parts=tuple(t.label for t in terms) if total else (),
        by_year=False,
    )


def _schedule(d: _Draft) -> Page:
    """What falls due in the coming years: years down the rows, a total below."""
    rng = d.rng
    terms = draw_terms(rng.randint(1, 2), rng, alike=0.0)
    years = [d.year + 1 + n for n in range(rng.randint(4, 5))]
    style = "fiscal" if d.fiscal else "plain"
    times = [(d.year_heading(y, style), f"due in {y}") for y in years]
    times.append(
        rng.choice(
            (("thereafter", "due after that"), (f"after {years[-1]}", f"due after {years[-1]}"))
        )
    )
    values = {term.label: [d.number() for _ in times] for term in terms}
    header = [term.label for term in terms]
    rows = [
        [head, *(d.written(values[label][n]) for label in values)]
        for n, (head, _) in enumerate(times)
    ]
    rows.append(["total", *(d.written(sum(values[label])) for label in values)])
    cells = {
        (label, head): Cell(line[n], d.unit, (label, head))
        for label, line in values.items()
        for n, (head, _) in enumerate(times)
    }
    for label, line in values.items():
        cells[label, "total"] = Cell(sum(line), d.unit, (label, "total"))
    return d.page(
        header,
        rows,
        "what falls due",
        cells=cells,
        spoken={t.label: t.other_words for t in terms},
        times=dict(times) | {"total": ""},
        total="",
        parts=(),
        by_year=False,
    )


def _periods(d: _Draft) -> Page:
    """Months or quarters down the rows; a count and a price across."""
    rng = d.rng
    periods = rng.choice(PERIODS)
    what = draw_terms(1, rng)[0]
    price = rng.choice(
        (
            ("average price paid", "the average price paid"),
            ("highest price", "the highest price"),
            ("lowest price", "the lowest price"),
        )
    )
    counts = [float(rng.randint(2000, 900_000)) for _ in periods]
    prices = [round(rng.uniform(5, 140), 2) for _ in periods]
    cells = {}
    rows = []
    for period, count, cost in zip(periods, counts, prices, strict=True):
        rows.append([period, f"{count:,.0f}", f"$ {cost:.2f}"])
        cells[what.label, period] = Cell(count, "", (period, 1))
        cells[price[0], period] = Cell(cost, "", (period, 2))
    d.unit = ""
    if "quarter" not in periods[0]:
        rows.append(["total", f"{sum(counts):,.0f}", ""])
        cells[what.label, "total"] = Cell(sum(counts), "", ("total", 1))
    times = {p: f"in {'the ' if 'quarter' in p else ''}{p}" for p in periods}
    return d.page(
        [what.label, price[0]],
        rows,
        "account by period",
        cells=cells,
        spoken={what.label: what.other_words, price[0]: price[1]},
        times=times | {"total": "in the whole period"},
        total="",
        parts=(),
        by_year=False,
    )


# --- questions ----------------------------------------------------------------------------------

TWO_YEARS = {  # of one term in two years
    "difference": (
        "What was the difference in {a} {at} between {y2} and {y1}{unit}?",
        "What was the change in {a} {at} from {y1} to {y2}{unit}?",
        "How much more {a} did {who} note in {y2} than in {y1}{unit}?",
        "By how much did {a} {at} change from {y1} to {y2}{unit}?",
        "By how much did {a} {at} rise between {y1} and {y2}{unit}?",
    ),
    "change": (
        "What was the percentage change in {a} {at} from {y1} to {y2}?",
        "By what percent did {a} {at} grow between {y1} and {y2}?",
        "What percentage increase in {a} {at} took place from {y1} to {y2}?",
        "What percentage decrease in {a} took place {at} from {y1} to {y2}?",
        "What was the growth rate of {a} {at} from {y1} to {y2}, in percent?",
        "What return, in percent, did {a} {at} bring between {y1} and {y2}?",
    ),
    "sum": (
        "What was the total of {a} {at} for {y1} and {y2} together{unit}?",
        "What was the combined amount of {a} {at} in {y1} and {y2}{unit}?",
    ),
    "average": (
        "What was the average of {a} {at} over {y1} and {y2}{unit}?",
        "What was the average of {a} {at} for {y1} and {y2}{unit}?",
        "What was the mean {a} {at} in {y1} and {y2}{unit}?",
    ),
    "rose": ("Were {a} {at} higher in {y2} than in {y1}?", "Did {a} {at} rise from {y1} to {y2}?"),
}
TWO_THINGS = {  # at one time
    "gap": (
        "How much more did {a} come to than {b} {at} {when}{unit}?",
        "What was the difference between {a} and {b} {at} {when}{unit}?",
        "By how much did {a} exceed {b} {at} {when}{unit}?",
        "What was left of {a} after deducting {b} {at} {when}{unit}?",
    ),
    "sum_of_two": (
        "What was the total of {a} and {b} {at} {when}{unit}?",
        "What did {a} and {b} {at} add up to {when}{unit}?",
        "{When}, what was the sum of {a} and {b} {at}{unit}?",
    ),
    "ratio": (
        "What was the ratio of {a} to {b} {at} {when}?",
        "How many times {b} did {a} {at} amount to {when}?",
    ),
    "share_of": (
        "Measured against {b} {at}, what percentage did {a} represent {when}?",
        "What did {a} come to as a percentage of {b} {at} {when}?",
        "What percentage of {b} {at} did {a} represent {when}?",
    ),
    "greater": ("Did {a} come to more than {b} {at} {when}?", "Did {a} exceed {b} {at} {when}?"),
    "average_of_two": ("What was the average of {a} and {b} {at} {when}{unit}?",),
    "change_of_two": (
        "By what percent does the figure for {b} differ from that for {a} {at} {when}?",
        "What is the percent change from {a} to {b} {at} {when}?",
    ),
}
SHARES = {
    "share": (
        "What percentage of {t} {at} did {a} make up {when}?",
        "What portion of {t} {at}, in percent, came from {a} {when}?",
        "What share of {t} did {a} account for {at} {when}, in percent?",
        "What did {a} come to as a percentage of {t} {at} {when}?",
    ),
    "joint_share": (
        "What percentage of {t} {at} did {a} and {b} make up together {when}?",
        "What share of {t} {at} came from {a} and {b} taken together {when}, in percent?",
    ),
    "triple_share": (
        "What percentage of {t} {at} did {a}, {b} and {c} make up together {when}?",
        "What share of {t} {at} came from {a}, {b} and {c} taken together {when}, in percent?",
    ),
}
LINES = {
    "row_average": (
        "What was the average {a} {at} in the years {y1} to {y2}{unit}?",
        "What was the yearly average of {a} {at} over {y1} to {y2}{unit}?",
    ),
    "row_greatest": ("What was the highest {a} {at} in the years {y1} to {y2}{unit}?",),
    "row_least": ("What was the lowest {a} {at} in the years {y1} to {y2}{unit}?",),
}
VALUES = ("What was {a} {at} {when}{unit}?", "How high was {a} {at} {when}{unit}?")
PRODUCTS = (
    "What was spent on {a} {at} {when}, at {b}?",
    "{When}, what was {a} {at} multiplied by {b}?",
)
SHAPES = {
    "value": 4, "difference": 14, "change": 18, "sum": 7, "average": 6, "rose": 2, "gap": 11,
    "sum_of_two": 7,
    "ratio": 11, "share_of": 12, "mixed_share": 10, "greater": 2, "average_of_two": 2,
    "change_of_two": 3,
    "share": 11, "joint_share": 7, "triple_share": 3, "row_average": 2, "row_greatest": 1,
    "row_least": 1, "product": 2,
}  # fmt: skip


def ask(page: Page, source: str, rng: random.Random, named: bool = False) -> Problem:
    """A question that the page can answer, of a random shape; if `named`, by its site's name."""
    while True:
        shape = rng.choices(list(SHAPES), list(SHAPES.values()))[0]
        problem = _Asker(page, source, rng, named).ask(shape)
        if problem is not None:
            return problem


@dataclass
class _Asker:
    page: Page
    source: str
    rng: random.Random
    named: bool

    def __post_init__(self) -> None:
        rng, page = self.rng, self.page
        self.site = page.site if self.named or rng.random() < 0.7 else page.alias

    def said(self, term: str, time: str = "") -> str:
        """A term, and what a question says of its column."""
        words = term if self.rng.random() < 0.62 else self.page.spoken[term]
        if self.rng.random() < 0.08 and len(words.split()) > 2:
            words = " ".join(words.split()[:-1])
        suffix = (
            "" if self.page.by_year or term in self.page.remarks else self.page.times.get(time, "")
        )
        return f"{words} {suffix}".strip()

    def year(self, year: str | int) -> str:
        return f"fiscal {year}" if self.page.fiscal else str(year)

    def ask(self, shape: str) -> Problem | None:
        if shape in TWO_YEARS:
            return self._two_years(shape)
        if shape in LINES:
            return self._line(shape)
        if shape in SHARES:
            return self._share(shape)
        if shape == "product":
            return self._product()
        if shape == "value":
            picked = self._pick(1)
            return picked and self._put(
                VALUES, picked[0][0].value, "amount", picked[1], picked[0][0], a=picked[2][0]
            )
        return self._two_things(shape)

    def _put(
        self,
        templates: Sequence[str],
        answer: float | str,
        kind: str,
        when: str,
        first: Cell | None,
        **words: object,
    ) -> Problem:
        rng = self.rng
        unit = ""
        if (
            kind == "amount"
            and first is not None
            and first.unit
            and (rng.random() < 0.75 or words.get("mixed_units"))
        ):
            unit = f", in {first.unit}s"
        fields = {key: value for key, value in words.items() if isinstance(value, str)}
        text = rng.choice(list(templates)).format(
            at=f"at {self.site}",
            who=self.site,
            when=when,
            When=when[:1].upper() + when[1:],
            unit=unit,
            **fields,
        )
        return Problem(text[0].upper() + text[1:], answer, kind, self.source)

    def _when(self) -> str:
        year = self.year(self.page.year)
        return self.rng.choice(
            (f"in {year}", f"at the end of {year}", f"in {year}", f"as of the end of {year}")
        )

    def _two_years(self, shape: str) -> Problem | None:
        page, rng = self.page, self.rng
        in_prose = bool(page.remarks) and (not page.by_year or rng.random() < 0.5)
        terms = (
            list(page.remarks) if in_prose else [t for t in page.spoken if t not in page.remarks]
        )
        if not in_prose and not page.by_year:
            return None
        term = rng.choice(terms)
        years = sorted(int(time) for t, time in page.cells if t == term and time.isdigit())
        y1, y2 = sorted(rng.sample(years, 2))
        old, new = page.cells[term, str(y1)], page.cells[term, str(y2)]
        a, b = new.value, old.value
        if not b or not a:
            return None
        answers: dict[str, tuple[float | str, str]] = {
            "difference": (a - b, "amount"),
            "change": (100 * (a - b) / b, "percent"),
            "sum": (a + b, "amount"),
            "average": ((a + b) / 2, "amount"),
            "rose": ("yes" if a > b else "no", "yes_no"),
        }
        answer, kind = answers[shape]
        return self._put(
            TWO_YEARS[shape],
            answer,
            kind,
            "",
            new,
            a=self.said(term),
            y1=self.year(y1),
            y2=self.year(y2),
        )

    def _pick(self, count: int) -> tuple[list[Cell], str, list[str]] | None:
        """Cells of one date, when that is, and how a question says them."""
        page, rng = self.page, self.rng
        terms = [t for t in page.spoken if t not in page.remarks and t != page.total]
        if page.by_year:
            time = rng.choice(list(page.times))
            if len(terms) < count:
                return None
            picked = [(t, time) for t in rng.sample(terms, count)]
            when = f"in {self.year(time)}"
        else:
            keys = [
                (t, time)
                for t, time in page.cells
                if t not in page.remarks and t != page.total and time != "total"
            ]
            same_term = rng.random() < 0.4
            first = rng.choice(keys)
            rest = [
                k
                for k in keys
                if k != first and (k[0] == first[0] if same_term else k[1] == first[1])
            ]
            if len(rest) < count - 1:
                return None
            picked = [first, *rng.sample(rest, count - 1)]
            when = self._when()
        cells = [page.cells[key] for key in picked]
        return cells, when, [self.said(*key) for key in picked]

    def _two_things(self, shape: str) -> Problem | None:
        page, rng = self.page, self.rng
        picked = self._pick(2)
        if shape == "mixed_share":
            if not page.remarks:
                return None
            term = rng.choice(page.remarks)
            base = page.total or rng.choice([t for t in page.spoken if t not in page.remarks])
            times = [time for t, time in page.cells if t == base]
            years = (
                [t for t in times if t.isdigit() and (term, t) in page.cells]
                if page.by_year
                else []
            )
            time = rng.choice(years) if years else rng.choice(times)
            if page.by_year and not years:
                return None
            year = time if page.by_year else str(page.year)
            a, b = page.cells[term, year], page.cells[base, time]
            when = f"in {self.year(year)}" if page.by_year else self._when()
            words = [self.said(term), self.said(base, time)]
        elif picked is None:
            return None
        else:
            (a, b), when, words = picked
        if not b.value or not a.value:
            return None
        x, y = a.in_ones, b.in_ones
        unit = UNITS[a.unit]
        answers: dict[str, tuple[float | str, str]] = {
            "gap": ((x - y) / unit, "amount"),
            "sum_of_two": ((x + y) / unit, "amount"),
            "ratio": (x / y, "ratio"),
            "share_of": (100 * x / y, "percent"),
            "mixed_share": (100 * x / y, "percent"),
            "greater": ("yes" if x > y else "no", "yes_no"),
            "average_of_two": ((x + y) / 2 / unit, "amount"),
            "change_of_two": (100 * (y - x) / x, "percent"),
        }
        answer, kind = answers[shape]
        templates = TWO_THINGS["share_of" if shape == "mixed_share" else shape]
        return self._put(templates, answer, kind, when, a, a=words[0], b=words[1])

    def _share(self, shape: str) -> Problem | None:
        page, rng = self.page, self.rng
        count = {"share": 1, "joint_share": 2, "triple_share": 3}[shape]
        if page.total and len(page.parts) >= count + 1:
            time = rng.choice(list(page.times))
            parts = [(t, time) for t in rng.sample(page.parts, count)]
            whole = (page.total, time)
        else:
            term = next((t for t, time in page.cells if time == "total"), None)
            if term is None:
                return None
            times = [time for t, time in page.cells if t == term and time != "total"]
            if len(times) <= count:
                return None
            parts = [(term, time) for time in rng.sample(times, count)]
            whole = (term, "total")
        when = f"in {self.year(whole[1])}" if page.by_year else self._when()
        base = page.cells[whole].value
        if not base:
            return None
        answer = 100 * sum(page.cells[part].value for part in parts) / base
        total = self.said(*whole)
        if whole[1] == "total":
            total = f"{rng.choice(('total', 'all'))} {total}"
        words = dict(zip("abc", (self.said(*part) for part in parts), strict=False))
        return self._put(SHARES[shape], answer, "percent", when, None, t=total, **words)

    def _line(self, shape: str) -> Problem | None:
        page, rng = self.page, self.rng
        if not page.by_year:
            return None
        term = rng.choice([t for t in page.spoken if t not in page.remarks])
        years = sorted(int(time) for t, time in page.cells if t == term)
        if len(years) < 3:
            return None
        values = [page.cells[term, str(y)].value for y in years]
        answer = {
            "row_average": fmean(values),
            "row_greatest": max(values),
            "row_least": min(values),
        }[shape]
        cell = page.cells[term, str(years[0])]
        return self._put(
            LINES[shape],
            answer,
            "amount",
            "",
            cell,
            a=self.said(term),
            y1=self.year(years[0]),
            y2=self.year(years[-1]),
        )

    def _product(self) -> Problem | None:
        page = self.page
        prices = [t for t in page.spoken if t.endswith(" price") or t.endswith("price paid")]
        if not prices:
            return None
        what = next(t for t in page.spoken if t not in page.remarks and t != prices[0])
        period = self.rng.choice([time for t, time in page.cells if t == prices[0]])
        a, b = page.cells[what, period], page.cells[prices[0], period]
        return self._put(
            PRODUCTS,
            a.value * b.value,
            "amount",
            self._when(),
            None,
            a=self.said(what, period),
            b=page.spoken[prices[0]],
        )
