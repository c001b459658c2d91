"""Two traces beside each other, step against the step that does the same."""

from __future__ import annotations

from collections.abc import Sequence

from rft_traces.trace import Step

Pair = tuple[Step | None, Step | None]

SAME, SAME_TOOLS, OTHER = 4, 3, 1  # what a pair is worth; a gap is worth nothing


def aligned(left: Sequence[Step], right: Sequence[Step]) -> list[Pair]:
    """Every step of both, in order, each beside its like or beside nothing.

    Needleman and Wunsch (1970): of all ways to pair the steps without crossing, the one that pairs
    the most of them, same tools rather than others, same arguments rather than the tools alone.
    """
    worth = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for row in reversed(range(len(left))):
        for place in reversed(range(len(right))):
            paired = worth[row + 1][place + 1] + _worth(left[row], right[place])
            worth[row][place] = max(paired, worth[row + 1][place], worth[row][place + 1])
    pairs: list[Pair] = []
    row = place = 0
    while row < len(left) and place < len(right):
        one, other = left[row], right[place]
        if worth[row][place] == worth[row + 1][place + 1] + _worth(one, other):
            pairs.append((one, other))
            row, place = row + 1, place + 1
        elif worth[row][place] == worth[row + 1][place]:
            pairs.append((one, None))
            row += 1
        else:
            pairs.append((None, other))
            place += 1
    pairs += [(step, None) for step in left[row:]]
    return pairs + [(None, step) for step in right[place:]]


def _worth(one: Step, other: Step) -> int:
    if one.tools != other.tools:
        return OTHER
    same = [call.arguments for call in one.calls] == [call.arguments for call in other.calls]
    return SAME if same else SAME_TOOLS
