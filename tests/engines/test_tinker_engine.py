"""The life of a job on an engine: the real SDK, over HTTP, against the tiny engine."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessage
from starlette.responses import JSONResponse

from rft_service.engines.tinker import create
from rft_service.server import options, serve
from rft_wire.client import EndpointLimits
from tests.engines.tiny_engine import (
    LOOKUP,
    OPTIONS,
    TRAIN,
    VALIDATION,
    TinyEngine,
    customer,
    found,
    job,
    rows_of,
)
from tests.service.conftest import Running, running
from tests.service.customer import EQUAL, Customer, jsonl, tool_answer
from tests.service.processes import ROOT, Process
from tests.service.servers import closed_port, served

KEY = "tml-a-key-that-nobody-may-read"
STEPS = 8
TOOL: Any = {"type": "function", **LOOKUP["function"], "strict": False}  # type: ignore[dict-item]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TinyEngine]:
    with TinyEngine(tmp_path / "engine") as process:
        yield process


@pytest.fixture(scope="module")
def idle_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyEngine]:
    """One that is asked little and stays as it is."""
    with TinyEngine(tmp_path_factory.mktemp("engine")) as process:
        yield process


@pytest.fixture(scope="module")
def customer_url() -> Iterator[str]:
    with served(customer().app()) as url:
        yield url


@pytest.fixture(scope="module")
def calm(
    tmp_path_factory: pytest.TempPathFactory, idle_engine: TinyEngine, customer_url: str
) -> list[tuple[Any, ...]]:
    """What each step of a job measures that nothing disturbs."""
    home = tmp_path_factory.mktemp("calm")
    with running(home, engine=lambda _: idle_engine.client()) as service:
        job_id = launch(service, customer_url)
        assert service.wait(job_id).status == "succeeded", service.messages(job_id)
        return numbers(service, job_id)


def upload(client: openai.OpenAI, content: bytes, name: str) -> str:
    return client.files.create(file=(name, io.BytesIO(content)), purpose="fine-tune").id


def launch(service: Running, url: str, model: str = "tiny", **more: Any) -> str:
    files = {
        "training_file": upload(service.client, TRAIN, "train.jsonl"),
        "validation_file": upload(service.client, VALIDATION, "valid.jsonl"),
    }
    return service.client.fine_tuning.jobs.create(**files, **job(url, model, **more)).id


def wait_until(true: Callable[[], object]) -> None:
    for _ in range(1_200):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within a minute")


def numbers(service: Running, job_id: str) -> list[tuple[Any, ...]]:
    """What each step measured, but for times."""
    keys = ("step", "train_mean_reward", "full_valid_mean_reward", "update", "stop_reasons")
    return [tuple(data[key] for key in keys) for data in service.steps(job_id)]


def test_a_job_learns_extends_every_turn_and_goes_on_after_a_kill(
    tmp_path: Path, engine: TinyEngine, customer_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINKER_API_KEY", KEY)
    home = tmp_path / "service"
    with Process(home, *engine.options) as process:
        service = process.service
        calm = launch(service, customer_url, n_epochs=2)
        assert service.wait(calm).status == "succeeded", service.messages(calm)
        undisturbed = numbers(service, calm)
        killed = launch(service, customer_url, n_epochs=2)
        wait_until(lambda: len(service.steps(killed)) >= 3)
        process.kill()
    with Process(home, *engine.options) as process:
        service, client = process.service, process.service.client
        done = service.wait(killed)
        assert done.status == "succeeded", service.messages(killed)
        assert any(m.startswith("Fine-tuning job resumed") for m in service.messages(killed))
        assert numbers(service, killed) == undisturbed

        data = service.steps(killed)
        assert [step["step"] for step in data] == list(range(1, STEPS + 1))
        rewards = [step["train_mean_reward"] for step in data]
        assert fmean(rewards[-3:]) > rewards[0] + 0.5
        updates = [step["update"] for step in data if step["update"]]
        assert updates
        for update in updates:
            assert update["extended_turns"] == update["later_turns"] > 0
            assert update["entropy"] > 0
            assert update["gradient_norm"] > 0
            assert update["logprob_gap"] < 1e-5
        assert "model_latency_mean" in data[0]["timing"]["rollouts"]
        outputs = tool_outputs(service, killed, step=1)
        assert any(output.startswith("Error: there is no tool 'browse'") for output in outputs)

        tuned, question = done.fine_tuned_model or "", "What is the value of key7"
        assert answer_of(client, tuned, question) == "1007"
        said = client.chat.completions.create(
            model="tiny",
            messages=[{"role": "user", "content": question}],
            max_completion_tokens=1,
            temperature=0,
        )
        assert said.choices[0].finish_reason == "length"
        assert said.usage is not None
        assert said.usage.completion_tokens == 1
        text = "".join(
            path.read_text(errors="replace") for path in home.rglob("*") if path.is_file()
        )
        process.child.terminate()
        log = process.child.communicate()[1]
        assert KEY not in text + log
    counted = engine.statistics()
    assert counted["later_turns"] > 100
    # Up to four have no previous turn: an API client sends items and not tokens.
    assert counted["exact_extensions"] >= counted["later_turns"] - 4


def answer_of(client: openai.OpenAI, model: str, question: str) -> str:
    """The model's answer, after the calls that it makes: the loop that a customer writes."""
    said: list[Any] = [{"role": "user", "content": question}]
    for _ in range(4):
        response = client.responses.create(model=model, input=said, tools=[TOOL], temperature=0)
        said += [item.model_dump(exclude_none=True) for item in response.output]
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return response.output_text
        said += [
            {"type": "function_call_output", "call_id": c.call_id, "output": found(c.arguments)}
            for c in calls
        ]
    raise AssertionError("the model does not stop calling its tool")


def tool_outputs(service: Running, job_id: str, step: int) -> list[str]:
    return [
        item["output"]
        for rollout in service.rollouts(job_id, step=step)
        for item in rollout["trace"]
        if item.get("type") == "function_call_output"
    ]


def test_adapters_and_saved_states_that_nothing_needs_are_given_up(
    tmp_path: Path, engine: TinyEngine, customer_url: str
) -> None:
    client = engine.client(samplers="1")
    with running(tmp_path / "service", engine=lambda _: client) as service:
        job_id = launch(service, customer_url, eval_interval=2)
        done = service.wait(job_id)
        wait_until(lambda: engine.statistics()["adapters"] == 0)
        models = [
            one.fine_tuned_model_checkpoint
            for one in service.client.fine_tuning.jobs.checkpoints.list(job_id)
        ]
        for model in models:
            answer_of(service.client, model, "What is the value of key7")
        wait_until(lambda: engine.statistics()["adapters"] == 1)
        saved = engine.home / "checkpoints"
        assert len(list(saved.rglob("*.npz"))) == len(models) == 2  # the last is the final model
        for model in [done.fine_tuned_model or "", *models]:
            service.client.models.delete(model)
        assert len(list(saved.rglob("*.npz"))) == 1  # the job's own resume point


def test_an_engine_that_is_busy_costs_time_only(
    tmp_path: Path, engine: TinyEngine, customer_url: str, calm: list[tuple[Any, ...]]
) -> None:
    with running(tmp_path / "service", engine=lambda _: engine.client()) as service:
        for path in ("asample", "forward_backward"):
            engine.fault(path, status=429, times=2)
        job_id = launch(service, customer_url)
        assert service.wait(job_id).status == "succeeded"
        assert numbers(service, job_id) == calm
        assert not any(message.startswith("Waiting") for message in service.messages(job_id))


@pytest.mark.parametrize("path", ["asample", "optim_step", "save_weights"])
def test_an_engine_that_dies_in_a_step_pauses_the_job_which_resumes_from_its_last_state(
    tmp_path: Path, engine: TinyEngine, customer_url: str, calm: list[tuple[Any, ...]], path: str
) -> None:
    """The step is made again from the state before it, whatever had been done of it."""
    limits = EndpointLimits(timeout_s=60.0, first_pause_s=0.01, patience_s=0.5)
    made: dict[str, Any] = {"engine": lambda _: engine.client(grace_s="0.3"), "limits": limits}
    with running(tmp_path / "service", **made) as service:
        job_id = launch(service, customer_url)
        wait_until(lambda: len(service.steps(job_id)) >= 1)
        engine.fault(path, die=True)
        service.wait(job_id, "paused")
        last = service.messages(job_id)[-1]
        assert last.startswith(f"The job has been paused: {engine.url} ")
        assert "for 0.5 seconds. Start its server again at that address, or fix it, then" in last
        assert f"(POST /v1/fine_tuning/jobs/{job_id}/resume)." in last
        with pytest.raises(openai.InternalServerError, match="The engine at http"):
            service.client.responses.create(model="tiny", input="What is it")
        with TinyEngine(engine.home, engine.port):
            service.client.fine_tuning.jobs.resume(job_id)
            assert service.wait(job_id).status == "succeeded", service.messages(job_id)
            assert numbers(service, job_id) == calm


def test_a_job_waits_for_an_engine_that_is_started_again(
    tmp_path: Path, engine: TinyEngine, customer_url: str
) -> None:
    made = {"engine": lambda _: engine.client(grace_s="0.3")}
    with running(tmp_path / "service", **made) as service:
        engine.fault("optim_step", die=True)
        job_id = launch(service, customer_url)
        wait_until(lambda: any(m.startswith("Waiting for") for m in service.messages(job_id)))
        with TinyEngine(engine.home, engine.port):
            assert service.wait(job_id).status == "succeeded", service.messages(job_id)
        said = service.messages(job_id)
        assert any(m == f"{engine.url} answers again." for m in said)


def test_what_the_engine_refuses_pauses_the_job_with_its_words(
    tmp_path: Path, engine: TinyEngine, customer_url: str
) -> None:
    with running(tmp_path / "service", engine=lambda _: engine.client()) as service:
        engine.fault("optim_step", status=400)
        job_id = launch(service, customer_url)
        service.wait(job_id, "paused")
        said = service.messages(job_id)[-1]
        assert "refused to update the weights" in said
        assert "a fault that was asked for" in said
        service.client.fine_tuning.jobs.resume(job_id)
        assert service.wait(job_id).status == "succeeded"


def test_a_sample_that_the_engine_refuses_discards_its_rollouts(
    tmp_path: Path, engine: TinyEngine, customer_url: str
) -> None:
    with running(tmp_path / "service", engine=lambda _: engine.client()) as service:
        engine.fault("asample", status=400)
        job_id = launch(service, customer_url, grader=EQUAL)
        assert service.wait(job_id).status == "succeeded"
        first = service.steps(job_id)[0]
        assert first["errors"]["by_reason"] == {"model_failed": 8}  # a group's first turns
        said = "8 of 40 rollouts were discarded: 8 x sampling failed: EngineError: the engine at "
        assert any(said in message for message in service.messages(job_id))


def called(message: ChatCompletionMessage) -> str:
    calls: list[Any] = message.tool_calls or []
    return "".join(call.function.name + call.function.arguments for call in calls)


def test_sampling_parameters_reach_the_engine(tmp_path: Path, idle_engine: TinyEngine) -> None:
    with running(tmp_path / "service", engine=lambda _: idle_engine.client()) as service:
        asked: Any = {
            "model": "tiny",
            "messages": said_by_user("What is the value of key7"),
            "tools": [LOOKUP],
            "n": 8,
        }
        for parameter in ({"temperature": 0}, {"top_p": 0.01}, {}):
            said = service.client.chat.completions.create(**asked, **parameter)
            answers = {str(one.message.content) + called(one.message) for one in said.choices}
            assert (len(answers) == 1) == bool(parameter)


def test_pause_resume_and_cancel(
    tmp_path: Path, engine: TinyEngine, customer_url: str, calm: list[tuple[Any, ...]]
) -> None:
    with running(tmp_path / "service", engine=lambda _: engine.client()) as service:
        jobs = service.client.fine_tuning.jobs
        paused, cancelled = (launch(service, customer_url) for _ in range(2))
        wait_until(lambda: service.steps(paused))
        jobs.pause(paused)
        wait_until(lambda: service.steps(cancelled))
        jobs.cancel(cancelled)
        jobs.resume(paused)
        assert service.wait(paused).status == "succeeded"
        assert numbers(service, paused) == calm
        assert service.wait(cancelled).status == "cancelled"


def test_length_and_context_end_a_rollout_and_are_graded(
    tmp_path: Path, engine: TinyEngine
) -> None:
    def long_result(body: dict[str, Any]) -> JSONResponse:
        return JSONResponse(tool_answer(body, "entry has 1 " + "x" * 600))

    made = {"context_window_tokens": "1000", "max_tokens": "40"}
    with (
        served(Customer(tool=long_result).app()) as url,
        running(tmp_path / "service", engine=lambda _: engine.client(**made)) as service,
    ):
        job_id = launch(service, url)
        service.wait(job_id)
        found = [step["stop_reasons"]["train"] for step in service.steps(job_id)]
        assert any(reasons.get("context_full") for reasons in found)
        assert any(reasons.get("length_limit") for reasons in found)
        assert not any("discarded" in message for message in service.messages(job_id))
        with pytest.raises(openai.BadRequestError, match="this model reads 1000 at most"):
            service.client.responses.create(model="tiny", input="x" * 1000)


def test_rows_are_counted_in_the_models_own_tokens(
    tmp_path: Path, idle_engine: TinyEngine, customer_url: str
) -> None:
    """Each of these digits is a token to the tiny model."""
    client = idle_engine.client(context_window_tokens="1000")
    with running(tmp_path / "service", engine=lambda _: client) as service:
        rows = [*rows_of(0, 10), {**rows_of(10, 1)[0], "messages": said_by_user("7" * 900)}]
        file = upload(service.client, jsonl(rows), "long.jsonl")
        failed = service.wait(
            service.client.fine_tuning.jobs.create(
                training_file=file, validation_file=file, **job(customer_url, "tiny")
            ).id
        )
        assert failed.error is not None
        expected = r"long.jsonl: line 11, messages: 1\d\d\d tokens, .*; tiny reads 1000 at most"
        assert re.search(expected, failed.error.message)


def said_by_user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


class Recorder:
    """A client's requests as bytes, but for what differs by chance: address, key, boundary."""

    def __init__(self, service: Running) -> None:
        self.requests = list[tuple[str, str, bytes]]()
        http = httpx.Client(event_hooks={"request": [self._record]})
        self.client = openai.OpenAI(
            base_url=service.client.base_url, api_key=service.key, http_client=http
        )

    def _record(self, request: httpx.Request) -> None:
        kind = request.headers.get("content-type", "")
        boundary = kind.partition("boundary=")[2].encode()
        body = request.read().replace(boundary, b"") if boundary else request.read()
        self.requests.append((request.method, request.url.path, body))


def test_the_same_requests_train_the_simulated_model_and_a_model_of_the_engine(
    tmp_path: Path, engine: TinyEngine, customer_url: str
) -> None:
    """Files, job and everything after it, byte for byte: only the service's options differ."""
    served_as = ("--engine-option", "served_as=sim-agent-mini")
    recorded = []
    for given in (("--engine", "simulated"), (*engine.options, *served_as)):
        home = tmp_path / given[1]
        with Process(home, "--id-seed", "same", *given) as process:
            recorder = Recorder(process.service)
            process.service.client = recorder.client
            job_id = launch(process.service, customer_url, "sim-agent-mini")
            sent = list(recorder.requests)
            assert process.service.wait(job_id).status == "succeeded"
            recorded.append(sent)
    simulated, real = recorded
    assert len(real) == 3
    assert real == simulated


def test_without_the_extra_the_service_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['tinker'] = None; from rft_service.server import options, serve"
    code += f"; sys.exit(serve(options(['--home', {str(tmp_path)!r}, '--engine', 'tinker'])))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "python -m pip install 'tinker>=0.25,<0.26' 'renderers>=0.1.12,<0.2'`" in done.stderr
    assert done.stderr.count("\n") == 1


WRONG = {
    "no key": ({"engine_url": ""}, "set TINKER_API_KEY, or name another engine"),
    "no tokenizer": ({"tokenizer": ""}, "give --tokenizer FOLDER"),
    "no folder": ({"tokenizer": "/nowhere"}, "/nowhere: not a folder"),
    "no tokenizer in it": ({"tokenizer": "/proc"}, "/proc: no usable tokenizer"),
    "another model": ({"base_model": "huge"}, "--base-model 'huge': .* offers tiny"),
    "a renderer": ({"renderer": "qwen9"}, "choose another with --engine-option renderer=NAME"),
    "an option": ({"speed": "9"}, "--engine-option speed: Extra inputs are not permitted"),
    "a value": ({"group_size": "one"}, "--engine-option group_size: .*integer"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_options_are_named_with_the_fix(
    idle_engine: TinyEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    engine = idle_engine
    monkeypatch.delenv("TINKER_API_KEY", raising=False)
    right = {"engine_url": engine.url, "base_model": "tiny", "tokenizer": engine.tokenizer}
    changed, said = WRONG[what]
    with pytest.raises(ValueError, match=said):
        create(tmp_path, **{**right, **OPTIONS, **changed})


def test_an_engine_that_does_not_answer_and_a_key_of_another_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(ValueError, match=f"the engine at {url} cannot be reached .*start it first"):
        create(tmp_path, engine_url=url, tokenizer=str(tmp_path))
    monkeypatch.setenv("TINKER_API_KEY", "sk-secret")
    with pytest.raises(ValueError, match="must start with 'tml-'") as error:
        create(tmp_path, engine_url=url, tokenizer=str(tmp_path))
    assert "sk-secret" not in str(error.value)


def test_an_option_of_another_engine_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve(options(["--home", str(tmp_path), "--base-model", "tiny"])) == 1
    said = capsys.readouterr().err
    assert "the engine 'simulated' has no option 'base_model'; leave it out" in said
