"""Published code, written anew from what it sends and reads, with its default options.

OpenAI's Build Hour harness (an evaluation loop in threads, and the job it launches) and Foundry's
sample of tool calling with a multi grader and an endpoint grader.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import httpx

from .conftest import Running
from .customer import KEY, LOOKUP, Customer, row

MODEL = "sim-agent-mini"
HEADERS = {"Authorization": f"Bearer {KEY}"}
RUBRIC = {
    "type": "score_model",
    "name": "score_model_1",
    "input": [
        {"role": "system", "content": "Return 1 if the answers are equal, else 0."},
        {
            "role": "user",
            "content": "- Reference Answer: {{item.reference_answer}}.\n"
            "- Model's Answer: {{sample.output_text}}.",
        },
    ],
    "pass_threshold": 0.75,
    "model": "sim-grader",
    "range": [0, 1],
    "sampling_params": {"temperature": 0},
}


def flat_tools(nested: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As the harness converts a row's tools: no `strict`, so that Responses' default counts."""
    return [
        {
            "type": "function",
            "name": tool["function"]["name"],
            "description": tool["function"].get("description"),
            "parameters": {**tool["function"]["parameters"], "additionalProperties": False},
        }
        for tool in nested
    ]


class Harness:
    """The evaluation loop: dry-run endpoints for tools and grader, SDK objects sent back as input,
    every record written by `json.dumps`."""

    def __init__(self, service: Running, customer_url: str) -> None:
        self.service, self.customer_url = service, customer_url

    def post(self, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.service.key}", "OpenAI-Project": "proj_abc"}
        url = f"{self.service.url}/v1/fine_tuning/alpha/{path}"
        response = httpx.post(url, headers=headers, json=payload, timeout=60)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer

    def call_tool(self, call: Any, item: dict[str, Any], trace_id: str) -> str:
        payload = {
            "type": "function_call",
            "name": call.name,
            "server_url": f"{self.customer_url}/{call.name}",
            "headers": {"Accept": "application/json", **HEADERS},
            "arguments": json.dumps(json.loads(call.arguments)),
            "item": item,
            "trace_id": trace_id,
            "id": "tmp_user_id",
            "call_id": call.call_id,
        }
        output: str = self.post("tool/run", payload)["output"]
        return output

    def grade(self, text: str, item: dict[str, Any], trace_id: str) -> dict[str, Any]:
        grader = {
            "type": "endpoint",
            "name": "endpoint_grader",
            "url": f"{self.customer_url}/grade",
            "headers": {"Accept": "application/json", **HEADERS},
        }
        payload = {"grader": grader, "item": item, "model_sample": text, "trace_id": trace_id}
        return self.post("graders/run", payload)

    def roll_out(self, index: int, item: dict[str, Any]) -> str:
        context: list[Any] = deepcopy(item["messages"])
        trace_id, events, text = f"trace_{index:032x}", list[Any](), None
        while text is None:
            response = self.service.client.responses.create(
                model=MODEL,
                input=context,
                tools=flat_tools(item["tools"]),  # type: ignore[arg-type]
                tool_choice="auto",
                reasoning={"effort": "medium"},
                store=False,
                include=["reasoning.encrypted_content"],
                parallel_tool_calls=True,
                text={"format": None},  # type: ignore[typeddict-item]
            )
            context += response.output
            calls = [output for output in response.output if output.type == "function_call"]
            for output in response.output:
                if output.type == "reasoning":
                    events.append({"event": "reasoning_summary", "summary": output.summary})
                elif output.type == "message":
                    text = getattr(output.content[0], "text", None)
                    events.append({"event": "final_message", "text": text})
            for call in calls:
                result = {
                    "type": "function_call_output",
                    "call_id": call.call_id,
                    "output": self.call_tool(call, item, trace_id),
                }
                context.append(result)
                events.append({"event": "tool_result", **result})
        metrics = {"endpoint_grader": self.grade(text, item, trace_id)}
        return json.dumps({"sample_index": index, "trace": events, "metrics": metrics})


def test_the_build_hour_harness_evaluates(
    service: Running, customer: Customer, customer_url: str
) -> None:
    harness = Harness(service, customer_url)
    rows = [row(number) for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        records = [json.loads(line) for line in pool.map(harness.roll_out, range(8), rows)]
    rewards = [record["metrics"]["endpoint_grader"]["reward"] for record in records]
    assert set(rewards) == {0.0, 1.0}
    assert [event["event"] for event in records[0]["trace"]] == [
        "reasoning_summary", "tool_result", "reasoning_summary", "final_message",
    ]  # fmt: skip
    assert records[0]["trace"][0]["summary"] == []
    assert {body["item"]["reference_answer"] for body in customer.tool_bodies} == {
        one["reference_answer"] for one in rows
    }


def test_the_build_hour_harness_trains(service: Running, customer_url: str) -> None:
    job = service.client.fine_tuning.jobs.create(
        training_file=service.upload([row(number) for number in range(20)]),
        validation_file=service.upload([row(number) for number in range(100, 110)]),
        model=MODEL,
        suffix="finqa_model_text-max_episode_steps_50",
        method={
            "type": "reinforcement",
            "reinforcement": {
                "tools": [  # type: ignore[typeddict-unknown-key]
                    {"name": "lookup", "server_url": f"{customer_url}/lookup", "headers": HEADERS}
                ],
                "grader": RUBRIC,  # type: ignore[typeddict-item]
                "response_format": None,
                "max_episode_steps": 50,
                "hyperparameters": {
                    "compute_multiplier": 1,
                    "eval_samples": 2,
                    "eval_interval": 5,
                    "n_epochs": 1,
                    "reasoning_effort": "medium",
                    "batch_size": 16,
                },
            },
        },
        seed=42,
    )
    done = service.wait(job.id)
    assert done.status == "succeeded", done.error
    assert json.loads(done.to_json())["method"]["reinforcement"]["grader"]["pass_threshold"] == 0.75


PYTHON = """\
def grade(sample, item):
    return 1.0 if item["reference_answer"] in sample["output_text"] else 0.0
"""


def test_the_foundry_sample_trains(service: Running, customer_url: str) -> None:
    """Tools and grader without a key, automatic batch size and epochs."""
    endpoint = {"type": "endpoint", "name": "no_auth", "url": f"{customer_url}/grade"}
    python = {"type": "python", "image_tag": "2025-05-08", "source": PYTHON}
    grader = {
        "type": "multi",
        "name": "combined",
        "invalid_grade": 0.0,
        "graders": {
            "python": python,
            "endpoint": {**endpoint, "rate_limit": 50, "pass_threshold": 1.0},
        },
        "calculate_output": "(python + endpoint) / 2",
    }
    top_k = {"type": "integer", "description": "Maximum number of items.", "default": 3}
    tool = deepcopy(LOOKUP)
    tool["function"]["parameters"]["properties"]["top_k"] = top_k  # type: ignore[index]
    files = [
        service.upload([row(number, tools=[tool]) for number in range(start, start + 10)])
        for start in (0, 100)
    ]
    for file in files:
        assert service.client.files.retrieve(file).status in ("processed", "completed")
    job = service.client.fine_tuning.jobs.create(
        model=MODEL,
        training_file=files[0],
        validation_file=files[1],
        suffix="tc-multi-grader",
        method={
            "type": "reinforcement",
            "reinforcement": {
                "grader": grader,  # type: ignore[typeddict-item]
                "tools": [{"name": "lookup", "server_url": f"{customer_url}/lookup"}],  # type: ignore[typeddict-unknown-key]
                "max_episode_steps": 10,
                "hyperparameters": {
                    "eval_interval": 3,
                    "eval_samples": 5,
                    "compute_multiplier": 1.0,
                    "reasoning_effort": "medium",
                },
            },
        },
    )
    done = service.wait(job.id)
    assert done.status == "succeeded", done.error
