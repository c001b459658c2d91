"""Habits of rollouts, counted without a grader."""

import pytest

from buildhour_helpers.analysis.audit import form_of, habits
from buildhour_helpers.rollouts import Metrics, RolloutRecord


def rollout(answer: str | None, **tools: int) -> RolloutRecord:
    metrics = Metrics(tool_calls=sum(tools.values()), tool_calls_by_name=tools)
    return RolloutRecord("q", 0, "m", "t", answer=answer, metrics=metrics)


@pytest.mark.parametrize(
    ("answer", "form"),
    [
        ("8.35%", "#%"),
        ("(1,234.5)", "#"),
        ("The answer is $12 million.", "The answer is # million."),
        ("It is 3, or else -4.", "It is #, or else #."),
        (" yes ", "yes"),
    ],
)
def test_the_form_of_an_answer_is_what_is_left_without_its_numbers(answer, form):
    assert form_of(answer) == form


def test_habits_are_shares_of_all_rollouts():
    found = habits(
        [
            rollout("8.35%", search=1, cat=2),
            rollout("The answer is 8.", search=1),
            rollout("The answer is 9, or else 8.", search=3),
            rollout(None),
        ]
    )
    assert found.rollouts == 4
    assert found.tools == {"cat": 0.25, "search": 0.75}
    assert found.tool_calls == 1.75
    assert found.sentence == 0.5
    assert found.several_numbers == 0.25
    assert found.form_share == 0.25
    with pytest.raises(ValueError, match="no rollouts"):
        habits([])
