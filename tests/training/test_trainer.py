"""Rollouts and the trainer: what is counted, what is discarded, what decides."""

import asyncio
import json
import random
from dataclasses import replace

import pytest

from rft_service.engines.simulated.engine import MODEL, SimulatedLearner
from rft_service.engines.simulated.turn import FAMILIES, FIRST_TOKEN_S, TOKENS_PER_S
from rft_service.engines.simulated.weights import Weights
from rft_service.rl.engine import Call, Turn, TurnEnd, TurnRequest
from rft_service.rl.hyperparameters import Hyperparameters
from rft_service.rl.rollout import GradeOutcome, Task, ToolOutcome, run_rollout
from rft_service.rl.trainer import WARM_UP_STEPS, Trainer, trajectories
from rft_wire import StopReason
from rft_wire.rows import read_row

TOOL = {
    "type": "function",
    "function": {
        "name": "find_part",
        "description": "Search the catalogue.",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string", "description": "Words"}},
            "required": ["query"],
        },
    },
}
PARTS = {f"B-{n}": f"{color} bolt" for n, color in enumerate(("red", "blue", "green", "grey"), 10)}


def row(color: str, part: str) -> dict:
    message = {"role": "user", "content": f"Which part is the {color} bolt?"}
    return {"messages": [message], "tools": [TOOL], "answer": part}


TASKS = [Task.from_row(read_row(row(label.split()[0], part))) for part, label in PARTS.items()]


class Catalogue:
    """A catalogue that answers after a random pause, so that concurrency shuffles the order."""

    async def call_tool(self, call, call_id, item, trace_id):
        await asyncio.sleep(random.random() / 500)
        query = json.loads(call.arguments)["query"].lower()
        hits = [{"part": p, "label": name} for p, name in PARTS.items() if name.split()[0] in query]
        return ToolOutcome(json.dumps(hits))

    async def grade(self, sample, item, trace_id):
        await asyncio.sleep(random.random() / 500)
        return GradeOutcome(float(sample["output_text"] == item["answer"]))


def trainer(concurrency: int = 8, state=None, **more) -> Trainer:
    weights = Weights(FAMILIES)
    weights.load(state or {"weights": {}})
    return Trainer(
        SimulatedLearner(weights, replace(MODEL, group_size=4)),
        Catalogue(),
        Hyperparameters(batch_size=4, **more),
        TASKS,
        TASKS,
        concurrency=concurrency,
    )


def saved(job: Trainer):
    return asyncio.run(job.learner.weights())


async def steps(job: Trainer, last: int, first: int = 1):
    return [await job.step(step) for step in range(first, last + 1)]


def test_the_same_seed_gives_the_same_weights_at_any_concurrency():
    jobs = [trainer(concurrency, n_epochs=9) for concurrency in (1, 16)]
    reports = [asyncio.run(steps(job, 6)) for job in jobs]
    assert saved(jobs[0]) == saved(jobs[1])
    rollouts = [[r.record.trace for report in run for r in report.rollouts] for run in reports]
    assert rollouts[0] == rollouts[1]


def test_a_job_resumed_from_a_saved_step_ends_with_the_same_weights():
    whole = trainer(n_epochs=9)
    asyncio.run(steps(whole, 6))
    half = trainer(n_epochs=9)
    asyncio.run(steps(half, 3))
    resumed = trainer(n_epochs=9, state=json.loads(json.dumps(saved(half))))

    asyncio.run(steps(resumed, 6, first=4))
    assert saved(resumed) == saved(whole)


class Scripted:
    """A model that says what it is told to."""

    model = MODEL

    def __init__(self, *turns: Turn) -> None:
        self.turns = turns
        self.seen: list[TurnRequest] = []
        self.previous: list[Turn | None] = []

    async def sample(self, request, seed, previous=None) -> Turn:
        self.seen.append(request)
        self.previous.append(previous)
        return self.turns[min(len(self.seen), len(self.turns)) - 1]


def rollout_of(model, max_turns: int = 4):
    return asyncio.run(
        run_rollout(
            model, Catalogue(), TASKS[0], trace_id="t", seed_parts=("x",), max_turns=max_turns
        )
    )


FIND_RED = Call("find_part", json.dumps({"query": "red"}))


@pytest.mark.parametrize(
    ("end", "stop"),
    [
        (TurnEnd.LENGTH_LIMIT, StopReason.LENGTH_LIMIT),
        (TurnEnd.CONTEXT_FULL, StopReason.CONTEXT_FULL),
        (TurnEnd.UNPARSABLE, StopReason.ANSWERED),
    ],
)
def test_a_turn_that_was_cut_short_is_graded_on_what_was_said(end, stop):
    first = Turn(calls=(FIND_RED,), text="B-10", end=TurnEnd.CALLED_TOOLS)
    said = None if end is TurnEnd.CONTEXT_FULL else "B-10"
    rollout = rollout_of(Scripted(first, Turn(text=said, calls=(), end=end)))
    record = rollout.record
    assert (record.stop_reason, record.answer, record.reward) == (stop, "B-10", 1.0)


def test_text_and_calls_of_one_turn_are_both_kept():
    both = Turn(calls=(FIND_RED,), text="I look.", end=TurnEnd.CALLED_TOOLS)
    model = Scripted(both, Turn(text="B-10"))
    kinds = [item["type"] for item in rollout_of(model).record.trace[1:]]
    assert kinds == ["message", "function_call", "function_call_output", "message"]
    assert model.previous == [None, both]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (Call("find_prt", "{}"), "no tool 'find_prt'; use: find_part"),
        (Call("find_part", "{query: red"), "not a JSON object"),
        (Call("find_part", '["red"]'), "not a JSON object"),
    ],
)
def test_a_call_that_cannot_be_made_is_an_error_that_the_model_reads(call, told):
    model = Scripted(Turn(calls=(call,)), Turn(text="B-10"))
    rollout = rollout_of(model)
    output = model.seen[1].items[-1]["output"]
    assert output.startswith("Error: ")
    assert told in output
    assert (rollout.reward, rollout.record.stop_reason) == (1.0, StopReason.ANSWERED)


def test_parallel_calls_are_answered_in_the_order_of_the_calls():
    calls = tuple(Call("find_part", json.dumps({"query": color})) for color in ("blue", "red"))
    rollout = rollout_of(Scripted(Turn(calls=calls), Turn(text="B-10")))
    outputs = [item for item in rollout.record.trace if item.get("type") == "function_call_output"]
    assert ["blue" in outputs[0]["output"], "red" in outputs[1]["output"]] == [True, True]
    assert rollout.reward == 1.0
    assert rollout.record.metrics.tool_calls_by_name == {"find_part": 2}


def test_a_rollout_without_an_answer_ends_at_the_step_limit_and_is_graded_on_nothing():
    rollout = rollout_of(Scripted(Turn(calls=(FIND_RED,))), max_turns=3)
    record = rollout.record
    assert (record.stop_reason, record.answer, record.reward) == ("step_limit", None, 0.0)
    assert len(rollout.turns) == 3


def test_advantages_are_centred_on_the_group_and_zero_variance_groups_teach_nothing():
    rollout = rollout_of(Scripted(Turn(text="B-10", reasoning_tokens=100)))
    group = [
        replace(rollout, record=replace(rollout.record, reward=reward))
        for reward in (1.0, 0.0, 0.5)
    ]
    scored = trajectories(group, reasoning_token_penalty=0.0)
    assert [t.advantage for t in scored] == pytest.approx([0.5, -0.5, 0.0])
    equal = trajectories([rollout, rollout], reasoning_token_penalty=0.05)
    assert [t.advantage for t in equal] == [0.0, 0.0]


def test_each_turn_costs_the_time_to_a_first_token():
    """So that a model which calls tools in parallel, in fewer turns, is the faster one."""
    (report,) = asyncio.run(steps(trainer(), 1))
    for rollout in report.rollouts:
        metrics = rollout.record.metrics
        sampling_s = metrics.output_tokens / TOKENS_PER_S
        assert metrics.simulated_latency_s == pytest.approx(
            metrics.turns * FIRST_TOKEN_S + sampling_s
        )
    assert len({rollout.record.metrics.turns for rollout in report.rollouts}) > 1


def test_the_rate_warms_up_over_the_first_steps():
    job = trainer(n_epochs=WARM_UP_STEPS + 2, learning_rate_multiplier=2.0)
    update, rates = job.learner.update, {}

    async def noted(trajectories, rate):
        rates[len(reports) + 1] = rate
        return await update(trajectories, rate)

    job.learner.update = noted
    reports = []

    async def run() -> None:
        for step in range(1, job.total_steps + 1):
            reports.append(await job.step(step))

    asyncio.run(run())
    assert len(rates) > 2
    assert max(rates) > WARM_UP_STEPS
    for step, rate in rates.items():
        assert rate == pytest.approx(2.0 * min(1.0, step / WARM_UP_STEPS))


def test_every_row_comes_once_an_epoch():
    job = trainer(n_epochs=2)
    job.train = TASKS * 3  # 12 rows, 4 a step
    seen = [row for step in (1, 2, 3) for row in job.rows_of_step(step)]
    assert sorted(seen) == list(range(12))
    assert [*map(job.rows_of_step, (4, 5, 6))] != [*map(job.rows_of_step, (1, 2, 3))]
