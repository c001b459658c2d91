"""Fuzzing: whatever is sent, the answer is an OpenAI-shaped one below 500, and it comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse, FileObject, Model
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.embedding_create_params import EmbeddingCreateParams
from openai.types.fine_tuning import FineTuningJob
from openai.types.fine_tuning.alpha import GraderRunResponse
from openai.types.fine_tuning.alpha.grader_run_params import GraderRunParams
from openai.types.fine_tuning.alpha.grader_validate_params import GraderValidateParams
from openai.types.fine_tuning.job_create_params import JobCreateParams
from openai.types.responses import Response
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

from rft_service.app import resources
from rft_service.engines.simulated import SimulatedEngine
from rft_service.schemas.structured import conforms
from rft_wire.client import EndpointLimits

from .conftest import running
from .customer import row
from .servers import closed_port

QUICK = EndpointLimits(timeout_s=0.2, retries=1, first_pause_s=0.001)
EXAMPLES = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SHAPES = {
    "/v1/responses": ResponseCreateParamsNonStreaming,
    "/v1/chat/completions": CompletionCreateParamsNonStreaming,
    "/v1/embeddings": EmbeddingCreateParams,
    "/v1/fine_tuning/jobs": JobCreateParams,
    "/v1/fine_tuning/alpha/graders/run": GraderRunParams,
    "/v1/fine_tuning/alpha/graders/validate": GraderValidateParams,
}


def openai_document() -> dict[str, Any]:
    """An OpenAPI document of the request bodies that the openai package's types describe."""
    paths = {}
    for path, shape in SHAPES.items():
        schema = TypeAdapter(shape).json_schema()
        content = {"application/json": {"schema": schema}}
        paths[path] = {
            "post": {
                "requestBody": {"required": True, "content": content},
                "responses": {"default": {"description": "any"}},
            }
        }
    return {"openapi": "3.1.0", "info": {"title": "shapes", "version": "1"}, "paths": paths}


ANSWERS: dict[tuple[str, str], Any] = {
    ("POST", "/v1/responses"): Response,
    ("GET", "/v1/responses/{response_id}"): Response,
    ("POST", "/v1/chat/completions"): ChatCompletion,
    ("POST", "/v1/embeddings"): CreateEmbeddingResponse,
    ("POST", "/v1/files"): FileObject,
    ("GET", "/v1/files/{file_id}"): FileObject,
    ("GET", "/v1/models/{model}"): Model,
    ("POST", "/v1/fine_tuning/alpha/graders/run"): GraderRunResponse,
    **dict.fromkeys(
        [
            ("POST", "/v1/fine_tuning/jobs"),
            ("GET", "/v1/fine_tuning/jobs/{job_id}"),
            ("POST", "/v1/fine_tuning/jobs/{job_id}/cancel"),
            ("POST", "/v1/fine_tuning/jobs/{job_id}/pause"),
            ("POST", "/v1/fine_tuning/jobs/{job_id}/resume"),
        ],
        FineTuningJob,
    ),
}
"""What the openai package's types say of an answer, by method and path."""

own = schemathesis.openapi.from_dict(resources().openapi())
shapes = schemathesis.openapi.from_dict(openai_document())


BASE = "sim-agent-mini"
MODELS = {"/v1/embeddings": "sim-embedding"}


@dataclass
class Target:
    """A service under fire: where it is, what it holds, and how often it was asked."""

    url: str
    key: str
    held: dict[str, str]
    asked: int = 0


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A service with a file, a stored response and a job in it."""
    home = tmp_path_factory.mktemp("fuzzed")
    with running(home, engine=SimulatedEngine, limits=QUICK) as service:
        held = {
            "file_id": service.upload([row(1)]),
            "response_id": service.client.responses.create(model=BASE, input="x").id,
            "job_id": service.job(f"http://127.0.0.1:{closed_port()}").id,
            "model": BASE,
        }
        yield Target(service.url, service.key, held)


def check(case: schemathesis.Case, target: Target) -> None:
    """Send a case, every second one with names that exist."""
    target.asked += 1
    if target.asked % 2:
        for name in case.path_parameters:
            case.path_parameters[name] = target.held[name]
        if isinstance(case.body, dict) and "model" in case.body:
            case.body["model"] = MODELS.get(case.path, BASE)
    headers = {"Authorization": f"Bearer {target.key}"}
    answer = case.call(base_url=target.url, headers=headers, timeout=20, allow_redirects=False)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert isinstance(error["message"], str)
    elif "text/event-stream" in answer.headers["content-type"][0]:
        assert answer.text == "" or answer.text.startswith("event: ")
    elif shape := ANSWERS.get((case.method.upper(), case.path)):
        validate(shape, answer.json())


def validate(shape: Any, answer: dict[str, Any]) -> None:
    """Raises ValidationError if an answer is not of the openai package's type for it, but for what
    its types leave out: `endpoint` graders, the purpose `evals`, embeddings in base64."""
    if shape is FineTuningJob:
        answer.pop("method")
    if shape is FileObject and answer["purpose"] == "evals":
        answer["purpose"] = "batch"
    if shape is CreateEmbeddingResponse and isinstance(answer["data"][0]["embedding"], str):
        return
    TypeAdapter(shape).validate_python(answer)


@own.parametrize()
@EXAMPLES
def test_the_services_own_document(case: schemathesis.Case, target: Target) -> None:
    check(case, target)


@shapes.parametrize()
@EXAMPLES
def test_openais_shapes(case: schemathesis.Case, target: Target) -> None:
    check(case, target)


WORDS = [
    "type", "enum", "const", "properties", "required", "items", "minItems", "maxLength", "minimum",
    "anyOf", "allOf", "$ref", "pattern", "format", "description", "default", "a",
]  # fmt: skip
SAID = ["object", "array", "string", "integer", "boolean", "#", "#/properties/a", "^a*$", "date"]
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**6) | st.sampled_from(SAID),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner),
    max_leaves=12,
)


@settings(EXAMPLES, max_examples=40)
@given(st.dictionaries(st.sampled_from(WORDS), ODD), st.booleans())
def test_odd_schemas(target: Target, schema: dict[str, Any], of_tool: bool) -> None:
    body: dict[str, Any] = {"model": BASE, "input": "What is 2 + 2?", "store": False}
    if of_tool:
        body["tools"] = [{"type": "function", "name": "f", "parameters": schema}]
        body["tool_choice"] = "required"
    else:
        body["text"] = {"format": {"type": "json_schema", "name": "x", "schema": schema}}
    headers = {"Authorization": f"Bearer {target.key}"}
    answer = httpx.post(f"{target.url}/v1/responses", json=body, headers=headers, timeout=20)
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 200 and not of_tool:
        text = Response.model_validate(answer.json()).output_text
        assert conforms(text, schema)
