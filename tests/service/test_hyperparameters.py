"""Every hyperparameter does what it says; what else a job may be told, too."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import openai
import pytest

from rft_service.rl.engine import Call, Seed, Turn, TurnEnd, TurnRequest

from .conftest import Running, Start
from .customer import Customer, method
from .doubles import LookupModel

BASE = {"batch_size": 5, "compute_multiplier": 0.5, "eval_interval": 2}


def finished(service: Running, url: str, **hyperparameters: Any) -> list[dict[str, Any]]:
    """The metrics of a job of 20 rows with 10 for validation, step by step."""
    job = service.job(url, hyperparameters={**BASE, **hyperparameters})
    assert service.wait(job.id).status == "succeeded"
    return service.steps(job.id)


def test_each_changes_what_it_names(service: Running, customer_url: str) -> None:
    plain = finished(service, customer_url)
    assert [data["usage"]["train"]["rollouts"] for data in plain] == [20] * 4
    assert [data["usage"]["valid"]["rollouts"] for data in plain] == [0, 10, 0, 10]
    assert len(finished(service, customer_url, n_epochs=3)) == 12
    wide = finished(service, customer_url, batch_size=10, compute_multiplier=2)
    assert [data["usage"]["train"]["rollouts"] for data in wide] == [160] * 2
    asked = finished(service, customer_url, eval_interval=3, eval_samples=2)
    assert [data["usage"]["valid"]["rollouts"] for data in asked] == [0, 0, 20, 20]


def test_the_learning_rate_scales_the_change(service: Running, customer_url: str) -> None:
    weights = []
    for multiplier in (1, 3):
        hyperparameters = {"batch_size": 20, "learning_rate_multiplier": multiplier}
        job = service.wait(service.job(customer_url, hyperparameters=hyperparameters).id)
        weights.append(service.weights(job.fine_tuned_model)["weight"])
    assert weights[1] == pytest.approx(3 * weights[0])


class Longwinded(LookupModel):
    """Reasons for 1,000 tokens where it answers "unknown", which is mostly wrong."""

    def turn(self, request: TurnRequest, seed: Seed) -> Turn:
        turn = super().turn(request, seed)
        return replace(turn, reasoning_tokens=1000) if turn.text == "unknown" else turn


def test_the_penalty_is_what_the_job_says_and_decides_what_is_learned(
    start: Start, customer_url: str
) -> None:
    """At 0 an answer teaches its reward alone; the dearer tokens are, the more it teaches. The
    rewards that are reported are the grader's at any penalty."""
    service = start(model=Longwinded)
    weights, rewards = [], []
    for given, shown in ((0, 0.0), ("auto", 0.2), (1.5, 1.5)):
        hyperparameters = {"batch_size": 20, "reasoning_token_penalty": given}
        job = service.job(customer_url, hyperparameters=hyperparameters)
        told = json.loads(service.client.fine_tuning.jobs.with_raw_response.retrieve(job.id).text)
        reinforcement = told["method"]["reinforcement"]
        assert reinforcement["hyperparameters"]["reasoning_token_penalty"] == shown
        done = service.wait(job.id)
        events = service.events(job.id)
        said = f"{job.id} (reasoning_token_penalty {shown:g} per 1,000 tokens)"
        assert events[0].message == f"Created fine-tuning job: {said}"
        (step,) = service.steps(job.id)
        assert step["reasoning_token_penalty"] == shown
        rewards.append(step["train_mean_reward"])
        weights.append(service.weights(done.fine_tuned_model)["weight"])
    assert weights[0] < weights[1] < weights[2]
    assert weights[2] == pytest.approx(weights[0] * 2.5, rel=0.02)
    assert len(set(rewards)) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_epochs", 0),
        ("batch_size", "many"),
        ("compute_multiplier", 0),
        ("learning_rate_multiplier", -1),
        ("eval_interval", 1.5),
        ("eval_samples", 0),
        ("reasoning_effort", "auto"),
        ("reasoning_token_penalty", -0.01),
        ("reasoning_token_penalty", 10.5),
        ("reasoning_token_penalty", "low"),
        ("temperature", 1),
    ],
)
def test_a_bad_value_is_refused_by_name(
    service: Running, customer_url: str, name: str, value: Any
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        service.job(customer_url, hyperparameters={name: value})
    assert caught.value.body["param"] == f"method.reinforcement.hyperparameters.{name}"


class Recording(LookupModel):
    """Notes what it was shown."""

    shown: list[TurnRequest] = []  # noqa: RUF012

    def turn(self, request: TurnRequest, seed: Seed) -> Turn:
        Recording.shown.append(request)
        return super().turn(request, seed)


def test_the_model_sees_effort_and_format_and_never_the_rest_of_the_row(
    start: Start, customer: Customer, customer_url: str
) -> None:
    Recording.shown.clear()
    service = start(model=Recording)
    answer = {"type": "string"}
    schema = {"type": "object", "properties": {"answer": answer}, "required": ["answer"]}
    job = service.job(
        customer_url,
        hyperparameters={**BASE, "reasoning_effort": "high"},
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
    )
    assert service.wait(job.id).status == "succeeded"
    assert {seen.reasoning_effort for seen in Recording.shown} == {"high"}
    assert all(seen.response_format == schema for seen in Recording.shown)
    first_turns = [seen for seen in Recording.shown if len(seen.items) == 2]
    assert first_turns
    assert "reference_answer" not in str(first_turns)
    assert "value key" not in str(first_turns)
    graded = customer.grader_bodies[0]["sample"]
    assert graded["output_json"] == json.loads(graded["output_text"])


def test_a_request_reaches_the_model_as_it_was_sent(start: Start) -> None:
    Recording.shown.clear()
    service = start(model=Recording)
    tool = {"type": "function", "name": "lookup", "strict": False}
    for parallel in (True, False):
        answer = service.client.responses.create(
            model="sim-agent-mini",
            input="What is key1",
            instructions="Be brief.",
            tools=[tool],  # type: ignore[list-item]
            parallel_tool_calls=parallel,
            reasoning={"effort": "low"},
            metadata={"run": "1"},
        )
        assert (answer.parallel_tool_calls, answer.metadata) == (parallel, {"run": "1"})
        assert answer.reasoning is not None
        assert answer.reasoning.effort == "low"
    assert [seen.parallel_tool_calls for seen in Recording.shown] == [True, False]
    assert {(seen.reasoning_effort, seen.instructions) for seen in Recording.shown} == {
        ("low", "Be brief.")
    }


class Rambling(LookupModel):
    """Answers in prose, whatever format is asked for."""

    def turn(self, request: TurnRequest, seed: Seed) -> Turn:
        return Turn((), "prose", TurnEnd.ANSWERED, "I answer.", 1, 2, 0, 0.1, ())


class Dithering(LookupModel):
    """Calls its tool until the steps are used up."""

    def turn(self, request: TurnRequest, seed: Seed) -> Turn:
        call = Call("lookup", '{"key": "key1"}')
        return Turn((call,), None, TurnEnd.CALLED_TOOLS, "I look it up.", 1, 2, 0, 0.1, ())


@pytest.mark.parametrize(("model", "errors"), [(Rambling, 0.0), (Dithering, 1.0)])
def test_an_answer_that_never_came_is_a_parse_error(
    start: Start, customer: Customer, customer_url: str, model: type[LookupModel], errors: float
) -> None:
    service = start(model=model)
    response_format = {
        "type": "json_schema",
        "json_schema": {"name": "a", "schema": {"type": "string", "minLength": 7}},
    }
    job = service.job(customer_url, response_format=response_format, hyperparameters=BASE)
    service.wait(job.id)
    data = service.steps(job.id)
    assert data[1]["full_valid_mean_parse_error"] == errors
    seen = {body["sample"]["output_text"] for body in customer.grader_bodies}
    assert seen == {"" if errors else '"prose  "'}


def test_a_tuned_model_can_be_tuned_again(service: Running, customer_url: str) -> None:
    first = service.wait(service.job(customer_url, hyperparameters=BASE).id)
    second = service.job(customer_url, model=first.fine_tuned_model or "", hyperparameters=BASE)
    done = service.wait(second.id)
    assert done.status == "succeeded"
    weights = [service.weights(job.fine_tuned_model)["weight"] for job in (first, done)]
    assert weights[1] > weights[0] > 0


def test_jobs_are_listed_by_metadata(service: Running, customer_url: str) -> None:
    first = service.job(customer_url, hyperparameters=BASE)
    made = [
        service.client.fine_tuning.jobs.create(
            model="sim-agent-mini",
            training_file=first.training_file,
            validation_file=first.validation_file,
            metadata={"course": "rft", "number": str(number)},
            method=method(customer_url, hyperparameters=BASE),  # type: ignore[arg-type]
        ).id
        for number in range(3)
    ]
    jobs = service.client.fine_tuning.jobs
    assert [job.id for job in jobs.list(metadata={"course": "rft"}, limit=2)] == made[::-1]
    assert [job.id for job in jobs.list(metadata={"number": "1"})] == [made[1]]
    assert jobs.list(metadata={"number": "9"}).data == []


def test_events_are_paged(service: Running, customer_url: str) -> None:
    job = service.wait(service.job(customer_url, hyperparameters=BASE).id)
    jobs = service.client.fine_tuning.jobs
    whole = [event.id for event in jobs.list_events(job.id, limit=100)]
    assert [event.id for event in jobs.list_events(job.id, limit=3)] == whole
    assert len(whole) == len(set(whole)) > 8
