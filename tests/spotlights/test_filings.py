from __future__ import annotations

import pytest

from buildhour_helpers.graders.endpoint import GraderCall
from buildhour_helpers.spotlights import ModelGrader, filings, make
from buildhour_helpers.tools import ToolError
from rft_service.engines.simulated.judge import judge
from rft_service.rl.engine import Seed

from .calls import graded

ENVIRONMENT = make("filings", 7)
ROW = ENVIRONMENT.held_out[0]
SOURCE, ANSWER = ROW["source"], ROW["reference_answer"]
OPENED, CITED = ("open_filing", {"path": SOURCE}), ("cite_filing", {"path": SOURCE})
ELSEWHERE = next(row["source"] for row in ENVIRONMENT.train)


def test_a_seed_makes_the_same_world_and_another_seed_another():
    assert make("filings", 7).held_out == ENVIRONMENT.held_out
    assert make("filings", 8).held_out != ENVIRONMENT.held_out


def test_companies_of_held_out_questions_are_not_trained_on():
    companies = [
        {row["source"].partition("/")[0] for row in rows}
        for rows in (ENVIRONMENT.train + ENVIRONMENT.validation, ENVIRONMENT.held_out)
    ]
    assert companies[0].isdisjoint(companies[1])


def test_each_figure_stands_in_its_source_and_each_source_is_filed():
    for row in (*ENVIRONMENT.train, *ENVIRONMENT.held_out):
        text = ENVIRONMENT.functions["open_filing"](row["source"])
        question = row["messages"][1]["content"]
        if question.startswith("What was the") and "difference" not in question:
            assert f"| {row['answer_value']} |" in text


def test_the_question_finds_its_filing_among_the_first_hits():
    found = [
        row["source"]
        in ENVIRONMENT.functions["search_filings"](row["messages"][1]["content"].split("?")[0])
        for row in ENVIRONMENT.held_out
    ]
    assert sum(found) >= 0.9 * len(found)


@pytest.mark.parametrize(
    ("calls", "answer", "score"),
    [
        ([OPENED, CITED], ANSWER, 1.0),
        ([CITED, OPENED], f"The answer is {ANSWER}.", 1.0),
        ([OPENED, CITED, CITED], ANSWER, 1.0),
        ([OPENED], ANSWER, 0.0),  # nothing cited
        ([CITED], ANSWER, 0.0),  # cited unread
        ([OPENED, CITED, ("cite_filing", {"path": ELSEWHERE})], ANSWER, 0.0),  # and one more
        ([OPENED, CITED], "987654", 0.0),
        ([OPENED, CITED], f"{ANSWER} or else 987654", 0.0),
        ([OPENED, CITED], "", 0.0),
        ([], ANSWER, 0.0),
    ],
)
def test_a_right_figure_counts_with_the_one_filing_that_it_stands_in(calls, answer, score):
    assert filings.grade_filings(graded(ENVIRONMENT, ROW, calls, answer)) == score


def test_a_citation_of_an_unknown_filing_is_not_one():
    call = graded(ENVIRONMENT, ROW, [OPENED, CITED, ("cite_filing", {"path": "no/such.md"})])
    assert filings.grade_citation(call) == 1.0
    assert filings.grade_citation(GraderCall({"output_text": ANSWER}, ROW, None)) == 0.0


def test_the_tools_say_what_to_do_instead():
    with pytest.raises(ToolError, match="use a path that the search returned"):
        ENVIRONMENT.functions["open_filing"]("no/such.md")
    with pytest.raises(ToolError, match="use words of the question"):
        ENVIRONMENT.functions["search_filings"]("?")


def judged(rubric: str, answer: str) -> float:
    """The middle of nine judgements, since the judge slips once in thirty times."""
    messages = [
        {"role": "system", "content": rubric},
        {"role": "user", "content": f"Reference answer: 12.5\nAnswer: {answer}"},
    ]
    return sorted(judge(messages, (0, 1), Seed.of(n)).score for n in range(9))[4]


@pytest.mark.parametrize(
    ("answer", "loose", "hardened"),
    [
        ("12.5", 0.5, 1.0),
        ("The answer is 12.5.", 1.0, 1.0),
        ("The answer is 99.", 1.0, 0.0),  # the loophole
        ("99", 0.0, 0.0),
        ("-12.5", 0.0, 0.5),
        ("It is probably about 12.5, or else 99.", 1.0, 0.0),
    ],
)
def test_only_the_hardened_rubric_withstands_a_clear_sentence(answer, loose, hardened):
    assert judged(filings.LOOSE_RUBRIC, answer) == loose
    assert judged(filings.HARDENED_RUBRIC, answer) == hardened


def test_the_hardened_grader_takes_off_for_a_missing_citation():
    hardened = ENVIRONMENT.grader("hardened")
    assert isinstance(hardened, ModelGrader)
    assert hardened.check is not None
    assert hardened.check(graded(ENVIRONMENT, ROW, [OPENED, CITED])) == 1.0
    assert hardened.check(graded(ENVIRONMENT, ROW, [OPENED])) == filings.UNCITED
