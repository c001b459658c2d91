"""The tiny engine's server: the requests of Tinker's Python SDK 0.25 that a training job needs.

Operations answer with the ID of a future, which the SDK polls at `retrieve_future`; here the work
is done before the ID is returned. Samples and gradients travel as protobuf, all else as JSON, as
`tinker/resources` and `tinker/proto` in the SDK define them. An adapter lives in memory; what is
saved lies in `checkpoints/` of the home folder and survives a restart.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tinker.proto import tinker_public_pb2 as pb

from rft_service.engines.tiny.adapter import Adapter
from rft_service.engines.tiny.model import IM_END, RESULT, Array, Base, Dialogue, Model, Sampling

MODEL_NAME = "tiny"
CONTEXT_TOKENS = 8192
KEPT_FUTURES = 10_000  # the SDK may ask for a result again
PROTOBUF = "application/x-protobuf"
DIED = 70  # the exit status of an injected death
Json = dict[str, Any]


class BadRequestError(Exception):
    """The request cannot be carried out; the message says why."""


@dataclass
class Fault:
    """What tests inject with `POST /faults`: the next `times` requests to `path` (all, if empty)
    get `status`, or the server dies when it has done the work and not yet said so."""

    path: str = ""
    status: int = 429
    times: int = 1
    die: bool = False


@dataclass
class Server:
    """The endpoints, by name; each takes a request's JSON or message and returns the result."""

    home: Path
    base: Base = field(default_factory=Base)
    adapters: dict[str, Adapter] = field(default_factory=dict)
    sampled: dict[str, Model] = field(default_factory=dict)  # by sampling session
    futures: OrderedDict[str, Json | bytes] = field(default_factory=OrderedDict)
    faults: list[Fault] = field(default_factory=list)
    said: set[int] = field(default_factory=set)  # hashes of a prompt and its reply
    statistics: dict[str, int] = field(
        default_factory=lambda: {"samples": 0, "later_turns": 0, "exact_extensions": 0}
    )

    def counts(self) -> dict[str, int]:
        return self.statistics | {"adapters": len(self.adapters)}

    # Answered at once

    def get_server_capabilities(self) -> Json:
        model = {"model_name": MODEL_NAME, "max_context_length": CONTEXT_TOKENS}
        return {"supported_models": [model]}

    def create_session(self, _body: Json) -> Json:
        return {"session_id": f"session-{secrets.token_hex(4)}"}

    def create_sampling_session(self, body: Json) -> Json:
        path = body.get("model_path")
        if not path:
            self._check_model(body.get("base_model"))
        adapter = self._load(path, with_optimizer=False) if path else Adapter.zero(self._size)
        return {"sampling_session_id": self._sampling_session(adapter)}

    def weights_info(self, body: Json) -> Json:
        adapter = self._load(body["tinker_path"], with_optimizer=False)
        trained = dict.fromkeys(("train_unembed", "train_mlp", "train_attn"), True)
        return {"base_model": MODEL_NAME, "is_lora": True, "lora_rank": adapter.rank, **trained}

    def get_info(self, body: Json) -> Json:
        self._adapter(body["model_id"])
        return {"model_id": body["model_id"], "model_data": {"model_name": MODEL_NAME}}

    # Answered by a future

    def create_model(self, body: Json) -> Json:
        self._check_model(body["base_model"])
        name = f"{body['session_id']}-{body['model_seq_id']}"
        self.adapters[name] = Adapter.zero(self._size)
        self.adapters[name].rank = (body.get("lora_config") or {}).get("rank", 32)
        return {"model_id": name}

    def unload_model(self, body: Json) -> Json:
        self.adapters.pop(body["model_id"], None)
        return {"model_id": body["model_id"]}

    def load_weights(self, body: Json) -> Json:
        self._adapter(body["model_id"])
        loaded = self._load(body["path"], with_optimizer=body["optimizer"])
        self.adapters[body["model_id"]] = loaded
        return {"path": body["path"], "model_id": body["model_id"]}

    def save_weights(self, body: Json) -> Json:
        return {"path": self._save(body, "weights", overwrite=body["overwrite"])}

    def save_weights_for_sampler(self, body: Json) -> Json:
        if body.get("path") is None:
            adapter = self._adapter(body["model_id"])
            return {"sampling_session_id": self._sampling_session(adapter)}
        return {"path": self._save(body, "sampler_weights", overwrite=True)}

    def optim_step(self, body: Json) -> Json:
        adapter = self._adapter(body["model_id"])
        return {"metrics": {"grad_norm": adapter.step(body["adam_params"])}}

    def forward_backward(self, request: pb.ForwardBackwardRequest) -> bytes:
        """Tinker's loss importance_sampling, a sum over tokens: minus the advantage, times the
        ratio of the token's probabilities now and when it was sampled."""
        if request.loss_fn != "importance_sampling":
            raise BadRequestError(f"{request.loss_fn} is not a loss of this engine's")
        adapter = self._adapter(request.model_id)
        model, loss, found = Model(self.base, adapter.vector), 0.0, list[Array]()
        for datum in request.data:
            inputs = {name: array(tensor) for name, tensor in datum.loss_fn_inputs.items()}
            then, advantages = inputs["logprobs"], inputs["advantages"]
            tokens, targets = tokens_of(datum.model_input), inputs["target_tokens"].astype(int)
            if not len(tokens) == len(targets) == len(then) == len(advantages):
                raise BadRequestError("model_input and loss_fn_inputs must be of the same length")

            logprobs, gradient = model.gradient(tokens, targets.tolist(), then, advantages)
            if not request.forward_only:
                adapter.gradient += gradient
            loss -= float(advantages @ np.exp(np.array(logprobs) - then))
            found.append(np.array(logprobs, np.float32))
        return forward_backward_output(found, loss)

    def asample(self, body: Json) -> bytes:
        model = self.sampled.get(body.get("sampling_session_id") or "")
        if model is None:
            raise BadRequestError(
                "this sampling session does not exist here (was the engine started again?); "
                "create a sampling client"
            )
        prompt = [token for chunk in body["prompt"]["chunks"] for token in chunk["tokens"]]
        how, seed = sampling(body["sampling_params"], CONTEXT_TOKENS - len(prompt))
        dialogue = Dialogue()
        for token in prompt:
            dialogue.read(token)
        answer = pb.SampleResponse()
        self._note_extension(prompt)
        for number in range(body["num_samples"]):
            random = np.random.default_rng(None if seed is None else (seed, number))
            tokens, logprobs, ended = model.sample(dialogue, how, random)
            self.said.add(hash((*prompt, *tokens)))
            sequence = answer.sequences.add()
            sequence.stop_reason = pb.STOP_REASON_STOP if ended else pb.STOP_REASON_LENGTH
            sequence.tokens = np.array(tokens, np.int32).tobytes()
            sequence.logprobs = np.array(logprobs, np.float32).tobytes()
        self.statistics["samples"] += body["num_samples"]
        return bytes(answer.SerializeToString())

    def delete(self, path: str) -> None:
        self._file(path).unlink(missing_ok=True)

    @property
    def _size(self) -> int:
        return len(self.base.weights)

    def _adapter(self, model_id: str) -> Adapter:
        try:
            return self.adapters[model_id]
        except KeyError:
            raise BadRequestError(
                f"{model_id} does not exist here (was the engine started again?); create a "
                "training client from a saved state"
            ) from None

    def _sampling_session(self, adapter: Adapter) -> str:
        name = f"sampling-{secrets.token_hex(8)}"
        self.sampled[name] = Model(self.base, adapter.vector)
        return name

    def _check_model(self, name: str | None) -> None:
        if name != MODEL_NAME:
            raise BadRequestError(f"{name} is not a model of this engine; use {MODEL_NAME}")

    def _save(self, body: Json, kind: str, *, overwrite: bool) -> str:
        path = f"tinker://{body['model_id']}/{kind}/{body['path']}"
        file, adapter = self._file(path), self._adapter(body["model_id"])
        if file.exists() and not overwrite:
            raise BadRequestError(f"{path} exists already; choose another name")
        adapter.save(file)
        return path

    def _load(self, path: str, *, with_optimizer: bool) -> Adapter:
        file = self._file(path)
        if not file.exists():
            raise BadRequestError(f"{path} does not exist")
        return Adapter.load(file, with_optimizer=with_optimizer)

    def _file(self, path: str) -> Path:
        parts = re.fullmatch(r"tinker://([\w-]+)/(weights|sampler_weights)/(\w[\w.-]*)", path)
        if not parts:
            raise BadRequestError(
                f"{path} is not tinker://MODEL/weights/NAME or tinker://MODEL/sampler_weights/NAME "
                "with names of letters, digits, dots and hyphens"
            )
        return self.home / "checkpoints" / parts[1] / parts[2] / f"{parts[3]}.npz"

    def _note_extension(self, prompt: Sequence[int]) -> None:
        """Count whether the prompt of a later turn extends tokens that were sampled here."""
        ends = [n for n, token in enumerate(prompt, 1) if token == IM_END]
        if RESULT in prompt:
            self.statistics["later_turns"] += 1
            starts = (tuple(prompt[:n]) for end in ends for n in (end, end - 1))
            self.statistics["exact_extensions"] += any(hash(start) in self.said for start in starts)


def sampling(params: Json, room: int) -> tuple[Sampling, int | None]:
    """How to sample, and the seed. `room` is what the context window has left, in tokens."""
    if room <= 0:
        raise BadRequestError(f"the prompt does not fit the {CONTEXT_TOKENS} tokens of the context")
    stop = params.get("stop") or ()
    how = Sampling(
        max_tokens=min(params.get("max_tokens") or room, room),
        temperature=params.get("temperature", 1.0),
        top_p=params.get("top_p", 1.0),
        top_k=params.get("top_k", -1),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
    )
    return how, params.get("seed")


def tokens_of(chunks: Sequence[pb.Chunk]) -> list[int]:
    found = [np.frombuffer(chunk.encoded_text.tokens, np.int32) for chunk in chunks]
    return [int(token) for token in np.concatenate(found)]


def array(tensor: pb.Tensor) -> Array:
    kind = np.int64 if tensor.dtype == pb.DTYPE_INT64 else np.float32
    return np.frombuffer(tensor.dense, kind).astype(np.float64)


def forward_backward_output(logprobs: Sequence[Array], loss: float) -> bytes:
    record = pb.ArrayRecord(num_datums=len(logprobs))
    offsets = np.cumsum([0, *(found.nbytes for found in logprobs)])
    record.fields["logprobs"].CopyFrom(
        pb.BatchedTensor(
            data=b"".join(found.tobytes() for found in logprobs),
            offsets=offsets.astype(np.int64).tobytes(),
            dtype=pb.DTYPE_FLOAT32,
        )
    )
    output = pb.ForwardBackwardOutput(loss_fn_output_type="ArrayRecord", loss_fn_outputs=[record])
    output.metrics["loss:sum"] = loss
    return bytes(output.SerializeToString())


AT_ONCE = ("create_session", "create_sampling_session", "weights_info", "get_info")
LATER = (
    *("create_model", "unload_model", "load_weights", "save_weights", "save_weights_for_sampler"),
    *("forward_backward", "optim_step", "asample"),
)


def create_app(home: Path, *, with_faults: bool = False) -> Starlette:
    """The server, with its state in `home`; `with_faults` adds `POST /faults` for tests."""
    server, lock = Server(home), threading.Lock()

    def work(name: str, raw: bytes, body: Json) -> Response:
        """Do the work of a request, one at a time."""
        with lock:
            fault = next((f for f in server.faults if f.path in ("", name) and f.times > 0), None)
            if fault:
                fault.times -= 1
                if not fault.die:
                    detail = {"detail": "a fault that was asked for"}
                    return JSONResponse(detail, status_code=fault.status)
            try:
                argument = pb.ForwardBackwardRequest.FromString(raw) if raw else body
                result = getattr(server, name)(argument)
            except BadRequestError as error:
                if name in AT_ONCE:
                    return JSONResponse({"detail": f"{error}."}, status_code=400)
                result = {"error": str(error), "category": "user"}
            if fault:
                os._exit(DIED)
            if name in AT_ONCE:
                return JSONResponse(result)
            future = f"future-{secrets.token_hex(8)}"
            server.futures[future] = result
            if len(server.futures) > KEPT_FUTURES:
                server.futures.popitem(last=False)
            return JSONResponse({"request_id": future})

    async def call(request: Request) -> Response:
        name = request.url.path.rsplit("/", 1)[1]
        packed = request.headers.get("content-type") == PROTOBUF
        raw, body = (await request.body(), {}) if packed else (b"", await request.json())
        return await run_in_threadpool(work, name, raw, body)

    async def retrieve_future(request: Request) -> Response:
        result = server.futures.get((await request.json())["request_id"])
        if result is None:  # made before the engine was started again: 410 lets the SDK ask anew
            return JSONResponse({"detail": "this future does not exist here"}, status_code=410)
        if isinstance(result, bytes):
            return Response(result, media_type=PROTOBUF)
        return JSONResponse(result)

    async def delete(request: Request) -> Response:
        model, kind, name = (request.path_params[part] for part in ("model", "kind", "name"))
        with lock:
            server.delete(f"tinker://{model}/{kind}/{name}")
        return Response(status_code=204)

    async def add_fault(request: Request) -> Response:
        server.faults.append(Fault(**await request.json()))
        return JSONResponse({})

    def constant(answer: Json) -> Callable[[Request], JSONResponse]:
        return lambda _request: JSONResponse(answer)

    api = "/api/v1"
    routes = [
        *(Route(f"{api}/{name}", call, methods=["POST"]) for name in (*AT_ONCE, *LATER)),
        Route(f"{api}/retrieve_future", retrieve_future, methods=["POST"]),
        Route(f"{api}/get_server_capabilities", constant(server.get_server_capabilities())),
        Route(f"{api}/healthz", constant({"status": "ok"})),
        Route(f"{api}/client/config", constant({}), methods=["POST"]),
        Route(f"{api}/client/dynamic_config", constant({}), methods=["POST"]),
        Route(f"{api}/session_heartbeat", constant({}), methods=["POST"]),
        Route(f"{api}/telemetry", constant({"status": "accepted"}), methods=["POST"]),
        Route(
            f"{api}/training_runs/{{model}}/checkpoints/{{kind}}/{{name}}",
            delete,
            methods=["DELETE"],
        ),
        Route("/statistics", lambda _request: JSONResponse(server.counts())),
    ]
    if with_faults:
        routes.append(Route("/faults", add_fault, methods=["POST"]))
    return Starlette(routes=routes)
