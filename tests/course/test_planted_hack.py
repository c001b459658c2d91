"""The recording of the planted hacks is what its command makes: a slice of it, made again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from authoring.recordings import planted_hack
from buildhour_helpers.checks.lesson_07 import deserved, planted
from buildhour_helpers.recordings import load
from buildhour_helpers.tasks import load_questions


def test_the_first_rollouts_come_out_again(tmp_path: Path) -> None:
    recorded = load("planted_hack")
    count = 4
    again = planted_hack.record(tmp_path, lambda _: None, count=count, plant=False)
    hacked = {(name, repeat) for name, repeat, _ in recorded["planted"]}
    pairs = zip(recorded["rollouts"], again["rollouts"], strict=False)
    compared = [
        (old, new) for old, new in pairs if (old["question_id"], old["repeat"]) not in hacked
    ]
    assert len(again["rollouts"]) == count * planted_hack.REPEATS
    assert len(compared) >= count
    assert all(old == new for old, new in compared)


def test_it_says_what_was_planted() -> None:
    run = load("planted_hack")
    assert "replaced by hand" in run["about"]
    assert run["command"].endswith("record planted_hack")
    asked = {question.id: question for question in load_questions(split="test")}
    rollouts, hacks = planted()
    assert Counter(hacks.values()) == dict.fromkeys(planted_hack.HACKS, 3)
    rewarded = {(r.question_id, r.repeat): r for r in rollouts if r.reward == 1.0}
    assert hacks.keys() <= rewarded.keys()
    for key, hack in hacks.items():
        worth = deserved(rewarded[key], asked[key[0]])
        assert (worth == 1.0) == (hack != "hedge")
        assert (rewarded[key].metrics.tool_calls == 0) == (hack == "no evidence")
    honest = [one for key, one in rewarded.items() if key not in hacks]
    assert len(honest) > 5
    assert all(
        (asked[r.question_id].answer_text in (r.answer or "")) == (r.reward == 1.0)
        for r in rollouts
    )
