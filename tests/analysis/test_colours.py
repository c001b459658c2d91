"""The figures' colours, as colour-blind readers see them and against what they stand on."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from buildhour_helpers.analysis.figures.chart import AFTER, BEFORE, COLOURS
from buildhour_helpers.analysis.statistics import Floats

SEEN_BY = {
    "most readers": np.eye(3),
    "readers without red cones": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "readers without green cones": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
}  # fmt: skip
"""Machado, Oliveira and Fernandes (2009), severity 1, over linear sRGB."""
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
D65 = np.array([0.95047, 1.0, 1.08883])
JUST_NOTICED = 2.3  # of CIELAB, side by side and at rest
LEAST_CONTRAST = 3.0  # WCAG 2.2, 1.4.11: graphics


def linear(colour: str) -> Floats:
    value = np.array(to_rgb(colour))
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(light: Floats) -> Floats:
    xyz = TO_XYZ @ np.clip(light, 0, 1) / D65
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one: str, other: str) -> float:
    less, more = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (more + 0.05) / (less + 0.05)


@pytest.mark.parametrize("who", SEEN_BY)
def test_every_two_colours_can_be_distinguished(who: str) -> None:
    seen = {colour: lab(SEEN_BY[who] @ linear(colour)) for colour in COLOURS}
    apart = {pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in combinations(seen, 2)}
    assert min(apart.values()) > 5 * JUST_NOTICED
    assert apart[(AFTER, BEFORE)] > 30 * JUST_NOTICED


@pytest.mark.parametrize("ground", ["#ffffff", "#111111"])
def test_every_colour_stands_out_from_white_and_from_a_dark_page(ground: str) -> None:
    """Figures bring their white ground; on a dark one they hold too, where a viewer inverts it."""
    assert min(contrast(colour, ground) for colour in COLOURS) >= LEAST_CONTRAST
