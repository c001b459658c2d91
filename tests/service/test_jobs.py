"""A job from its creation to its models, through the unmodified openai client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import openai
import pytest
from openai.types.fine_tuning import FineTuningJob

from rft_wire.records import RolloutRecord

from .conftest import Running, Start
from .customer import KEY, Customer, method, row
from .servers import closed_port, served

Json = dict[str, Any]


@dataclass
class Finished:
    """A job that has ended well, and what was asked of its customer."""

    job: FineTuningJob
    customer: Customer
    steps: list[Json]


@pytest.fixture(scope="module")
def finished(shared: Running) -> Finished:
    customer = Customer()
    with served(customer.app()) as url:
        job = shared.wait(shared.job(url).id)
    assert job.status == "succeeded", job.error
    return Finished(job, customer, shared.steps(job.id))


def test_a_job_learns_from_live_tools_and_a_live_grader(finished: Finished) -> None:
    steps, customer = finished.steps, finished.customer
    assert [step["step"] for step in steps] == [1, 2, 3, 4]
    assert steps[-1]["train_mean_reward"] > steps[0]["train_mean_reward"]
    assert [step["full_valid_mean_reward"] is not None for step in steps] == [False, True] * 2
    assert customer.keys == {f"Bearer {KEY}": len(customer.tool_bodies + customer.grader_bodies)}


def test_metrics_carry_what_the_contract_lists(service: Running, finished: Finished) -> None:
    job, data = finished.job, finished.steps[1]
    told = [event.message for event in service.events(job.id) if event.type == "metrics"]
    assert told[1] == (
        f"Step 2/4 , train mean reward={data['train_mean_reward']:.2f}, full validation mean "
        f"reward={data['full_valid_mean_reward']:.2f}, full validation mean parse error=0.00"
    )
    assert {
        "step", "total_steps", "train_mean_reward", "full_valid_mean_reward",
        "full_valid_mean_parse_error", "reasoning_tokens_mean", "completion_tokens_mean",
        "mean_unresponsive_rewards", "model_graders_token_usage", "scores", "usage", "errors",
        "timing", "tool_calls_per_rollout", "mean_tokens_per_tool_call",
        "tool_execution_latency", "tool_errors", "turns_per_rollout", "reasoning_token_penalty",
        "update", "stop_reasons",
    } <= set(data)  # fmt: skip
    assert set(data["scores"]) == {"train_reward_mean", "valid_reward_mean", "graders"}
    assert set(data["timing"]["step"]) == {"sampling", "training", "eval", "full_iteration"}
    listed = service.rollouts(job.id, step=2, phase="train")
    latencies_s = [one["metrics"]["simulated_latency_s"] for one in listed]
    simulated_s = data["timing"]["rollouts"]["simulated_latency_mean"]
    assert simulated_s == pytest.approx(sum(latencies_s) / len(latencies_s))
    assert data["tool_calls_per_rollout"] == 1.0
    assert data["turns_per_rollout"] == 2.0
    assert data["reasoning_tokens_mean"] == 34.0
    assert data["reasoning_token_penalty"] == 0.2
    assert set(data["update"]) == {"gradient_norm", "change_norm", "entropy", "kl_to_base"}
    for phase, used in data["usage"].items():
        assert data["stop_reasons"][phase] == {"answered": used["rollouts"]}
        assert used["turns"] == 2 * used["rollouts"]


def test_the_job_object_resolves_auto_and_hides_secrets(
    service: Running, customer_url: str
) -> None:
    job = service.job(customer_url, hyperparameters={"batch_size": "auto"})
    assert job.status == "validating_files"
    raw = service.client.fine_tuning.jobs.with_raw_response.retrieve(job.id).text
    assert KEY not in raw
    assert service.key not in raw
    reinforcement = json.loads(raw)["method"]["reinforcement"]
    assert reinforcement["hyperparameters"] == {
        "n_epochs": 1,
        "batch_size": 16,
        "compute_multiplier": 1.0,
        "learning_rate_multiplier": 1.0,
        "eval_interval": 5,
        "eval_samples": 1,
        "reasoning_effort": "default",
        "reasoning_token_penalty": 0.2,  # the model's default
    }
    assert reinforcement["tools"][0]["headers"] == {"Authorization": "[not shown]"}


def test_checkpoints_and_the_final_model_answer_at_once(
    service: Running, finished: Finished
) -> None:
    job = finished.job
    found = service.client.fine_tuning.jobs.checkpoints.list(job.id).data
    assert [checkpoint.step_number for checkpoint in found] == [4, 2]
    assert job.fine_tuned_model is not None
    assert found[0].metrics is not None
    assert set(found[0].metrics.to_dict()) == {
        "step", "train_mean_reward", "full_valid_mean_reward", "full_valid_mean_parse_error",
        "reasoning_tokens_mean", "tool_calls_per_rollout", "turns_per_rollout",
    }  # fmt: skip
    for model in [job.fine_tuned_model, *(c.fine_tuned_model_checkpoint for c in found)]:
        assert service.client.models.retrieve(model).id == model
        answer = service.client.responses.create(model=model, input="What is key1", store=False)
        assert answer.output_text == "unknown"
    assert job.fine_tuned_model.startswith("ft:sim-agent-mini:workshop:test:")


def test_what_a_job_leaves_out(service: Running, finished: Finished) -> None:
    job = finished.job
    assert (job.result_files, job.integrations) == ([], [])
    permissions = f"/fine_tuning/checkpoints/{job.fine_tuned_model}/permissions"
    with pytest.raises(openai.NotFoundError, match="Unknown request URL"):
        service.client.get(permissions, cast_to=object)


def test_the_best_three_checkpoints_are_kept_and_the_last(
    service: Running, customer_url: str
) -> None:
    job = service.job(customer_url, rows=30, hyperparameters={"batch_size": 5, "eval_interval": 1})
    service.wait(job.id)
    steps = service.steps(job.id)
    rewards = {step["step"]: step["full_valid_mean_reward"] for step in steps}
    best = sorted(rewards, key=lambda step: (-rewards[step], step))[:3]
    kept = service.client.fine_tuning.jobs.checkpoints.list(job.id).data
    assert {c.step_number for c in kept} == {*best, 6}


def test_the_same_seed_gives_the_same_weights_at_any_concurrency(
    start: Start, customer_url: str, finished: Finished
) -> None:
    service = start(concurrency=1)
    job = service.wait(service.job(customer_url).id)
    files = {"training_file": job.training_file, "validation_file": job.validation_file}
    other = service.client.fine_tuning.jobs.create(
        model=job.model, seed=8, method=method(customer_url), **files
    )
    service.wait(other.id)
    alone, seeded = (curve(service.steps(one)) for one in (job.id, other.id))
    assert alone == curve(finished.steps)
    assert alone != seeded


def curve(steps: list[Json]) -> list[tuple[Any, Any]]:
    return [(step["train_mean_reward"], step["full_valid_mean_reward"]) for step in steps]


def test_tool_and_grader_see_the_contract(finished: Finished) -> None:
    customer = finished.customer
    call = customer.tool_bodies[0]
    assert set(call) == {"type", "id", "call_id", "name", "arguments", "trace_id", "item"}
    assert (call["type"], call["name"]) == ("function_call", "lookup")
    assert json.loads(call["arguments"])["key"].startswith("key")
    assert call["item"]["reference_answer"].startswith("value key")
    graded = customer.grader_bodies[0]
    assert set(graded) == {"sample", "item", "trace_id"}
    assert set(graded["sample"]) == {
        "choices", "output_text", "output_json", "output_tools", "output_reasoning_summary",
    }  # fmt: skip
    assert {b["trace_id"] for b in customer.tool_bodies} == {
        b["trace_id"] for b in customer.grader_bodies
    }


def test_rollouts_of_a_step_can_be_read(service: Running, finished: Finished) -> None:
    path = f"/fine_tuning/jobs/{finished.job.id}/rollouts"
    page: Any = service.client.get(f"{path}?step=1&limit=30", cast_to=object)
    assert page["has_more"]
    assert len(page["data"]) == 30
    first = page["data"][0]
    assert [item.get("type") for item in first["trace"]] == [
        None, None, "reasoning", "function_call", "function_call_output", "reasoning", "message",
    ]  # fmt: skip
    assert first["reward"] in (0.0, 1.0)
    record = RolloutRecord.from_json(first)  # what an evaluation writes, too
    assert record.metrics.turns == 2
    assert record.metrics.total_tokens == record.usage_cumulative["total_tokens"] > 0
    for step in ("0", "99999999999999999999"):
        with pytest.raises(openai.BadRequestError, match="'step'"):
            service.client.get(f"{path}?step={step}", cast_to=object)


@pytest.mark.parametrize(
    ("change", "param", "words"),
    [
        ({"model": "gpt-5"}, "model", "no model 'gpt-5'"),
        ({"validation_file": None}, "validation_file", "needs a validation_file"),
        ({"training_file": "file-none"}, "training_file", "No such file"),
        ({"colour": "red"}, "colour", "Unknown parameter"),
        ({"seed": -1}, "seed", "greater than or equal to 0"),
        ({"suffix": "a b"}, "suffix", "letters"),
        ({"method": {"type": "supervised"}}, "method.type", "reinforcement fine-tuning only"),
        ({"method": {"type": "dpo", "dpo": {}}}, "method.type", "reinforcement fine-tuning only"),
        ({"integrations": [{"type": "wandb"}]}, "integrations.0.wandb", "required"),
        ({"integrations": [{"type": "mlflow"}]}, "integrations.0.type", "'wandb'"),
        ({"hyperparameters": {"n_epochs": 1}}, "hyperparameters", "method.reinforcement"),
    ],
)
def test_a_bad_request_is_refused_at_once(
    service: Running, finished: Finished, customer_url: str, change: Json, param: str, words: str
) -> None:
    body = {
        "model": "sim-agent-mini",
        "training_file": finished.job.training_file,
        "validation_file": finished.job.validation_file,
        "method": method(customer_url),
        **change,
    }
    with pytest.raises(openai.APIStatusError) as caught:
        service.client.post("/fine_tuning/jobs", body=body, cast_to=object)
    assert caught.value.status_code in (400, 404)
    assert caught.value.body["param"] == param
    assert words in caught.value.body["message"]


TEN = [row(n) for n in range(10)]


def asked(*messages: Any) -> Json:
    return row(3, messages=list(messages))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (TEN[:9], "9 rows; at least 10 are needed"),
        ([*TEN, {"prompt": "x"}], "line 11, messages: missing"),
        (
            [*TEN[:3], asked({"role": "assistant", "content": "x"})],
            "line 4, messages: the last message has the role 'assistant'",
        ),
        (
            [row(0, tools=[{"type": "function", "function": {"name": "search"}}])],
            "line 1, tools[0].function.name: 'search' is not one of the job's tools (lookup)",
        ),
        (
            [*TEN, row(10, tools=[])],
            "line 11, tools: the job's tool 'lookup' is missing; use the same tools in both",
        ),
        (
            [asked({"role": "user", "content": [{"type": "image_url"}]})],
            "line 1, messages[0].content[0].type: 'image_url'; this model reads text only",
        ),
        (
            [asked({"role": "user", "content": [{"type": "text", "text": ""}]})],
            "line 1, messages: the last message is empty",
        ),
        (
            [asked({"role": "tool", "tool_call_id": "c", "content": "x"})],
            "line 1, messages[0]: earlier tool calls are not supported",
        ),
    ],
)
def test_a_bad_file_fails_the_job_with_its_line(
    service: Running, customer_url: str, rows: list[Json], words: str
) -> None:
    job = service.client.fine_tuning.jobs.create(
        model="sim-agent-mini",
        training_file=service.upload(rows, "broken.jsonl"),
        validation_file=service.upload(TEN),
        method=method(customer_url),
    )
    failed = service.wait(job.id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.code == "invalid_training_file"
    assert "broken.jsonl" in failed.error.message
    assert words in failed.error.message


def test_an_endpoint_that_does_not_answer_fails_the_job_in_one_line(service: Running) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    failed = service.wait(service.job(url).id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.code == "endpoint_unreachable"
    assert f"the tool 'lookup' at {url}/lookup does not answer" in failed.error.message
    assert "\n" not in failed.error.message
