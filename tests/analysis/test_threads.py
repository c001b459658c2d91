"""A dashboard draws from its thread while a notebook draws: matplotlib's style is one for both."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl

from buildhour_helpers.analysis.figures.chart import Chart, styled

SHORT_S = 0.3  # long enough for a thread that nothing stops


def test_two_threads_that_draw_at_once_leave_the_readers_style_alone() -> None:
    first_draws, second_draws, first_is_done = (threading.Event() for _ in range(3))

    @styled
    def first() -> Chart:
        first_draws.set()
        second_draws.wait(SHORT_S)
        return Chart("First")

    @styled
    def second() -> Chart:
        second_draws.set()
        first_is_done.wait(SHORT_S)
        return Chart("Second")

    before = dict(mpl.rcParams)
    with ThreadPoolExecutor() as pool:
        drawn = pool.submit(first)
        assert first_draws.wait(30)
        other = pool.submit(second)
        drawn.result()
        first_is_done.set()
        other.result()
    assert dict(mpl.rcParams) == before
