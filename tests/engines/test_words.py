"""Numbers, years and cue words in plain text."""

import pytest

from rft_service.engines.simulated.words import cues_in, quantities, unit_stated, years_in


@pytest.mark.parametrize(
    ("text", "value", "percent", "unit"),
    [
        ("$ 536.7", 536.7, False, 0.0),
        ("-0.3 ( 0.3 )", -0.3, False, 0.0),
        ("8% ( 8 % )", 8.0, True, 0.0),
        ("$ (12.5)", -12.5, False, 0.0),
        ("1,234 million", 1234.0, False, 1e6),
        ("$-4", -4.0, False, 0.0),
        ("(2012)", 2012.0, False, 0.0),
    ],
)
def test_a_number_is_read_once_with_its_sign(text, value, percent, unit):
    (found,) = quantities(text)
    assert (found.value, found.percent, found.unit) == (value, percent, unit)


def test_numbers_inside_identifiers_are_not_numbers_and_a_range_has_two():
    assert quantities("page_45 and x12") == []
    assert [q.value for q in quantities("from 2011-2012")] == [2011.0, 2012.0]


def test_cues_and_years():
    assert cues_in("What was the percentage change from 2011 to 2012?") >= {"percent", "change"}
    assert "question" in cues_in("Did sales rise?")
    assert "question" not in cues_in("How high did sales rise?")
    assert years_in("2012 and 2011, not 12,012") == (2012, 2011)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("Tabular amounts are in thousands, except as noted.", 1e3),
        ("All figures, unless we say otherwise, are given in millions.", 1e6),
        ("NUMBERS ARE IN BILLIONS", 1e9),
        ("Sales of 5 million were made in thousands of shops.", 0.0),
        ("The table shows sales. Costs were in thousands.", 0.0),  # of another sentence
        ("", 0.0),
    ],
)
def test_a_sentence_may_say_what_tables_are_in(text, unit):
    assert unit_stated(text) == unit
