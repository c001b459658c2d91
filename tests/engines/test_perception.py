"""What the model sees of prose, tables, lists and JSON."""

import json

import pytest

from rft_service.engines.simulated.perception import perceive
from rft_service.engines.simulated.words import cues_in, quantities, years_in

PAGE = """\
Sales grew in both years.
Deliveries were $ 1.2 billion and $ 900 million in 2012 and 2011, respectively.

| (in thousands) | 2012 | 2011 |
| net sales | $ 1,250 | $ (40) |
| margin | 8.4% | 7.9% |

Nothing else happened."""


@pytest.mark.parametrize(
    ("text", "value", "percent", "unit"),
    [
        ("$ 536.7", 536.7, False, 0.0),
        ("-0.3 ( 0.3 )", -0.3, False, 0.0),
        ("8% ( 8 % )", 8.0, True, 0.0),
        ("$ (12.5)", -12.5, False, 0.0),
        ("1,234 million", 1234.0, False, 1e6),
        ("$-4", -4.0, False, 0.0),
    ],
)
def test_a_number_is_read_once_with_its_sign(text, value, percent, unit):
    (found,) = quantities(text)
    assert (found.value, found.percent, found.unit) == (value, percent, unit)


def test_numbers_inside_identifiers_and_ranges_are_left_alone():
    assert quantities("page_45 and x12") == []
    assert [q.value for q in quantities("from 2011-2012")] == [2011.0, 2012.0]


def test_a_parenthesis_around_a_year_is_no_minus():
    assert quantities("(2012)")[0].value == 2012


def test_table_cells_know_their_row_column_year_and_unit():
    cells = [n for n in perceive(PAGE).numbers if n.row >= 0]
    assert [(c.value, c.years, c.unit) for c in cells] == [
        (1250.0, (2012,), 1e3),
        (-40.0, (2011,), 1e3),
        (8.4, (2012,), 1.0),
        (7.9, (2011,), 1.0),
    ]
    assert cells[0].label == {"net", "sale"}
    assert cells[2].percent


def test_numbers_in_prose_are_paired_with_their_years():
    prose = [n for n in perceive(PAGE).numbers if n.row < 0 and not n.is_year]
    assert [(n.value * n.unit, n.years) for n in prose] == [(1.2e9, (2012,)), (9e8, (2011,))]


def test_a_path_owns_the_lines_up_to_the_next_path_and_its_folders_are_seen_too():
    view = perceive("1. AC/2012/page_3.pdf\n   about copper\n2. AC/2013/page_4.pdf\n   about tin")
    paths = [(t.text, t.kind) for t in view.texts]
    assert ("AC/2012/page_3.pdf", "path") in paths
    assert ("AC/2012", "folder") in paths
    first = next(t for t in view.texts if t.text == "AC/2012/page_3.pdf")
    assert "copper" in first.context
    assert "tin" not in first.context


def test_json_records_carry_keys_and_siblings():
    view = perceive(json.dumps([{"sku": "A-1", "label": "red mug", "grams": 300}]))
    (number,) = view.numbers
    assert number.label == {"gram"}
    assert "mug" in number.heading
    assert [(t.text, t.kind) for t in view.texts] == [("A-1", "identifier"), ("red mug", "string")]


def test_errors_are_recognised():
    assert perceive("Error: no such page").is_error
    assert not perceive("No error here").is_error


def test_cues_and_years():
    assert cues_in("What was the percentage change from 2011 to 2012?") >= {"percent", "change"}
    assert "question" in cues_in("Did sales rise?")
    assert "question" not in cues_in("How high did sales rise?")
    assert years_in("2012 and 2011, not 12,012") == (2012, 2011)


def test_a_very_long_output_is_cut_off_rather_than_taking_forever():
    assert len(perceive("word.\n" * 5000).segment_words) == 400
