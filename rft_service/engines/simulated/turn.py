"""One turn of the simulated model: a small agent whose every action is a grounded, learned choice.

A turn is a short sequence of softmaxes: look further or act; which tool, or an answer; each
parameter of the call; for an answer its operation, operands and wording. The weights of all of
them are one dictionary of named floats.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rft_service.engines.simulated.actions import (
    ACT_FEATURES,
    ANSWER,
    GIVE_UP,
    LOOK,
    act_features,
    state_features,
    tool_features,
)
from rft_service.engines.simulated.answer import (
    ANOTHER_FEATURES,
    OPERATION_FEATURES,
    WORDING_FEATURES,
    Answer,
    Known,
    compose,
)
from rft_service.engines.simulated.answer import GIVE_UP as GIVE_UP_TEXT
from rft_service.engines.simulated.answer_style import STYLE_FEATURES
from rft_service.engines.simulated.arguments import Arguments
from rft_service.engines.simulated.memory import WINDOW_SEGMENTS, Memory, remember
from rft_service.engines.simulated.operands import FIRST_FEATURES, SECOND_FEATURES, number_pool
from rft_service.engines.simulated.parameters import PARAMETER_FEATURES, text_pool
from rft_service.engines.simulated.reasons import in_words
from rft_service.engines.simulated.weights import Decision, Vector, Weights
from rft_service.rl.engine import Call, Seed, ToolSpec, Turn, TurnEnd, TurnRequest

FAMILIES: dict[str, Sequence[str]] = {
    "act": ACT_FEATURES,
    "fill": PARAMETER_FEATURES,
    "also": ("any", "parallel", "fresh_left"),
    "operation": OPERATION_FEATURES,
    "first": FIRST_FEATURES,
    "second": SECOND_FEATURES,
    "another": ANOTHER_FEATURES,
    "wording": WORDING_FEATURES,
    "manner": STYLE_FEATURES,
    "slip": STYLE_FEATURES,
    "answer_text": PARAMETER_FEATURES,
}
LOOK_SEGMENTS = 16  # by which one look widens every window
LOOKS_BY_EFFORT = {"none": 0, "minimal": 1, "low": 1, "high": 6, "xhigh": 6}
MOST_LOOKS = 3  # where the effort is medium or left to the model
MOST_PARALLEL_CALLS = 3

# What a turn costs. Tokens are counted as a real model's would be; time is that of a model that
# answers after half a second and writes 80 tokens a second.
TOKENS_PER_TURN = 80
TOKENS_PER_CALL = 120
TOKENS_PER_SEGMENT = 6
FIRST_TOKEN_S = 0.5
TOKENS_PER_S = 80.0


def make_turn(weights: Weights, request: TurnRequest, seed: Seed, input_tokens: int = 0) -> Turn:
    """The next turn. The same request, weights and seed give the same turn."""
    return _Turning(weights, request, seed, input_tokens).turn()


@dataclass
class _Turning:
    """One turn in the making."""

    weights: Weights
    request: TurnRequest
    seed: Seed
    input_tokens: int
    decisions: list[Decision] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    tokens: int = TOKENS_PER_TURN

    def turn(self) -> Turn:
        self.random = random.Random(self.seed.key)
        self.memory = remember(self.request)
        self.pool = text_pool(self.memory)
        self.windows = (WINDOW_SEGMENTS,) * len(self.memory.outputs)
        action = self._act()
        if isinstance(action, ToolSpec):
            return self._finish(calls=self._calls(action))
        answer = self._answer() if action == ANSWER else Answer(GIVE_UP_TEXT, "giving up")
        self.reasons.append(answer.how)
        return self._finish(text=answer.text)

    def _choose(
        self, features: Vector, blocks: tuple[str, ...], own_blocks: Sequence[str] = ()
    ) -> Decision:
        decision = self.weights.choose(features, blocks, self.random.random(), own_blocks)
        self.decisions.append(decision)
        return decision

    def _act(self) -> ToolSpec | str:
        """Look further for as long as it is chosen; then a tool, an answer or giving up."""
        tools = self._allowed_tools()
        may_answer = self.request.tool_choice in ("auto", "none") or not tools
        effort = self.request.reasoning_effort
        tool_rows = tool_features(tools, self.memory, self.pool)
        for looks in range(LOOKS_BY_EFFORT.get(effort, MOST_LOOKS) + 1):
            numbers = number_pool(self.memory, self.windows)
            self.numbers = numbers
            unread = self._unread()
            others = [ANSWER, GIVE_UP] if may_answer else []
            if unread and looks < LOOKS_BY_EFFORT.get(effort, MOST_LOOKS):
                others.append(LOOK)
            state = state_features(self.memory, self.request, numbers, self.windows)
            rows = act_features(state, tool_rows, len(others), looks)
            own = [f"act/{tool.name}" for tool in tools] + [f"act/={name}" for name in others]
            decision = self._choose(rows, ("act",), own)
            if decision.index < len(tools):
                tool = tools[decision.index]
                self._explain(f"call {tool.name}", decision)
                return tool
            action = others[decision.index - len(tools)]
            if action != LOOK:
                self._explain("answer" if action == ANSWER else "give up", decision)
                return action
            self._look(unread)
        raise AssertionError("looking further is not offered without end")

    def _allowed_tools(self) -> list[ToolSpec]:
        choice = self.request.tool_choice
        if choice == "none":
            return []
        if choice in ("auto", "required"):
            return list(self.request.tools)
        return [tool for tool in self.request.tools if tool.name == choice]

    def _unread(self) -> int:
        """Segments that one more look would add."""
        lengths = [len(output.view.segment_words) for output in self.memory.outputs]
        return sum(
            min(LOOK_SEGMENTS, length - window)
            for length, window in zip(lengths, self.windows, strict=True)
            if length > window
        )

    def _look(self, unread: int) -> None:
        self.windows = tuple(window + LOOK_SEGMENTS for window in self.windows)
        self.tokens += TOKENS_PER_SEGMENT * unread
        self.reasons.append(f"read {unread} more lines closely")

    def _explain(self, what: str, decision: Decision) -> None:
        why = in_words(self.weights.reasons(decision))
        self.reasons.append(f"{what} ({why})" if why else what)

    def _calls(self, tool: ToolSpec) -> tuple[Call, ...]:
        calls: list[Call] = []
        memory = self.memory
        while True:
            call = self._call(tool, memory)
            if call in calls:
                break  # the same call twice in one turn is one call
            calls.append(call)
            self.tokens += TOKENS_PER_CALL
            if not self.request.parallel_tool_calls or len(calls) == MOST_PARALLEL_CALLS:
                break
            memory = memory.with_call(call.name, call.arguments)
            if not self._also(tool, len(calls)):
                break
        return tuple(calls)

    def _also(self, tool: ToolSpec, made: int) -> bool:
        """Whether to make one more call of the same tool in parallel."""
        yes = (1.0, float(made > 1), float(bool(self.memory.outputs)))
        rows = np.array([[0.0, 0.0, 0.0], yes])
        return self._choose(rows, ("also", f"also/{tool.name}")).index == 1

    def _call(self, tool: ToolSpec, memory: Memory) -> Call:
        arguments = Arguments(tool, self.pool, memory, self._choose, self._explain)
        return Call(tool.name, arguments.text())

    def _answer(self) -> Answer:
        texts = self.pool.readable()
        known = Known(self.memory.question, self.numbers, texts)
        return compose(known, self._choose, self.request.response_format)

    def _finish(self, calls: tuple[Call, ...] = (), text: str | None = None) -> Turn:
        summary = "; ".join(dict.fromkeys(self.reasons))
        written = sum(len(call.name) + len(call.arguments) for call in calls) + len(text or "")
        output_tokens = self.tokens + max(1, written // 4)
        return Turn(
            calls=calls,
            text=text,
            end=TurnEnd.CALLED_TOOLS if calls else TurnEnd.ANSWERED,
            reasoning_summary=summary,
            reasoning_tokens=self.tokens,
            output_tokens=output_tokens,
            input_tokens=self.input_tokens,
            latency_s=FIRST_TOKEN_S + output_tokens / TOKENS_PER_S,
            sampled=tuple(self.decisions),
        )
