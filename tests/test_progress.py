"""Progress in a log file: lines, not one line that is drawn again and again."""

from __future__ import annotations

import io

import pytest

from buildhour_helpers.progress import Lines


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["\r1/3", "\r2/3 ", "\n"], "1/3\n2/3\n"),
        (["\r1/3", "\r", "demo: stopped", "\n"], "1/3\ndemo: stopped\n"),
        (["one\n", "\n", "two\n"], "one\n\ntwo\n"),
        (["\rone: 1/1", "\n", "\rtwo: 1/1", "\n"], "one: 1/1\ntwo: 1/1\n"),
    ],
)
def test_each_state_of_a_bar_is_a_line(written: list[str], expected: str) -> None:
    log = io.StringIO()
    lines = Lines(log)
    for text in written:
        lines.write(text)
    assert log.getvalue() == expected
