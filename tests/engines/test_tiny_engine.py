"""The tiny engine through the unmodified Tinker SDK: what it samples, learns, saves and refuses."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import renderers
import tinker
from renderers.base import load_tokenizer
from tinker import types

from rft_service.engines.tiny.model import Base, Dialogue, Model
from rft_service.engines.tiny.tokenizer import decode, encode, write_tokenizer

LOOKUP = {"name": "lookup", "parameters": {"type": "object", "properties": {"key": {}}}}
TOOLS: list[Any] = [{"type": "function", "function": LOOKUP}]
QUESTION: list[Any] = [{"role": "user", "content": "What is the value of amber?"}]
DIED = 70


class Engine:
    """The engine as a process, and the SDK's client for it."""

    def __init__(self, home: Path, *options: str) -> None:
        command = [sys.executable, "-m", "rft_service.engines.tiny", "--home", str(home), "--json"]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        about = json.loads(self.process.stdout.readline())
        self.url, self.base_model = about["url"], about["base_model"]
        tokenizer = load_tokenizer(about["tokenizer"])
        self.renderer = renderers.create_renderer(tokenizer, renderers.Qwen3RendererConfig())
        self.client = tinker.ServiceClient(base_url=self.url, api_key="tml-unused")

    @property
    def prompt(self) -> list[int]:
        return self.renderer.render_ids(QUESTION, tools=TOOLS, add_generation_prompt=True)

    def fault(self, **fault: Any) -> None:
        request = urllib.request.Request(f"{self.url}/faults", json.dumps(fault).encode())
        urllib.request.urlopen(request, timeout=10).close()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(autouse=True)
def _no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINKER_TELEMETRY", "0")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    started = list[Engine]()

    def start(*options: str) -> Engine:
        started.append(Engine(tmp_path, *options))
        return started[-1]

    yield start
    for engine in started:
        engine.end()


def sample(
    client: tinker.SamplingClient, prompt: list[int], n: int = 1, **params: Any
) -> Sequence[types.SampledSequence]:
    how = types.SamplingParams(**({"max_tokens": 64, "seed": 1} | params))
    return client.sample(types.ModelInput.from_ints(prompt), n, how).result().sequences


def datum(prompt: list[int], reply: types.SampledSequence, advantage: float) -> types.Datum:
    before, logprobs = [0.0] * (len(prompt) - 1), reply.logprobs or []
    return types.Datum(
        model_input=types.ModelInput.from_ints([*prompt, *reply.tokens][:-1]),
        loss_fn_inputs={
            "target_tokens": np.array([*prompt, *reply.tokens][1:]),
            "logprobs": np.array([*before, *logprobs], np.float32),
            "advantages": np.array([*before, *[advantage] * len(logprobs)], np.float32),
        },
    )


def update(client: tinker.TrainingClient, data: list[types.Datum]) -> types.ForwardBackwardOutput:
    found = client.forward_backward(data, "importance_sampling")
    client.optim_step(types.AdamParams(learning_rate=4e-5)).result()
    return found.result()


@pytest.mark.parametrize(
    "text",
    [
        'well, "a": {"b": 1.5}\n\n',
        "<|im_start|>user\n<tool_call>",
        "naïve 日本\t😀",
        "get_price(2).<|im_end|>",
    ],
)
def test_any_text_survives_the_tokenizer_and_the_model_reads_it_alike(
    tmp_path: Path, text: str
) -> None:
    write_tokenizer(tmp_path)
    tokenizer = load_tokenizer(str(tmp_path))
    tokens = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(tokens) == text == decode(tokens)
    assert tokens == encode(text)


def test_the_base_model_can_do_everything_that_goes_wrong(start: Callable[..., Engine]) -> None:
    engine = start()
    client = engine.client.create_sampling_client(base_model=engine.base_model)
    seen = Counter[str]()
    for reply in sample(client, engine.prompt, n=400):
        parsed = engine.renderer.parse_response(reply.tokens)
        calls = [(str(call.status), call.name) for call in parsed.tool_calls]
        seen[reply.stop_reason if reply.stop_reason == "length" else str(calls or "text")] += 1
    assert seen["length"] > 0  # an endless answer
    assert seen["text"] > 0
    assert seen["[('ok', 'lookup')]"] > 0
    assert seen["[('ok', 'browse')]"] > 0  # a tool that nobody declared
    assert any("invalid_json" in kind for kind in seen)  # a malformed call


def test_what_the_model_can_answer_are_words_of_the_tools_result() -> None:
    answers = set()
    for value in ("17", "2.50"):
        dialogue = Dialogue()
        said = f"<|im_start|>user\nWhat?<|im_end|>\n<|im_start|>user\n<tool_response>\n{value}\n"
        for token in encode(f"{said}</tool_response><|im_end|>\n<|im_start|>assistant\n"):
            dialogue.read(token)
        model = Model(base := Base(), np.zeros_like(base.weights))
        pointed = model.log_probabilities(dialogue)[2]
        answers |= {decode([token]) for _, token in pointed}
    assert answers == {"1", "2"}


def test_later_turns_extend_what_was_sampled(start: Callable[..., Engine]) -> None:
    engine = start()
    client = engine.client.create_sampling_client(base_model=engine.base_model)
    for reply in sample(client, engine.prompt, n=20):
        result: list[Any] = [{"role": "tool", "content": "17"}]
        bridged = engine.renderer.bridge_to_next_turn(
            engine.prompt, reply.tokens, result, tools=TOOLS
        )
        assert bridged
        sample(client, bridged.token_ids)
    with urllib.request.urlopen(f"{engine.url}/statistics", timeout=10) as answer:
        counted = {"samples": 40, "later_turns": 20, "exact_extensions": 20, "adapters": 0}
        assert json.load(answer) == counted


def test_sampling_parameters(start: Callable[..., Engine]) -> None:
    engine = start()
    client = engine.client.create_sampling_client(base_model=engine.base_model)

    def replies(n: int = 8, **params: Any) -> list[list[int]]:
        return [reply.tokens for reply in sample(client, engine.prompt, n, **params)]

    assert replies() == replies()
    assert replies() != replies(seed=2)
    assert replies()[:3] == replies(n=3)
    greedy = replies(n=1, temperature=0)
    assert all(reply == greedy[0] for reply in replies(temperature=0, seed=3))
    assert all(reply == greedy[0] for reply in replies(top_p=1e-6))
    assert all(reply == greedy[0] for reply in replies(top_k=1))
    assert max(map(len, replies(max_tokens=3))) == 3
    call = encode("<tool_call>")
    assert any(reply == call for reply in replies(stop=call))
    assert any(decode(reply).endswith('"name') for reply in replies(stop="name"))


def test_the_gradient_is_that_of_the_objective() -> None:
    base, random = Base(), np.random.default_rng(0)
    prompt = encode("<|im_start|>user\nHow much is tea?<|im_end|>\n<|im_start|>assistant\n")
    reply = encode('<tool_call>\n{"name": "browse", "arguments": {"tea": "much tea"}}\n<|im_end|>')
    tokens, targets = [*prompt, *reply][:-1], [*prompt, *reply][1:]
    then, advantages = np.full(len(tokens), -2.0), random.normal(size=len(tokens))
    advantages[: len(prompt) - 1] = 0

    def objective(adapter: Any) -> float:
        logprobs, _ = Model(base, adapter).gradient(tokens, targets, then, advantages)
        return float(advantages @ np.exp(np.array(logprobs) - then))

    adapter = 1e-5 * random.normal(size=len(base.weights))
    _, gradient = Model(base, adapter).gradient(tokens, targets, then, advantages)
    moved = np.flatnonzero(gradient)
    assert len(moved) > 20
    for n in moved:
        step = np.zeros_like(adapter)
        step[n] = 1e-9  # times LORA_SCALE
        slope = (objective(adapter + step) - objective(adapter - step)) / 2e-5
        assert slope == pytest.approx(gradient[n], rel=1e-3, abs=1e-6)


def test_training_raises_what_was_rewarded(start: Callable[..., Engine]) -> None:
    engine = start()
    client = engine.client.create_lora_training_client(engine.base_model)
    sampler = client.save_weights_and_get_sampling_client()
    good, bad = sample(sampler, engine.prompt, 40, temperature=0.0)[:1], list[Any]()
    for reply in sample(sampler, engine.prompt, 40):
        if reply.tokens != good[0].tokens:
            bad.append(reply)
    data = [datum(engine.prompt, good[0], 1.0), datum(engine.prompt, bad[0], -1.0)]
    before = update(client, data)
    after = update(client, data)
    first, last = (
        [out["logprobs"].to_numpy() for out in r.loss_fn_outputs] for r in (before, after)
    )
    start_of_reply = len(engine.prompt) - 1
    assert first[0][start_of_reply:] == pytest.approx(good[0].logprobs_np, abs=1e-5)
    assert last[0].sum() > first[0].sum()
    assert last[1].sum() < first[1].sum()


def test_a_saved_state_survives_the_engine(start: Callable[..., Engine]) -> None:
    engine = start()
    client = engine.client.create_lora_training_client(engine.base_model)
    prompt = engine.prompt
    replies = sample(client.save_weights_and_get_sampling_client(), prompt, 4)
    data = [datum(prompt, reply, (-1.0) ** n) for n, reply in enumerate(replies)]
    update(client, data)
    state = client.save_state("step-1").result().path
    weights = client.save_weights_for_sampler("step-1").result().path
    update(client, data)
    expected = update(client, data).loss_fn_outputs
    engine.end()

    again = start()
    resumed = again.client.create_training_client_from_state_with_optimizer(state)
    assert sample(again.client.create_sampling_client(model_path=weights), prompt, 20)
    update(resumed, data)
    found = update(resumed, data).loss_fn_outputs
    for one, other in zip(found, expected, strict=True):
        assert one["logprobs"].tolist() == other["logprobs"].tolist()
    asyncio.run(delete(again.client, state))
    with pytest.raises(tinker.APIStatusError, match="does not exist"):
        again.client.create_training_client_from_state(state)


async def delete(client: tinker.ServiceClient, path: str) -> None:
    await client.create_rest_client().delete_checkpoint_from_tinker_path_async(path)


def test_injected_faults(start: Callable[..., Engine]) -> None:
    engine = start("--faults")
    client = engine.client.create_lora_training_client(engine.base_model)
    sampler = client.save_weights_and_get_sampling_client()
    engine.fault(path="asample", status=429, times=1)
    reply = sample(sampler, engine.prompt)[0]  # the SDK waits a second and asks again
    engine.fault(path="forward_backward", die=True)
    client.forward_backward([datum(engine.prompt, reply, 1.0)], "importance_sampling")
    assert engine.process.wait(timeout=30) == DIED


def test_faults_are_off_by_default(start: Callable[..., Engine]) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        start().fault(path="asample")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda e: e.client.create_lora_training_client("gpt-9"), "gpt-9 is not a model"),
        (lambda e: e.client.create_sampling_client(base_model="gpt-9"), "gpt-9 is not a model"),
        (
            lambda e: e.client.create_sampling_client(model_path="tinker://a/weights/b"),
            "tinker://a/weights/b does not exist",
        ),
        (
            lambda e: sample(e.client.create_sampling_client(base_model="tiny"), [1] * 9000),
            "does not fit",
        ),
    ],
)
def test_what_the_engine_refuses(
    start: Callable[..., Engine], wrong: Callable[[Engine], Any], says: str
) -> None:
    with pytest.raises((tinker.APIStatusError, tinker.RequestFailedError), match=says):
        wrong(start())


def test_it_prints_the_command_that_trains_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rft_service.engines.tiny", "--home", str(tmp_path)]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        told = [process.stdout.readline() for _ in range(5)]
        process.terminate()
    folder = tmp_path / "tokenizer"
    assert f"--base-model tiny --tokenizer {folder}" in told[-1]
    assert folder.is_dir()
