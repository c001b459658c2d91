"""The simulated engine: one base model, held in a dictionary of named floats.

`turn` makes a turn, `weights` holds what is learned, `perception` and `memory` what the model sees.
Saved states are JSON files in `weights/` of the state folder.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from rft_service.engines.simulated.turn import FAMILIES, make_turn
from rft_service.engines.simulated.weights import (
    Decision,
    Vector,
    Weights,
    policy_gradient,
)
from rft_service.rl.engine import ModelInfo, Seed, ToolSpec, Trajectory, Turn, TurnEnd, TurnRequest
from rft_service.schemas.structured import repair_answer
from rft_service.strict_json import dumps
from rft_service.tokens import count_tokens, tokens_of_bytes, utf8_length

MODEL = ModelInfo(
    name="sim-agent-mini",
    context_window_tokens=128_000,
    group_size=8,
    learning_rate=0.03,
    reasoning_token_penalty=0.1,
    simulated=True,
)
SCHEME = "simulated:"
TEXT_KEYS = ("content", "arguments", "output", "summary")  # of an item
CACHED_SAMPLERS = 16
TINY = 1e-12  # a probability that is taken for zero


# An update goes over a step's trajectories twice, in four parts each time. PPO's clipping keeps the
# later parts from moving a decision further than its rollouts can vouch for.
EPOCHS, MINIBATCHES, CLIP = 2, 4, 0.2
MEASURE_EVERY = 4


class SimulatedSampler:
    """The model with its weights; `seed` other than 0 makes every turn another one."""

    def __init__(self, weights: Weights, model: ModelInfo = MODEL, seed: int = 0) -> None:
        self.parameters = weights
        self.model = model
        self._seed = seed

    @property
    def fingerprint(self) -> str:
        """A hash of the weights."""
        return hashlib.sha256(dumps(self.parameters.save()).encode()).hexdigest()

    async def sample(self, request: TurnRequest, seed: Seed, previous: Turn | None = None) -> Turn:
        """The next turn; the model reads the whole request, so `previous` is not needed."""
        input_tokens = prompt_tokens(request)
        if input_tokens > self.model.context_window_tokens:
            return Turn(end=TurnEnd.CONTEXT_FULL, input_tokens=input_tokens)
        turn = make_turn(self.parameters, request, self._reseeded(seed), input_tokens)
        return limited(turn, request)

    async def sample_group(self, request: TurnRequest, seeds: Sequence[Seed]) -> Sequence[Turn]:
        return [await self.sample(request, seed) for seed in seeds]

    async def weights(self) -> Mapping[str, Any]:
        return self.parameters.save()

    def _reseeded(self, seed: Seed) -> Seed:
        return Seed.of("seed", self._seed, seed.key.hex()) if self._seed else seed


class SimulatedLearner(SimulatedSampler):
    """The model in training. `only` says which blocks learn, by name; the base weights are made
    with `is_general`, so that nothing is learned about a tool by its name."""

    def __init__(
        self,
        weights: Weights,
        model: ModelInfo = MODEL,
        seed: int = 0,
        folder: Path | None = None,
        base: Weights | None = None,
        only: Callable[[str], bool] = lambda _: True,
    ) -> None:
        super().__init__(weights, model, seed)
        self._base = base
        self._folder = folder
        self._only = only

    async def update(
        self, trajectories: Sequence[Trajectory], rate_multiplier: float
    ) -> Mapping[str, float]:
        """Several steps of Adam along PPO's gradient.

        Returns the L2 norms of the first gradient and of the change and, where a base model is
        known, from one trajectory in MEASURE_EVERY the mean entropy of a decision and its KL
        divergence from that model's, both in nats and before the update.
        """
        weighted = [
            (trajectory.advantage, [d for turn in trajectory.turns for d in turn.sampled])
            for trajectory in trajectories
        ]
        sample = [d for _, decisions in weighted[::MEASURE_EVERY] for d in decisions]
        spread = entropy_and_divergence(self.parameters, self._base, sample) if self._base else {}
        before = self.parameters.as_dict()
        rng = random.Random(self.parameters.updates)  # the same after a resume
        rate = self.model.learning_rate * rate_multiplier
        size = math.ceil(len(weighted) / MINIBATCHES)
        norms = []
        for _ in range(EPOCHS):
            rng.shuffle(weighted)
            for start in range(0, len(weighted), size):
                batch = weighted[start : start + size]
                gradient = policy_gradient(self.parameters, batch, CLIP)
                gradient = {name: g for name, g in gradient.items() if self._only(name)}
                norms.append(norm_of(gradient.values()))
                self.parameters.ascend(gradient, rate)
        return {
            "gradient_norm": norms[0],
            "change_norm": distance(before, self.parameters.as_dict()),
            **spread,
        }

    async def save(self, name: str) -> str:
        """Write weights and optimizer state durably; raises OSError where the disk is full."""
        assert self._folder is not None, "a learner without a folder cannot save"
        write_durably(path_of(self._folder, SCHEME + name), dumps(self.parameters.save()))
        return SCHEME + name

    async def close(self) -> None:
        """Nothing to release."""


def norm_of(vectors: Iterable[Vector]) -> float:
    """The L2 norm of several vectors as one."""
    return float(np.sqrt(sum(float(np.sum(vector**2)) for vector in vectors)))


def entropy_and_divergence(
    weights: Weights, base: Weights, decisions: Sequence[Decision]
) -> dict[str, float]:
    """Mean over decisions, in nats; empty if there are none."""
    entropies, divergences = [], []
    for decision in decisions:
        now, then = weights.of(decision), base.of(decision)
        logs = np.log(np.maximum(now, TINY))
        entropies.append(-float(now @ logs))
        divergences.append(float(now @ (logs - np.log(np.maximum(then, TINY)))))
    if not decisions:
        return {}
    return {"entropy": fmean(entropies), "kl_to_base": fmean(divergences)}


def distance(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """The L2 norm of the difference of two sets of named weights."""
    squares = ((a.get(name, 0.0) - b.get(name, 0.0)) ** 2 for name in a.keys() | b.keys())
    return math.sqrt(math.fsum(squares))  # exact, since a set has no order


def is_general(block: str) -> bool:
    """Whether pretraining teaches a block: none of one tool ("act/search"; "act/=answer" and "act"
    are general), and none of the answer's style and slips, which are left to a job's grader."""
    family, slash, detail = block.partition("/")
    of_one_tool = slash and family in ("act", "fill", "also") and not detail.startswith("=")
    return family not in ("manner", "slip") and not of_one_tool


class SimulatedEngine:
    """One base model and the states that jobs saved, in `folder`.

    Safe on any thread: samplers are shared and never change; each job has its own learner.
    """

    models = (MODEL,)

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self._folder = folder
        self._seed = seed
        self._samplers: OrderedDict[str | None, SimulatedSampler] = OrderedDict()
        self._lock = threading.Lock()

    def count_tokens(self, model: str, text: str) -> int:
        return count_tokens(text)

    def prompt_tokens(self, model: str, request: TurnRequest) -> int:
        return prompt_tokens(request)

    async def sampler(self, model: str, uri: str | None = None) -> SimulatedSampler:
        """Raises OSError where the saved weights are gone, ValueError where they are damaged or
        `model` is another engine's."""
        check_model(model)
        with self._lock:
            if uri not in self._samplers:
                weights = self._load(uri)
                self._samplers[uri] = CachedFingerprint(weights, MODEL, self._seed)
                if len(self._samplers) > CACHED_SAMPLERS:
                    self._samplers.popitem(last=False)
            self._samplers.move_to_end(uri)
            return self._samplers[uri]

    async def learner(self, model: str, uri: str | None = None) -> SimulatedLearner:
        """Raises OSError and ValueError as `sampler` does."""
        check_model(model)
        return SimulatedLearner(
            self._load(uri), MODEL, self._seed, self._folder, base=base_weights()
        )

    async def delete(self, uri: str) -> None:
        with self._lock:
            self._samplers.pop(uri, None)
        path = path_of(self._folder, uri)
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    async def is_available(self) -> bool:
        return True

    async def close(self) -> None:
        """Nothing to release."""

    def _load(self, uri: str | None) -> Weights:
        if uri is None:
            return base_weights()
        weights = Weights(FAMILIES)
        weights.load(json.loads(path_of(self._folder, uri).read_text(encoding="utf-8")))
        return weights


def check_model(name: str) -> None:
    if name != MODEL.name:
        raise ValueError(f"the simulated engine has no model {name!r}; it has {MODEL.name!r}")


class CachedFingerprint(SimulatedSampler):
    """A sampler whose weights never change, so that their hash is computed once."""

    _known: str | None = None

    @property
    def fingerprint(self) -> str:
        if self._known is None:
            self._known = super().fingerprint
        return self._known


def base_weights() -> Weights:
    """The pretrained base weights, as the package ships them: a fresh copy.

    Raises ValueError naming the file and the fix where they are damaged.
    """
    weights = Weights(FAMILIES)
    file = files(__package__).joinpath("base_weights.json")
    try:
        weights.load(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{file}: damaged ({error!r}); restore it: git checkout -- {file}"
        ) from error
    return weights


def path_of(folder: Path, uri: str) -> Path:
    """The file that a URI names. Raises ValueError for a URI of another engine."""
    name = uri.removeprefix(SCHEME)
    if name == uri:
        raise ValueError(f"{uri!r} was saved by another engine; start the service with that one")
    return folder / f"{name}.json"


def write_durably(path: Path, text: str) -> None:
    """Write a file whole or not at all, so that it survives a crash and a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    try:
        with draft.open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def limited(turn: Turn, request: TurnRequest) -> Turn:
    """The turn as constrained decoding would have made it: an answer that satisfies the response
    format, cut at the token limit or at a stop sequence."""
    text = turn.text
    if text is not None and request.response_format is not None:
        text = repair_answer(text, request.response_format)
    limit = request.max_output_tokens
    if limit is not None and turn.output_tokens > limit:
        room_bytes = 4 * max(0, limit - turn.reasoning_tokens)
        text = (text or "").encode()[:room_bytes].decode(errors="ignore") or None
        return replace(
            turn,
            calls=(),
            text=text,
            end=TurnEnd.LENGTH_LIMIT,
            output_tokens=limit,
            reasoning_tokens=min(turn.reasoning_tokens, limit),
        )
    for sequence in filter(None, request.stop):
        text = text and text.partition(sequence)[0]
    return turn if text == turn.text else replace(turn, text=text)


def prompt_tokens(request: TurnRequest) -> int:
    """Tokens of everything that the model is shown, the tools' definitions included."""
    lengths = [utf8_length(request.instructions), _tools_length(request.tools)]
    for item in request.items:
        lengths += [_length(item[key]) for key in TEXT_KEYS if key in item]
    shown = [length for length in lengths if length]
    return tokens_of_bytes(sum(shown) + max(0, len(shown) - 1))  # as one text, joined by newlines


def _length(content: Any) -> int:
    """The bytes of a string, or of the texts of a list of parts."""
    if not content:
        return 0
    if isinstance(content, str):
        return utf8_length(content)
    return utf8_length("\n".join(str(part.get("text", "")) for part in content))


_tools_lengths: dict[int, tuple[Sequence[ToolSpec], int]] = {}
"""Of the tools seen last, by identity: all turns of a group share one sequence of tools."""


def _tools_length(tools: Sequence[ToolSpec]) -> int:
    if not tools:
        return 0
    known = _tools_lengths.get(id(tools))
    if known is None or known[0] is not tools:
        if len(_tools_lengths) >= 256:
            _tools_lengths.clear()
        definitions = [[tool.name, tool.description, tool.parameters] for tool in tools]
        known = _tools_lengths[id(tools)] = (tools, utf8_length(dumps(definitions)))
    return known[1]
