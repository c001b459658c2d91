"""What surrounds the policy in a job: the customer's tools and grader, over HTTP."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..training.episodes import GradeOutcome, ToolOutcome
from ..training.policy import Call
from .endpoints import EndpointClient
from .graders.run import GraderRunner
from .graders.specs import endpoints
from .job_specs import REDACTED, JobSpec
from .structured import conforms
from .tool_calls import call_tool, tool_payload

MIN_SECRET = 8  # shorter header values are no keys, and would blank out ordinary words


class JobEnvironment:
    """The `Environment` of one job."""

    def __init__(self, client: EndpointClient, graders: GraderRunner, spec: JobSpec) -> None:
        self._client = client
        self._graders = graders
        self._grader = spec.grader
        self._tools = {tool.name: tool for tool in spec.tools}
        self._schema = spec.json_schema()
        self._secrets = secrets_of(spec)

    async def call_tool(
        self, call: Call, call_id: str, item: Mapping[str, Any], trace_id: str
    ) -> ToolOutcome:
        tool = self._tools[call.name]
        body = tool_payload(call.name, call.arguments, call_id, trace_id, item)
        outcome = await call_tool(
            self._client, call.name, tool.server_url, tool.headers, body, call_id
        )
        if outcome.is_error:
            outcome = dataclasses.replace(outcome, output=self._scrubbed(outcome.output))
        return outcome

    async def grade(
        self, sample: Mapping[str, Any], item: Mapping[str, Any], trace_id: str
    ) -> GradeOutcome:
        grade = await self._graders.grade(self._grader, sample, item, trace_id)
        parts = grade.sub_grades or {grade.name: grade}
        return GradeOutcome(
            score=grade.score,
            latency_s=grade.latency_s,
            failure=self._scrubbed(grade.failure) if grade.failure else None,
            sub_scores={n: part.score for n, part in parts.items() if part.score is not None},
            parse_error=self._schema is not None
            and not conforms(sample["output_text"], self._schema),
            token_usage=grade.tokens,
        )

    def _scrubbed(self, text: str) -> str:
        """A text without header values that an endpoint may have echoed."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return text


def secrets_of(spec: JobSpec) -> list[str]:
    """Header values of a job's endpoints, with and without their scheme, longest first."""
    headers = [tool.headers for tool in spec.tools]
    headers += [endpoint.headers for endpoint in endpoints(spec.grader)]
    values = {value for some in headers for value in some.values()}
    values |= {value.partition(" ")[2] for value in values}
    return sorted((v for v in values if len(v) >= MIN_SECRET), key=len, reverse=True)
