from __future__ import annotations

import pytest

from buildhour_helpers.spotlights import filings, make
from buildhour_helpers.tools import ToolError
from rft_service.engines.simulated.judge import judge
from rft_service.rl.engine import Seed

from .calls import graded

ENVIRONMENT = make("filings", 7)
ROW = ENVIRONMENT.held_out[0]
SOURCE, ANSWER = ROW["source"], ROW["reference_answer"]
OPENED, CITED = ("open_filing", {"path": SOURCE}), ("cite_filing", {"path": SOURCE})
ELSEWHERE = next(row["source"] for row in ENVIRONMENT.train)


def test_a_question_finds_its_filing_which_holds_the_figure():
    found = []
    for row in ENVIRONMENT.held_out:
        question = row["messages"][1]["content"]
        found.append(row["source"] in ENVIRONMENT.functions["search_filings"](question[:-1]))
        if question.startswith("What was the") and "difference" not in question:
            text = ENVIRONMENT.functions["open_filing"](row["source"])
            assert f"| {row['answer_value']} |" in text
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


def test_the_tools_say_what_to_do_instead():
    with pytest.raises(ToolError, match="use a path that the search returned"):
        ENVIRONMENT.functions["open_filing"]("no/such.md")
    with pytest.raises(ToolError, match="use words of the question"):
        ENVIRONMENT.functions["search_filings"]("?")
    unknown = ("cite_filing", {"path": "no/such.md"})  # which is no citation
    assert filings.grade_citation(graded(ENVIRONMENT, ROW, [OPENED, CITED, unknown])) == 1.0
    check = ENVIRONMENT.grader("hardened").check
    assert check(graded(ENVIRONMENT, ROW, [OPENED, CITED])) == 1.0
    assert check(graded(ENVIRONMENT, ROW, [OPENED])) == filings.UNCITED


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
