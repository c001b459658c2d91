"""The metrics of a job's steps as files: CSV, and the event files that TensorBoard reads."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import NamedTuple

from openai import OpenAI

from buildhour_helpers.errors import WorkshopError, writing
from buildhour_helpers.export.job import asking
from buildhour_helpers.jobs import step_of
from rft_wire.metrics import numbers

CSV_FILE = "metrics.csv"


class Step(NamedTuple):
    """A step's numbers by name, and when it ended, in seconds since 1970."""

    number: int
    ended_at: int
    values: dict[str, float]


def write(client: OpenAI, job_id: str, folder: Path) -> list[str]:
    """Write the metrics so far into a folder; returns lines for the user. Raises WorkshopError."""
    found = steps(client, job_id)
    if not found:
        raise WorkshopError(f"{job_id}: has no finished step yet; ask again later")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_csv(found, folder / CSV_FILE)
        has_events = write_events(found, folder, job_id)
    said = [f"Wrote {folder / CSV_FILE}: {len(found)} steps."]
    if has_events:
        return [*said, f"Wrote TensorBoard's events; look at them: tensorboard --logdir {folder}"]
    fix = f"{sys.executable} -m pip install tensorboardx"
    return [*said, f"No event files for TensorBoard, which need a package: {fix}"]


def steps(client: OpenAI, job_id: str) -> list[Step]:
    """The steps that a job has finished, in order. Raises WorkshopError."""
    with asking(job_id):
        events = list(client.fine_tuning.jobs.list_events(job_id, limit=100))
    found = [(event, data) for event in reversed(events) if (data := step_of(event))]
    return [Step(int(data["step"]), event.created_at, numbers(data)) for event, data in found]


def write_csv(found: list[Step], file: Path) -> None:
    """A line for each step, a column for each number; empty where a step has none."""
    names = list(dict.fromkeys(name for step in found for name in step.values))
    with file.open("w", encoding="utf-8", newline="") as opened:
        table = csv.DictWriter(opened, [*dict.fromkeys(["step", *names])], lineterminator="\n")
        table.writeheader()
        table.writerows(step.values for step in found)


def write_events(found: list[Step], folder: Path, job_id: str) -> bool:
    """A TensorBoard run named after the job; False where its writer is not installed."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        return False
    run = folder / job_id
    for old in run.glob("events.out.tfevents.*"):  # of an earlier export, whose steps come again
        old.unlink()
    with SummaryWriter(logdir=str(run)) as writer:
        for step in found:
            for name, value in step.values.items():
                writer.add_scalar(name, value, step.number, walltime=step.ended_at)
    return True
