"""Numbers, years and cue words in plain text."""

import pytest

from rft_service.engines.simulated.words import cues_in, quantities, years_in


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
