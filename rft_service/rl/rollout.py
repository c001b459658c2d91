"""One rollout: a model acts, an environment answers, until there is an answer and a reward.

The environment is whatever surrounds the model: the owner's live tools and grader over HTTP in a
job, plain functions in pretraining. Failures are values, not exceptions: a rollout whose tools,
grader or sampling failed is *discarded* and counted. It is never a reward of zero.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from rft_service.rl.engine import (
    Call,
    EngineUnavailableError,
    Sampler,
    Seed,
    ToolSpec,
    Turn,
    TurnEnd,
    TurnRequest,
)
from rft_wire import Item, StopReason, build_sample
from rft_wire.records import RolloutRecord
from rft_wire.rows import Row

log = logging.getLogger(__name__)

STOPS = {
    TurnEnd.LENGTH_LIMIT: StopReason.LENGTH_LIMIT,
    TurnEnd.CONTEXT_FULL: StopReason.CONTEXT_FULL,
}
"""The ends of a turn that end the rollout: graded on what was said until then."""


@dataclass(frozen=True)
class ToolOutcome:
    """The result of one tool call. With `failure` set the rollout has to be discarded.

    `is_error` marks an output that tells the model about a mistake, `refused` a call that the tool
    did not accept (over HTTP: a 4xx). `latency_s` is wall time.
    """

    output: str
    latency_s: float = 0.0
    is_error: bool = False
    refused: bool = False
    failure: str | None = None


@dataclass(frozen=True)
class GradeOutcome:
    """What the grader said: a score, or why there is none."""

    score: float | None
    latency_s: float = 0.0
    failure: str | None = None
    sub_scores: Mapping[str, float] = field(default_factory=dict)
    explanations: Mapping[str, str] = field(default_factory=dict)
    parse_error: bool = False
    token_usage: int = 0


class Environment(Protocol):
    """What surrounds the model. `item` is the dataset row, which the model never sees."""

    async def call_tool(
        self, call: Call, call_id: str, item: Mapping[str, Any], trace_id: str
    ) -> ToolOutcome: ...

    async def grade(
        self, sample: Mapping[str, Any], item: Mapping[str, Any], trace_id: str
    ) -> GradeOutcome: ...


@dataclass(frozen=True)
class Task:
    """A dataset row as a rollout needs it: what the model sees, and the whole row as `item`."""

    request: TurnRequest
    item: Mapping[str, Any]

    @classmethod
    def from_row(
        cls,
        row: Row,
        response_format: Mapping[str, Any] | None = None,
        reasoning_effort: str = "default",
    ) -> Task:
        """`messages` and `tools` of a row; every other key is for tools and grader only."""
        request = TurnRequest(
            items=row.messages,
            tools=tuple(ToolSpec(f.name, f.description, f.parameters) for f in row.tools),
            response_format=response_format,
            reasoning_effort=reasoning_effort,
        )
        return cls(request, row.item)


@dataclass(frozen=True)
class Rollout:
    """One finished rollout: its record, and what the trainer and the metrics need besides."""

    record: RolloutRecord
    row_index: int
    turns: tuple[Turn, ...]
    grade: GradeOutcome | None
    tool_outcomes: tuple[tuple[str, ToolOutcome], ...]

    def slim(self) -> Rollout:
        """The rollout without its texts and actions: all that the metrics of an evaluation need,
        so that one of many thousand rollouts stays small."""
        return replace(
            self,
            record=replace(self.record, trace=[], answer=None),
            turns=tuple(replace(turn, calls=(), text=None, sampled=None) for turn in self.turns),
            tool_outcomes=tuple((name, replace(o, output="")) for name, o in self.tool_outcomes),
        )

    @property
    def reward(self) -> float | None:
        """None exactly where the rollout was discarded; `record.error` then says why."""
        return self.record.reward

    @property
    def discarded(self) -> bool:
        return self.record.reward is None

    @property
    def reasoning_tokens(self) -> int:
        return self.record.metrics.reasoning_tokens

    @property
    def input_tokens(self) -> int:
        """What all turns together read: each reads the whole conversation so far."""
        metrics = self.record.metrics
        return metrics.total_tokens - metrics.output_tokens

    @property
    def output_tokens(self) -> int:
        return self.record.metrics.output_tokens

    @property
    def model_latency_s(self) -> float:
        """Time of the model's turns, in seconds; `ModelInfo.simulated` says whether measured."""
        return sum(turn.latency_s for turn in self.turns)


async def run_rollout(
    sampler: Sampler,
    environment: Environment,
    task: Task,
    *,
    trace_id: str,
    seed_parts: Sequence[object],
    max_turns: int,
    row_index: int = 0,
    sample_index: int = 0,
    first_turn: Callable[[], Awaitable[Turn]] | None = None,
) -> Rollout:
    """Run one rollout of at most `max_turns` turns and have it graded.

    Turn k gets the seed `Seed.of(*seed_parts, k)`; `first_turn` gives turn 0 where the group
    samples it together. Parallel calls of one turn run concurrently; their outputs are appended in
    the order of the calls.
    """
    record = RolloutRecord(
        question_id=str(task.item.get("question_id", row_index)),
        repeat=sample_index,
        model=sampler.model.name,
        trace_id=trace_id,
        trace=list(task.request.items),
    )
    running = _Running(task.request, record)
    started = time.perf_counter()

    def finish(
        stop: StopReason, grade: GradeOutcome | None = None, error: str | None = None
    ) -> Rollout:
        record.stop_reason, record.error = stop, error
        if (reference := task.item.get("reference_answer")) is not None:
            record.reference_answer = str(reference)
        if grade and error is None:
            record.reward, record.correct = grade.score, grade.score == 1.0
        turns = tuple(running.turns)
        record.metrics.latency_s = time.perf_counter() - started
        if sampler.model.simulated:
            record.metrics.simulated_latency_s = sum(turn.latency_s for turn in turns)
        return Rollout(record, row_index, turns, grade, tuple(running.outcomes))

    stop = StopReason.STEP_LIMIT
    for number in range(max_turns):
        try:
            if number == 0 and first_turn is not None:
                turn = await first_turn()
            else:
                seed = Seed.of(*seed_parts, number)
                turn = await sampler.sample(running.request(), seed, running.last_turn())
        except EngineUnavailableError:
            raise  # costs the step in flight, not this rollout
        except Exception as error:
            log.warning("sampling failed in rollout %s", trace_id, exc_info=True)
            reason = f"sampling failed: {type(error).__name__}: {error}"
            return finish(StopReason.MODEL_FAILED, error=reason)
        if turn.end in STOPS:
            if turn.end is not TurnEnd.CONTEXT_FULL:  # where nothing was sampled
                running.append_turn(replace(turn, calls=()))
            stop, record.answer = STOPS[turn.end], running.last_text()
            break
        calls = running.append_turn(turn)
        if not calls:
            stop, record.answer = StopReason.ANSWERED, turn.text or ""
            break
        made = [
            _call_tool(environment, task, call, item["call_id"], trace_id)
            for call, item in zip(turn.calls, calls, strict=True)
        ]
        # A single call is the usual case, and awaiting it directly saves time and memory.
        outcomes = [await made[0]] if len(made) == 1 else await asyncio.gather(*made)
        running.append_outcomes(calls, outcomes)
        failed = next((outcome.failure for outcome in outcomes if outcome.failure), None)
        if failed:
            return finish(StopReason.TOOL_FAILED, error=failed)
    sample = build_sample(record.answer or "", running.calls, running.last_summary())
    grade = await environment.grade(sample, task.item, trace_id)
    if grade.score is None or grade.failure:
        reason = grade.failure or "the grader gave no score"
        return finish(StopReason.GRADER_FAILED, grade, reason)
    return finish(stop, grade)


async def _call_tool(
    environment: Environment, task: Task, call: Call, call_id: str, trace_id: str
) -> ToolOutcome:
    """Make a call, unless the model's own mistake makes that impossible: then it is told so."""
    names = [tool.name for tool in task.request.tools]
    if call.name not in names:
        known = ", ".join(names) or "none"
        return ToolOutcome(f"Error: there is no tool {call.name!r}; use: {known}", is_error=True)
    try:
        readable = isinstance(json.loads(call.arguments), dict)
    except (ValueError, RecursionError):
        readable = False
    if not readable:
        message = f"Error: the arguments of {call.name} are not a JSON object; call it again"
        return ToolOutcome(message, is_error=True)
    return await environment.call_tool(call, call_id, task.item, trace_id)


@dataclass
class _Running:
    """The growing state of one rollout."""

    prompt: TurnRequest
    record: RolloutRecord
    turns: list[Turn] = field(default_factory=list)
    calls: list[Item] = field(default_factory=list)
    outcomes: list[tuple[str, ToolOutcome]] = field(default_factory=list)

    def request(self) -> TurnRequest:
        return replace(self.prompt, items=tuple(self.record.trace))

    def last_turn(self) -> Turn | None:
        return self.turns[-1] if self.turns else None

    def append_turn(self, turn: Turn) -> list[Item]:
        """Record a turn as Responses items; returns the function_call items among them."""
        self.turns.append(turn)
        self.record.count_turn(turn.input_tokens, turn.output_tokens, turn.reasoning_tokens)
        number, trace = len(self.turns), self.record.trace
        if turn.reasoning_summary:
            summary = [{"type": "summary_text", "text": turn.reasoning_summary}]
            trace.append({"type": "reasoning", "id": f"rs_{number}", "summary": summary})
        if turn.text is not None:
            content = [{"type": "output_text", "text": turn.text, "annotations": []}]
            trace.append(
                {
                    "type": "message",
                    "id": f"msg_{number}",
                    "role": "assistant",
                    "status": "completed",
                    "content": content,
                }
            )
        calls = [
            {
                "type": "function_call",
                "id": f"fc_{number}_{index}",
                "call_id": f"call_{number}_{index}",
                "name": call.name,
                "arguments": call.arguments,
            }
            for index, call in enumerate(turn.calls, 1)
        ]
        trace += calls
        self.calls += calls
        return calls

    def append_outcomes(self, calls: Sequence[Item], outcomes: Sequence[ToolOutcome]) -> None:
        self.outcomes += zip((call["name"] for call in calls), outcomes, strict=True)
        self.record.add_outputs(calls, [outcome.output for outcome in outcomes])

    def last_text(self) -> str:
        return next((turn.text for turn in reversed(self.turns) if turn.text), "")

    def last_summary(self) -> str | None:
        return next(
            (t.reasoning_summary for t in reversed(self.turns) if t.reasoning_summary), None
        )
