"""What runs found: the recorded ones, and a table of any."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

import pandas as pd

from buildhour_helpers import recordings
from buildhour_helpers.spotlights.run import Result

SIDES = ["before", "after"]


def recorded(name: str, grader: str = "") -> list[Result]:
    """The recorded runs of an environment with this grader, one for each seed."""
    runs = recordings.load("spotlights")["runs"]
    found = [run for run in runs if (run["name"], run["grader"]) == (name, grader)]
    if not found:
        known = sorted({(run["name"], run["grader"]) for run in runs})
        raise KeyError(f"no run of {name!r} with the grader {grader!r}; there are: {known}")
    return found


def mean_of(results: Iterable[Result], side: str, measure: str = "reward") -> float:
    """The mean over runs of a measure `before` or `after` training."""
    values = [result[side][measure] for result in results]
    return fmean(value[0] if isinstance(value, list) else value for value in values)


def means(results: Iterable[Result]) -> pd.DataFrame:
    """Means over runs, before and after: the held-out reward, turns and calls of a rollout, and
    the share of tool turns with parallel calls."""
    runs = list(results)
    names = ("reward", "turns", "calls", "parallel")
    return pd.DataFrame(
        {side: {name: mean_of(runs, side, name) for name in names} for side in SIDES}
    )


def rewards(results: Iterable[Result]) -> list[tuple[float, float]]:
    """The held-out reward of each run, before and after."""
    return [(run["before"]["reward"][0], run["after"]["reward"][0]) for run in results]


def table(results: Iterable[Result]) -> pd.DataFrame:
    """A line for each run: held-out reward and turns before and after, the gain and its 95%
    interval over held-out rows, and the share of tool turns with parallel calls."""
    rows = [
        {
            "seed": result["seed"],
            "before": result["before"]["reward"][0],
            "after": result["after"]["reward"][0],
            "gain": "{:+.2f} [{:+.2f}, {:+.2f}]".format(*result["gain"]),
            "turns": "{:.1f} to {:.1f}".format(*_pair(result, "turns")),
            "calls": "{:.1f} to {:.1f}".format(*_pair(result, "calls")),
            "parallel": "{:.0%} to {:.0%}".format(*_pair(result, "parallel")),
        }
        for result in results
    ]
    return pd.DataFrame(rows).set_index("seed").round(2)


def _pair(result: Result, measure: str) -> tuple[float, float]:
    return result["before"][measure], result["after"][measure]


def scores(results: Iterable[Result]) -> pd.DataFrame:
    """Means over runs, before and after: the held-out reward, and what each other grader of the
    environment says to the same rollouts."""
    runs = list(results)
    rows = {"reward": [mean_of(runs, side) for side in SIDES]}
    for name in runs[0]["scores"]:
        rows[name] = [fmean(run["scores"][name][side] for run in runs) for side in (0, 1)]
    return pd.DataFrame.from_dict(rows, orient="index", columns=SIDES)
