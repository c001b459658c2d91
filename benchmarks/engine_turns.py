"""`python benchmarks/engine_turns.py [--rollouts 256] [--steps 8]`: what the service adds per turn
in front of an engine.

The engine here is a stand-in that computes nothing: it answers each sample after `--latency`
seconds with a call of a tool, and with an answer once two have been made. So the processor time of
the service, divided by turns, is what the service costs: rendering, the SDK, parsing, the HTTP call
of the tool or the grader, and what is stored. The yardstick is the SDK alone, making as many
requests. Wanted: under 5 ms a turn with 256 rollouts at once, and memory that stays flat.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import uvicorn
from openai import OpenAI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rft_service.engines.tinker.chat_format import ChatFormat
from rft_service.engines.tiny.tokenizer import write_tokenizer

WANTED_MS = 5.0
TURNS = 3  # of a rollout: two calls and an answer
PROMPT, RESULT = "word " * 200, "line " * 100
CALL = '<tool_call>\n{"name": "lookup", "arguments": {"key": "a"}}\n</tool_call><|im_end|>'
MODEL = "stand-in"
os.environ |= {"TINKER_TELEMETRY": "0", "TRANSFORMERS_VERBOSITY": "error"}


def stand_in(tokenizer: Path, latency_s: float) -> Starlette:
    """The engine, and the customer's tool and grader."""
    from tinker.proto import tinker_public_pb2 as pb

    chat = ChatFormat(tokenizer, MODEL, "qwen3")._tokenizer
    result_begins = chat.convert_tokens_to_ids("<tool_response>")
    replies = []
    for text in (CALL, "It is 7.<|im_end|>"):
        tokens = np.array(chat.encode(text, add_special_tokens=False), np.int32)
        logprobs = np.full(len(tokens), -0.1, np.float32)
        replies.append((tokens.tobytes(), logprobs.tobytes()))
    due: dict[str, tuple[float, bytes | dict[str, Any]]] = {}

    def later(found: bytes | dict[str, Any], delay_s: float = 0.0) -> Response:
        name = secrets.token_hex(8)
        due[name] = (time.monotonic() + delay_s, found)
        return JSONResponse({"request_id": name})

    async def sample(request: Request) -> Response:
        body = await request.json()
        prompt = [token for chunk in body["prompt"]["chunks"] for token in chunk["tokens"]]
        said = replies[prompt.count(result_begins) >= TURNS - 1]
        answer = pb.SampleResponse()
        for _ in range(body["num_samples"]):
            sequence = answer.sequences.add()
            sequence.stop_reason = pb.STOP_REASON_STOP
            sequence.tokens, sequence.logprobs = said
        return later(answer.SerializeToString(), latency_s)

    async def retrieve(request: Request) -> Response:
        when, found = due.pop((await request.json())["request_id"])
        await asyncio.sleep(max(0.0, when - time.monotonic()))
        if isinstance(found, bytes):
            return Response(found, media_type="application/x-protobuf")
        return JSONResponse(found)

    async def lookup(request: Request) -> Response:
        body = await request.json()
        about = {"call_id": body["call_id"], "id": body["id"]}
        return JSONResponse({"type": "function_call_output", **about, "output": RESULT})

    answers: dict[str, dict[str, Any]] = {
        "client/config": {},
        "client/dynamic_config": {},
        "create_session": {"session_id": "s"},
        "session_heartbeat": {},
        "create_sampling_session": {"sampling_session_id": "s"},
    }
    operations: dict[str, dict[str, Any]] = {
        "create_model": {"model_id": "m"},
        "unload_model": {"model_id": "m"},
        "save_weights_for_sampler": {"sampling_session_id": "s"},
        "save_weights": {"path": "tinker://m/weights/s"},
    }
    api = "/api/v1"

    def post(path: str, endpoint: Any) -> Route:
        return Route(path, endpoint, methods=["POST", "GET"])

    models = {"supported_models": [{"model_name": MODEL}]}
    return Starlette(
        routes=[
            *(post(f"{api}/{n}", lambda _, a=a: JSONResponse(a)) for n, a in answers.items()),
            *(post(f"{api}/{n}", lambda _, o=o: later(o)) for n, o in operations.items()),
            post(f"{api}/healthz", lambda _: JSONResponse({})),
            post(f"{api}/get_server_capabilities", lambda _: JSONResponse(models)),
            post(f"{api}/asample", sample),
            post(f"{api}/retrieve_future", retrieve),
            Route(f"{api}/training_runs/{{path:path}}", lambda _: Response(), methods=["DELETE"]),
            post("/lookup", lookup),
            post("/grade", lambda _: JSONResponse({"score": 1.0})),
        ]
    )


def serve_stand_in(tokenizer: Path, latency_s: float) -> None:
    config = uvicorn.Config(stand_in(tokenizer, latency_s), log_level="warning")
    listener = config.bind_socket()
    print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
    uvicorn.Server(config).run(sockets=[listener])


def started(*command: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """A process, and the line of JSON that it prints."""
    child = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    return child, json.loads(child.stdout.readline())


def seconds_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def sdk_alone(url: str, tokenizer: Path, requests: int, at_once: int) -> float:
    """Processor seconds per request of the SDK, with a prompt as long as that of a middle turn."""
    import tinker

    chat = ChatFormat(tokenizer, MODEL, "qwen3")._tokenizer
    tokens = chat.encode(PROMPT + RESULT, add_special_tokens=False)
    client = tinker.ServiceClient(base_url=url, api_key="tml-local").create_sampling_client(
        base_model=MODEL
    )
    prompt, parameters = tinker.types.ModelInput.from_ints(tokens), tinker.types.SamplingParams()

    async def all_of_them() -> None:
        slots = asyncio.Semaphore(at_once)

        async def one() -> None:
            async with slots:
                await client.sample_async(prompt, 1, parameters)

        await asyncio.gather(*(one() for _ in range(requests)))

    process = psutil.Process()
    before = seconds_of(process)
    asyncio.run(all_of_them())
    return (seconds_of(process) - before) / requests


def job(client: OpenAI, url: str, rollouts: int, steps: int) -> str:
    row = {
        "messages": [{"role": "user", "content": PROMPT}],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "lookup",
                    "description": "Look a key up.",
                    "parameters": {"type": "object", "properties": {"key": {"type": "string"}}},
                },
            }
        ],
    }

    def upload(count: int) -> str:
        text = "".join(json.dumps({**row, "n": n}) + "\n" for n in range(count))
        return client.files.create(file=("rows.jsonl", text.encode()), purpose="fine-tune").id

    batch = rollouts // 8
    reinforcement = {
        "tools": [{"name": "lookup", "server_url": f"{url}/lookup"}],
        "grader": {"type": "endpoint", "name": "one", "url": f"{url}/grade"},
        "max_episode_steps": TURNS + 1,
        "hyperparameters": {"batch_size": batch, "eval_interval": 1000},
    }
    return client.fine_tuning.jobs.create(
        model=MODEL,
        training_file=upload(batch * steps),
        validation_file=upload(10),
        method={"type": "reinforcement", "reinforcement": reinforcement},  # type: ignore[typeddict-item]
    ).id


def service_alone(
    url: str, tokenizer: Path, home: Path, rollouts: int, steps: int
) -> tuple[float, list[float]]:
    """Processor seconds per turn of the service, and its memory in MiB after each step."""
    options = ["--engine", "tinker", "--engine-url", url, "--base-model", MODEL]
    options += ["--tokenizer", str(tokenizer), "--engine-option", "renderer=qwen3"]
    options += ["--home", str(home), "--json", "--concurrency", str(rollouts)]
    child, at = started("-m", "rft_service", *options)
    try:
        client = OpenAI(base_url=at["base_url"], api_key=at["api_key"])
        process = psutil.Process(child.pid)
        before, job_id, memory = seconds_of(process), job(client, url, rollouts, steps), []
        while (status := client.fine_tuning.jobs.retrieve(job_id).status) != "succeeded":
            if status in ("failed", "cancelled", "paused"):
                raise RuntimeError(client.fine_tuning.jobs.list_events(job_id).data[0].message)
            events = client.fine_tuning.jobs.list_events(job_id, limit=100).data
            done = sum(event.type == "metrics" for event in events)
            if done > len(memory):
                memory.append(process.memory_info().rss / 2**20)
            time.sleep(0.5)
        turns = TURNS * (steps * rollouts + 10)
        return (seconds_of(process) - before) / turns, memory
    finally:
        child.kill()
        child.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=256, help="at once, a multiple of 8")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--latency", type=float, default=1.0, help="of a sample, in seconds")
    parser.add_argument("--stand-in", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.stand_in:
        serve_stand_in(chosen.stand_in, chosen.latency)
        return
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = Path(folder) / "tokenizer"
        write_tokenizer(tokenizer)
        command = [__file__, "--stand-in", str(tokenizer), "--latency", str(chosen.latency)]
        child, at = started(*command)
        try:
            requests = TURNS * chosen.rollouts
            sdk_s = sdk_alone(at["url"], tokenizer, requests, chosen.rollouts)
            turn_s, memory = service_alone(
                at["url"], tokenizer, Path(folder) / "home", chosen.rollouts, chosen.steps
            )
        finally:
            child.kill()
            child.wait()
    print(f"{chosen.rollouts} rollouts at once, {chosen.steps} steps, {TURNS} turns each")
    print(f"  the service   {turn_s * 1000:6.2f} ms a turn  (wanted: under {WANTED_MS:g})")
    print(f"  the SDK alone {sdk_s * 1000:6.2f} ms a request")
    print(f"  ratio         {turn_s / sdk_s:6.2f}")
    half = len(memory) // 2
    print(
        f"  memory        {memory[0]:6.0f} MiB after the first step, {memory[half]:.0f} in the "
        f"middle, {memory[-1]:.0f} at the end"
    )


if __name__ == "__main__":
    main()
