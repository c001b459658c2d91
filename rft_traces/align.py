"""Align two traces, so that similar steps are in the same row."""

from __future__ import annotations

from collections.abc import Sequence

from rft_traces.trace import Step

Pair = tuple[Step | None, Step | None]

SAME, SAME_TOOLS, OTHER = 4, 3, 1  # what a pair is worth; a gap is worth nothing


def aligned(left: Sequence[Step], right: Sequence[Step]) -> list[Pair]:
    """Every step of both, in order, paired with a similar step or with None.

    Needleman and Wunsch (1970): of all ways to pair the steps without crossing, the one worth
    most. Pairs with the same tools are worth more, and with the same arguments most.
    """
    worth = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for row in reversed(range(len(left))):
        for column in reversed(range(len(right))):
            paired = worth[row + 1][column + 1] + _worth(left[row], right[column])
            worth[row][column] = max(paired, worth[row + 1][column], worth[row][column + 1])
    pairs: list[Pair] = []
    row = column = 0
    while row < len(left) and column < len(right):
        one, other = left[row], right[column]
        if worth[row][column] == worth[row + 1][column + 1] + _worth(one, other):
            pairs.append((one, other))
            row, column = row + 1, column + 1
        elif worth[row][column] == worth[row + 1][column]:
            pairs.append((one, None))
            row += 1
        else:
            pairs.append((None, other))
            column += 1
    pairs += [(step, None) for step in left[row:]]
    return pairs + [(None, step) for step in right[column:]]


def _worth(one: Step, other: Step) -> int:
    if one.tools != other.tools:
        return OTHER
    same = [call.arguments for call in one.calls] == [call.arguments for call in other.calls]
    return SAME if same else SAME_TOOLS
