"""The generated world: the same bytes everywhere, proved answers, and search as hard as FinQA's."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from authoring.corpus.__main__ import generate
from authoring.corpus.check import check
from authoring.corpus.companies import REAL_TICKERS, companies
from authoring.corpus.page_kinds import KINDS
from authoring.corpus.random_choices import Draw
from authoring.corpus.sentences import FACTS, GENERAL, KIND_REMARKS
from authoring.corpus.statistics import search_figures
from buildhour_helpers.reports import Report, load
from buildhour_helpers.reports.store import SHIPPED, to_bytes
from buildhour_helpers.tasks.questions import Question, load_questions, to_lines

# After a change of the generator: run it, look at what it made, and put the new hashes here.
REPORTS_SHA256 = "5863c9523c32b5411e95a1a78aa5a2f145986a24974a526490948c2a14716707"
QUESTIONS_SHA256 = "df4162fd73c025cd51dc96bc68ecf7e6c225d94e75ec6970adca6dff5d6ea0ab"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def made() -> tuple[list[Report], list[Question]]:
    return generate(0)


def test_the_seed_decides_every_byte(made: tuple[list[Report], list[Question]]) -> None:
    reports, questions = made
    assert sha256(to_bytes(reports)) == REPORTS_SHA256
    assert sha256(to_lines(questions).encode("utf-8")) == QUESTIONS_SHA256


def test_what_ships_is_what_the_generator_makes() -> None:
    assert sha256(to_bytes(load().values())) == REPORTS_SHA256
    assert sha256(to_lines(load_questions()).encode("utf-8")) == QUESTIONS_SHA256


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


def test_draws_are_pinned_and_even() -> None:
    draw = Draw(0, "a page", 7)
    assert [draw.below(100) for _ in range(5)] == [75, 59, 21, 49, 45]
    counts = Counter(Draw("even", n).below(4) for n in range(4_000))
    assert all(900 < counts[n] < 1_100 for n in range(4))
    assert sorted(draw.shuffled(range(9))) == list(range(9))


def test_2800_pages_of_140_companies_under_3_mb() -> None:
    reports = load()
    tickers = Counter(path.split("/")[0] for path in reports)
    assert len(reports) == 2_800
    assert set(tickers.values()) == {20}
    assert len(tickers) == 140
    assert sum(file.stat().st_size for file in SHIPPED.glob("*") if file.is_file()) < 3_000_000


def test_companies_differ_in_name_and_ticker_and_none_is_real() -> None:
    world = companies(0)
    for names in zip(
        *[(c.ticker, c.alias, c.brand, c.program, c.place) for c in world], strict=True
    ):
        assert len(set(names)) == len(world)
    assert not REAL_TICKERS & {company.ticker for company in world}


def test_the_splits_have_their_sizes_and_share_no_company() -> None:
    questions = load_questions()
    assert Counter(q.split for q in questions) == {"train": 640, "validation": 200, "test": 300}
    splits = defaultdict(set)
    for question in questions:
        splits[question.gold_pages[0].split("/")[0]].add(question.split)
    assert all(len(found) == 1 for found in splits.values())


def test_every_answer_is_proved_from_its_page() -> None:
    assert check(load(), load_questions()) == []


def test_search_is_as_hard_as_on_real_pages() -> None:
    recall = search_figures(load(), load_questions())
    assert 35 <= recall["search finds the page at 1 %"] <= 50
    assert 65 <= recall["search finds the page at 5 %"] <= 80


def test_most_questions_are_one_operation_over_numbers_of_the_page() -> None:
    hard = {"joint share", "triple share", "shift", "return gap"}
    shapes = [set(question.tags) & hard for question in load_questions()]
    assert sum(not found for found in shapes) / len(shapes) >= 0.85


def test_other_words_never_mean_two_things() -> None:
    owners = defaultdict(set)
    for kind in KINDS:
        for line in kind.lines:
            if line.key not in ("begin", "end", "other", "fx"):
                for ask in line.asks:
                    owners[ask].add((kind.name, line.key))
    assert {ask: found for ask, found in owners.items() if len(found) > 1} == {}


def test_there_are_24_kinds_and_more_than_150_sentences() -> None:
    assert len(KINDS) == len(FACTS) == len(KIND_REMARKS) == 24
    own = sum(map(len, FACTS.values())) + sum(map(len, KIND_REMARKS.values()))
    assert own + len(GENERAL) >= 150


class TestTheCheckRefuses:
    """Each of these spoils one thing; a check that cannot fail proves nothing."""

    def question(self) -> Question:
        return next(q for q in load_questions() if q.kind == "percent" and "table" in q.tags)

    def reports(self) -> dict[str, Report]:
        """The pages of the question's company and of one other."""
        ticker = self.question().id.split("-")[0]
        everything = load()
        other = next(path for path in everything if not path.startswith(ticker)).split("/")[0]
        return {p: page for p, page in everything.items() if p.split("/")[0] in (ticker, other)}

    def refused(self, question: Question, reports: dict[str, Report] | None = None) -> str:
        return "; ".join(map(str, check(reports or self.reports(), [question])))

    def test_not_what_ships(self) -> None:
        assert self.refused(self.question()) == ""

    def test_a_wrong_answer(self) -> None:
        question = self.question()
        assert isinstance(question.answer, float)
        assert "the program gives" in self.refused(replace(question, answer=question.answer + 1))

    def test_a_text_that_is_not_the_answer_rounded(self) -> None:
        assert "is not" in self.refused(replace(self.question(), answer_text="123.45%"))

    def test_a_page_with_another_number(self) -> None:
        question, reports = self.question(), self.reports()
        shown = question.facts[0].split(" | ")[2]
        for path in question.gold_pages:
            page = reports[path]
            table = tuple(tuple(c.replace(shown, "$ 7") for c in row) for row in page.table)
            reports[path] = replace(page, table=table)
        assert "no gold page holds all of its facts" in self.refused(question, reports)

    def test_another_page_that_answers_differently(self) -> None:
        question, reports = self.question(), self.reports()
        page = reports[question.gold_pages[0]]
        shown = question.facts[0].split(" | ")[2]
        table = tuple(tuple(c.replace(shown, "$ 7") for c in row) for row in page.table)
        ticker, year, _ = page.path.split("/")
        copy = replace(page, path=f"{ticker}/{year}/page_999.pdf", table=table)
        assert "page_999.pdf answers it differently" in self.refused(
            question, {**reports, copy.path: copy}
        )

    def test_a_question_that_names_nobody(self) -> None:
        question = replace(self.question(), text="What was the percent change in sales?")
        assert "names nothing" in self.refused(question)

    def test_the_same_text_twice(self) -> None:
        question = self.question()
        twice = check(self.reports(), [question, replace(question, id="twin")])
        assert "same text" in str(twice[0])
