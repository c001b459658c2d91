"""The phrases of a question, and the role that the word before each gives it."""

from __future__ import annotations

import pytest

from rft_service.engines.simulated.question import read_question


def roles_in(question: str) -> list[tuple[str, set[str]]]:
    return [
        (p.role, set(p.words)) for p in read_question("", question).phrases if p.role != "other"
    ]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (
            "What percentage of lamps lit did stones laid make up at Falcon in 1972?",
            [("of_part", {"lamp", "lit"}), ("subject", {"stone", "laid"}), ("year_in", {"1972"})],
        ),
        (
            "What was the ratio of lamps lit to stones laid at Falcon in 1972?",
            [("of_ratio", {"lamp", "lit"}), ("to", {"stone", "laid"}), ("year_in", {"1972"})],
        ),
        (
            "By what percent did lamps lit at Falcon grow from 1971 to 1972?",
            [("subject", {"lamp", "lit"}), ("year_from", {"1971"}), ("year_to", {"1972"})],
        ),
        (
            "How much more were lamps due in 1971 than lamps due in 1972 at Falcon?",
            [("subject", {"lamp", "due", "1971"}), ("than", {"lamp", "due", "1972"})],
        ),
    ],
)
def test_the_word_before_a_phrase_gives_it_its_role(
    question: str, found: list[tuple[str, set[str]]]
) -> None:
    shown = [(role, words) for role, words in roles_in(question) if role not in ("verb", "and")]
    assert [role for role, _ in shown] == [role for role, _ in found]
    for (_, words), (_, expected) in zip(shown, found, strict=True):
        assert expected <= words


def test_and_may_be_between_two_names_or_within_one() -> None:
    roles = roles_in("What did plant and equipment at Falcon come to in 1972?")
    assert ("subject", {"plant"}) in roles
    assert ("and", {"equip"}) in roles
    assert ("joined", {"plant", "equip"}) in roles


@pytest.mark.parametrize(
    ("question", "things"),
    [
        ("What were rye, oats and barley at Falcon in 1972?", ["rye", "oat", "barley"]),
        (
            "What percentage of cargo did rye, oats, and barley make up at Falcon?",
            ["cargo", "rye", "oat", "barley"],
        ),
        # A comma within a place or before a year does not begin a thing.
        ("What was the weight of rye at Falcon, tons excluded?", ["rye"]),
        ("What came of rye, in 1972, at Falcon?", ["rye"]),
    ],
)
def test_a_comma_begins_one_more_thing_of_a_list(question: str, things: list[str]) -> None:
    asked = read_question("", question)
    named = [phrase for phrase in asked.phrases if phrase.is_thing]
    assert asked.things == len(things)
    for phrase, thing in zip(named, things, strict=True):
        assert thing in phrase.words
        assert not phrase.words & set(things) - {thing}
