"""The study's figure: the curves of its jobs, and the tuned model beside the two prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buildhour_helpers.analysis.figures import Chart
from buildhour_helpers.analysis.figures.chart import styled
from buildhour_helpers.analysis.statistics import Interval
from buildhour_helpers.demo.figure import BARS, draw_panels, note
from buildhour_helpers.demo.result import CurvePoint

SIDES = {"first_prompt": "first\nprompt", "best_prompt": "best\nprompt", "tuned": "tuned"}


@styled
def draw_study(study: Mapping[str, Any]) -> Chart:
    """The jobs of a study (the JSON that it wrote), and the two prompts beside the tuned model.

    Each seed's job is a curve on the left and a dot on each bar of the tuned model.
    """
    seeds = study["seeds"]
    curves = [[CurvePoint(**point) for point in seed["curve"]] for seed in seeds]
    measures = [study[side]["measures"] for side in SIDES]
    bars = [tuple(Interval(*side[name]) for side in measures) for name, _, _ in BARS]
    dots = [[seed["measures"][name][0] for seed in seeds] for name, _, _ in BARS]
    gain = Interval(*study["tuned_against_best"]["difference"]["reward"])
    penalty = seeds[0]["job"]["reasoning_token_penalty"]
    said = note(penalty, "a dot per seed; whiskers: 95% over jobs and questions")
    chart = Chart(f"Reward on held-out questions: {gain:+.2f} over the best prompt", note=said)
    draw_panels(chart, curves, None, bars, tuple(SIDES.values()), dots)
    changes = ", ".join(
        f"{label} {best.value:{number}} with the best prompt and {tuned.value:{number}} after "
        f"training ({', '.join(f'{dot:{number}}' for dot in of_seeds)} by seed)"
        for (_, best, tuned), of_seeds, (_, label, number) in zip(bars, dots, BARS, strict=True)
    )
    chart.describe(
        "Left: mean reward of training rollouts and of validation over the steps of "
        f"{len(seeds)} jobs. Right: on {study['questions']['test']} held-out questions {changes}."
    )
    return chart
