"""The study's figure: the curves of its jobs, and the tuned model beside the two prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buildhour_helpers.analysis.figures import Chart
from buildhour_helpers.analysis.figures.chart import styled
from buildhour_helpers.analysis.statistics import Interval
from buildhour_helpers.demo.figure import BARS, draw_panels, note
from buildhour_helpers.demo.result import CurvePoint


@styled
def draw_study(study: Mapping[str, Any]) -> Chart:
    """The jobs of a study (the JSON that it wrote), and the two prompts beside the tuned model."""
    curves = [[CurvePoint(**point) for point in seed["curve"]] for seed in study["seeds"]]
    sides = [study[name]["measures"] for name in ("first_prompt", "best_prompt", "tuned")]
    bars = [tuple(Interval(*side[name]) for side in sides) for name, _, _ in BARS]
    gain = Interval(*study["tuned_against_best"]["difference"]["reward"])
    said = note(study["seeds"][0]["job"].get("reasoning_token_penalty"))
    chart = Chart(f"Reward on held-out questions: {gain:+.2f} over the best prompt", note=said)
    draw_panels(chart, curves, None, bars, ("first\nprompt", "best\nprompt", "tuned"))
    return chart
