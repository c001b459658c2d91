"""Graders of every kind through `graders/run` and `graders/validate`, and in a job."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from starlette.responses import JSONResponse, Response

from .conftest import Running
from .customer import EQUAL, KEY, Customer

ITEM = {"reference_answer": "value key1", "parts": [{"name": "first"}], "limit": 3}
TEXT = "The value key1 it is"
SIMILAR = {
    "type": "text_similarity",
    "name": "similar",
    "input": "{{sample.output_text}}",
    "reference": "{{item.reference_answer}}",
    "evaluation_metric": "fuzzy_match",
}
JUDGED = {
    "type": "score_model",
    "name": "judged",
    "model": "sim-grader",
    "input": [{"role": "user", "content": "Is {{sample.output_text}} right?"}],
    "range": [0, 10],
}
NO_FLAGS = {
    "formula_parse_error", "invalid_variable_error", "model_grader_parse_error",
    "model_grader_refusal_error", "model_grader_server_error", "other_error",
    "python_grader_runtime_error", "python_grader_server_error", "sample_parse_error",
    "truncated_observation_error", "unresponsive_reward_error",
}  # fmt: skip


def run(service: Running, grader: dict[str, Any], sample: str = TEXT, **item: Any) -> Any:
    return service.client.fine_tuning.alpha.graders.run(
        grader=grader,  # type: ignore[arg-type]
        model_sample=sample,
        item={**ITEM, **item},
    )


def flags(result: Any) -> set[str]:
    errors = result.metadata.errors.to_dict()
    assert set(errors) >= NO_FLAGS
    return {name for name in NO_FLAGS if errors[name]}


def python(source: str) -> dict[str, Any]:
    return {"type": "python", "name": "own", "source": source}


def endpoint(url: str) -> dict[str, Any]:
    return {"type": "endpoint", "name": "own", "url": f"{url}/grade"}


def multi(formula: str, **graders: dict[str, Any]) -> dict[str, Any]:
    return {"type": "multi", "name": "all", "graders": graders, "calculate_output": formula}


@pytest.mark.parametrize(
    ("operation", "reference", "reward"),
    [
        ("eq", TEXT, 1.0),
        ("eq", "{{item.reference_answer}}", 0.0),
        ("ne", "{{ item.reference_answer }}", 1.0),
        ("neq", "{{ item.reference_answer }}", 1.0),
        ("neq", TEXT, 0.0),
        ("like", "value key1", 1.0),
        ("like", "VALUE", 0.0),
        ("ilike", "VALUE", 1.0),
        ("like", "{{item.parts[0].name}}", 0.0),
    ],
)
def test_string_check(service: Running, operation: str, reference: str, reward: float) -> None:
    result = run(service, {**EQUAL, "operation": operation, "reference": reference})
    assert result.reward == reward
    assert flags(result) == set()
    assert result.metadata.type == "string_check"


@pytest.mark.parametrize(
    "metric", ["fuzzy_match", "bleu", "gleu", *(f"rouge_{n}" for n in (1, 2, 3, 4, 5, "l"))]
)
def test_text_similarity(service: Running, metric: str) -> None:
    grader = {**SIMILAR, "evaluation_metric": metric}
    same = "one two three four five six"
    near = "one two three four five seven"
    rewards = [
        run(service, grader, sample, reference_answer=same).reward
        for sample in (same, near, "other words")
    ]
    assert rewards[0] == pytest.approx(1.0)
    assert rewards[0] > rewards[1] > rewards[2] >= 0.0
    assert run(service, grader, "", reference_answer=same).reward == 0.0


def test_long_texts_are_not_compared(service: Running) -> None:
    for sample, reference in (("x" * 10_001, "x"), ("x", "x" * 10_001)):
        result = run(service, SIMILAR, sample, reference_answer=reference)
        assert flags(result) == {"other_error"}
        details = result.to_dict()["metadata"]["errors"]["other_error_details"]
        assert "longer than 10,000 characters" in details


def test_a_template_that_never_closes_costs_no_time(service: Running) -> None:
    """As with any pattern, trying each of its ways to match would take for ever."""
    result = run(service, {**EQUAL, "input": "{{" + " " * 200_000})
    assert result.reward == 0.0


def test_score_model(service: Running) -> None:
    result = run(service, JUDGED)
    assert result.reward == 10.0
    assert result.metadata.sampled_model_name == "sim-grader"
    tokens = result.metadata.token_usage
    assert result.to_dict()["model_grader_token_usage_per_model"] == {"sim-grader": tokens}
    assert run(service, JUDGED, "nothing").reward == 0.0


def test_what_a_grading_model_says_comes_with_its_score(
    service: Running, customer_url: str
) -> None:
    both = multi("judged + like", judged=JUDGED, like=EQUAL)
    for grader, said in ((JUDGED, {"judged": "read"}), (both, {"judged": "read"}), (EQUAL, {})):
        assert run(service, grader).to_dict()["metadata"]["explanations"] == said
    job = service.wait(service.job(customer_url, grader=both).id)
    rollouts = service.rollouts(job.id, step=1)
    assert {row["explanations"]["judged"] for row in rollouts} == {"read"}


def test_endpoint(service: Running, customer: Customer, customer_url: str) -> None:
    grader = endpoint(customer_url)
    assert run(service, grader).reward == 1.0
    assert customer.grader_bodies[0]["sample"]["output_text"] == TEXT
    customer.grader = lambda body: Response(status_code=500)
    broken = run(service, grader)
    assert broken.reward == 0.0
    assert flags(broken) == {"other_error"}
    assert (
        "answered 500 (tried 4 times)"
        in broken.to_dict()["metadata"]["errors"]["other_error_details"]
    )


def test_graders_run_takes_a_whole_sample_and_a_reference(
    service: Running, customer: Customer, customer_url: str
) -> None:
    grader = endpoint(customer_url)
    sample = {"output_text": TEXT, "output_tools": [{"id": "c"}]}
    body = {"grader": grader, "model_sample": sample, "reference_answer": "key1"}
    body["trace_id"] = "trace_1"
    answer: Any = service.client.post("/fine_tuning/alpha/graders/run", body=body, cast_to=object)
    assert answer["reward"] == 1.0
    assert customer.grader_bodies == [
        {"sample": sample, "item": {"reference_answer": "key1"}, "trace_id": "trace_1"}
    ]


def test_what_a_grader_takes_and_ignores_changes_nothing(service: Running) -> None:
    for grader, ignored in (
        (SIMILAR, {"pass_threshold": 0.99}),
        (JUDGED, {"pass_threshold": 9.0, "sampling_params": {"temperature": 2, "seed": 3}}),
        (python("def grade(sample, item): return 0.5"), {"image_tag": "2025-05-08"}),
    ):
        assert run(service, {**grader, **ignored}).reward == run(service, grader).reward


def test_multi(service: Running, customer_url: str) -> None:
    like = {**EQUAL, "operation": "like"}
    grader = multi("0.8 * like + 0.2 * min(judged, 10) / 10", like=like, judged=JUDGED)
    result = run(service, grader)
    assert result.reward == pytest.approx(1.0)
    assert result.sub_rewards == {"like": 1.0, "judged": 10.0}
    every = "min(max(abs(floor(like)), ceil(like)), exp(log(sqrt(like)))) + 2 ^ like - 2"
    assert run(service, {**grader, "calculate_output": every}).reward == pytest.approx(1.0)
    undefined = run(service, {**grader, "calculate_output": "1 / (like - 1)"})
    assert flags(undefined) == {"formula_parse_error"}


@pytest.mark.parametrize(
    ("formula", "reward"),
    [
        ("(a + 1) ^ 2 / 8", 0.5),
        ("2 ^ 3 ^ 2 - 511.5", 0.5),
        ("-2 ^ 2 + 4.25", 0.25),
        ("2 ^ -a", 0.5),
        ("min(a)", 1.0),
        ("max(b, a, .25)", 1.0),
        ("floor(1.5) * is", 1.0),
        ("min + 1e-1 - 1", 0.1),
        ("a\n- b", 1.0),
    ],
)
def test_formulas_know_what_openai_documents(service: Running, formula: str, reward: float) -> None:
    """A grader may have the name of a function, or of a word that Python keeps for itself."""
    same = {**EQUAL, "reference": TEXT}
    graders = {"a": same, "b": {**same, "operation": "ne"}, "is": same, "min": same}
    assert run(service, multi(formula, **graders)).reward == pytest.approx(reward)


@pytest.mark.parametrize(
    "formula",
    [
        "a // 1", "a % 1", "a ** 2", "not a", "a and 1", "a or 1", "a if 1 else 0", "a == 1",
        "a < 1", "a.real", "[a]", "(a, a)", "min", "min(*a)", "min(a=1)", "log(a, 2)", "pow(a, 2)",
        "lambda: 1", "True", "None", "'a'", "{{a}}", "1_0", "2a", "a;a", "a ^", "()", "min()",
        "min(a,)", "max(a, 1 , )", "abs(a,)",
        "-" * 1_990 + "a", "(" * 900 + "a" + ")" * 900, "1" * 1_999 + "x",
    ],
)  # fmt: skip
def test_formulas_know_nothing_else(service: Running, formula: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        run(service, multi(formula, a=EQUAL))
    assert "calculate_output" in str(refused.value)
    assert "object at 0x" not in str(refused.value)
    assert "ast." not in str(refused.value)


@pytest.mark.parametrize("formula", ["9 ^ 9 ^ 9 ^ 9", "1 / (a - a)", "sqrt(0 - 1)", "1e999"])
def test_a_formula_without_a_value_gives_no_score(service: Running, formula: str) -> None:
    grader = multi(formula, a=EQUAL)
    assert flags(run(service, grader)) == {"formula_parse_error"}
    assert run(service, {**grader, "invalid_grade": 0.25}).reward == 0.25


@pytest.mark.parametrize(
    "grader",
    [
        {"type": "multi", "graders": {"one": EQUAL}, "calculate_output": "one", "name": None},
        {"type": "python", "source": "def grade(sample, item): return 1", "name": None},
        {"type": "endpoint", "url": "http://127.0.0.1:1/grade", "headers": None},
        {"type": "multi", "calculate_output": "(python + b) / 2", "invalid_grade": None,
         "graders": {"python": {"type": "python", "source": "def grade(s, i): return 1"},
                     "b": {"type": "endpoint", "url": "http://127.0.0.1:1/", "name": None}}},
        {**EQUAL, "pass_threshold": 0.5},
        {**SIMILAR, "pass_threshold": None},
        {**JUDGED, "range": None, "sampling_params": None, "pass_threshold": 0.75},
        {"type": "multi", "graders": {"one": {**EQUAL, "pass_threshold": 1}},
         "calculate_output": "one", "pass_threshold": 0.6},
    ],
    ids=lambda grader: grader["type"],
)  # fmt: skip
def test_published_forms_are_valid(service: Running, grader: dict[str, Any]) -> None:
    path = "/fine_tuning/alpha/graders/validate"
    service.client.post(path, body={"grader": grader}, cast_to=object)


def test_a_problem_in_a_part_is_named_by_the_parts_key(service: Running) -> None:
    for key in ("python", "multi", "first"):
        with pytest.raises(openai.BadRequestError, match=f"grader.graders.{key}.source: "):
            run(service, multi(key, **{key: {"type": "python"}}))


SUM = 0.4 + 0.2 + 0.3 + 0.1


@pytest.mark.parametrize(
    ("score", "reward"),
    [(SUM, 1.0), (-1e-17, 0.0), (1 + 5e-10, 1.0), (-0.0, 0.0), (1, 1.0)],
)
def test_a_score_within_rounding_of_a_bound_is_the_bound(
    service: Running, customer: Customer, customer_url: str, score: float, reward: float
) -> None:
    customer.grader = lambda body: JSONResponse({"score": score})
    for grader in (endpoint(customer_url), python(f"def grade(sample, item): return {score!r}")):
        result = run(service, grader)
        assert (result.reward, flags(result)) == (reward, set())


def test_a_weighted_sum_of_a_multi_grader_is_rounded_too(service: Running) -> None:
    graders = {name: {**EQUAL, "reference": TEXT} for name in "abcd"}
    for formula, reward in (
        ("0.4 * a + 0.2 * b + 0.3 * c + 0.1 * d", 1.0),
        ("0.3 * a - 0.1 * b - 0.2 * c", 0.0),
        ("a + b / 2", 1.5),
    ):
        assert run(service, multi(formula, **graders)).reward == reward


@pytest.mark.parametrize(
    "score",
    [1.000001, -0.0000001, -1e300, 2, 10**400],
    ids=["above", "below", "far below", "2", "10^400"],
)
def test_a_score_beyond_a_bound_is_an_error_with_the_whole_number(
    service: Running, customer: Customer, customer_url: str, score: float
) -> None:
    customer.grader = lambda body: JSONResponse({"score": score})
    errors = run(service, endpoint(customer_url)).to_dict()["metadata"]["errors"]
    assert f"the score {score!r}, which is not from 0 to 1" in errors["other_error_details"]
    if isinstance(score, float):
        own = run(service, python(f"def grade(sample, item): return {score!r}"))
        said = own.to_dict()["metadata"]["errors"]["python_grader_runtime_error_details"]
        assert f"{score!r}, which is not from 0 to 1" in said


def test_python_gives_a_score_or_an_error_with_its_line(service: Running) -> None:
    source = "def grade(sample, item):\n    return len(sample['output_text']) / 100 * item['limit']"
    assert run(service, python(source)).reward == pytest.approx(0.6)
    result = run(service, python("def grade(sample, item):\n    return 1 / 0"))
    assert (result.reward, flags(result)) == (0.0, {"python_grader_runtime_error"})
    details = result.metadata.errors.python_grader_runtime_error_details
    assert "line 2: ZeroDivisionError" in (details or "")


NEVER = {
    "model_grader_parse_error", "model_grader_refusal_error", "model_grader_server_error",
    "truncated_observation_error", "unresponsive_reward_error",
}  # fmt: skip


FAILING: dict[str, dict[str, Any]] = {
    "formula_parse_error": multi("1 / equal", equal=EQUAL),
    "invalid_variable_error": {**EQUAL, "input": "{{item.nothing}}"},
    "sample_parse_error": {**EQUAL, "input": "{{sample.output_json.answer}}"},
    "other_error": {**SIMILAR, "reference": "x" * 10_001},
    "python_grader_runtime_error": python("def grade(sample, item): raise ValueError"),
    "python_grader_server_error": python("import os\ndef grade(sample, item): os._exit(3)"),
}


def test_flags_of_what_cannot_happen_here_stay_false(service: Running) -> None:
    """`sim-grader` neither refuses nor fails, and its score is a number, not a text to parse."""
    for flag, grader in FAILING.items():
        result = run(service, grader)
        assert (result.reward, flags(result)) == (0.0, {flag})
    assert result.metadata.errors.python_grader_server_error_type == "crash"
    assert NO_FLAGS - set(FAILING) == NEVER
    assert flags(run(service, JUDGED, "I refuse to answer")) == set()


def test_validate_answers_the_grader_without_secrets(service: Running) -> None:
    grader = {"type": "endpoint", "name": "x", "url": "http://c/", "headers": {"A": KEY}}
    answer = service.client.post(
        "/fine_tuning/alpha/graders/validate", body={"grader": grader}, cast_to=object
    )
    assert answer == {"grader": {**grader, "headers": {"A": "[not shown]"}}}


def test_a_job_runs_with_every_kind(service: Running, customer_url: str) -> None:
    parts = {
        "equal": {**EQUAL, "operation": "like"},
        "similar": {**SIMILAR, "evaluation_metric": "rouge_l"},
        "judged": {**JUDGED, "range": [0, 1]},
        "own": python("def grade(sample, item): return float(sample['output_text'] != 'unknown')"),
        "theirs": endpoint(customer_url),
    }
    grader = multi("(equal + similar + judged + own + theirs) / 5", **parts)
    hyperparameters = {"batch_size": 5, "compute_multiplier": 0.25, "eval_interval": 2}
    job = service.job(customer_url, rows=10, grader=grader, hyperparameters=hyperparameters)
    done = service.wait(job.id)
    assert done.status == "succeeded", done.error
    found = service.steps(job.id)[-1]["scores"]["graders"]
    assert [part["name"] for part in found] == list(parts)
    assert all(part["valid_reward_mean"] is not None for part in found)


def test_tool_run_forwards_a_call(service: Running, customer: Customer, customer_url: str) -> None:
    body = {
        "server_url": f"{customer_url}/lookup",
        "headers": {"Authorization": f"Bearer {KEY}"},
        "type": "function_call",
        "id": "fc_9",
        "call_id": "call_9",
        "name": "lookup",
        "arguments": '{"key": "k"}',
        "trace_id": "trace_1",
        "item": {"a": 1},
    }
    answer = service.client.post("/fine_tuning/alpha/tool/run", body=body, cast_to=object)
    assert answer == {
        "type": "function_call_output",
        "call_id": "call_9",
        "id": "fc_9",
        "output": "value k",
    }
    sent = {key: value for key, value in body.items() if key not in ("server_url", "headers")}
    assert customer.tool_bodies == [sent]
    customer.tool = lambda body: JSONResponse({"detail": "no"}, 422)
    with pytest.raises(openai.APIStatusError, match="answered 422"):
        service.client.post("/fine_tuning/alpha/tool/run", body=body, cast_to=object)


ASKED = {"name": "lookup", "arguments": '{"key": "k"}'}


@pytest.mark.parametrize(
    "answer",
    [
        {"output": 7}, {"output": ["value"]}, {"output": None}, {"call_id": "call_2"},
        {"type": "message"}, "value", ["value"], None,
    ],
)  # fmt: skip
def test_tool_run_refuses_what_a_job_discards(
    service: Running, customer: Customer, customer_url: str, answer: Any
) -> None:
    def reply(body: dict[str, Any]) -> Response:
        proper = {"call_id": body["call_id"], "output": "value"}
        return JSONResponse({**proper, **answer} if isinstance(answer, dict) else answer)

    customer.tool = reply
    body = {**ASKED, "server_url": f"{customer_url}/lookup"}
    with pytest.raises(openai.APIStatusError, match="The tool 'lookup' answered 200 with") as said:
        service.client.post("/fine_tuning/alpha/tool/run", body=body, cast_to=object)
    assert said.value.status_code == 424


@pytest.mark.parametrize("left_out", [{}, {"type": None}, {"call_id": None, "id": None}])
def test_tool_run_takes_a_reply_without_what_may_be_left_out(
    service: Running, customer: Customer, customer_url: str, left_out: dict[str, Any]
) -> None:
    customer.tool = lambda body: JSONResponse({"output": "value", **left_out})
    body = {**ASKED, "server_url": f"{customer_url}/lookup"}
    answer: Any = service.client.post("/fine_tuning/alpha/tool/run", body=body, cast_to=object)
    assert answer["output"] == "value"
