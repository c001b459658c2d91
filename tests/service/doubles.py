"""Stand-ins for the model: so small that a test can say beforehand what they will do."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rft_service.engines.simulated.engine import limited, path_of, prompt_tokens, write_durably
from rft_service.rl.engine import (
    Call,
    ModelInfo,
    Seed,
    Trajectory,
    Turn,
    TurnEnd,
    TurnRequest,
)
from rft_service.strict_json import dumps
from rft_service.tokens import count_tokens

MODEL = ModelInfo("sim-agent-mini", 128_000, 8, 0.12, reasoning_token_penalty=0.2, simulated=True)


def unit(seed: Seed) -> float:
    """A number in [0, 1) that the seed decides."""
    return int.from_bytes(seed.key[:6], "big") / 2**48


class LookupModel:
    """Calls the first tool with the question's last word, then repeats its output or shrugs.

    Its one weight is the log-odds of repeating. That is what it learns.
    """

    model = MODEL

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.weight = 0.0

    @property
    def fingerprint(self) -> str:
        return dumps({"weight": self.weight})

    async def sample(self, request: TurnRequest, seed: Seed, previous: Turn | None = None) -> Turn:
        turn = limited(self.turn(request, seed), request)
        tokens = prompt_tokens(request)
        if tokens > self.model.context_window_tokens:
            return Turn(end=TurnEnd.CONTEXT_FULL, input_tokens=tokens)
        return Turn(**{**vars(turn), "input_tokens": tokens})

    async def sample_group(self, request: TurnRequest, seeds: Sequence[Seed]) -> list[Turn]:
        return [await self.sample(request, seed) for seed in seeds]

    def turn(self, request: TurnRequest, seed: Seed) -> Turn:
        outputs = [i for i in request.items if i.get("type") == "function_call_output"]
        may_call = request.tools and request.tool_choice != "none"
        if may_call and (not outputs or request.tool_choice == "required"):
            question = next(
                item["content"] for item in reversed(request.items) if item.get("role") == "user"
            )
            arguments = json.dumps({"key": question.split()[-1]})
            names = [tool.name for tool in request.tools]
            chosen = request.tool_choice if request.tool_choice in names else names[0]
            call = Call(chosen, arguments)
            return Turn((call,), None, TurnEnd.CALLED_TOOLS, "I look it up.", 24, 34, 0, 0.9, ())
        repeats = unit(seed) < 1 / (1 + math.exp(-self.weight))
        text = outputs[-1]["output"] if outputs and repeats else "unknown"
        if request.response_format is not None:
            text = json.dumps({"answer": text})
        tokens = 10 + len(text)
        return Turn((), text, TurnEnd.ANSWERED, "I answer.", 10, tokens, 0, 0.5, (repeats,))

    async def update(
        self, trajectories: Sequence[Trajectory], rate_multiplier: float
    ) -> dict[str, float]:
        chance = 1 / (1 + math.exp(-self.weight))
        gradient = sum(
            trajectory.advantage * (repeats - chance)
            for trajectory in trajectories
            for turn in trajectory.turns
            for repeats in turn.sampled
        )
        change = self.model.learning_rate * rate_multiplier * gradient
        self.weight = round(self.weight + change, 9)
        return {
            "gradient_norm": abs(gradient),
            "change_norm": abs(change),
            "entropy": -chance * math.log(chance) - (1 - chance) * math.log(1 - chance),
            "kl_to_base": chance * math.log(2 * chance) + (1 - chance) * math.log(2 - 2 * chance),
        }

    async def save(self, name: str) -> str:
        assert self.folder is not None
        uri = f"simulated:{name}"
        write_durably(path_of(self.folder, uri), dumps(await self.weights()))
        return uri

    async def weights(self) -> dict[str, Any]:
        return {"weight": self.weight}

    async def close(self) -> None:
        pass


class DoubleEngine:
    """An engine whose one model a test can foresee: a LookupModel, or what `make` gives."""

    models = (MODEL,)

    def __init__(self, folder: Path, make: Callable[[Path], LookupModel] = LookupModel) -> None:
        self.folder, self.make = folder, make

    def count_tokens(self, model: str, text: str) -> int:
        return count_tokens(text)

    def prompt_tokens(self, model: str, request: TurnRequest) -> int:
        return prompt_tokens(request)

    async def learner(self, model: str, uri: str | None = None) -> LookupModel:
        made = self.make(self.folder)
        if uri is not None:
            made.weight = json.loads(path_of(self.folder, uri).read_text())["weight"]
        return made

    sampler = learner

    async def delete(self, uri: str) -> None:
        path_of(self.folder, uri).unlink(missing_ok=True)

    async def is_available(self) -> bool:
        return True

    async def close(self) -> None:
        pass


@dataclass(frozen=True)
class Judgement:
    score: float
    explanation: str
    tokens: int


def keyword_judge(
    messages: Sequence[Mapping[str, str]], score_range: tuple[float, float], seed: Seed
) -> Judgement:
    """The top of the range where the text says "value", else the bottom."""
    text = messages[-1]["content"]
    low, high = score_range
    return Judgement(high if "value" in text else low, "read", len(text))


def create(folder: Path, seed: int) -> tuple[DoubleEngine, Any]:
    """What `python -m rft_service --engine tests.service.doubles` serves."""
    return DoubleEngine(folder), keyword_judge
