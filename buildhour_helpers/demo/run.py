"""The demo from start to end: baseline, job, tuned checkpoint, comparison, report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import openai

from buildhour_helpers.analysis import figures
from buildhour_helpers.analysis.figures import Chart
from buildhour_helpers.analysis.summaries import compare, summarise
from buildhour_helpers.demo import figure, page
from buildhour_helpers.demo.example import most_gained
from buildhour_helpers.demo.plan import DemoOptions, Plan, make_plan
from buildhour_helpers.demo.result import DemoResult, Sizes
from buildhour_helpers.demo.stage import stage
from buildhour_helpers.demo.work import BASE_MODEL, Trained, Work
from buildhour_helpers.errors import Interrupted, WorkshopError, writing
from buildhour_helpers.home import home, prepare
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.tasks.splits import company

REAL = (
    "Real: the training and the wire. The job was launched through the unmodified openai client; "
    "every rollout called the tools and the grader over HTTP; the weights changed by nothing but "
    "the rewards that came back; no held-out question was trained on{companies}."
)
SIMULATED = (
    "Simulated: the model. A small stochastic agent of some 2,800 weights stands in for a "
    "language model, so its gain is no forecast of a large model's; its latency is computed from "
    "its tokens."
)
GENERATED = "Generated: the reports, pages of fictional companies written by a seeded program."


def run(options: DemoOptions) -> DemoResult:
    """Run the demo and print what it found.

    Raises WorkshopError with the cure, or Interrupted when Ctrl-C came: the job is cancelled then,
    the servers are stopped and the records kept.
    """
    if options.json_path:
        check_writable(options.json_path)
    plan = make_plan(options)
    folder = run_folder("demo", options.seed)
    print(_plan_in_words(plan), flush=True)
    try:
        before, trained, after = _measured(plan, folder)
    except KeyboardInterrupt:  # while the servers were starting or stopping
        raise Interrupted(f"stopped by Ctrl-C; the records so far are in {folder}") from None
    for records in (before, after):
        check_graded(records)
    result = DemoResult(
        seed=options.seed,
        reports=plan.reports,
        questions=Sizes(len(plan.train), len(plan.validation), len(plan.test)),
        baseline=summarise(before),
        tuned=summarise(after),
        checkpoint_step=trained.checkpoint.step,
        comparison=compare(before, after),
        job=trained.job,
        curve=trained.curve,
    )
    parts = page.Parts(
        simulated=simulated_in_words(plan),
        settings=plan.in_words(),
        charts=charts(result, trained.steps, before, after),
        example=most_gained(plan.test, before, after),
    )
    _write(result, parts, folder, options.json_path)
    return result


def _measured(plan: Plan, folder: Path) -> tuple[list[RolloutRecord], Trained, list[RolloutRecord]]:
    """The rollouts before, the job, the rollouts after; the servers are up for no longer."""
    options = plan.options
    with stage(folder, options.reports, options.seed, options.concurrency) as servers:
        work = Work(plan, folder, servers)
        try:
            before = work.evaluate("baseline", BASE_MODEL, plan.test, plan.prompt)
            trained = work.train()
            after = work.evaluate("tuned", trained.checkpoint.model, plan.test, plan.prompt)
        except KeyboardInterrupt:
            raise interrupted(work) from None
        except openai.APIError as error:
            raise WorkshopError(f"{error.message} (logs: {folder / 'logs'})") from error
    return before, trained, after


def run_folder(kind: str, seed: int) -> Path:
    """A new folder for a run's records, servers and logs, under the state folder."""
    stamp = datetime.now().strftime("%Y-%m-%dT%H-%M-%S-%f")
    folder = prepare(home()) / kind / f"{stamp}-seed-{seed}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        cure = "set BUILDHOUR_HOME to a folder that can be written"
        raise WorkshopError(f"{folder}: {error.strerror}; {cure}") from error
    return folder


def check_writable(file: Path) -> None:
    """Make the file's folder. Raises WorkshopError now rather than when all the work is done."""
    existed = file.exists()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8"):
            pass
        if not existed:
            file.unlink()
    except OSError as error:
        raise WorkshopError(f"{file}: {error.strerror}; give another file") from error


def check_graded(records: Sequence[RolloutRecord]) -> None:
    """Raises WorkshopError, with the first reason, where no rollout has a reward."""
    if all(record.reward is None for record in records):
        raise WorkshopError(f"no rollout of {records[0].model} was graded: {records[0].error}")


def interrupted(work: Work) -> Interrupted:
    """Put the job away and say what is left."""
    job_id = work.cancel()
    said = f"the job {job_id} is cancelled" if job_id else "no job was running"
    return Interrupted(f"stopped by Ctrl-C; {said}; the records so far are in {work.folder}")


def simulated_in_words(plan: Plan) -> list[str]:
    """What of the run was simulated and what was real, a paragraph each."""
    apart = {company(q) for q in plan.train}.isdisjoint(company(q) for q in plan.test)
    real = REAL.format(companies=", nor any question about its company" if apart else "")
    return [SIMULATED, *([] if plan.options.reports else [GENERATED]), real]


def _plan_in_words(plan: Plan) -> str:
    return (
        f"{plan.reports:,} reports; {len(plan.test)} held-out questions, three rollouts each, "
        f"before and after a job of {plan.steps} steps on {len(plan.train)} training and "
        f"{len(plan.validation)} validation questions (seed {plan.options.seed})"
    )


def _write(result: DemoResult, parts: page.Parts, folder: Path, json_path: Path | None) -> None:
    text = json.dumps(result.to_json(), indent=2) + "\n"
    for file in filter(None, (folder / "result.json", json_path)):
        with writing(file):
            file.write_text(text, encoding="utf-8", newline="\n")
    with writing(folder):
        picture = figure.save(parts.charts[0], folder)
        report = page.write(result, parts, folder / "report.html")
    print("\n" + table_in_words(result.table()) + f"\n\n{result.headline()}\n")
    print("\n".join(parts.simulated))
    print(f"\nReport: {report}\nFigure: {picture}\nRecords: {folder}")


def charts(
    result: DemoResult,
    steps: Sequence[Mapping[str, Any]],
    before: Sequence[RolloutRecord],
    after: Sequence[RolloutRecord],
) -> list[Chart]:
    """The figures of the report in reading order: the result, the job, then the rollouts."""
    return [
        figure.draw(result),
        figures.training_curves(steps, note=figure.NOTE),
        figures.tool_mix(steps, note=figure.NOTE),
        figures.unusable_rollouts(steps, note=figure.NOTE),
        figures.reward_variance(before),
        figures.question_deltas(before, after),
        figures.reward_against_latency(before, after),
        figures.tool_transitions(before, after),
        figures.distributions({"before": before, "after": after}),
    ]


def table_in_words(rows: Sequence[Sequence[str]]) -> str:
    """The rows under a heading, in columns."""
    heading = ("", "before", "after", "difference")
    widths = [max(len(row[n]) for row in (heading, *rows)) for n in range(len(heading))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (heading, *rows)
    )
