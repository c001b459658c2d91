"""One rollout: a policy acts, an environment answers, until there is an answer and a reward.

The environment is whatever stands around the policy: the owner's live tools and grader over HTTP
in a job, plain functions in pretraining. Failures of the environment are values, not exceptions:
a rollout that its tools or its grader failed is *discarded*, counted, and never a zero.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from rft_service.rl.engine import Call, Conversation, Draw, Item, Policy, ToolSpec, Turn
from rft_wire import StopReason, build_sample


@dataclass(frozen=True)
class ToolOutcome:
    """What came of one tool call. With `failure` set the rollout has to be discarded.

    `is_error` marks an output that tells the model of a mistake, and `refused` the one of a call
    that the tool would not take (over HTTP: a 4xx); `latency_s` is wall time.
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
    parse_error: bool = False
    token_usage: int = 0


class Environment(Protocol):
    """What surrounds the policy. `item` is the dataset row, which the policy never sees."""

    async def call_tool(
        self, call: Call, call_id: str, item: Mapping[str, Any], trace_id: str
    ) -> ToolOutcome: ...

    async def grade(
        self, sample: Mapping[str, Any], item: Mapping[str, Any], trace_id: str
    ) -> GradeOutcome: ...


@dataclass(frozen=True)
class Task:
    """A dataset row as an episode needs it: what the policy sees, and the whole row as `item`."""

    conversation: Conversation
    item: Mapping[str, Any]

    @classmethod
    def from_row(
        cls,
        row: Mapping[str, Any],
        response_format: Mapping[str, Any] | None = None,
        reasoning_effort: str = "default",
    ) -> Task:
        """Read `messages` and `tools` of a row; every other key stays with tools and grader."""
        tools = tuple(
            ToolSpec(f["name"], f.get("description", ""), f.get("parameters", {}))
            for f in (tool.get("function", tool) for tool in row.get("tools", ()))
        )
        conversation = Conversation(
            items=tuple(dict(message) for message in row["messages"]),
            tools=tools,
            response_format=response_format,
            reasoning_effort=reasoning_effort,
        )
        return cls(conversation, row)


@dataclass(frozen=True)
class Rollout:
    """One finished rollout. `items` is the conversation after the prompt; `reward` is None
    exactly where the rollout was discarded, and `failure` then says why, in words."""

    trace_id: str
    row_index: int
    sample_index: int
    items: tuple[Item, ...]
    turns: tuple[Turn, ...]
    answer: str | None
    reward: float | None
    stop_reason: StopReason
    failure: str | None
    grade: GradeOutcome | None
    tool_outcomes: tuple[tuple[str, ToolOutcome], ...]

    def slim(self) -> Rollout:
        """The rollout without its texts and decisions: all that the numbers of an evaluation
        need, so that one of many thousand rollouts stays small."""
        return replace(
            self,
            items=(),
            answer=None,
            turns=tuple(replace(turn, calls=(), text=None, decisions=()) for turn in self.turns),
            tool_outcomes=tuple((name, replace(o, output="")) for name, o in self.tool_outcomes),
        )

    @property
    def discarded(self) -> bool:
        return self.reward is None

    @property
    def reasoning_tokens(self) -> int:
        return sum(turn.reasoning_tokens for turn in self.turns)

    @property
    def output_tokens(self) -> int:
        return sum(turn.output_tokens for turn in self.turns)

    @property
    def latency_s(self) -> float:
        """Simulated time of the model's turns, in seconds."""
        return sum(turn.latency_s for turn in self.turns)

    @property
    def tool_calls_by_name(self) -> dict[str, int]:
        return dict(Counter(name for name, _ in self.tool_outcomes))


@dataclass
class _Episode:
    """The growing state of one rollout."""

    task: Task
    trace_id: str
    items: list[Item] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    outcomes: list[tuple[str, ToolOutcome]] = field(default_factory=list)

    def conversation(self) -> Conversation:
        seen = self.task.conversation
        return Conversation(
            items=(*seen.items, *self.items),
            tools=seen.tools,
            instructions=seen.instructions,
            tool_choice=seen.tool_choice,
            parallel_tool_calls=seen.parallel_tool_calls,
            response_format=seen.response_format,
            reasoning_effort=seen.reasoning_effort,
        )

    def append_turn(self, turn: Turn) -> list[Item]:
        """Record a turn as Responses items; returns the function_call items among them."""
        number = len(self.turns) + 1
        self.turns.append(turn)
        if turn.reasoning_summary:
            summary = [{"type": "summary_text", "text": turn.reasoning_summary}]
            self.items.append({"type": "reasoning", "id": f"rs_{number}", "summary": summary})
        calls = [
            {
                "type": "function_call",
                "id": f"fc_{number}_{place}",
                "call_id": f"call_{number}_{place}",
                "name": call.name,
                "arguments": call.arguments,
            }
            for place, call in enumerate(turn.calls, 1)
        ]
        self.items.extend(calls)
        if turn.text is not None:
            content = [{"type": "output_text", "text": turn.text, "annotations": []}]
            self.items.append(
                {
                    "type": "message",
                    "id": f"msg_{number}",
                    "role": "assistant",
                    "status": "completed",
                    "content": content,
                }
            )
        return calls

    def append_outcome(self, item: Item, outcome: ToolOutcome) -> None:
        self.outcomes.append((item["name"], outcome))
        self.items.append(
            {
                "type": "function_call_output",
                "call_id": item["call_id"],
                "output": outcome.output,
            }
        )

    def last_summary(self) -> str | None:
        return next(
            (t.reasoning_summary for t in reversed(self.turns) if t.reasoning_summary), None
        )


async def run_episode(
    policy: Policy,
    environment: Environment,
    task: Task,
    *,
    trace_id: str,
    draw_parts: Sequence[object],
    max_steps: int,
    row_index: int = 0,
    sample_index: int = 0,
) -> Rollout:
    """Run one rollout of at most `max_steps` turns and have it graded.

    Turn k draws its randomness from `Draw.of(*draw_parts, k)`. Parallel calls of one turn are
    made at once; their outputs are appended in the order of the calls.
    """
    episode = _Episode(task, trace_id)

    def finish(
        stop: StopReason, answer: str | None, grade: GradeOutcome | None, failure: str | None
    ) -> Rollout:
        return Rollout(
            trace_id=trace_id,
            row_index=row_index,
            sample_index=sample_index,
            items=tuple(episode.items),
            turns=tuple(episode.turns),
            answer=answer,
            reward=grade.score if grade and failure is None else None,
            stop_reason=stop,
            failure=failure,
            grade=grade,
            tool_outcomes=tuple(episode.outcomes),
        )

    stop, answer = StopReason.STEP_LIMIT, None
    for step in range(max_steps):
        turn = await policy.sample(episode.conversation(), Draw.of(*draw_parts, step))
        calls = episode.append_turn(turn)
        if not calls:
            stop, answer = StopReason.ANSWERED, turn.text or ""
            break
        made = [
            environment.call_tool(call, item["call_id"], task.item, trace_id)
            for call, item in zip(turn.calls, calls, strict=True)
        ]
        # One call alone is the usual case, and spares what gathering costs in time and memory.
        outcomes = [await made[0]] if len(made) == 1 else await asyncio.gather(*made)
        for item, outcome in zip(calls, outcomes, strict=True):
            episode.append_outcome(item, outcome)
        failure = next((outcome.failure for outcome in outcomes if outcome.failure), None)
        if failure:
            return finish(StopReason.TOOL_FAILED, None, None, failure)
    calls_made = [item for item in episode.items if item["type"] == "function_call"]
    sample = build_sample(answer or "", calls_made, episode.last_summary())
    grade = await environment.grade(sample, task.item, trace_id)
    if grade.score is None or grade.failure:
        failure = grade.failure or "the grader gave no score"
        return finish(StopReason.GRADER_FAILED, answer, grade, failure)
    return finish(stop, answer, grade, None)
