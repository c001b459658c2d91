"""Null means absent, as pandas and client libraries write it: in rows, jobs and uploads."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest

from rft_service.jobs.dataset import schema_problem
from rft_service.rl.rollout import Task
from rft_wire.rows import RowError, read_row

from .conftest import Running
from .customer import EQUAL, LOOKUP, Customer, method, row

USER = {"role": "user", "content": "What is the value of key1"}
PART = {"type": "text", "text": USER["content"]}
PLAIN = {"messages": [USER], "reference_answer": "unknown"}
BARE = {**LOOKUP["function"], "description": None, "strict": None}

ROWS: dict[str, dict[str, Any]] = {
    "tools": {**PLAIN, "tools": None},
    "fields of a message": {
        **PLAIN,
        "messages": [{**USER, "name": None, "tool_calls": None, "function_call": None}],
    },
    "fields of an assistant's message": {
        **PLAIN,
        "messages": [
            {"role": "assistant", "content": "Ask me.", "refusal": None, "audio": None},
            USER,
        ],
    },
    "the type of an item, which is not a chat message's field": {
        **PLAIN,
        "messages": [{**USER, "type": None}],
    },
    "fields of a part": {
        **PLAIN,
        "messages": [{"role": "user", "content": [{**PART, "image_url": None}]}],
    },
    "further keys of a row": {**PLAIN, "response_format": None, "notes": None},
    "fields of a tool": {**PLAIN, "tools": [{"type": None, "function": BARE}]},
    "the parameters of a tool": {
        **PLAIN,
        "tools": [{**LOOKUP, "function": {"name": "lookup", "parameters": None, "strict": None}}],
    },
}


@pytest.mark.parametrize("name", ROWS)
def test_a_null_in_a_row_is_as_if_it_were_absent(name: str) -> None:
    written = ROWS[name]
    tools = {"lookup"} if written.get("tools") else set[str]()
    request = Task.from_row(read_row(written, tools, schema_problem)).request
    assert request.items[-1] == USER
    assert {tool.name for tool in request.tools} == tools
    assert all(tool.description == "" for tool in request.tools)
    bare = read_row(without_nulls(written), tools, schema_problem)
    assert Task.from_row(bare).request == request


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"messages": None}, "messages"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": None, "content": "x"}]}, "messages[0].role"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": None}]}]},
            "messages[0].content[0].text",
        ),
        (
            {"messages": [{"role": "assistant", "content": None, "function_call": {}}, USER]},
            "messages[0].content",
        ),
        ({"tools": [None]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": None}]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {"name": None}}]}, "tools[0].function.name"),
        ({"tools": {}}, "tools"),
        (
            {"tools": [{"type": "function", "function": {"name": "a", "parameters": []}}]},
            "tools[0].function.parameters",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "a", "description": 5}}]},
            "tools[0].function.description",
        ),
    ],
)
def test_what_a_row_needs_may_not_be_null(change: dict[str, Any], field: str) -> None:
    with pytest.raises(RowError) as refused:
        read_row({**PLAIN, **change})
    assert refused.value.problems[0][0] == field


def test_rows_with_nulls_are_trained_on_and_graders_see_the_nulls(
    service: Running, customer: Customer, customer_url: str
) -> None:
    rows = [row(n, tools=[{**LOOKUP, "function": BARE}], notes=None) for n in range(10)]
    done = service.wait(service.job(customer_url, rows=rows).id)
    assert done.status == "succeeded", done.error
    items = [body["item"] for body in customer.grader_bodies + customer.tool_bodies]
    trained = [item for item in items if "notes" in item]
    assert trained
    assert all(item["notes"] is None for item in trained)
    assert all(item["tools"][0]["function"]["description"] is None for item in trained)


def test_a_job_takes_null_for_all_that_may_be_left_out(service: Running) -> None:
    names = ("n_epochs", "batch_size", "compute_multiplier", "learning_rate_multiplier",
             "eval_interval", "eval_samples", "reasoning_effort")  # fmt: skip
    body = {
        "model": "sim-agent-mini",
        "training_file": service.upload([{**PLAIN, "tools": None} for _ in range(10)]),
        "validation_file": service.upload([PLAIN for _ in range(10)]),
        **dict.fromkeys(("suffix", "seed", "metadata", "integrations")),
        "hyperparameters": {"n_epochs": None, "batch_size": None},
        "method": {
            "type": "reinforcement",
            "supervised": None,
            "dpo": None,
            "reinforcement": {
                "grader": EQUAL,
                **dict.fromkeys(("tools", "max_episode_steps", "response_format")),
                "hyperparameters": dict.fromkeys(names),
            },
        },
    }
    made: Any = service.client.post("/fine_tuning/jobs", body=body, cast_to=object)
    done = service.wait(made["id"])
    assert done.status == "succeeded", done.error
    shown = made["method"]["reinforcement"]
    assert (shown["tools"], shown["max_episode_steps"]) == ([], 10)
    assert shown["hyperparameters"]["batch_size"] == 16


def test_the_parts_of_a_job_take_null(service: Running, customer_url: str) -> None:
    schema = {"name": "a", "schema": {"type": "object"}, "strict": None, "description": None}
    tool = {"name": "lookup", "server_url": f"{customer_url}/lookup", "headers": None}
    nulls = dict.fromkeys(("headers", "rate_limit", "pass_threshold"))
    job = service.job(
        customer_url,
        rows=10,
        response_format={"type": "json_schema", "json_schema": schema},
        tools=[tool],
        grader={"type": "endpoint", "name": "exact", "url": f"{customer_url}/grade", **nulls},
    )
    done = service.wait(job.id)
    assert done.status == "succeeded", done.error


def test_a_key_that_came_out_as_null_is_not_left_out_silently(
    service: Running, customer_url: str
) -> None:
    keyless = {"headers": {"Authorization": None}}
    tool = {"name": "lookup", "server_url": f"{customer_url}/lookup", **keyless}
    with pytest.raises(openai.BadRequestError, match=r"headers\.Authorization"):
        service.job(customer_url, tools=[tool])


@pytest.mark.parametrize("value", ["", "null"])
def test_an_upload_takes_an_empty_field_as_absent(service: Running, value: str) -> None:
    sent = httpx.post(
        f"{service.url}/v1/files",
        headers={"Authorization": f"Bearer {service.key}"},
        files={"file": ("notes.txt", b"x")},
        data={"purpose": "user_data", "expires_after": value, "expires_after[seconds]": value},
    )
    assert sent.status_code == 200, sent.text


def test_a_tool_run_takes_null(service: Running, customer_url: str) -> None:
    body = {
        "name": "lookup",
        "server_url": f"{customer_url}/lookup",
        "arguments": '{"key": "key1"}',
        **dict.fromkeys(("headers", "id", "call_id", "trace_id", "item", "type")),
    }
    answer: Any = service.client.post("/fine_tuning/alpha/tool/run", body=body, cast_to=object)
    assert answer["output"] == "value key1"


def test_method_is_still_needed(service: Running, customer_url: str) -> None:
    body = {"model": "sim-agent-mini", "training_file": "file-1", "method": None}
    with pytest.raises(openai.BadRequestError, match="method"):
        service.client.post("/fine_tuning/jobs", body=body, cast_to=object)
    nothing = {**method(customer_url), "type": None}
    with pytest.raises(openai.BadRequestError, match=r"method\.type"):
        service.client.post("/fine_tuning/jobs", body={**body, "method": nothing}, cast_to=object)
