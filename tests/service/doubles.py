"""Stand-ins for the model: so small that a test can say beforehand what they will do."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_service.rl.engine import Call, Conversation, Draw, Trajectory, Turn, Update


def unit(draw: Draw) -> float:
    """A number in [0, 1) that the draw decides."""
    return int.from_bytes(draw.key[:6], "big") / 2**48


class LookupPolicy:
    """Calls the first tool with the question's last word, then repeats its output or shrugs.

    Its one weight is the log-odds of repeating. That is what it learns.
    """

    def __init__(self) -> None:
        self.weight = 0.0

    async def sample(self, conversation: Conversation, draw: Draw) -> Turn:
        outputs = [i for i in conversation.items if i.get("type") == "function_call_output"]
        may_call = conversation.tools and conversation.tool_choice != "none"
        if may_call and (not outputs or conversation.tool_choice == "required"):
            question = next(
                item["content"]
                for item in reversed(conversation.items)
                if item.get("role") == "user"
            )
            arguments = json.dumps({"key": question.split()[-1]})
            names = [tool.name for tool in conversation.tools]
            chosen = conversation.tool_choice if conversation.tool_choice in names else names[0]
            return Turn((Call(chosen, arguments),), None, "I look it up.", 24, 34, 0.9)
        repeats = unit(draw) < 1 / (1 + math.exp(-self.weight))
        text = outputs[-1]["output"] if outputs and repeats else "unknown"
        if conversation.response_format is not None:
            text = json.dumps({"answer": text})
        return Turn((), text, "I answer.", 10, 10 + len(text), 0.5, decisions=(repeats,))

    async def learn(self, trajectories: Sequence[Trajectory], learning_rate: float) -> Update:
        chance = 1 / (1 + math.exp(-self.weight))
        gradient = sum(
            trajectory.advantage * (repeats - chance)
            for trajectory in trajectories
            for turn in trajectory.turns
            for repeats in turn.decisions
        )
        self.weight = round(self.weight + learning_rate * gradient, 9)
        return Update(len(trajectories), abs(gradient), abs(learning_rate * gradient))

    def save(self) -> dict[str, Any]:
        return {"weight": self.weight}

    def load(self, state: Mapping[str, Any]) -> None:
        self.weight = float(state["weight"])


@dataclass(frozen=True)
class Judgement:
    score: float
    explanation: str
    tokens: int


def keyword_judge(
    messages: Sequence[Mapping[str, str]], score_range: tuple[float, float], draw: Draw
) -> Judgement:
    """The top of the range where the text says "value", else the bottom."""
    text = messages[-1]["content"]
    low, high = score_range
    return Judgement(high if "value" in text else low, "read", len(text))
