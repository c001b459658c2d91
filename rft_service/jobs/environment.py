"""What surrounds the model in a job: the customer's tools and grader, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rft_service.graders.run import GraderRunner
from rft_service.jobs.tool_calls import call_tool, tool_payload
from rft_service.rl.engine import Call
from rft_service.rl.rollout import GradeOutcome, ToolOutcome
from rft_service.schemas.structured import conforms
from rft_service.store.job_spec import JobSpec
from rft_wire.client import EndpointClient


class JobEnvironment:
    """The `Environment` of one job."""

    def __init__(self, client: EndpointClient, graders: GraderRunner, spec: JobSpec) -> None:
        self._client = client
        self._graders = graders
        self._grader = spec.grader
        self._tools = {tool.name: tool for tool in spec.tools}
        self._schema = spec.json_schema()

    async def call_tool(
        self, call: Call, call_id: str, item: Mapping[str, Any], trace_id: str
    ) -> ToolOutcome:
        tool = self._tools[call.name]
        body = tool_payload(call.name, call.arguments, call_id, trace_id, item)
        return await call_tool(
            self._client, call.name, tool.server_url, tool.headers, body, call_id
        )

    async def grade(
        self, sample: Mapping[str, Any], item: Mapping[str, Any], trace_id: str
    ) -> GradeOutcome:
        grade = await self._graders.grade(self._grader, sample, item, trace_id)
        parts = grade.sub_grades or {grade.name: grade}
        return GradeOutcome(
            score=grade.score,
            latency_s=grade.latency_s,
            failure=grade.failure,
            sub_scores={n: part.score for n, part in parts.items() if part.score is not None},
            explanations=grade.explanations,
            parse_error=self._schema is not None
            and not conforms(sample["output_text"], self._schema),
            token_usage=grade.tokens,
        )
