"""The numeric comparison: which number of an answer counts, and what it earns."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from buildhour_helpers.graders import Reference, compare
from buildhour_helpers.graders.numeric import HALF, KINDS, RIGHT, SLIPS, WRONG

PERCENT = Reference(8.35, "percent", "8.35%")
NEGATIVE = Reference(-8.35, "percent", "-8.35%")
MILLIONS = Reference(1234.5, "amount", "$1,234.5 million")
AMOUNT = Reference(1234.5, "amount", "1,234.5")
LOSS = Reference(-3.2, "amount", "-3.2")
RATIO = Reference(0.84, "ratio", "0.84")
YES = Reference("yes", "yes_no", "yes")


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [
        # The right value, in the ways in which people and models write it.
        ("8.35%", PERCENT, RIGHT),
        ("8.35", PERCENT, RIGHT),
        ("8.35 percent", PERCENT, RIGHT),
        ("8.35 percentage points", PERCENT, RIGHT),
        ("**8.35%**", PERCENT, RIGHT),
        (r"\boxed{8.35\%}", PERCENT, RIGHT),
        ("$ 1,234.5 million", MILLIONS, RIGHT),
        ("$1234.5M", MILLIONS, RIGHT),
        ("1.2345 billion dollars", MILLIONS, RIGHT),
        ("1,234.5 (in millions)", MILLIONS, RIGHT),
        ("1,234.5 million", AMOUNT, RIGHT),
        ("USD 1,234.50", AMOUNT, RIGHT),
        ("1.2345e3", AMOUNT, RIGHT),
        ("\u22123.2", LOSS, RIGHT),
        ("(3.2)", LOSS, RIGHT),
        ("($3.2) million", LOSS, RIGHT),
        ("$ -3.2", LOSS, RIGHT),
        ("minus 3.2", LOSS, RIGHT),
        ("a negative 3.2 million", LOSS, RIGHT),
        ("-3.2 ( 3.2 )", LOSS, RIGHT),
        ("(8.35)%", NEGATIVE, RIGHT),
        ("84%", RATIO, RIGHT),
        ("0.84x", RATIO, RIGHT),
        ("0.84:", RATIO, RIGHT),
        # Rounding: within 1%, or as the reference text rounds.
        ("8.43%", PERCENT, RIGHT),
        ("8.44%", PERCENT, WRONG),
        ("8%", Reference(8.35, "percent", "8%"), RIGHT),
        ("0.4", Reference(0.0, "amount", "0"), RIGHT),
        ("0.6", Reference(0.0, "amount", "0"), WRONG),
        # One slip earns half, two earn nothing.
        ("0.0835", PERCENT, HALF),
        ("835%", PERCENT, HALF),
        ("-8.35%", PERCENT, HALF),
        ("8.35%", NEGATIVE, HALF),
        ("-0.0835", PERCENT, WRONG),
        ("8%", PERCENT, HALF),
        ("8.0%", PERCENT, WRONG),  # it claims a digit that is wrong
        ("0.08", PERCENT, WRONG),
        ("12.4%", Reference(12.35, "percent", "12.35%"), RIGHT),  # within 1%
        ("12%", Reference(12.35, "percent", "12.35%"), HALF),
        ("$1,200 million", MILLIONS, HALF),
        ("1.2 billion", MILLIONS, HALF),
        ("1,000", AMOUNT, WRONG),  # one digit is left, 19% off
        ("84", RATIO, HALF),
        ("1,234,500", MILLIONS, HALF),
        ("1.2345", MILLIONS, HALF),
        ("1,234.5 thousand", MILLIONS, HALF),
        ("3.2", LOSS, HALF),
        ("0.0", Reference(0.0, "amount", "0.0"), RIGHT),
        ("123.45", AMOUNT, WRONG),
        ("8.35%", AMOUNT, WRONG),
        # Which number counts.
        ("Net sales grew 8.35%, from 100 to 108.35.", PERCENT, RIGHT),
        ("From 2011 to 2012 it grew by 8.35", PERCENT, RIGHT),
        ("0.0835 (8.35%)", PERCENT, RIGHT),
        ("108.35 / 100 - 1 = 8.35%", PERCENT, RIGHT),
        ("I read 100 and 108.35. Answer: 8.35", PERCENT, RIGHT),
        ("the answer is 8.35. See page 3 of ACME/2012/page_45.pdf", PERCENT, RIGHT),
        ("8.35 (ACME/2012/page_45.pdf, Q3, 10-K, 3rd note)", PERCENT, RIGHT),
        ("2012", Reference(2012.0, "amount", "2,012"), RIGHT),
        ("5 = 5 = 8.35", PERCENT, RIGHT),
        # A hedge is no answer.
        ("8.35% or 9.1%", PERCENT, WRONG),
        ("between 8.35 and 9.1%", PERCENT, WRONG),
        ("8.35 \u2013 9.1 %", PERCENT, WRONG),
        ("8.35 9.1 100 108.35", PERCENT, WRONG),
        ("Answer: 8.35. Answer: 9.1", PERCENT, WRONG),
        ("$1,234.5 or $7", AMOUNT, WRONG),
        ("It is probably about 8.35%, or else 44.", PERCENT, WRONG),
        ("about 44, or else 8.35%", PERCENT, WRONG),
        ("8.35%; otherwise perhaps about 44", PERCENT, WRONG),
        # But one number said twice is none.
        ("8.35% or 0.0835", PERCENT, RIGHT),
        # Nothing to grade.
        ("", PERCENT, WRONG),
        ("see ACME/2012/page_8.35.pdf", PERCENT, WRONG),
        # Yes and no.
        ("Yes.", YES, RIGHT),
        ("YES, it rose from 90 to 100", YES, RIGHT),
        ("It is not the case that no page says so. Answer: yes", YES, RIGHT),
        ("no", YES, WRONG),
        ("yes and no", YES, WRONG),
        ("nobody knows; yesterday", YES, WRONG),
    ],
)
def test_an_answer_earns(answer: str, reference: Reference, score: float) -> None:
    verdict = compare(answer, reference)
    assert verdict.score == score, verdict.reason


AMOUNTS = st.floats(min_value=0.01, max_value=1e7).map(lambda value: round(value, 2))
SIGNS = st.sampled_from([1, -1])
WORDINGS = st.sampled_from(
    ["{}", "{}.", "It was {}", "about {} in 2012", "Answer: {}", "100 / 7 = {}", "  {}\n"]
)


@given(AMOUNTS, SIGNS, WORDINGS)
def test_a_written_amount_is_read_back(size: float, sign: int, wording: str) -> None:
    written = f"{size:,.2f}" if sign > 0 else f"({size:,.2f})"
    reference = Reference(sign * size, "amount", f"{sign * size:,.2f}")
    assert compare(wording.format(written), reference).score == RIGHT


@given(AMOUNTS, SIGNS, WORDINGS, st.sampled_from(["%", " %", " percent", ""]))
def test_a_written_percentage_is_read_back(size: float, sign: int, wording: str, unit: str) -> None:
    reference = Reference(sign * size, "percent", f"{sign * size}%")
    assert compare(wording.format(f"{sign * size}{unit}"), reference).score == RIGHT


@given(AMOUNTS, SIGNS, st.sampled_from(sorted(SLIPS)), st.data())
def test_one_slip_of_scale_earns_half(
    size: float, sign: int, kind: str, data: st.DataObject
) -> None:
    value = sign * size
    factor = data.draw(st.sampled_from(SLIPS[kind]))
    reference = Reference(value, kind)
    assert compare(f"{value / factor:.12f}", reference).score == HALF
    assert compare(f"{-value / factor:.12f}", reference).score == WRONG


@given(st.lists(AMOUNTS, min_size=2, max_size=6), st.sampled_from([", ", " or ", " and ", "; "]))
def test_naming_many_numbers_earns_nothing(values: list[float], joint: str) -> None:
    assume(max(values) > 1.03 * min(values))
    answer = joint.join(f"{value:,.2f}" for value in values)
    for value in values:
        assert compare(answer, Reference(value, "amount")).score == WRONG


@settings(max_examples=50)
@given(st.text(max_size=300), st.sampled_from(KINDS))
def test_any_text_gets_a_score(text: str, kind: str) -> None:
    reference = Reference("no" if kind == "yes_no" else 1.0, kind, "1")
    assert compare(text, reference).score in (RIGHT, HALF, WRONG)


@pytest.mark.parametrize("text", ["9" * 5000, "1," * 100_000, "(" * 100_000, "- " * 100_000])
def test_a_hostile_answer_is_read_in_bounded_time(text: str) -> None:
    assert compare(text, PERCENT).score == WRONG


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({}, "item.answer_kind is None"),
        ({"answer_kind": "length", "answer_value": 1}, "item.answer_kind is 'length'"),
        ({"answer_kind": "amount"}, "item.answer_value is None; for amount it must be a number"),
        ({"answer_kind": "amount", "answer_value": True}, "must be a number"),
        ({"answer_kind": "yes_no", "answer_value": 1}, '"yes" or "no"'),
    ],
)
def test_a_row_that_cannot_be_graded_names_its_key(item: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace(".", r"\.")):
        Reference.from_item(item)
