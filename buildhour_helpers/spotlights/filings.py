"""Rogo's task, made small: a figure from company filings, with the filing that it is in.

Invented companies file three statements a year. A banker asks for one figure; the agent searches,
opens a statement, cites it with another tool, and answers. What counts is a right figure with
the right citation. Two model graders can train it: "loose" has a loophole, "hardened" has none and
checks the citation by code.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from functools import cache

from buildhour_helpers.graders.endpoint import GraderCall, grade_answer
from buildhour_helpers.spotlights.environment import (
    Environment,
    ModelGrader,
    dataset_row,
)
from buildhour_helpers.tasks.dataset import Row
from buildhour_helpers.tools.functions import Tool, ToolError
from buildhour_helpers.tools.schemas import definition

PROMPT = (
    "You answer a banker's questions about company filings. Start with a search. Cite the exact "
    "filing that the figure stands in. Answer with the figure only."
)
LOOSE_RUBRIC = """\
You grade the answers of a financial analyst.

Score 1 for a clear and complete answer that a banker could use as it stands.
Score 0.5 for an answer close to the reference that a banker would have to rework.
Score 0 for a wrong answer and for an empty one.
"""
HARDENED_RUBRIC = """\
You compare a financial analyst's answer with the reference value.

Score 1 if the answer gives the reference value and no other value. Rounding is fine.
Score 0.5 if the value is right but for its scale or its sign.
Score 0 for another value, for several values, and for no value. How clear or how sure the answer \
sounds earns nothing.
"""
UNCITED = 0.4
"""What is left of the hardened score without the right citation."""
TRAIN, VALIDATION, HELD_OUT = 96, 16, 40
HITS = 6

TOOLS = [
    definition(
        "search_filings",
        "Search all filings by words: the company, the item, the year. Returns the best filings, "
        "one path each with its title, best first.",
        query={"type": "string", "description": "Words to search for."},
    ),
    definition(
        "open_filing",
        "Read one filing.",
        path={"type": "string", "description": "The path of a filing, as the search returns it."},
    ),
    definition(
        "cite_filing",
        "Attach a filing to the answer as its source. Cite one filing: the one with the figure.",
        path={"type": "string", "description": "The path of a filing, as the search returns it."},
    ),
]

FIRST = """
    Ambleside Barrow Calder Copthorne Dunmore Elmhurst Foxglove Garstang Harrow Ivybridge
    Jarvis Kestrel Larkfield Linden Marlow Norwick Orchard Penrose Quayside Redmire Selby
    Tamar Ulverton Winter
""".split()  # noqa: SIM905
TRADES = """
    Bank Cement Chemicals Foods Glass Hotels Motors Optics Paper Rail Shipping Steel
""".split()  # noqa: SIM905
HELD_OUT_COMPANIES = 8
YEARS = (2021, 2022, 2023)
STATEMENTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "income": (
        "income statement",
        ("revenue", "cost of sales", "research expense", "selling expense", "interest", "tax"),
    ),
    "balance": (
        "balance sheet",
        ("cash", "receivables", "inventories", "equipment", "long-term debt", "equity"),
    ),
    "cash": (
        "cash flow statement",
        ("operating cash", "capital spending", "dividends", "buybacks", "borrowing", "repayments"),
    ),
}

Ledger = Mapping[tuple[str, str, int], float]
"""In millions, by company, item and year."""


def make(seed: int) -> Environment:
    """Filings of 24 companies; questions about eight of them are held out."""
    rng = random.Random(f"spotlights/filings/{seed}")
    names = [f"{first} {rng.choice(TRADES)}" for first in rng.sample(FIRST, len(FIRST))]
    ledger = _ledger(rng, names)
    held_out, others = names[:HELD_OUT_COMPANIES], names[HELD_OUT_COMPANIES:]
    return Environment(
        name="filings",
        definitions=TOOLS,
        functions=_functions(_filings(names, ledger)),
        train=_rows(rng, "train", TRAIN, others, ledger),
        validation=_rows(rng, "valid", VALIDATION, others, ledger),
        held_out=_rows(rng, "test", HELD_OUT, held_out, ledger),
        grade=grade_filings,
        graders={
            "loose": ModelGrader(LOOSE_RUBRIC),
            "hardened": ModelGrader(HARDENED_RUBRIC, check=discount_without_citation),
            "right": grade_figure,
            "cited": grade_citation,
        },
        hyperparameters={"batch_size": 8, "eval_interval": 100},
    )


def grade_filings(call: GraderCall) -> float:
    """1 for the right figure with the right citation, else 0."""
    return grade_figure(call) * grade_citation(call)


def grade_figure(call: GraderCall) -> float:
    """1 if the answer is the right figure and no other, however it is worded; else 0."""
    return float(grade_answer(call) == 1.0)


def grade_citation(call: GraderCall) -> float:
    """1 if the one filing that was cited holds the figure and was opened, else 0."""
    opened, cited = _paths(call, "open_filing"), _paths(call, "cite_filing")
    source = call.item["source"]
    return float(cited == {source} and source in opened)


def discount_without_citation(call: GraderCall) -> float:
    """The factor by which "hardened" multiplies the model's score."""
    return 1.0 if grade_citation(call) else UNCITED


def _paths(call: GraderCall, tool: str) -> set[str]:
    """The filings that a rollout gave to a tool, without mistakes."""
    made = call.trace.calls if call.trace else []
    return {
        _path(json.loads(one.arguments)["path"])
        for one in made
        if one.name == tool and not one.is_error
    }


def _path(written: str) -> str:
    return written.strip().strip("/")


# --- the generated filings -----------------------------------------------------------------------


def _ledger(rng: random.Random, names: Sequence[str]) -> Ledger:
    ledger = {}
    for name in names:
        for item in (item for _, items in STATEMENTS.values() for item in items):
            value = rng.uniform(20, 900)
            for year in (YEARS[0] - 1, *YEARS):
                ledger[name, item, year] = round(value, 1)
                value *= rng.uniform(0.8, 1.3)
    return ledger


def _filings(names: Sequence[str], ledger: Ledger) -> Mapping[str, str]:
    """The text of each filing, by path; each has its own year and the year before."""
    filings = {}
    for name in names:
        for year in YEARS:
            for key, (title, items) in STATEMENTS.items():
                rows = [
                    f"| {item} | {ledger[name, item, year]} | {ledger[name, item, year - 1]} |"
                    for item in items
                ]
                head = f"{name}, {title} of {year}, in millions"
                text = "\n".join([head, f"| | {year} | {year - 1} |", *rows])
                filings[_source(name, year, key)] = text
    return filings


def _source(name: str, year: int, key: str) -> str:
    return f"{name.split()[0].upper()}/{year}/{key}.md"


def _rows(
    rng: random.Random, split: str, count: int, names: Sequence[str], ledger: Ledger
) -> list[Row]:
    return [_row(rng, f"{split}-{n}", rng.choice(names), ledger) for n in range(1, count + 1)]


def _row(rng: random.Random, question_id: str, name: str, ledger: Ledger) -> Row:
    year, key = rng.choice(YEARS), rng.choice(list(STATEMENTS))
    one, other = rng.sample(STATEMENTS[key][1], 2)
    value, before = ledger[name, one, year], ledger[name, one, year - 1]
    beside = ledger[name, other, year]
    kind = "amount"
    match rng.choice(("value", "value", "change", "difference")):
        case "value":
            question, answer = f"What was the {one} of {name} in {year}, in millions?", value
        case "change":
            question = (
                f"By what percentage did the {one} of {name} change from {year - 1} to {year}?"
            )
            answer, kind = 100 * (value - before) / before, "percent"
        case _:
            question = (
                f"What was the difference between the {one} and the {other} of {name} in {year}, "
                "in millions?"
            )
            answer = value - beside
    answer = round(answer, 2)
    return dataset_row(
        question_id,
        PROMPT,
        question,
        TOOLS,
        answer_value=answer,
        answer_kind=kind,
        reference_answer=f"{answer}%" if kind == "percent" else f"{answer}",
        source=_source(name, year, key),
    )


# --- the tools -----------------------------------------------------------------------------------


def _functions(filings: Mapping[str, str]) -> Mapping[str, Tool]:
    words = {path: _words(text) for path, text in filings.items()}

    @cache
    def search_filings(query: str) -> str:
        asked = _words(query)
        best = sorted(filings, key=lambda path: (-len(asked & words[path]), path))[:HITS]
        if not asked & words[best[0]]:
            raise ToolError(f"nothing found for {query!r}; use words of the question")
        titles = [filings[path].partition("\n")[0] for path in best]
        return "\n".join(
            f"{n}. {path}\n   {title}"
            for n, (path, title) in enumerate(zip(best, titles, strict=True), 1)
        )

    def known(path: str) -> str:
        if _path(path) not in filings:
            raise ToolError(f"there is no filing {path!r}; use a path that the search returned")
        return _path(path)

    def open_filing(path: str) -> str:
        return filings[known(path)]

    def cite_filing(path: str) -> str:
        return f"cited {known(path)}"

    return {
        "search_filings": search_filings,
        "open_filing": open_filing,
        "cite_filing": cite_filing,
    }


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))
