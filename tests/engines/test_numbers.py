"""Which number of an output each phrase and year of a question picks."""

from __future__ import annotations

import numpy as np

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


def features(question: str) -> dict[str, set[str]]:
    """The texts of the numbers that each feature is set for."""
    table = number_table(TABLE, read_question("", question))
    return {
        name: {table.spans[row].text for row in np.flatnonzero(table.features[:, index])}
        for index, name in enumerate(NUMBER_FEATURES)
    }


def test_a_number_takes_the_role_of_the_phrase_that_names_it_best() -> None:
    found = features("What percentage of stones laid did lamps lit make up at Falcon in 1972?")
    assert found["best_of_part"] == {"90"}  # the 70 is of another year
    assert found["best_subject"] == {"40"}
    assert found["best_of_year"] >= {"40", "90"}


def test_a_year_earlier_is_the_year_before() -> None:
    found = features("By what percent did bells cast at Falcon grow from 1971 to 1972?")
    assert found["best_of_earlier"] == {"5"}
    assert found["best_of_later"] == {"7"}


def test_a_question_about_something_else_picks_no_number() -> None:
    found = features("What was the temperature at dawn?")
    assert not any(numbers for name, numbers in found.items() if name == "best_subject")
