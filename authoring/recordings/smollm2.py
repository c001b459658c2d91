"""A real language model learns to call a tool: SmolLM2-135M-Instruct on SkyRL, on a laptop's CPU.

`examples/smollm2/engine.py` runs the model and writes where it is into `engine.json` of its folder,
which SMOLLM2_HOME names here. The service runs in front of it; the job comes from the unmodified
`openai` client, and tool and grader are HTTP endpoints. Needs the extra `engines`; not
deterministic to the last digit, since floating point sums depend on the number of cores.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from openai import OpenAI

from buildhour_helpers import jobs
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.pricelist import ITEMS, TOOL
from buildhour_helpers.tools.serving import served

HELD_OUT = 10  # of the items, for validation
SHOTS = (("bread", 3), ("eggs", 12))  # how to call and to answer, shown in every prompt
STEPS, ROWS_A_STEP, GROUP_SIZE = 10, 3, 4
RENDERER = Path(__file__).parents[2] / "examples" / "smollm2" / "renderer.py"
OPTIONS = {
    "group_size": GROUP_SIZE,
    "learning_rate": 4e-4,
    "max_tokens": 32,
    "sample_batch": 16,
    "datum_multiple": 4,  # SkyRL compiles anew for every number of data
    "context_window_tokens": 2048,
    "grace_s": 120,
    "timeout_s": 900,
}
KEPT = (
    *("step", "train_mean_reward", "full_valid_mean_reward", "completion_tokens_mean", "timing"),
    *("turns_per_rollout", "tool_calls_per_rollout", "tool_errors", "update", "stop_reasons"),
)


def record(folder: Path, progress: Callable[[str], None], *, steps: int = STEPS) -> dict[str, Any]:
    """Run the job. Raises WorkshopError if no engine runs or the job fails."""
    engine = running_engine()
    prices = random.Random("smollm2")
    price_of = {item: prices.randint(10, 99) for item in ITEMS}
    rows = [row(item, price) for item, price in price_of.items()]
    chosen = prices.choices(rows[HELD_OUT:], k=steps * ROWS_A_STEP)
    with shop(price_of) as url, service(folder, engine) as client:
        files = {
            name: jobs.upload(client, jsonl(content, folder / f"{name}.jsonl"))
            for name, content in (("train", chosen), ("validation", rows[:HELD_OUT]))
        }
        started_s = time.monotonic()
        job = jobs.launch(
            client,
            model=client.models.list().data[0].id,
            training_file=files["train"],
            validation_file=files["validation"],
            tools=[{"name": "price", "server_url": f"{url}/price", "headers": {}}],
            grader={"type": "endpoint", "name": "shop", "url": f"{url}/grade", "headers": {}},
            max_episode_steps=2,
            hyperparameters={"batch_size": ROWS_A_STEP, "eval_interval": max(1, steps // 2)},
            suffix="smollm2",
        )
        kept, ends_s = list[dict[str, Any]](), [started_s]
        for event in jobs.follow(client, job.id):
            if step := jobs.step_of(event):
                ends_s.append(time.monotonic())
                kept.append({name: step[name] for name in KEPT if name in step})
                kept[-1]["seconds"] = ends_s[-1] - ends_s[-2]
                progress(f"step {step['step']}: {step['train_mean_reward']:.2f}")
            else:
                progress(event.message)
        ended = client.fine_tuning.jobs.retrieve(job.id)
        if not kept:
            raise WorkshopError(f"the job {ended.status}: {ended.error and ended.error.message}")
    made: dict[str, Any] = rounded_off(
        {
            "model": "SmolLM2-135M-Instruct",
            "engine": "SkyRL 0.4.0, JAX, CPU",
            "cores": os.cpu_count(),
            "status": ended.status,
            "task": {"row": rows[0], "rows": len(chosen), "held_out": HELD_OUT},
            "options": OPTIONS,
            "minutes": (time.monotonic() - started_s) / 60,
            "steps": kept,
        }
    )
    return made


def running_engine() -> dict[str, str]:
    """Where the engine is. Raises WorkshopError if it has not been started."""
    file = Path(os.environ.get("SMOLLM2_HOME") or "smollm2") / "engine.json"
    try:
        found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise WorkshopError(
            f"{file}: no running engine; start examples/smollm2/engine.py, and set SMOLLM2_HOME "
            "to its folder"
        ) from None
    return found


def row(item: str, price: int) -> dict[str, Any]:
    """A question about an item, after two that were answered well."""
    messages = list[dict[str, str]]()
    for shown, answer in SHOTS:
        call = json.dumps({"name": "price", "arguments": {"item": shown}})
        messages += [
            {"role": "user", "content": f"Price of {shown}?"},
            {"role": "assistant", "content": f"<tool_call>\n{call}\n</tool_call>"},
            {"role": "user", "content": f"<tool_response>\n{answer}\n</tool_response>"},
            {"role": "assistant", "content": str(answer)},
        ]
    question = {"role": "user", "content": f"Price of {item}?"}
    return {"messages": [*messages, question], "tools": [TOOL], "item": item, "price": str(price)}


def score(row: Mapping[str, Any], sample: Mapping[str, Any]) -> float:
    """0.1 for a call of the tool, 0.3 if it is about the right item, and 0.7 for the price."""
    asked = [tool["function"]["arguments"] for tool in sample["output_tools"]]
    called = 0.3 if any(item_of(text) == row["item"] for text in asked) else 0.1 * bool(asked)
    return called + 0.7 * float(sample["output_text"].strip() == row["price"])


def item_of(arguments: str) -> str | None:
    try:
        value = json.loads(arguments)
    except ValueError:
        return None
    item = value.get("item") if isinstance(value, dict) else None
    return item if isinstance(item, str) else None


def shop(price_of: Mapping[str, int]) -> contextlib.AbstractContextManager[str]:
    """The address of the customer's side, the tool and the grader, while the block runs."""
    app = FastAPI()

    @app.post("/price")
    async def price(request: Request) -> dict[str, Any]:
        body = await request.json()
        known = price_of.get(item_of(body["arguments"]) or "")
        output = "Error: there is no such item" if known is None else str(known)
        ids = {name: body[name] for name in ("call_id", "id")}
        return {"type": "function_call_output", "output": output, **ids}

    @app.post("/grade")
    async def grade(request: Request) -> dict[str, float]:
        body = await request.json()
        return {"score": score(body["item"], body["sample"])}

    return served(app)


@contextlib.contextmanager
def service(folder: Path, engine: Mapping[str, str]) -> Iterator[OpenAI]:
    """The service in front of the engine, as a process, and a client of it."""
    command = [sys.executable, "-m", "rft_service", "--json", "--home", str(folder / "service")]
    command += ["--engine", "tinker", "--engine-url", engine["url"]]
    command += ["--base-model", engine["base_model"], "--tokenizer", engine["tokenizer"]]
    named = {**OPTIONS, "served_as": "smollm2", "renderer": f"{RENDERER}:SmolLM2Renderer"}
    command += [part for name in named for part in ("--engine-option", f"{name}={named[name]}")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            told = json.loads(process.stdout.readline() or "{}")
            if not told:
                raise WorkshopError("the service did not start; it says why above")
            yield OpenAI(base_url=told["base_url"], api_key=told["api_key"])
        finally:
            process.terminate()


def jsonl(rows: list[dict[str, Any]], file: Path) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file
