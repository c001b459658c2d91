"""What the demo does on its servers: roll out, train, choose a checkpoint."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai

from buildhour_helpers import jobs
from buildhour_helpers.demo.plan import REPEATS, Plan
from buildhour_helpers.demo.result import CurvePoint, JobSummary
from buildhour_helpers.demo.stage import Stage
from buildhour_helpers.errors import writing
from buildhour_helpers.graders import specs
from buildhour_helpers.rollouts import RolloutRecord, evaluate
from buildhour_helpers.rollouts.endpoints import ToolServer
from buildhour_helpers.rollouts.loop import MAX_STEPS
from buildhour_helpers.session import OFFLINE_MODEL
from buildhour_helpers.tasks import Question, build_rows, write_rows
from buildhour_helpers.tools.schemas import DEFINITIONS

BASE_MODEL = OFFLINE_MODEL
CANCEL_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Trained:
    """A finished job, what each step reported, and the checkpoint that validation chose."""

    job: JobSummary
    steps: tuple[Mapping[str, Any], ...]
    checkpoint: jobs.Checkpoint

    @property
    def curve(self) -> tuple[CurvePoint, ...]:
        return tuple(
            CurvePoint(
                step=step["step"],
                train_reward_mean=step["train_mean_reward"],
                valid_reward_mean=step["full_valid_mean_reward"],
                tool_calls_mean=step["tool_calls_per_rollout"],
            )
            for step in self.steps
        )


class Work:
    """One plan on one stage; everything goes through the unmodified `openai` client."""

    def __init__(self, plan: Plan, folder: Path, stage: Stage) -> None:
        self.plan, self.folder, self.stage = plan, folder, stage
        self.client = stage.client()
        self._job_id: str | None = None

    def evaluate(
        self, name: str, model: str, questions: Sequence[Question], prompt: str
    ) -> list[RolloutRecord]:
        """Roll a model out on the questions, REPEATS times each; the records are in NAME.jsonl."""

        async def run() -> list[RolloutRecord]:
            async with self.stage.async_client() as client:
                return await evaluate(
                    build_rows(questions, prompt, DEFINITIONS),
                    model=model,
                    file=self.folder / f"{name}.jsonl",
                    run=name,
                    repeats=REPEATS,
                    concurrency=self.plan.options.concurrency,
                    client=client,
                    server=ToolServer(self.stage.tools.url, self.stage.tools.key),
                )

        return asyncio.run(run())

    def train(self) -> Trained:
        """Run the job to its end. Raises WorkshopError in the service's words if it fails."""
        job_id = self._launch()
        started = time.monotonic()
        jobs.wait(self.client, job_id)
        wall_s = time.monotonic() - started
        self._job_id = None
        steps = [
            step for event in jobs.follow(self.client, job_id) if (step := jobs.step_of(event))
        ]
        return Trained(
            job=_summary(job_id, steps, wall_s),
            steps=tuple(steps),
            checkpoint=jobs.best(jobs.checkpoints(self.client, job_id)),
        )

    def _launch(self) -> str:
        plan, tools = self.plan, self.stage.tools
        self._job_id = jobs.launch(
            self.client,
            model=BASE_MODEL,
            training_file=self._upload("train", plan.train),
            validation_file=self._upload("validation", plan.validation),
            tools=jobs.tool_endpoints(tools.url, tools.key),
            grader=specs.endpoint(f"{tools.url}/grade", tools.key),
            max_episode_steps=MAX_STEPS,
            hyperparameters=plan.hyperparameters(),
            suffix="demo",
            seed=plan.options.seed,
        ).id
        return self._job_id

    def _upload(self, split: str, questions: Sequence[Question]) -> str:
        file = self.folder / f"dataset-{split}.jsonl"
        with writing(file):
            write_rows(build_rows(questions, self.plan.prompt, DEFINITIONS), file)
        return jobs.upload(self.client, file)

    def cancel(self) -> str | None:
        """Cancel the running job and wait for its end; returns its ID, or None without a job."""
        job_id = self._job_id
        if job_id is None:  # Ctrl-C may have come before the ID of a job that has been started
            newest = self.client.fine_tuning.jobs.list(limit=1).data
            if not newest or newest[0].status in jobs.ENDED:
                return None
            job_id = newest[0].id
        with contextlib.suppress(openai.APIError):  # it may have ended meanwhile
            self.client.fine_tuning.jobs.cancel(job_id)
        deadline = time.monotonic() + CANCEL_TIMEOUT_S
        while self.client.fine_tuning.jobs.retrieve(job_id).status not in jobs.ENDED:
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        return job_id


def _summary(job_id: str, steps: Sequence[Mapping[str, Any]], wall_s: float) -> JobSummary:
    """Training and validation together, over all steps."""
    phases = [phase for step in steps for phase in step["usage"].values()]
    errors = [step["errors"] for step in steps]
    return JobSummary(
        id=job_id,
        steps=len(steps),
        rollouts=sum(phase["rollouts"] for phase in phases),
        discarded=sum(e["train_discarded"] + e["valid_discarded"] for e in errors),
        tool_calls=sum(phase["tool_calls"] for phase in phases),
        reasoning_token_penalty=steps[0]["reasoning_token_penalty"],
        wall_s=wall_s,
    )
