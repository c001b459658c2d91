"""The demo from start to end: baseline, job, tuned checkpoint, comparison, report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import openai

from buildhour_helpers.analysis.summaries import compare, summarise
from buildhour_helpers.demo import figure, page
from buildhour_helpers.demo.plan import DemoOptions, Plan, make_plan
from buildhour_helpers.demo.result import ONE_JOB, DemoResult
from buildhour_helpers.demo.stage import stage
from buildhour_helpers.demo.work import BASE_MODEL, Trained, Work
from buildhour_helpers.errors import Interrupted, WorkshopError, writing
from buildhour_helpers.home import home, prepare
from buildhour_helpers.rollouts import RolloutRecord


def run(options: DemoOptions) -> DemoResult:
    """Run the demo, print its result, and write its report into a new folder.

    Raises WorkshopError with the fix. Raises Interrupted on Ctrl-C: the job is then cancelled, the
    servers are stopped, and the records are kept.
    """
    if options.json_path:
        check_writable(options.json_path)
    plan = make_plan(options)
    folder = run_folder("demo", options.seed)
    print(
        f"{plan.reports:,} reports; {len(plan.test)} held-out questions, three rollouts each, "
        f"before and after a job of {plan.steps} steps on {len(plan.train)} training and "
        f"{len(plan.validation)} validation questions (seed {options.seed})",
        flush=True,
    )
    try:
        before, trained, after = _measure(plan, folder)
    except KeyboardInterrupt:  # while the servers were starting or stopping
        raise Interrupted(f"stopped by Ctrl-C; the records so far are in {folder}") from None
    for records in (before, after):
        check_graded(records)
    result = DemoResult(
        seed=options.seed,
        reports=plan.reports,
        questions={
            "train": len(plan.train),
            "validation": len(plan.validation),
            "test": len(plan.test),
        },
        baseline=summarise(before),
        tuned=summarise(after),
        checkpoint_step=trained.checkpoint.step,
        comparison=compare(before, after),
        job=trained.job,
        curve=trained.curve,
    )
    text = json.dumps(result.to_json(), indent=2) + "\n"
    for file in filter(None, (folder / "result.json", options.json_path)):
        with writing(file):
            file.write_text(text, encoding="utf-8", newline="\n")
    charts = page.draw_charts(result, trained.steps, before, after)
    example = page.most_gained(plan.test, before, after)
    with writing(folder):
        picture = figure.save(charts[0], folder)
        report = page.write(result, plan, charts, example, folder / "report.html")
    print(f"\n{result.text_table()}\n{ONE_JOB}\n\n{result.headline()}\n")
    print("\n".join(page.simulated_in_words(plan)))
    print(f"\nReport: {report}\nFigure: {picture}\nRecords: {folder}")
    return result


def _measure(plan: Plan, folder: Path) -> tuple[list[RolloutRecord], Trained, list[RolloutRecord]]:
    """The rollouts before, the job, and the rollouts after, on servers that end with it."""
    options = plan.options
    with stage(folder, options.reports, options.seed, options.concurrency) as servers:
        work = Work(plan, folder, servers)
        try:
            before = work.evaluate("baseline", BASE_MODEL, plan.test, plan.prompt)
            trained = work.train()
            after = work.evaluate("tuned", trained.checkpoint.model, plan.test, plan.prompt)
        except KeyboardInterrupt:
            job_id = work.cancel()
            said = f"the job {job_id} is cancelled" if job_id else "no job was running"
            raise Interrupted(
                f"stopped by Ctrl-C; {said}; the records so far are in {folder}"
            ) from None
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
        fix = "set BUILDHOUR_HOME to a folder that can be written"
        raise WorkshopError(f"{folder}: {error.strerror}; {fix}") from error
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
