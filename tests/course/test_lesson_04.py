"""What lesson 04 shows is what the library holds, and its labels are usable."""

from __future__ import annotations

from typing import Any

from authoring.course.source import lessons, read
from buildhour_helpers.analysis.statistics import agreement
from buildhour_helpers.graders import Reference, compare, specs
from buildhour_helpers.tasks import build_row, load_labels, load_questions

LABELS = load_labels()


def shown(*names: str) -> list[Any]:
    """What the taken cells of the lesson define, without their client."""
    space: dict[str, Any] = {}
    (lesson,) = lessons(["04"])
    for cell in read(lesson).cells:
        if "take" in cell.metadata and "OpenAI()" not in cell.source:
            exec(cell.source, space)
    return [space[name] for name in names]


def test_the_lesson_writes_the_specs_that_the_library_builds() -> None:
    string_check, model_grader, rubric = shown("string_check", "model_grader", "RUBRIC")
    assert rubric == specs.PARTIAL_CREDIT_RUBRIC
    assert string_check("ilike") == specs.string_check("ilike", "ilike")
    assert model_grader(rubric) == specs.score_model()


def test_sixty_answers_are_labelled_with_a_reason_each() -> None:
    known = {question.id for question in load_questions(split="validation")}
    assert len({label["id"] for label in LABELS}) == len(LABELS) == 60
    assert {label["question_id"] for label in LABELS} <= known
    assert {label["label"] for label in LABELS} == {0, 0.5, 1}
    assert all(label["why"] for label in LABELS)


def test_the_endpoint_s_comparison_agrees_with_the_labels() -> None:
    items = {q.id: build_row(q, "", ()) for q in load_questions(split="validation")}
    given = [
        compare(one["answer"], Reference.from_item(items[one["question_id"]])).score
        for one in LABELS
    ]
    assert agreement([one["label"] for one in LABELS], given).spearman >= 0.8
