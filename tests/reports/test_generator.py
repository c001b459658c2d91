"""The generated world: the same bytes everywhere, proved answers, and search as hard as FinQA's."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from authoring.corpus.__main__ import generate
from authoring.corpus.check import check
from authoring.corpus.statistics import search_figures
from buildhour_helpers.reports import Report, load
from buildhour_helpers.reports.store import SHIPPED, to_bytes
from buildhour_helpers.tasks.questions import load_questions, to_lines

# After a change of the generator: run it, look at what it made, and put the new hashes here.
REPORTS_SHA256 = "5863c9523c32b5411e95a1a78aa5a2f145986a24974a526490948c2a14716707"
QUESTIONS_SHA256 = "df4162fd73c025cd51dc96bc68ecf7e6c225d94e75ec6970adca6dff5d6ea0ab"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_seed_decides_every_byte_and_what_ships_is_what_it_makes() -> None:
    reports, questions = generate(0)
    assert sha256(to_bytes(reports)) == REPORTS_SHA256
    assert sha256(to_lines(questions).encode("utf-8")) == QUESTIONS_SHA256
    assert reports == list(load().values())
    assert questions == load_questions()
    assert sum(file.stat().st_size for file in SHIPPED.glob("*") if file.is_file()) < 3_000_000


def test_the_hash_seed_of_python_changes_nothing() -> None:
    code = (
        "from authoring.corpus.pages import company_pages\n"
        "from buildhour_helpers.reports.store import to_bytes\n"
        "import hashlib\n"
        "print(hashlib.sha256(to_bytes(p.report for p in company_pages(0, 3))).hexdigest())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def test_every_answer_is_proved_from_its_page() -> None:
    assert check(load(), load_questions()) == []


def test_search_is_as_hard_as_on_real_pages() -> None:
    recall = search_figures(load(), load_questions())
    assert 35 <= recall["search finds the page at 1 %"] <= 50
    assert 65 <= recall["search finds the page at 5 %"] <= 80


class TestTheCheckRefuses:
    """Each of these spoils one thing; a check that cannot fail proves nothing."""

    question = next(q for q in load_questions() if q.kind == "percent" and "table" in q.tags)

    def pages(self) -> dict[str, Report]:
        """The pages of the question's company and of one other."""
        own = self.question.id.split("-")[0]
        everything = load()
        other = next(path for path in everything if not path.startswith(own)).split("/")[0]
        return {p: page for p, page in everything.items() if p.split("/")[0] in (own, other)}

    def spoilt(self, page: Report) -> Report:
        """The page with another number in the place of the question's first fact."""
        shown = self.question.facts[0].split(" | ")[2]
        table = tuple(tuple(c.replace(shown, "$ 7") for c in row) for row in page.table)
        return replace(page, table=table)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({}, ""),
            ({"answer": 123.45}, "the program gives"),
            ({"answer_text": "123.45%"}, "is not"),
            ({"text": "What was the percent change in sales?"}, "names nothing"),
        ],
    )
    def test_a_question(self, changes: dict[str, Any], said: str) -> None:
        found = check(self.pages(), [replace(self.question, **changes)])
        assert said in "; ".join(map(str, found))
        assert bool(found) == bool(changes)

    def test_a_page_with_another_number_and_one_that_answers_differently(self) -> None:
        pages = self.pages()
        path = self.question.gold_pages[0]
        other = replace(self.spoilt(pages[path]), path=f"{path.rpartition('/')[0]}/page_999.pdf")
        found = check({**pages, other.path: other}, [self.question])
        assert "page_999.pdf answers it differently" in str(found[0])
        spoilt = {gold: self.spoilt(pages[gold]) for gold in self.question.gold_pages}
        found = check(pages | spoilt, [self.question])
        assert "no gold page holds all of its facts" in "; ".join(map(str, found))

    def test_the_same_text_twice(self) -> None:
        twice = check(self.pages(), [self.question, replace(self.question, id="twin")])
        assert "same text" in str(twice[0])
