"""What the model sees of prose, tables, lists and JSON."""

import json

import pytest

from rft_service.engines.simulated.perception import perceive

PAGE = """\
Sales grew in both years.
Deliveries were $ 1.2 billion and $ 900 million in 2012 and 2011, respectively.

| (in thousands) | 2012 | 2011 |
| net sales | $ 1,250 | $ (40) |
| margin | 8.4% | 7.9% |

Nothing else happened."""


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


TABLE = """\
| {header} | 2012 |
| net sales | {cell} |
"""
STATED = "Unless noted otherwise, amounts are in thousands."


@pytest.mark.parametrize(
    ("before", "header", "cell", "after", "unit"),
    [
        (STATED, "", "12", "", 1e3),
        ("", "", "12", STATED, 1e3),
        (f"{STATED}\nSales grew again.\n", "", "12", "", 1e3),
        (f"{STATED}\nThe table is in millions:", "", "12", "", 1e6),  # the nearer one counts
        (STATED, "in billions", "12", "", 1e9),
        (STATED, "", "12 million", "", 1e6),
        (STATED, "", "12%", "", 1.0),
        ("", "", "12", "Sales were 3 million.", 1.0),
    ],
)
def test_the_unit_of_a_table_may_be_said_anywhere_on_the_page(before, header, cell, after, unit):
    page = f"{before}\n{TABLE.format(header=header, cell=cell)}\n{after}"
    (found,) = [n for n in perceive(page).numbers if n.row >= 0]
    assert (found.value, found.unit) == (12.0, unit)


def test_numbers_in_prose_are_paired_with_their_years():
    prose = [n for n in perceive(PAGE).numbers if n.row < 0 and not n.is_year]
    assert [(n.value * n.unit, n.years) for n in prose] == [(1.2e9, (2012,)), (9e8, (2011,))]


def test_the_context_of_a_path_ends_at_the_next_path_and_its_folders_are_found_too():
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
