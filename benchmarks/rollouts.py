"""`python benchmarks/rollouts.py [--rollouts N]`: rollouts a second, in process and over HTTP.

Twice: as an evaluation makes them, one of each question by the base model; and as a job makes them,
groups of eight with an update after each step. The same model, questions and seeds each time. In
process the tools and the grader are plain function calls beside the policy: one core. Over HTTP
they are the tool server, a separate process, called as a job calls it: two cores. Target: 150
a second in process, and 0.4 of that over HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from buildhour_helpers import servers
from buildhour_helpers.graders import specs
from buildhour_helpers.graders.endpoint import GraderCall, grade_answer
from buildhour_helpers.reports import load
from buildhour_helpers.session import tools_program
from buildhour_helpers.tasks import BEST_PROMPT, build_rows, load_questions
from buildhour_helpers.tools.app import BUDGET
from buildhour_helpers.tools.calls import RequestError, read_arguments
from buildhour_helpers.tools.functions import ReportTools, ToolError
from buildhour_helpers.tools.schemas import DEFINITIONS
from rft_service.engines.simulated.engine import SimulatedLearner, base_weights
from rft_service.engines.simulated.judge import judge
from rft_service.graders.run import GraderRunner
from rft_service.graders.specs import parse_grader
from rft_service.jobs.environment import JobEnvironment
from rft_service.rl.engine import Call
from rft_service.rl.hyperparameters import Hyperparameters
from rft_service.rl.rollout import Environment, GradeOutcome, Task, ToolOutcome
from rft_service.rl.trainer import Trainer
from rft_service.server import collect_garbage_rarely
from rft_service.store.job_spec import JobSpec, Tool
from rft_wire.client import EndpointClient, EndpointLimits
from rft_wire.rows import read_row

WANTED_PER_S = 150
WANTED_RATIO = 0.4
CONCURRENCY = 32
MANNERS = ("evaluation", "job")
PARAMETERS = {d["function"]["name"]: d["function"]["parameters"] for d in DEFINITIONS}


class PlainEnvironment:
    """The tools and the grader as function calls, the budget included."""

    def __init__(self) -> None:
        self._functions = ReportTools(load()).functions()
        self._made: Counter[str] = Counter()

    async def call_tool(
        self, call: Call, call_id: str, item: Mapping[str, Any], trace_id: str
    ) -> ToolOutcome:
        self._made[trace_id] += 1
        if self._made[trace_id] > BUDGET:
            said = f"Error: the budget of {BUDGET} tool calls is used up; "
            return ToolOutcome(said + "answer now with what you have read", is_error=True)
        try:
            arguments = read_arguments(call.arguments, PARAMETERS[call.name])
            return ToolOutcome(self._functions[call.name](**arguments))
        except (ToolError, RequestError) as error:
            return ToolOutcome(f"Error: {error}", is_error=True)

    async def grade(
        self, sample: Mapping[str, Any], item: Mapping[str, Any], trace_id: str
    ) -> GradeOutcome:
        return GradeOutcome(grade_answer(GraderCall(sample, item, None)))


def job_spec(tools: servers.Server) -> JobSpec:
    """A job whose tools and grader are the tool server's."""
    headers = {"Authorization": f"Bearer {tools.key}"}
    return JobSpec(
        model="sim-agent-mini",
        training_file="none",
        validation_file="none",
        suffix="",
        seed=0,
        metadata={},
        tools=[
            Tool(name=name, server_url=f"{tools.url}/{name}", headers=headers)
            for name in PARAMETERS
        ],
        grader=parse_grader(specs.endpoint(f"{tools.url}/grade", tools.key), "grader"),
        max_episode_steps=BUDGET + 2,
        response_format=None,
        hyperparameters=Hyperparameters(),
    )


async def measure(
    environment: Environment, tasks: list[Task], manner: str
) -> tuple[float, float, float]:
    """Rollouts a second, tool calls a rollout, mean reward: of one pass over the tasks, or of the
    training steps that make as many rollouts, updates included."""
    trainer = Trainer(
        SimulatedLearner(base_weights()),
        environment,
        Hyperparameters(),
        tasks,
        tasks,
        max_turns=BUDGET + 2,
        concurrency=CONCURRENCY,
        namespace=secrets.token_hex(8),
    )
    started = time.perf_counter()
    if manner == "evaluation":
        rollouts = list((await trainer.evaluate(1)).rollouts)
    else:
        steps = max(1, len(tasks) // (trainer.hyperparameters.batch_size * trainer.group_size))
        reports = [await trainer.step(step) for step in range(1, steps + 1)]
        rollouts = [rollout for report in reports for rollout in report.rollouts]
    seconds = time.perf_counter() - started
    calls = sum(len(rollout.tool_outcomes) for rollout in rollouts)
    count = len(rollouts)
    return count / seconds, calls / count, fmean(rollout.reward or 0.0 for rollout in rollouts)


async def over_http(
    tools: servers.Server, tasks: list[Task], manner: str
) -> tuple[float, float, float]:
    async with EndpointClient(EndpointLimits()) as client:
        environment = JobEnvironment(client, GraderRunner(client, judge), job_spec(tools))
        return await measure(environment, tasks, manner)


def run_one(way: str, manner: str, count: int) -> None:
    """Measure one way in this process and print its figures as JSON."""
    collect_garbage_rarely()  # as the service does
    rows = build_rows(load_questions(split="train"), BEST_PROMPT, DEFINITIONS)
    tasks = [Task.from_row(read_row(rows[n % len(rows)])) for n in range(count)]
    if way == "plain":
        print(json.dumps(asyncio.run(measure(PlainEnvironment(), tasks, manner))))
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            tools = servers.ensure(Path(folder), [tools_program()])["tools"]
            print(json.dumps(asyncio.run(over_http(tools, tasks, manner))))
        finally:
            servers.stop(Path(folder))


def measured(way: str, manner: str, count: int) -> list[float]:
    """The same in a separate process, so that neither way warms a cache for the other."""
    command = [sys.executable, __file__, "--rollouts", str(count), "--way", way, manner]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: list[float] = json.loads(done.stdout)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=640)
    parser.add_argument("--way", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        run_one(*options.way, options.rollouts)
        return
    for manner in MANNERS:
        plain, http = (measured(way, manner, options.rollouts) for way in ("plain", "http"))
        print(f"{manner}:")
        for name, (per_s, calls, reward) in (("in process", plain), ("over HTTP", http)):
            print(f"  {name:10} {per_s:6.0f}/s  ({calls:.2f} calls each, reward {reward:.3f})")
        print(
            f"  ratio      {http[0] / plain[0]:6.2f}    "
            f"(wanted: {WANTED_RATIO}, and {WANTED_PER_S}/s in process)"
        )


if __name__ == "__main__":
    main()
