"""A job's `integrations` entry for Weights & Biases: its metrics, copied to a run there.

A thread of the job's own reads the stored metrics and passes them on, so that neither a slow
network nor a fault of `wandb` can touch the training: whatever goes wrong is one warning among the
job's events. A job that is paused or interrupted continues the same run.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from rft_service.store.job import Event, Job
from rft_service.store.job_spec import WandbRun
from rft_service.store.jobs import JobRecords
from rft_wire.metrics import numbers

POLL_S = 1.0


class WandbError(Exception):
    """Why no metrics can be sent, with the fix."""


@contextmanager
def reported(job: Job, records: JobRecords, folder: Path) -> Iterator[None]:
    """Copy the metrics of the block's steps to each run that the job's integrations name.

    `folder` is for what wandb writes: the whole run in its offline mode.
    """
    with ExitStack() as reports:
        for integration in job.spec.integrations:
            reports.enter_context(Report(job, integration.wandb, records, folder))
        yield


class Report:
    """One run, for as long as the block trains; nothing of it is waited for at the end."""

    def __init__(self, job: Job, wanted: WandbRun, records: JobRecords, folder: Path) -> None:
        self._job, self._wanted, self._records, self._folder = job, wanted, records, folder
        self._ended = threading.Event()
        self._failed = False
        self._thread = threading.Thread(target=self._main, name=f"wandb {job.id}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._failed = kind is not None and issubclass(kind, Exception)
        self._ended.set()

    def _main(self) -> None:
        try:
            self._report()
        except sqlite3.Error:
            pass  # the service has closed its database: it is ending
        except Exception as error:
            reason = (str(error).splitlines() or [""])[0].rstrip(".")
            if not isinstance(error, WandbError):
                reason = f"{type(error).__name__}: {reason}"
            text = f"Weights & Biases gets no metrics of this job: {reason}."
            with suppress(sqlite3.Error):
                self._records.note(self._job.id, Event(text, "warn"))

    def _report(self) -> None:
        run = start(self._job, self._wanted, self._folder)
        where = f"the run {run.name} of the project {run.project}"
        where += f" (offline, in {self._folder})" if run.offline else f" ({run.url})"
        self._records.note(self._job.id, Event(f"Weights & Biases: metrics go to {where}."))
        # Also the steps of earlier attempts: wandb drops those that the run has already.
        seen, is_last = 0, False
        while not is_last:
            is_last = self._ended.wait(POLL_S)  # what is stored by now is the rest
            for place, data in self._records.metrics(self._job.id, seen):
                run.log(numbers(data), step=data["step"])
                seen = place
        run.finish(exit_code=int(self._failed))


def start(job: Job, wanted: WandbRun, folder: Path) -> Any:
    """Open the run, or take it up again. Raises WandbError, or whatever wandb raises."""
    try:
        import wandb
    except ImportError:
        raise WandbError(
            "the package wandb is not installed where the service runs; install it there "
            "(pip install wandb) and resume or repeat the job"
        ) from None
    settings = wandb.Settings(console="off", silent=True, disable_git=True, save_code=False)
    is_online = wandb.setup(settings).settings.mode not in ("offline", "dryrun", "disabled")
    if is_online and not wandb.login(prompt=False, verify=False):
        raise WandbError(
            "the service is not logged in there; set WANDB_API_KEY (or WANDB_MODE=offline) where "
            "it runs and start it again"
        )
    folder.mkdir(exist_ok=True)
    return wandb.init(
        project=wanted.project,
        entity=wanted.entity,
        name=wanted.name or job.id,
        tags=wanted.tags,
        id=job.id,
        resume="allow",
        reinit="create_new",  # several jobs may train at once
        dir=folder,
        settings=settings,
        config={
            "model": job.spec.model,
            "seed": job.spec.seed,
            **job.spec.hyperparameters.model_dump(),
        },
    )
