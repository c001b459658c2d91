"""Grader specs: each is valid JSON in the shape that a job takes."""

from __future__ import annotations

import json

from buildhour_helpers.graders import specs


def test_each_spec_has_the_fields_of_its_type() -> None:
    check = specs.string_check(operation="ilike")
    judge = specs.score_model()
    served = specs.endpoint("http://127.0.0.1:1/grade", "a-key")
    both = specs.multi({"exact": check, "judge": judge}, "0.5 * exact + 0.5 * judge")
    assert sorted(check) == ["input", "name", "operation", "reference", "type"]
    assert sorted(judge) == ["input", "model", "name", "range", "type"]
    assert served["headers"] == {"Authorization": "Bearer a-key"}
    assert both["graders"]["judge"] == judge
    assert json.loads(json.dumps(both)) == both


def test_the_judge_sees_the_answer_and_the_reference_by_template() -> None:
    system, user = specs.score_model(rubric="Be fair.")["input"]
    assert system == {"role": "system", "content": "Be fair."}
    assert "{{sample.output_text}}" in user["content"]
    assert "{{item.reference_answer}}" in user["content"]
