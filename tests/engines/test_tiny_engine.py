"""The tiny engine through the unmodified Tinker SDK: what it samples and refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
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
from tests.engines.tiny_engine import TinyEngine

LOOKUP = {"name": "lookup", "parameters": {"type": "object", "properties": {"key": {}}}}
TOOLS: list[Any] = [{"type": "function", "function": LOOKUP}]
QUESTION: list[Any] = [{"role": "user", "content": "What is the value of amber?"}]


class Engine(TinyEngine):
    """The engine as a process, with the SDK's client and the renderer for it."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, faults=False)
        tokenizer = load_tokenizer(self.tokenizer)
        self.renderer = renderers.create_renderer(tokenizer, renderers.Qwen3RendererConfig())
        self.sdk = tinker.ServiceClient(base_url=self.url, api_key="tml-unused")

    @property
    def prompt(self) -> list[int]:
        return self.renderer.render_ids(QUESTION, tools=TOOLS, add_generation_prompt=True)


@pytest.fixture(autouse=True)
def _no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINKER_TELEMETRY", "0")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One that only samples, and so stays as it is."""
    with Engine(tmp_path_factory.mktemp("engine")) as process:
        yield process


def sample(
    client: tinker.SamplingClient, prompt: list[int], n: int = 1, **params: Any
) -> Sequence[types.SampledSequence]:
    how = types.SamplingParams(**({"max_tokens": 64, "seed": 1} | params))
    return client.sample(types.ModelInput.from_ints(prompt), n, how).result().sequences


def test_any_text_survives_the_tokenizer_and_the_model_reads_it_alike(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    tokenizer = load_tokenizer(str(tmp_path))
    for text in (
        'well, "a": {"b": 1.5}\n\n',
        "<|im_start|>user\n<tool_call>",
        "naïve 日本\t😀",
        "get_price(2).<|im_end|>",
    ):
        tokens = tokenizer.encode(text, add_special_tokens=False)
        assert tokenizer.decode(tokens) == text == decode(tokens)
        assert tokens == encode(text)


def test_the_base_model_can_do_everything_that_goes_wrong(engine: Engine) -> None:
    client = engine.sdk.create_sampling_client(base_model="tiny")
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


def test_sampling_parameters(engine: Engine) -> None:
    client = engine.sdk.create_sampling_client(base_model="tiny")

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


def test_faults_are_off_by_default(engine: Engine) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        engine.fault("asample")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda e: e.sdk.create_lora_training_client("gpt-9"), "gpt-9 is not a model"),
        (lambda e: e.sdk.create_sampling_client(base_model="gpt-9"), "gpt-9 is not a model"),
        (
            lambda e: e.sdk.create_sampling_client(model_path="tinker://a/weights/b"),
            "tinker://a/weights/b does not exist",
        ),
        (
            lambda e: sample(e.sdk.create_sampling_client(base_model="tiny"), [1] * 9000),
            "does not fit",
        ),
    ],
    ids=["to train", "to sample", "saved weights", "a long prompt"],
)
def test_what_the_engine_refuses(engine: Engine, wrong: Callable[[Engine], Any], says: str) -> None:
    with pytest.raises((tinker.APIStatusError, tinker.RequestFailedError), match=says):
        wrong(engine)


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
