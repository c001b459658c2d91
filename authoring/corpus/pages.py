"""Puts a page together: prose that leads to the table, the table, prose that follows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from authoring.corpus.companies import Company, companies
from authoring.corpus.page_kinds import KINDS, Kind
from authoring.corpus.random_choices import Draw
from authoring.corpus.sentences import (
    CAVEATS,
    FACTS,
    GENERAL,
    KIND_REMARKS,
    NAMED,
    OWNERSHIP,
    TAILS,
    Fact,
)
from authoring.corpus.sheet import Sheet
from authoring.corpus.tables import RESTATED, TableBuilder
from buildhour_helpers.reports.report import Report

REPORTS_PER_COMPANY = 20
FAVOURITE_KINDS = 9
OWNERSHIP_PERCENT = 30  # for each of five topics, how often a page mentions it
_CHOICE = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True)
class ProseFact:
    """A fact as a page states it; `value` in millions of dollars or a plain count."""

    fact: Fact
    ask: str
    now: Decimal
    prior: Decimal
    sentence: str
    unit: str  # "thousands", "millions", "billions" or ""


@dataclass(frozen=True)
class Page:
    """A report with all that the question writer may know of it."""

    report: Report
    company: Company
    kind: Kind
    year: int
    sheet: Sheet
    facts: tuple[ProseFact, ...]
    owners: tuple[str, ...]  # "the owner of the Lanurst brand": what this page says of it
    restated: bool
    reserve: str  # what the allowance of a roll-forward is called


@lru_cache(maxsize=2)
def world(seed: int) -> tuple[Page, ...]:
    """All pages of a seed, by company, year and page number."""
    return tuple(
        page for company in companies(seed) for page in company_pages(seed, company.number)
    )


def company_pages(seed: int, number: int) -> list[Page]:
    """The pages of one company, by year and page number."""
    company = companies(seed)[number]
    builder = TableBuilder(seed, company)
    draw = Draw(seed, "plan", company.number)
    favourites = _favourites(draw)
    plan: set[tuple[int, str]] = set()
    while len(plan) < REPORTS_PER_COMPANY:
        kind = draw.weighted(favourites, [kind.weight for kind in favourites])
        year = draw.choice(company.years)
        if kind.layout == "single":
            year = company.target_year + draw.below(2)
        plan.add((year, kind.name))
    by_name = {kind.name: kind for kind in KINDS}
    writers = [PageWriter(seed, builder, by_name[name], year) for year, name in sorted(plan)]
    numbers = _page_numbers(seed, company, sorted(plan))
    pages = [writer.write(number) for writer, number in zip(writers, numbers, strict=True)]
    return sorted(pages, key=lambda page: (page.year, _number(page.report.path)))


def _favourites(draw: Draw) -> list[Kind]:
    left = list(KINDS)
    chosen = []
    for _ in range(FAVOURITE_KINDS):
        kind = draw.weighted(left, [kind.weight for kind in left])
        left.remove(kind)
        chosen.append(kind)
    return chosen


def _page_numbers(seed: int, company: Company, plan: list[tuple[int, str]]) -> list[int]:
    """A page number from 3 to 200 for each report, about the same for a kind every year."""
    taken: set[tuple[int, int]] = set()
    numbers = []
    for year, name in plan:
        number = Draw(seed, "page", company.number, name).between(15, 180)
        number += Draw(seed, "page", company.number, name, year).between(-12, 18)
        while (year, number) in taken:
            number += 1
        taken.add((year, number))
        numbers.append(number)
    return numbers


def _number(path: str) -> int:
    return int(path.rpartition("_")[2].removesuffix(".pdf"))


class PageWriter:
    """Writes one page."""

    def __init__(self, seed: int, builder: TableBuilder, kind: Kind, year: int) -> None:
        self.seed = seed
        self.builder = builder
        self.company = builder.company
        self.kind = kind
        self.year = year
        self._slots = self._make_slots()

    def write(self, number: int) -> Page:
        sheet = self.builder.build(self.kind, self.year)
        facts = self._facts()
        owners = self._owners()
        restated = self.builder.restates(self.kind, self.year)
        pre, post = self._prose(sheet, facts, [sentence for _, sentence in owners], restated)
        path = f"{self.company.ticker}/{self.year}/page_{number}.pdf"
        report = Report(path, tuple(pre), sheet.printed(), tuple(post))
        return Page(
            report,
            self.company,
            self.kind,
            self.year,
            sheet,
            tuple(facts),
            tuple(ask for ask, _ in owners),
            restated,
            self.builder.reserve_name(),
        )

    def _draw(self, *key: object) -> Draw:
        return Draw(self.seed, self.company.number, self.kind.name, self.year, *key)

    def _prose(
        self, sheet: Sheet, facts: list[ProseFact], owners: list[str], restated: bool
    ) -> tuple[list[str], list[str]]:
        draw = self._draw("prose")
        own = [self._say(text, "kind") for text in KIND_REMARKS[self.kind.name]]
        own += [fact.sentence for fact in facts] + owners
        wanted = max(6, 3 + draw.below(13) + draw.below(13) + draw.below(13))
        general = draw.sample(GENERAL, max(wanted - len(own), 2))
        tails = draw.shuffled(TAILS)
        fillers = [self._remark(text, tails) for text in general]
        body = draw.shuffled(own + fillers)
        cut = len(body) * draw.between(25, 70) // 100
        pre, post = body[:cut], body[cut:]
        if draw.chance(60):
            named = draw.weighted(NAMED, [35, 15, 25, 25])
            pre.insert(0, self._say(named, "named"))
        if not sheet.corner.endswith(f"{self.company.unit})") and draw.chance(45):
            post.insert(draw.below(len(post) + 1), self._say(draw.choice(CAVEATS), "caveat"))
        if restated:
            post.insert(0, self._say(RESTATED, "restated"))
        pre.append(self._intro(sheet, draw))
        return pre, post

    def _intro(self, sheet: Sheet, draw: Draw) -> str:
        text = self._say(draw.choice(self.kind.intros), "intro")
        stated = self.company.unit in sheet.corner
        money = any(cell.style == "amount" for row in sheet.rows for cell in row.cells)
        if money and not stated and draw.chance(55):
            return f"{text} (in {self.company.unit}):"
        return f"{text}:"

    def _owners(self) -> list[tuple[str, str]]:
        """Things only this company owns that the page mentions: how to ask by them, and where."""
        found = []
        for topic, wordings in OWNERSHIP.items():
            draw = self._draw("owner", topic)
            known = topic != "target" or self.year >= self.company.target_year
            if draw.chance(OWNERSHIP_PERCENT) and known:
                ask, sentence = draw.choice(wordings)
                found.append((ask.format(**self._slots), self._say(sentence, "owner")))
        return found

    def _remark(self, template: str, tails: list[str]) -> str:
        """A general sentence, often with a clause after it; a page uses each clause once."""
        sentence = self._say(template, "general")
        if not tails or not self._draw("tail", template).chance(60):
            return sentence
        return sentence.removesuffix(".") + self._say(tails.pop(), "tail")

    def _facts(self) -> list[ProseFact]:
        return [
            self._fact(fact)
            for fact in FACTS[self.kind.name]
            if self._draw("fact", fact.key).chance(72)
        ]

    def _fact(self, fact: Fact) -> ProseFact:
        habit = Draw(self.seed, self.company.number, "fact", fact.asks[0])
        ask = habit.choice(fact.asks)
        now, unit = self._fact_value(fact, self.year)
        prior, _ = self._fact_value(fact, self.year - 1)
        sentence = self._say(
            fact.template, "fact", now=_money(now, unit), prior=_money(prior, unit)
        )
        return ProseFact(fact, ask, now, prior, sentence, unit)

    def _fact_value(self, fact: Fact, year: int) -> tuple[Decimal, str]:
        """The value and its unit: billions for large amounts at some companies, else millions."""
        name = f"fact/{fact.asks[0]}"  # the same fact on a page of another kind is the same number
        ledger = self.builder.ledger
        if fact.count:
            return Decimal(ledger.level(name, year, fact.share, fact.swing)), ""
        tenths = 10 if self.company.unit == "millions" else 1
        start = self.company.scale * fact.share * tenths // (1_000 if tenths == 10 else 100_000)
        value = ledger.level(name, year, max(start, 12), fact.swing)
        if start >= 8_000 and self.company.number % 3:
            return Decimal(value // 100).scaleb(-2), "billions"
        if tenths == 1 and self.company.number % 3 == 0:
            return Decimal(value * 100 + value % 100), "thousands"
        return Decimal(value).scaleb(-1), "millions"

    def _say(self, template: str, *key: object, **extra: str) -> str:
        """Choose between the wordings of a template and fill in its slots."""
        draw = self._draw("say", template, *key)
        text = _CHOICE.sub(lambda match: draw.choice(match.group(1).split("|")), template)
        slots = {
            **self._slots,
            "pct": f"{draw.between(2, 14)}%",
            "part": f"{draw.between(18, 49)}%",
            "count": str(draw.between(4, 60)),
            **extra,
        }
        return " ".join(text.format(**slots).split())

    def _make_slots(self) -> dict[str, str]:
        own, year = self.company, self.year
        draw = self._draw("slots")
        day = f"{own.year_end}, {year}"
        fiscal = "fiscal " if own.fiscal else ""
        return {
            "name": own.name,
            "alias": own.alias,
            "unit": own.unit,
            "sector": own.sector.name,
            "segment0": own.segments[0],
            "segment1": own.segments[1],
            "segment2": own.segments[2],
            "product": draw.choice(own.sector.products),
            "customers": draw.choice(own.sector.customers),
            "plant": own.sector.plants[own.number // len(own.sector.plants) % 3],
            "brand": own.brand,
            "program": own.program,
            "target": own.target,
            "target_year": str(own.target_year),
            "place": own.place,
            "partner": own.partner,
            "year": str(year),
            "prior_year": str(year - 1),
            "next_year": str(year + 1),
            "fiscal": f"{fiscal}{year}",
            "prior_fiscal": f"{fiscal}{year - 1}",
            "day": day,
            "year_end": own.year_end,
            "base_day": f"{own.year_end}, {year - 5}",
            "reserve": self.builder.reserve_name(),
        }


def _money(value: Decimal, unit: str) -> str:
    return f"$ {value:,} {unit.removesuffix('s')}" if unit else f"{value:,}"
