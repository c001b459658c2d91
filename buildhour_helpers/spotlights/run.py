"""Running an environment: serve its tools, measure, train, measure again.

Training takes the service's own way: the tools and the grader are served over HTTP, and a job calls
them. What is measured before and after is the same model loop as everywhere in the course.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from openai import AsyncOpenAI, OpenAI
from openai.types.fine_tuning import FineTuningJob

from buildhour_helpers import jobs
from buildhour_helpers.analysis.summaries import compare, summarise
from buildhour_helpers.graders import specs
from buildhour_helpers.graders.endpoint import Grade, GraderCall
from buildhour_helpers.rollouts.endpoints import ToolServer, graded_by_service
from buildhour_helpers.rollouts.evaluate import evaluate
from buildhour_helpers.session import model as session_model
from buildhour_helpers.spotlights.environment import AnyGrader, Environment, ModelGrader
from buildhour_helpers.tasks.dataset import Row, write_rows
from buildhour_helpers.tools.app import create_app
from buildhour_helpers.tools.serving import served
from buildhour_helpers.tools.state import TraceStore
from rft_wire import Item, build_sample
from rft_wire.records import RolloutRecord

REPEATS = 2
"""Rollouts of each held-out row."""
SHOWN = {"reward": "reward", "calls": "tool_calls", "turns": "turns", "tokens": "reasoning_tokens"}
"""The measures of a result, and what `analysis.summaries` calls them."""
Result = dict[str, Any]


@dataclass(frozen=True)
class Opened:
    """An environment whose tools answer at `url`; `grader` is the name of the one at `/grade`."""

    environment: Environment
    url: str
    key: str
    grader: str
    traces: TraceStore


@contextmanager
def opened(environment: Environment, grader: str = "") -> Iterator[Opened]:
    """Serve the tools and a grader (by default the environment's own) while the block runs."""
    key, traces = secrets.token_urlsafe(24), TraceStore()
    app = create_app(
        environment.functions,
        key=key,
        definitions=environment.definitions,
        grade=_served(environment.grader(grader)),
        budget=environment.budget,
        traces=traces,
    )
    with served(app) as url:
        yield Opened(environment, url, key, grader, traces)


def launch(
    up: Opened, seed: int = 0, client: OpenAI | None = None, **changed: Any
) -> FineTuningJob:
    """Start the environment's job; `changed` are hyperparameters that differ from its own."""
    client, environment = client or OpenAI(), up.environment
    with tempfile.TemporaryDirectory(prefix="buildhour-") as scratch:
        files = [
            jobs.upload(
                client, write_rows(rows, Path(scratch, f"{environment.name}-{split}.jsonl"))
            )
            for split, rows in (("train", environment.train), ("valid", environment.validation))
        ]
    return jobs.launch(
        client,
        model=session_model(),
        training_file=files[0],
        validation_file=files[1],
        tools=jobs.tool_endpoints(up.url, up.key, environment.definitions),
        grader=_spec(up),
        max_episode_steps=environment.max_turns,
        response_format=environment.response_format,
        hyperparameters={**environment.hyperparameters, **changed},
        suffix=environment.name,
        seed=seed,
    )


def _served(grader: AnyGrader) -> Grade:
    """What `/grade` answers: of a model grader, its check by code."""
    if not isinstance(grader, ModelGrader):
        return grader
    return grader.check or (lambda _: 1.0)


def _spec(up: Opened) -> specs.Spec:
    """The grader as a job takes it."""
    endpoint = specs.endpoint(f"{up.url}/grade", up.key, "check")
    grader = up.environment.grader(up.grader)
    if not isinstance(grader, ModelGrader):
        return endpoint
    judge = specs.score_model("judge", rubric=grader.rubric)
    if grader.check is None:
        return judge
    return specs.multi({"judge": judge, "check": endpoint}, "judge * check")


async def measure(
    up: Opened,
    model: str | None = None,
    *,
    rows: Sequence[Row] | None = None,
    repeats: int = REPEATS,
    client: AsyncOpenAI | None = None,
) -> list[RolloutRecord]:
    """Roll a model out (by default the base model) on the held-out rows, graded by `/grade`."""
    environment = up.environment
    with tempfile.TemporaryDirectory(prefix="buildhour-") as scratch:
        return await evaluate(
            rows or environment.held_out,
            model=model or session_model(),
            file=Path(scratch, "held-out.jsonl"),
            run=environment.name,
            repeats=repeats,
            max_steps=environment.max_turns,
            response_format=environment.response_format,
            client=client,
            server=ToolServer(up.url, up.key),
            progress=False,
        )


async def run(
    environment: Environment,
    seed: int = 0,
    *,
    grader: str = "",
    client: OpenAI | None = None,
    async_client: AsyncOpenAI | None = None,
    repeats: int = REPEATS,
    **changed: Any,
) -> Result:
    """Measure on held-out rows, train with a grader, and measure the last model again.

    The clients default to the session's. Held-out rewards are always those of the environment's own
    grader; `scores` has the mean by each of the others, before and after. `gain` and `after` come
    with 95% intervals over the held-out rows: [value, low, high]. `discarded` counts rollouts
    without a reward, in training too: 0 unless something is wrong. Raises WorkshopError if the
    job fails.
    """
    client = client or OpenAI()
    with opened(environment) as judged, opened(environment, grader) as trained:
        before = await measure(judged, repeats=repeats, client=async_client)
        job = launch(trained, seed, client, **changed)
        job = await asyncio.to_thread(jobs.wait, client, job.id, progress=False)
        after = await measure(judged, job.fine_tuned_model, repeats=repeats, client=async_client)
        steps = [step for event in jobs.follow(client, job.id) if (step := jobs.step_of(event))]
        return {
            "name": environment.name,
            "seed": seed,
            "grader": grader,
            "held_out": len(environment.held_out),
            "before": figures(before),
            "after": figures(after),
            "gain": _triple(compare(before, after).difference["reward"]),
            "scores": {
                name: [
                    await _mean_score(environment, grader, judged, side, async_client)
                    for side in (before, after)
                ]
                for name, grader in environment.graders.items()
            },
            "curve": [round(step["train_mean_reward"], 4) for step in steps],
            "rollouts": sum(step["usage"]["train"]["rollouts"] for step in steps),
            "discarded": sum(step["errors"]["train_discarded"] for step in steps)
            + sum(one.reward is None for one in (*before, *after)),
            "example": {"before": _example(before), "after": _example(after)},
        }


def figures(records: Sequence[RolloutRecord]) -> dict[str, Any]:
    """Reward with its interval; tool calls, turns and reasoning tokens per rollout; the share of
    turns with tool calls that made several at once."""
    measures = summarise(records).measures
    found = {name: round(measures[of].value, 4) for name, of in SHOWN.items()}
    waves = [wave for record in records for wave in calls_by_turn(record)]
    parallel = fmean(len(wave) > 1 for wave in waves) if waves else 0.0
    return {**found, "reward": _triple(measures["reward"]), "parallel": round(parallel, 4)}


def calls_by_turn(record: RolloutRecord) -> list[list[Item]]:
    """The tool calls of each turn that made any, in order."""
    waves: list[list[Item]] = []
    previous = ""
    for item in record.trace:
        kind = str(item.get("type", "message"))
        if kind == "function_call":
            if previous != "function_call":
                waves.append([])
            waves[-1].append(item)
        previous = kind
    return waves


def transcript(record: RolloutRecord) -> str:
    """A rollout as text: a line for each call with its turn, then the answer and its reward."""
    lines = [
        f"  turn {turn}: {call['name']} {_cut(call['arguments'])}"
        for turn, calls in enumerate(calls_by_turn(record), 1)
        for call in calls
    ]
    reward = "none" if record.reward is None else f"{record.reward:.2f}"
    return "\n".join([*lines, f"  reward {reward}: {_cut(record.answer or 'no answer')}"])


def _cut(text: str, most: int = 58) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


async def regrade(
    environment: Environment,
    grader: AnyGrader,
    traces: TraceStore,
    record: RolloutRecord,
    client: AsyncOpenAI | None = None,
) -> float:
    """What another grader says to a rollout."""
    row = next(row for row in environment.held_out if row["question_id"] == record.question_id)
    calls = [
        {**call, "call_id": f"call_{turn}_{number}"}
        for turn, wave in enumerate(calls_by_turn(record), 1)
        for number, call in enumerate(wave, 1)
    ]
    sample = build_sample(record.answer or "", calls)
    score = _served(grader)(GraderCall(sample, row, traces.get(record.trace_id)))
    if isinstance(grader, ModelGrader):
        judge = graded_by_service(
            client or AsyncOpenAI(), specs.score_model("judge", rubric=grader.rubric)
        )
        score *= await judge(sample, row, record.trace_id)
    return score


async def _mean_score(
    environment: Environment,
    grader: AnyGrader,
    up: Opened,
    records: Sequence[RolloutRecord],
    client: AsyncOpenAI | None,
) -> float:
    scores = [regrade(environment, grader, up.traces, one, client) for one in records]
    return round(fmean(await asyncio.gather(*scores)), 4)


def _example(records: Sequence[RolloutRecord]) -> Mapping[str, Any]:
    """The first rollout: its calls by turn, its answer and its reward."""
    first = records[0]
    turns = [[f"{c['name']} {c['arguments']}" for c in wave] for wave in calls_by_turn(first)]
    return {"id": first.question_id, "turns": turns, "answer": first.answer, "reward": first.reward}


def _triple(interval: Any) -> list[float]:
    return [round(part, 4) for part in (interval.value, interval.low, interval.high)]
