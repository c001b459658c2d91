"""The Tinker engine: models that a server trains and samples, through the `tinker` SDK.

`chat_format` turns conversations into tokens and back, `training_data` rollouts into what the
server learns from, and `connection` makes the calls. The protocol is that of Tinker (Thinking
Machines), which SkyRL, TuFT and others speak, too.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import tinker
from pydantic import BaseModel, ConfigDict, Field
from tinker import types

from rft_service.engines.tinker.chat_format import ChatFormat, Sampled, Tokens
from rft_service.engines.tinker.connection import Address, Connection, Loop, Session, in_thread
from rft_service.engines.tinker.training_data import Batch, sampling_metrics
from rft_service.rl.engine import (
    EngineError,
    EngineUnavailableError,
    ModelInfo,
    Seed,
    Trajectory,
    Turn,
    TurnEnd,
    TurnRequest,
)

log = logging.getLogger(__name__)

SCHEME = "tinker://"
LOSS: Final = "importance_sampling"  # the one loss for reinforcement learning that every engine has
CONTEXT_WINDOW_TOKENS = 8192  # where the engine does not say
GRADIENT_NORM = "grad_norm"  # how the metric's name ends; SkyRL's is skyrl.ai/grad_norm


class Options(BaseModel):
    """What `--engine-option NAME=VALUE` may set.

    renderer: the chat format, a name of the package `renderers` (auto: by the model's name).
    served_as: the model's name for the service's clients, if not its own.
    group_size, learning_rate, lora_rank: of a job; the rate is that of a multiplier of 1.
    context_window_tokens: where the engine does not say; max_tokens: of one turn.
    sample_batch: the most sequences that one request samples.
    datum_multiple: fill a batch up to a multiple of this, for a back end that compiles per shape.
    samplers: saved states that stay loaded for sampling; each occupies an adapter.
    grace_s, timeout_s: how long the engine may not answer, or work on one request.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    renderer: str = "auto"
    served_as: str = ""
    group_size: int = Field(8, ge=2)
    learning_rate: float = Field(4e-5, gt=0)
    lora_rank: int = Field(16, ge=1)
    context_window_tokens: int = Field(0, ge=0)
    max_tokens: int = Field(1024, ge=1)
    sample_batch: int = Field(32, ge=1)
    datum_multiple: int = Field(1, ge=1)
    samplers: int = Field(2, ge=1)
    grace_s: float = Field(30.0, gt=0)
    timeout_s: float = Field(1800.0, gt=0)


class TinkerEngine:
    """One base model of an engine, and what jobs made of it."""

    def __init__(
        self,
        address: Address,
        base_model: str,
        chat: ChatFormat,
        options: Options,
        context_window_tokens: int | None = None,
        seed: int = 0,
    ) -> None:
        """`context_window_tokens` is what the engine says; `options` come first."""
        self.address, self.base_model, self.chat, self.options = address, base_model, chat, options
        self.seed = seed
        window = options.context_window_tokens or context_window_tokens or CONTEXT_WINDOW_TOKENS
        name = options.served_as or base_model.rstrip("/").rpartition("/")[2].replace(":", "-")
        self.model = ModelInfo(name, window, options.group_size, options.learning_rate)
        self.loop = Loop()
        self.connection = Connection(address, options.grace_s, options.timeout_s)
        self._samplers: OrderedDict[str | None, TinkerSampler] = OrderedDict()
        self._rest: Any = None

    @property
    def models(self) -> Sequence[ModelInfo]:
        return (self.model,)

    def count_tokens(self, model: str, text: str) -> int:
        return self.chat.count(text)

    def prompt_tokens(self, model: str, request: TurnRequest) -> int:
        return len(self.chat.prompt(request)[0])

    async def sampler(self, model: str, uri: str | None = None) -> TinkerSampler:
        """Contacts the engine when it is first used. Raises ValueError for another engine's URI."""
        self._check(model, uri)
        return await self.loop.run(self._cached_sampler(uri))

    async def learner(self, model: str, uri: str | None = None) -> TinkerLearner:
        """A new adapter, or a saved one with its optimizer's state. A resumed step is seeded and
        not identical. Raises EngineError, EngineUnavailableError, ValueError."""
        self._check(model, uri)
        learner = TinkerLearner(self, uri)
        try:
            await self.loop.run(learner.connect())
        except BaseException:
            await learner.close()
            raise
        return learner

    def _check(self, model: str, uri: str | None) -> None:
        if model != self.model.name:
            raise ValueError(f"the engine has no model {model!r}; it has {self.model.name!r}")
        if uri is not None and not uri.startswith(SCHEME):
            raise ValueError(
                f"{uri!r} was saved by another engine; start the service with that one"
            )

    async def _cached_sampler(self, uri: str | None) -> TinkerSampler:
        if uri not in self._samplers:
            self._samplers[uri] = TinkerSampler(self, uri)
        self._samplers.move_to_end(uri)
        adapted = [key for key in self._samplers if key is not None]
        idle = [key for key in adapted if key != uri and not self._samplers[key].in_use]
        for key in idle[: max(0, len(adapted) - self.options.samplers)]:
            self._samplers.pop(key).disconnect()
        return self._samplers[uri]

    async def delete(self, uri: str) -> None:
        """What cannot be deleted stays on the engine, and the log says so."""
        await self.loop.run(self._delete(uri))

    async def _delete(self, uri: str) -> None:
        if uri in self._samplers:
            self._samplers.pop(uri).disconnect()
        try:
            if self._rest is None:
                self._rest = await self.connection.finish(in_thread(self._rest_client), "connect")
            deletion = self._rest.delete_checkpoint_from_tinker_path_async(uri)
            await self.connection.finish(deletion, "delete a saved state")
        except (EngineError, EngineUnavailableError) as error:
            self._rest = None
            log.warning("%s stays saved: %s", uri, error)

    def _rest_client(self) -> Any:
        service = tinker.ServiceClient(base_url=self.address.url, api_key=self.address.key)
        return service.create_rest_client()

    async def is_available(self) -> bool:
        return await in_thread(self.address.answers)

    async def close(self) -> None:
        for sampler in self._samplers.values():
            sampler.disconnect()
        self.loop.stop()


class TinkerSampler:
    """A base model, or one with a saved adapter; connects when it is first used."""

    def __init__(self, engine: TinkerEngine, uri: str | None) -> None:
        self._engine, self._uri = engine, uri
        self.model = engine.model
        self.in_use = 0
        self._client: tinker.SamplingClient | None = None
        self._session = Session(engine.address)
        self._connecting = asyncio.Lock()

    @property
    def fingerprint(self) -> str:
        return f"{self._engine.base_model} {self._uri or 'base'}"

    async def sample(self, request: TurnRequest, seed: Seed, previous: Turn | None = None) -> Turn:
        return (await self._engine.loop.run(self._turns(request, [seed], previous)))[0]

    async def sample_group(self, request: TurnRequest, seeds: Sequence[Seed]) -> Sequence[Turn]:
        """In as few requests as `sample_batch` allows; the first seed of each decides."""
        return await self._engine.loop.run(self._turns(request, seeds, None))

    async def weights(self) -> None:
        return None

    async def _turns(
        self, request: TurnRequest, seeds: Sequence[Seed], previous: Turn | None
    ) -> list[Turn]:
        options, chat = self._engine.options, self._engine.chat
        prompt, extends = chat.prompt(request, previous)
        room = self.model.context_window_tokens - len(prompt)
        if room < 1:
            return [Turn(end=TurnEnd.CONTEXT_FULL, input_tokens=len(prompt)) for _ in seeds]
        started = time.perf_counter()
        size, most = (
            options.sample_batch,
            min(request.max_output_tokens or options.max_tokens, room),
        )
        self.in_use += 1
        try:
            answers = await asyncio.gather(
                *(
                    self._sequences(request, prompt, seeds[first : first + size], most)
                    for first in range(0, len(seeds), size)
                )
            )
        finally:
            self.in_use -= 1
        latency_s = time.perf_counter() - started
        turns = [
            chat.turn(request, sampled_of(prompt, sequence, extends), sequence.stop_reason)
            for answer in answers
            for sequence in answer
        ]
        return [replace(turn, latency_s=latency_s) for turn in turns]

    async def _sequences(
        self, request: TurnRequest, prompt: Tokens, seeds: Sequence[Seed], max_tokens: int
    ) -> Sequence[types.SampledSequence]:
        engine = self._engine
        seed = Seed.of("seed", engine.seed, seeds[0].key.hex()) if engine.seed else seeds[0]
        parameters = types.SamplingParams(
            max_tokens=max_tokens,
            seed=seed.number // 2,  # an engine adds each sequence's index, and stays below 2**31
            stop=engine.chat.stop_tokens,
            temperature=1.0 if request.temperature is None else request.temperature,
            top_p=1.0 if request.top_p is None else request.top_p,
        )
        try:
            client = await self._connected()
            call = client.sample_async(
                types.ModelInput.from_ints(prompt.tolist()), len(seeds), parameters
            )
            return (await engine.connection.finish(call, "sample")).sequences
        except EngineUnavailableError:
            self.disconnect()
            raise

    async def _connected(self) -> tinker.SamplingClient:
        """The client, made once however many wait for it: each would take an adapter."""
        async with self._connecting:
            if self._client is None:
                making = in_thread(self._open)
                self._client = await self._engine.connection.finish(making, "load the model")
            return self._client

    def _open(self) -> tinker.SamplingClient:
        """Make the client; blocks."""
        base_model, rank = self._engine.base_model, self._engine.options.lora_rank
        if self._uri is None:
            return self._session.open().create_sampling_client(base_model=base_model)
        # Not every engine samples a saved state whose model it has unloaded, so it is loaded again.
        training = self._session.train(base_model, self._uri, rank)
        return training.save_weights_and_get_sampling_client()

    def disconnect(self) -> None:
        """Free what this occupies on the engine; the next use connects anew."""
        self._client = None
        self._session.close()
        self._session = Session(self._engine.address)


class TinkerLearner(TinkerSampler):
    """An adapter in training. One that has failed is not used again."""

    def __init__(self, engine: TinkerEngine, uri: str | None) -> None:
        super().__init__(engine, uri)
        self._training: tinker.TrainingClient | None = None
        self._updates = 0

    @property
    def fingerprint(self) -> str:
        return f"{super().fingerprint} {id(self)} {self._updates}"

    async def connect(self) -> None:
        """On the engine's loop. Raises EngineError, EngineUnavailableError."""
        engine, session = self._engine, self._session
        self._training = await engine.connection.finish(
            in_thread(
                lambda: session.train(engine.base_model, self._uri, engine.options.lora_rank)
            ),
            "load the model",
        )

    def _open(self) -> tinker.SamplingClient:
        return self._trained.save_weights_and_get_sampling_client()

    @property
    def _trained(self) -> tinker.TrainingClient:
        assert self._training is not None, "a learner is connected before it is used"
        return self._training

    async def update(
        self, trajectories: Sequence[Trajectory], rate_multiplier: float
    ) -> Mapping[str, float]:
        return await self._engine.loop.run(self._update(trajectories, rate_multiplier))

    async def _update(
        self, trajectories: Sequence[Trajectory], rate_multiplier: float
    ) -> dict[str, float]:
        connection, options = self._engine.connection, self._engine.options
        batch, metrics = Batch.of(trajectories, options.datum_multiple), {}
        if batch.data:
            data, rate = list(batch.data), options.learning_rate * rate_multiplier
            gradient = self._trained.forward_backward(data, LOSS)
            output = await connection.finish(gradient, "compute the gradient")
            change = self._trained.optim_step(types.AdamParams(learning_rate=rate))
            stepped = await connection.finish(change, "update the weights")
            found = {**output.metrics, **(stepped.metrics or {})}
            norms = [value for name, value in found.items() if name.endswith(GRADIENT_NORM)]
            metrics = {"gradient_norm": norms[0]} if norms else {}
            metrics |= {**batch.metrics(output), "learning_rate": rate}
            self._updates += 1
            self._client = None  # samples with the weights before the update
        return {**metrics, **sampling_metrics(trajectories), "data": float(len(batch.examples))}

    async def save(self, name: str) -> str:
        """Raises EngineError, EngineUnavailableError."""
        saving = self._trained.save_state(re.sub(r"[^A-Za-z0-9_-]", "-", name))
        found = await self._engine.loop.run(
            self._engine.connection.finish(saving, "save the state")
        )
        return str(found.path)

    async def close(self) -> None:
        self.disconnect()


def sampled_of(prompt: Tokens, sequence: types.SampledSequence, extends: bool) -> Sampled:
    """A sequence as a turn keeps it. Raises EngineError if it has no log-probabilities."""
    if sequence.logprobs is None:
        raise EngineError("the engine returns no log-probabilities, which training needs")
    tokens = np.array(sequence.tokens, dtype=np.int32)
    return Sampled(prompt, tokens, np.array(sequence.logprobs, dtype=np.float32), extends)
