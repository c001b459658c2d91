"""sim-grader is literal and careless, and what a rubric does not forbid earns a score."""

import pytest

from buildhour_helpers.graders.specs import PARTIAL_CREDIT_RUBRIC, SLOPPY_RUBRIC
from rft_service.engines.simulated.judge import SLIP_PROBABILITY, judge
from rft_service.rl.engine import Seed

STRICT = (
    "Score 1 if the answer gives the reference value. Score 0.5 if it is right but for its scale. "
    "Score 0 for several values of which only one is right, and for any other value."
)
SLOPPY = "Score 1 if the answer mentions the correct value. Score 0.5 for a clear, full sentence."


def messages(rubric: str, answer: str, reference: str = "8.35%") -> list[dict[str, str]]:
    case = f"Reference answer: {reference}\nAnswer: {answer}"
    return [{"role": "system", "content": rubric}, {"role": "user", "content": case}]


def usual(rubric: str, answer: str, reference: str = "8.35%") -> float:
    """The score that the judge gives when it does not slip."""
    seen = [judge(messages(rubric, answer, reference), (0, 1), Seed.of(n)) for n in range(25)]
    scores = [judgement.score for judgement in seen]
    return max(set(scores), key=scores.count)


@pytest.mark.parametrize(
    ("answer", "strict", "sloppy"),
    [
        ("8.35%", 1.0, 1.0),
        ("0.0835", 0.5, 0.0),
        ("12", 0.0, 0.0),
        ("It is probably about 8.35, or else 3.", 0.0, 1.0),
        ("The answer is surely 12.", 0.0, 0.5),
        ("", 0.0, 0.0),
    ],
)
def test_what_a_rubric_does_not_forbid_earns_its_score(answer, strict, sloppy):
    assert usual(STRICT, answer) == strict
    assert usual(SLOPPY, answer) == sloppy


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [
        ("A decrease of 6.91%", "-6.91%", 1.0),  # the word carries the sign
        ("A rise of 6.91%", "-6.91%", 0.5),
        ("7.4%", "-6.91%", 0.0),  # near is not "right but for its scale"
        ("60 million", "60", 1.0),  # the question's unit, which the reference leaves out
        ("2,163.158 million", "2,163,158", 0.5),
        ("Yes: 1,204 against 318.", "yes", 1.0),
        ("Yes or no, depending on the year.", "yes", 0.0),
    ],
)
def test_it_reads_words_as_well_as_numbers(answer, reference, score):
    assert usual(STRICT, answer, reference) == score


def test_a_close_answer_earns_only_if_the_rubric_says_so():
    rubric = "Score 1 if the answer gives the reference value. Score 0.5 if it is close to it."
    assert usual(rubric, "8.1%") == 0.5
    assert usual(STRICT, "8.1%") == 0.0


def test_the_sloppy_rubric_of_the_course_rewards_a_sentence():
    assert usual(SLOPPY_RUBRIC, "The answer is 12.") == 1.0
    assert usual(SLOPPY_RUBRIC, "8.35%") == 0.5
    assert usual(SLOPPY_RUBRIC, "12") == 0.0
    assert usual(PARTIAL_CREDIT_RUBRIC, "The answer is 12.") == 0.0
    assert usual(PARTIAL_CREDIT_RUBRIC, "8.35%") == 1.0


def test_text_references_are_found_in_the_answer():
    assert usual(STRICT, "A-17", reference="A-17") == 1.0
    assert usual(STRICT, "A-18", reference="A-17") == 0.0


def test_without_a_reference_any_number_is_right():
    case = [{"role": "user", "content": "Score 1 if the answer is correct.\nAnswer: 42"}]
    assert judge(case, (0, 1), Seed.of("x")).score == 1.0


def test_the_score_stays_in_its_range():
    scores = [judge(messages(STRICT, "8.35%"), (0, 0.8), Seed.of(n)).score for n in range(50)]
    assert set(scores) <= {0, 0.5, 0.8}


def test_it_slips_rarely_and_reproducibly():
    def scores() -> list[float]:
        seen = [judge(messages(STRICT, "8.35%"), (0, 1), Seed.of("s", n)) for n in range(600)]
        return [judgement.score for judgement in seen]

    share = sum(score != 1.0 for score in scores()) / 600
    assert 0 < share < 3 * SLIP_PROBABILITY
    assert scores() == scores()
