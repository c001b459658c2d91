"""`/v1/fine_tuning/alpha`: run a grader, validate one, or call a tool as a job would."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from rft_service.api.context import Serving
from rft_service.errors import ApiError, invalid_value
from rft_service.graders.run import Grade, check_grader
from rft_service.graders.specs import parse_grader
from rft_service.ids import random_id
from rft_service.jobs.tool_calls import read_reply, tool_payload
from rft_service.store.job_spec import Tool, public_grader
from rft_service.strict_json import RequestModel, StrictRoute, dumps, loads
from rft_wire import build_sample
from rft_wire.client import MAX_BYTES, Fault

POLL_S = 0.2  # how often to see whether the client still waits
FLAGS = (
    "formula_parse_error",
    "invalid_variable_error",
    "model_grader_parse_error",
    "model_grader_refusal_error",
    "model_grader_server_error",
    "other_error",
    "python_grader_runtime_error",
    "python_grader_server_error",
    "sample_parse_error",
    "truncated_observation_error",
    "unresponsive_reward_error",
)
DETAILS = (
    "model_grader_server_error_details",
    "python_grader_runtime_error_details",
    "python_grader_server_error_type",
)

router = APIRouter(
    prefix="/v1/fine_tuning/alpha", tags=["fine-tuning alpha"], route_class=StrictRoute
)


class GraderRun(RequestModel):
    """`model_sample` is the model's text, or a whole `sample` object."""

    grader: dict[str, Any]
    model_sample: str | dict[str, Any]
    item: dict[str, Any] = Field(default_factory=dict)
    reference_answer: Any = None
    trace_id: str | None = None


class GraderToValidate(RequestModel):
    grader: dict[str, Any]


class ToolRun(Tool):
    """A tool, and the call that the service is to make."""

    type: Literal["function_call"] = "function_call"
    id: str | None = None
    call_id: str = "call_1"
    arguments: str | dict[str, Any]
    trace_id: str | None = None
    item: dict[str, Any] = Field(default_factory=dict)


def run_result(grade: Grade) -> dict[str, Any]:
    """A grade as `graders/run` answers it."""
    sub_rewards = {name: part.score for name, part in grade.sub_grades.items()}
    graded = [grade, *grade.sub_grades.values()]
    return {
        "reward": 0.0 if grade.score is None else grade.score,
        "sub_rewards": sub_rewards,
        "model_grader_token_usage_per_model": {g.model: g.tokens for g in graded if g.model},
        "metadata": {
            "name": grade.name,
            "type": grade.kind,
            "scores": sub_rewards or {grade.name: grade.score},
            "execution_time": grade.latency_s,
            "sampled_model_name": grade.model,
            "token_usage": grade.tokens or None,
            "explanations": grade.explanations,
            "errors": {
                **{flag: flag in grade.flags for flag in FLAGS},
                **{name: grade.details.get(name) for name in DETAILS},
                "other_error_details": grade.failure if "other_error" in grade.flags else None,
            },
        },
    }


@router.post("/graders/run")
async def run_grader(service: Serving, request: Request, body: GraderRun) -> Any:
    grader = parse_grader(body.grader)
    check_grader(grader)
    item = body.item
    if body.reference_answer is not None:
        item = {"reference_answer": body.reference_answer, **item}
    if isinstance(body.model_sample, dict):
        sample = body.model_sample
        if not isinstance(sample.get("output_text"), str):
            raise invalid_value("model_sample", "a sample object needs 'output_text', a string")
    else:
        sample = build_sample(body.model_sample, [], None)
    trace_id = body.trace_id or random_id("trace_")
    grading = asyncio.create_task(service.graders.grade(grader, sample, item, trace_id))
    while not grading.done():
        await asyncio.wait({grading}, timeout=POLL_S)
        if not grading.done() and await request.is_disconnected():
            grading.cancel()  # nobody waits for the score: a python grader's process is killed
            return Response(status_code=499)
    return run_result(grading.result())


@router.post("/graders/validate")
def validate_grader(body: GraderToValidate) -> Any:
    grader = parse_grader(body.grader)
    check_grader(grader)
    return {"grader": public_grader(grader)}


@router.post("/tool/run")
async def run_tool(service: Serving, body: ToolRun) -> Any:
    """Forward one tool call and answer the tool's body.

    An answer that a job would not take, or would show to the model as a mistake, is an error here.
    """
    arguments = body.arguments if isinstance(body.arguments, str) else dumps(body.arguments)
    trace_id = body.trace_id or random_id("trace_")
    payload = tool_payload(body.name, arguments, body.call_id, trace_id, body.item, body.id)
    if len(payload) > MAX_BYTES:
        raise ApiError(413, "The tool call is larger than 1 MB.", code="request_too_large")
    reply = await service.client.post(body.server_url, body.headers, payload)
    if isinstance(reply, Fault):
        raise tool_failed(f"The tool {body.name!r} {reply.reason}.")
    if reply.body is None:
        raise ApiError(413, "The tool's answer is larger than 1 MB.", code="request_too_large")
    outcome = read_reply(body.name, reply, body.call_id, body.headers)
    if outcome.failure:
        raise tool_failed(f"{outcome.failure[:1].upper()}{outcome.failure[1:]}.")
    if outcome.refused:
        raise tool_failed(f"The tool {body.name!r} answered {reply.status}: {outcome.output}")
    return loads(reply.body)


def tool_failed(message: str) -> ApiError:
    return ApiError(424, message, param="server_url", code="tool_failed")
