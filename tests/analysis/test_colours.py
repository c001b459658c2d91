"""The figures' colours, against the page behind them."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from buildhour_helpers.analysis.figures.chart import COLOURS

LEAST_CONTRAST = 3.0  # WCAG 2.2, 1.4.11: graphics


def luminance(colour: str) -> float:
    value = np.array(to_rgb(colour))
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126729, 0.7151522, 0.0721750])


def contrast(one: str, other: str) -> float:
    less, more = sorted(map(luminance, (one, other)))
    return (more + 0.05) / (less + 0.05)


@pytest.mark.parametrize("ground", ["#ffffff", "#111111"])
def test_every_colour_stands_out_from_white_and_from_a_dark_page(ground: str) -> None:
    """Figures bring their white ground; on a dark one they hold too, where a viewer inverts it."""
    assert min(contrast(colour, ground) for colour in COLOURS) >= LEAST_CONTRAST
