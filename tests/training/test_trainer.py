"""Episodes and the trainer: what is counted, what is discarded, what decides."""

import asyncio
import json
import random
from dataclasses import replace

import pytest

from rft_service.engines.simulated import SimulatedPolicy
from rft_service.rl.engine import Call, Conversation, Draw, Turn, Update
from rft_service.rl.rollout import GradeOutcome, StopReason, Task, ToolOutcome, run_episode
from rft_service.rl.trainer import Trainer, TrainingSettings, advantages

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


TASKS = [Task.from_row(row(label.split()[0], part)) for part, label in PARTS.items()]


class Catalogue:
    """A catalogue that answers after a random pause, so that concurrency shuffles the order."""

    def __init__(self, failing: str = "") -> None:
        self.failing = failing
        self.items: list[object] = []

    async def call_tool(self, call, call_id, item, trace_id):
        await asyncio.sleep(random.random() / 500)
        if self.failing == "tool":
            return ToolOutcome("", failure="find_part did not answer")
        query = json.loads(call.arguments)["query"].lower()
        hits = [{"part": p, "label": name} for p, name in PARTS.items() if name.split()[0] in query]
        return ToolOutcome(json.dumps(hits))

    async def grade(self, sample, item, trace_id):
        await asyncio.sleep(random.random() / 500)
        if self.failing == "grader":
            return GradeOutcome(None, failure="the grader did not answer")
        return GradeOutcome(float(sample["output_text"] == item["answer"]))


def trainer(concurrency: int = 8, failing: str = "", **settings) -> Trainer:
    chosen = TrainingSettings(batch_size=4, group_size=4, concurrency=concurrency, **settings)
    return Trainer(SimulatedPolicy(), Catalogue(failing), chosen, TASKS, TASKS)


async def steps(job: Trainer, count: int):
    return [await job.step(step) for step in range(1, count + 1)]


def test_the_same_seed_gives_the_same_weights_at_any_concurrency():
    jobs = [trainer(concurrency, n_epochs=9) for concurrency in (1, 16)]
    reports = [asyncio.run(steps(job, 6)) for job in jobs]
    assert jobs[0].policy.save() == jobs[1].policy.save()
    rollouts = [[r.items for report in run for r in report.rollouts] for run in reports]
    assert rollouts[0] == rollouts[1]


def test_another_seed_gives_another_run():
    jobs = [trainer(n_epochs=9, seed=seed) for seed in (1, 2)]
    for job in jobs:
        asyncio.run(steps(job, 6))
    assert jobs[0].policy.save() != jobs[1].policy.save()


def test_a_job_resumed_from_a_saved_step_ends_with_the_same_weights():
    whole = trainer(n_epochs=9)
    asyncio.run(steps(whole, 6))
    half = trainer(n_epochs=9)
    asyncio.run(steps(half, 3))
    resumed = trainer(n_epochs=9)
    resumed.policy.load(json.loads(json.dumps(half.policy.save())))

    async def rest() -> None:
        for step in (4, 5, 6):
            await resumed.step(step)

    asyncio.run(rest())
    assert resumed.policy.save() == whole.policy.save()


@pytest.mark.parametrize(
    ("failing", "stop"),
    [("tool", StopReason.TOOL_FAILED), ("grader", StopReason.GRADER_FAILED)],
)
def test_what_the_environment_failed_is_discarded_and_never_a_zero(failing, stop):
    job = trainer(failing=failing)
    before = job.policy.save()
    (report,) = asyncio.run(steps(job, 1))
    failed = [r for r in report.rollouts if r.stop_reason == stop]
    assert failed
    assert all(r.reward is None and r.discarded and r.failure for r in failed)
    if failing == "grader":
        assert report.update is None
        assert job.policy.save() == before


class Scripted:
    """A policy that says what it is told, to pin the bookkeeping down."""

    def __init__(self, *turns: Turn) -> None:
        self.turns = turns
        self.seen: list[Conversation] = []

    async def sample(self, conversation: Conversation, draw: Draw) -> Turn:
        self.seen.append(conversation)
        return self.turns[min(len(self.seen), len(self.turns)) - 1]

    async def learn(self, trajectories, learning_rate):
        return Update(len(trajectories), 0.0, 0.0)

    def save(self):
        return {}

    def load(self, state):
        pass


def episode(policy, max_steps: int = 4):
    return asyncio.run(
        run_episode(
            policy,
            Catalogue(),
            TASKS[0],
            trace_id="trace_1",
            draw_parts=("x",),
            max_steps=max_steps,
        )
    )


def test_parallel_calls_are_answered_in_the_order_of_the_calls():
    calls = tuple(Call("find_part", json.dumps({"query": color})) for color in ("blue", "red"))
    rollout = episode(Scripted(Turn(calls=calls), Turn(text="B-10")))
    outputs = [item for item in rollout.items if item["type"] == "function_call_output"]
    assert ["blue" in outputs[0]["output"], "red" in outputs[1]["output"]] == [True, True]
    assert rollout.reward == 1.0
    assert rollout.tool_calls_by_name == {"find_part": 2}


def test_a_rollout_without_an_answer_ends_at_the_step_limit_and_is_graded_on_nothing():
    call = Call("find_part", json.dumps({"query": "red"}))
    rollout = episode(Scripted(Turn(calls=(call,))), max_steps=3)
    assert (rollout.stop_reason, rollout.answer, rollout.reward) == ("step_limit", None, 0.0)
    assert len(rollout.turns) == 3


def test_the_policy_is_never_shown_what_the_row_knows():
    policy = Scripted(Turn(text="B-10"))
    task = Task.from_row({**row("red", "B-10"), "secret": "the answer is B-10"})
    asyncio.run(run_episode(policy, Catalogue(), task, trace_id="t", draw_parts=(), max_steps=1))
    assert "secret" not in repr(policy.seen)
    assert "the answer is" not in repr(policy.seen)


def test_advantages_are_centred_on_the_group_and_flat_groups_teach_nothing():
    rollout = episode(Scripted(Turn(text="B-10", reasoning_tokens=100)))
    group = [replace(rollout, reward=reward) for reward in (1.0, 0.0, 0.5)]
    scored = advantages(group, token_penalty=0.0)
    assert [t.advantage for t in scored] == pytest.approx([0.5, -0.5, 0.0])
    flat = advantages([rollout, rollout], token_penalty=0.05)
    assert [t.advantage for t in flat] == [0.0, 0.0]


def test_reasoning_tokens_cost_a_little():
    cheap, dear = (
        episode(Scripted(Turn(text="B-10", reasoning_tokens=tokens))) for tokens in (0, 1000)
    )
    wrong = replace(cheap, reward=0.0)
    first, second, _ = advantages([cheap, dear, wrong], token_penalty=0.05)
    assert first.advantage - second.advantage == pytest.approx(0.05)


def test_every_row_comes_once_an_epoch():
    job = trainer(n_epochs=2)
    job.train = TASKS * 3  # 12 rows, 4 a step
    seen = [row for step in (1, 2, 3) for row in job.rows_of_step(step)]
    assert sorted(seen) == list(range(12))
    assert [job.rows_of_step(4), job.rows_of_step(5), job.rows_of_step(6)] != [
        job.rows_of_step(1),
        job.rows_of_step(2),
        job.rows_of_step(3),
    ]


def test_a_trainer_without_rows_is_refused():
    with pytest.raises(ValueError, match="no training rows"):
        Trainer(SimulatedPolicy(), Catalogue(), TrainingSettings(), [], [])
