"""FinQA's program notation."""

from __future__ import annotations

from decimal import Decimal

import pytest

from buildhour_helpers.reports.program import Nature, execute, is_change, nature


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("subtract(5829, 5735)", "94"),
        ("subtract(12, 10), divide(#0, 10)", "0.2"),
        ("add(1.5, -2), multiply(#0, const_1000)", "-500"),
        ("subtract(22.8%, 21.9%)", "0.009"),
        ("greater(2, 1)", "yes"),
        ("divide(1, 2), greater(#0, 1)", "no"),
    ],
)
def test_execute(program: str, value: str) -> None:
    assert execute(program) == (value if value in ("yes", "no") else Decimal(value))


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
        ("subtract(22.8%, 21.9%)", Nature.RATIO),
        ("subtract(97.26, const_100), divide(#0, const_100)", Nature.RATIO),
        ("divide(1, 2), multiply(#0, const_100)", Nature.PERCENT),
        ("add(1, 2), divide(#0, const_2)", Nature.PLAIN),
        ("divide(827, 33%)", Nature.PLAIN),
        ("multiply(28.5, 3.0%)", Nature.PLAIN),
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
