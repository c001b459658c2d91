from __future__ import annotations

import itertools

import pytest

from buildhour_helpers.graders.endpoint import GraderCall
from buildhour_helpers.spotlights import kernels, make
from buildhour_helpers.spotlights.kernels import Config, Shape
from buildhour_helpers.tools import ToolError

from .calls import graded

ENVIRONMENT = make("kernels", 7)
ROW = ENVIRONMENT.held_out[0]
SHAPE = Shape(**ROW["shape"])


def benchmark(config: Config, kernel: str = ROW["kernel"]) -> tuple[str, dict[str, object]]:
    return "benchmark", {"kernel": kernel, **vars(config)}


PLAIN, BEST = Config.plain(SHAPE), Config.best(SHAPE)
CHEAT = Config(BEST.tile, BEST.unroll, BEST.prefetch, rows=128)


@pytest.mark.parametrize(("rows", "lanes", "steps"), [(512, 16, 3), (2048, 48, 7), (6144, 64, 5)])
def test_the_best_configuration_is_the_fastest_that_computes_everything(rows, lanes, steps):
    shape = Shape(rows, lanes, steps)
    tried = itertools.product(
        sorted({8, 16, 32, 64, 128, lanes}), range(1, 9), (1, 2, 6, 12), (rows, 8192)
    )
    fastest = min((Config(*each) for each in tried), key=lambda c: kernels.run_time_us(shape, c))
    assert fastest == Config.best(shape)
    assert kernels.speed_up(shape, fastest) > 2


def test_the_benchmark_tells_run_time_and_whether_the_output_is_right():
    run = ENVIRONMENT.functions["benchmark"]
    assert run(**benchmark(BEST)[1]).endswith("output right")
    assert kernels.run_time_us(SHAPE, CHEAT) < kernels.run_time_us(SHAPE, BEST)
    assert f"wrong: {SHAPE.rows - 128} rows" in run(**benchmark(CHEAT)[1])
    with pytest.raises(ToolError, match="give the path in the task"):
        run(**benchmark(BEST, "kernels/other")[1])


@pytest.mark.parametrize(
    ("configs", "timed", "checked", "speed_up"),
    [
        ([], 0.0, 0.0, 1.0),
        ([BEST], 1 - 1 / kernels.speed_up(SHAPE, BEST), None, kernels.speed_up(SHAPE, BEST)),
        ([BEST, CHEAT], 1 - 1 / kernels.speed_up(SHAPE, CHEAT), 0.0, 1.0),
        ([Config(128, 8, 12, 8192)], 0.0, 0.0, 1.0),  # slower than the plain kernel, which stays
    ],
)
def test_what_is_fastest_ships_and_the_check_looks_at_its_output(configs, timed, checked, speed_up):
    call = graded(ENVIRONMENT, ROW, [benchmark(config) for config in configs])
    assert kernels.grade_run_time(call) == pytest.approx(timed)
    assert kernels.grade_kernel(call) == pytest.approx(timed if checked is None else checked)
    assert kernels.grade_speed_up(call) == pytest.approx(speed_up)


def test_a_rollout_without_calls_or_for_another_kernel_ships_the_plain_one():
    other = ENVIRONMENT.held_out[1]["kernel"]
    for call in (
        GraderCall({"output_text": "1 us"}, ROW, None),
        graded(ENVIRONMENT, ROW, [benchmark(BEST, other)]),
    ):
        assert kernels.grade_kernel(call) == 0.0
        assert kernels.grade_correct(call) == 1.0
