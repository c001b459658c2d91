"""An engine whose model is somewhere else: it renders tokens, and calls `token_server` over HTTP.

`python -m rft_service --engine tests.engines.token_engine`, with TOKEN_SERVER set to the address.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import urllib.request
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rft_service.rl.engine import (
    Call,
    ModelInfo,
    Seed,
    Trajectory,
    Turn,
    TurnEnd,
    TurnRequest,
)
from rft_wire import Item, text_of
from tests.engines.token_server import (
    ANSWER,
    CALL,
    END,
    FIND,
    FIRST_WORD,
    LOOKUP,
    OUTPUT,
    QUESTION,
    START,
    TOOL_ANSWERED,
    TOOL_FAILED,
)

MODEL = ModelInfo("token-agent", context_window_tokens=400, group_size=16, learning_rate=0.1)
MAX_TOKENS = 8


@dataclass(frozen=True)
class Sampled:
    """What one turn needs to be extended and to be learned from."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]


class TokenModel:
    """A sampler, and a learner where the service asked for one."""

    model = MODEL

    def __init__(self, engine: TokenEngine, handle: str, uri: str | None) -> None:
        self._engine, self._handle = engine, handle
        self.fingerprint = uri or "base"

    async def sample(self, request: TurnRequest, seed: Seed, previous: Turn | None = None) -> Turn:
        return (await self._sample(request, [seed], previous))[0]

    async def sample_group(self, request: TurnRequest, seeds: Sequence[Seed]) -> Sequence[Turn]:
        return await self._sample(request, seeds, None)

    async def _sample(
        self, request: TurnRequest, seeds: Sequence[Seed], previous: Turn | None
    ) -> list[Turn]:
        prompt = render(request, previous)
        if len(prompt) > MODEL.context_window_tokens:
            full = Turn(end=TurnEnd.CONTEXT_FULL, input_tokens=len(prompt))
            return [full for _ in seeds]
        started = time.perf_counter()
        answer = await self._engine.post(
            "sample",
            model=self._handle,
            prompt=prompt,
            seeds=[seed.number for seed in seeds],
            max_tokens=min(request.max_output_tokens or MAX_TOKENS, MAX_TOKENS),
            temperature=request.temperature or 1.0,
        )
        latency_s = time.perf_counter() - started
        turns = [
            parse(request, Sampled(tuple(prompt), tuple(one["tokens"]), tuple(one["logprobs"])))
            for one in answer["sequences"]
        ]
        return [replace(turn, latency_s=latency_s) for turn in turns]

    async def weights(self) -> None:
        return None

    async def update(
        self, trajectories: Sequence[Trajectory], rate_multiplier: float
    ) -> Mapping[str, float]:
        data = [
            {**vars(turn.sampled), "advantage": trajectory.advantage}
            for trajectory in trajectories
            for turn in trajectory.turns
        ]
        found = await self._engine.post("forward_backward", model=self._handle, data=data)
        rate = MODEL.learning_rate * rate_multiplier
        return found | await self._engine.post("optim_step", model=self._handle, learning_rate=rate)

    async def save(self, name: str) -> str:
        saved = await self._engine.post("save", model=self._handle, name=name)
        return f"token://{saved['path']}"


class TokenEngine:
    models = (MODEL,)

    def __init__(self, url: str) -> None:
        self._url = url

    async def post(self, name: str, /, **body: Any) -> dict[str, Any]:
        """Call the server from a thread, so that any event loop may wait for it."""
        data = json.dumps(body).encode()

        def call() -> dict[str, Any]:
            with urllib.request.urlopen(f"{self._url}/{name}", data, timeout=30) as answer:
                found: dict[str, Any] = json.load(answer)
                return found

        return await asyncio.to_thread(call)

    def count_tokens(self, model: str, text: str) -> int:
        return len(words(text))

    def prompt_tokens(self, model: str, request: TurnRequest) -> int:
        return len(render(request, None))

    async def sampler(self, model: str, uri: str | None = None) -> TokenModel:
        path = uri and uri.removeprefix("token://")
        return TokenModel(self, (await self.post("create", path=path))["model"], uri)

    learner = sampler

    async def delete(self, uri: str) -> None:
        await self.post("delete", path=uri.removeprefix("token://"))

    async def close(self) -> None:
        pass


def words(text: str) -> list[int]:
    """A token per word, by hash: this model reads nothing, but its prompts have a length."""
    return [FIRST_WORD + zlib.crc32(word.encode()) % 10_000 for word in text.split()]


def render(request: TurnRequest, previous: Turn | None) -> list[int]:
    """The prompt's tokens: all of the items, or those of the previous turn and what came since."""
    items, tokens = list(request.items), words(request.instructions)
    if previous is not None:
        tokens = [*previous.sampled.prompt, *previous.sampled.tokens]
        answered = [item for item in items if item.get("type") == "function_call_output"]
        items = answered[-len(previous.calls) :]
    for item in items:
        tokens += rendered(item)
    return [*tokens, START]


def rendered(item: Item) -> list[int]:
    if item.get("type") == "function_call_output":
        failed = item["output"].startswith("Error:")
        return [TOOL_FAILED if failed else TOOL_ANSWERED, *words(item["output"])]
    if item.get("type") == "function_call":
        return words(item["name"] + " " + item["arguments"])
    return words(text_of(item.get("content") or ""))


def parse(request: TurnRequest, sampled: Sampled) -> Turn:
    """A turn from its tokens: a call, an answer, or neither."""
    said = [token for token in sampled.tokens if token != END]
    calls, text, end = tuple[Call, ...](), None, TurnEnd.UNPARSABLE
    if len(sampled.tokens) == MAX_TOKENS and END not in sampled.tokens:
        text, end = str(said), TurnEnd.LENGTH_LIMIT
    elif len(said) == 3 and said[0] == CALL and said[1] in (LOOKUP, FIND):
        key = question(request).split()[-1] if said[2] == QUESTION else "unknown"
        name = "lookup" if said[1] == LOOKUP else "find"
        calls, end = (Call(name, json.dumps({"key": key})),), TurnEnd.CALLED_TOOLS
    elif len(said) == 2 and said[0] == ANSWER:
        text = last_output(request) if said[1] == OUTPUT else "unknown"
        end = TurnEnd.ANSWERED
    else:
        text = str(said)
    return Turn(
        calls=calls,
        text=text,
        end=end,
        output_tokens=len(sampled.tokens),
        input_tokens=len(sampled.prompt),
        sampled=sampled,
    )


def question(request: TurnRequest) -> str:
    return next(
        text_of(item["content"]) for item in reversed(request.items) if item.get("role") == "user"
    )


def last_output(request: TurnRequest) -> str:
    outputs = [i["output"] for i in request.items if i.get("type") == "function_call_output"]
    return str(outputs[-1]) if outputs else ""


def no_judge(*_: Any) -> Any:
    raise NotImplementedError("this engine has no grading model")


def create(folder: Path, seed: int) -> tuple[TokenEngine, Any]:
    return TokenEngine(os.environ["TOKEN_SERVER"]), no_judge
