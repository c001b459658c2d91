"""FinQA's program notation."""

from __future__ import annotations

from decimal import Decimal

import pytest

from buildhour_helpers.reports.program import Nature, execute, is_change, nature, operations


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("subtract(5829, 5735)", "94"),
        ("subtract(12, 10), divide(#0, 10)", "0.2"),
        ("add(1.5, -2), multiply(#0, const_1000)", "-500"),
        ("subtract(22.8%, 21.9%)", "0.009"),
    ],
)
def test_execute(program: str, value: str) -> None:
    assert execute(program) == Decimal(value)


def test_greater_gives_yes_or_no() -> None:
    assert execute("greater(2, 1)") == "yes"
    assert execute("divide(1, 2), greater(#0, 1)") == "no"


@pytest.mark.parametrize("program", ["", "divide(1, 0)", "table_max(sales, none)", "add(1, #3)"])
def test_what_cannot_be_executed_is_a_value_error(program: str) -> None:
    with pytest.raises(ValueError, match="cannot execute"):
        execute(program)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("divide(226, 349)", Nature.RATIO),
        ("subtract(12, 10), divide(#0, 10)", Nature.RATIO),
        ("divide(11287, 8512), subtract(#0, const_1)", Nature.RATIO),
        ("divide(1, 2), divide(3, 4), subtract(#0, #1)", Nature.RATIO),
        ("subtract(22.8%, 21.9%)", Nature.RATIO),
        ("subtract(97.26, const_100), divide(#0, const_100)", Nature.RATIO),
        ("divide(1, 2), multiply(#0, const_100)", Nature.PERCENT),
        ("add(1, 2), divide(#0, const_2)", Nature.PLAIN),
        ("add(385373, 1110566), divide(#0, const_1000)", Nature.PLAIN),
        ("divide(827, 33%)", Nature.PLAIN),
        ("multiply(28.5, 3.0%)", Nature.PLAIN),
        ("add(22560, 5%)", Nature.PLAIN),
        ("subtract(const_1, 5%)", Nature.RATIO),
        ("table_average(segment revenue, none)", Nature.PLAIN),
    ],
)
def test_nature(program: str, expected: Nature) -> None:
    assert nature(program) is expected


def test_a_relative_change_is_recognised() -> None:
    assert is_change("subtract(12, 10), divide(#0, 10)")
    assert is_change("divide(12, 10), subtract(#0, const_1)")
    assert is_change("subtract(116.85, 100.00), divide(#0, const_100)")
    assert not is_change("subtract(12, 10), divide(#0, 12)")


def test_labels_in_table_operations_may_hold_parentheses() -> None:
    assert operations("table_sum(sales (net), none), divide(#0, 4)") == ["table_sum", "divide"]
