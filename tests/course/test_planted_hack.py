"""The recording of the planted hack is what its command makes: a slice of it, made again."""

from __future__ import annotations

from pathlib import Path

from authoring.recordings import planted_hack
from buildhour_helpers.recordings import load


def test_the_first_rollouts_come_out_again(tmp_path: Path) -> None:
    recorded = load("planted_hack")
    count = 4
    again = planted_hack.record(tmp_path, lambda _: None, count=count, planted=0)
    planted = {(name, repeat) for name, repeat in recorded["planted"]}
    pairs = zip(recorded["rollouts"], again["rollouts"], strict=False)
    compared = [
        (old, new) for old, new in pairs if (old["question_id"], old["repeat"]) not in planted
    ]
    assert len(again["rollouts"]) == count * planted_hack.REPEATS
    assert len(compared) >= count
    assert all(old == new for old, new in compared)
