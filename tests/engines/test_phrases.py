"""What a question's phrases are, and the part that the word before each gives it."""

from __future__ import annotations

import numpy as np
import pytest

from rft_service.engines.simulated.numbers import NUMBER_FEATURES, number_table
from rft_service.engines.simulated.question import read_question

TABLE = """\
Falcon, book of 1972.

| | 1972 | 1971 |
| lamps lit | 40 | 50 |
| stones laid | 90 | 70 |
| total | 130 | 120 |

The bells cast came to 7 in 1972, against 5 a year earlier.
"""


def parts(question: str) -> list[tuple[str, set[str]]]:
    return [
        (p.role, set(p.words)) for p in read_question("", question).phrases if p.role != "other"
    ]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (
            "What percentage of lamps lit did stones laid make up at Falcon in 1972?",
            [("of_part", {"lamp", "lit"}), ("subject", {"stone", "laid"}), ("year_in", {"1972"})],
        ),
        (
            "What was the ratio of lamps lit to stones laid at Falcon in 1972?",
            [("of_ratio", {"lamp", "lit"}), ("to", {"stone", "laid"}), ("year_in", {"1972"})],
        ),
        (
            "How many times lamps lit did stones laid come to at Falcon in 1972?",
            [("times", {"lamp", "lit"}), ("subject", {"stone", "laid"}), ("year_in", {"1972"})],
        ),
        (
            "How much more did lamps lit come to than stones laid at Falcon in 1972?",
            [("subject", {"lamp", "lit"}), ("than", {"stone", "laid"}), ("year_in", {"1972"})],
        ),
        (
            "By what percent did lamps lit at Falcon grow from 1971 to 1972?",
            [("subject", {"lamp", "lit"}), ("year_from", {"1971"}), ("year_to", {"1972"})],
        ),
        (
            "How much more were lamps due in 1971 than lamps due in 1972 at Falcon?",
            [("subject", {"lamp", "due", "1971"}), ("than", {"lamp", "due", "1972"})],
        ),
        (
            "What did sums sold to farms come to as a percentage of lamps lit?",
            [("subject", {"sold", "farm"}), ("of_part", {"lamp", "lit"})],
        ),
    ],
)
def test_a_word_before_a_phrase_gives_it_its_part(
    question: str, found: list[tuple[str, set[str]]]
) -> None:
    shown = [(role, words) for role, words in parts(question) if role not in ("verb", "and")]
    assert [role for role, _ in shown] == [role for role, _ in found]
    for (_, words), (_, wanted) in zip(shown, found, strict=True):
        assert wanted <= words


def test_and_may_join_two_things_or_stand_within_one() -> None:
    roles = parts("What did plant and equipment at Falcon come to in 1972?")
    assert ("subject", {"plant"}) in roles
    assert ("and", {"equip"}) in roles
    assert ("joined", {"plant", "equip"}) in roles


def test_a_question_without_a_thing_has_no_phrases() -> None:
    assert parts("") == []
    assert parts("How much?") == []


def features(question: str) -> dict[str, set[str]]:
    """The texts of the numbers that each feature is set for."""
    table = number_table(TABLE, read_question("", question))
    return {
        name: {table.spans[row].text for row in np.flatnonzero(table.features[:, place])}
        for place, name in enumerate(NUMBER_FEATURES)
    }


def test_a_number_takes_the_part_of_the_phrase_that_names_it_best() -> None:
    found = features("What percentage of stones laid did lamps lit make up at Falcon in 1972?")
    assert found["best_of_part"] == {"90"}  # of 1972: that of 1971 is of another year
    assert found["best_subject"] == {"40"}
    assert found["best_of_year"] >= {"40", "90"}


def test_two_years_tell_an_earlier_and_a_later_number() -> None:
    found = features("By what percent did lamps lit at Falcon grow from 1971 to 1972?")
    assert found["best_of_earlier"] == {"50"}
    assert found["best_of_later"] == {"40"}


def test_a_year_earlier_is_the_year_before() -> None:
    found = features("By what percent did bells cast at Falcon grow from 1971 to 1972?")
    assert found["best_of_earlier"] == {"5"}
    assert found["best_of_later"] == {"7"}


def test_what_names_nothing_is_best_of_nothing() -> None:
    found = features("What was the temperature at dawn?")
    assert not any(numbers for name, numbers in found.items() if name == "best_subject")
