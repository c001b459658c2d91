"""The thread that runs jobs: validates each as it comes, trains a bounded number at once.

It has its own event loop, so that the API answers while a job's rollouts run.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from rft_service.endpoints import probe
from rft_service.errors import DISK_FULL, DISK_IS_FULL, ApiError, is_disk_full
from rft_service.graders.run import GraderRunner, Judge
from rft_service.graders.specs import endpoints
from rft_service.jobs.dataset import DatasetError, Rows, validate_file
from rft_service.jobs.disk_reserve import Ballast
from rft_service.jobs.environment import JobEnvironment
from rft_service.jobs.outages import JobClient, OutageError, duration, is_over
from rft_service.jobs.training import JobFailedError, TrainingJob
from rft_service.jobs.weights_and_biases import reported
from rft_service.rl.engine import Engine, EngineError, EngineUnavailableError
from rft_service.store.files import FileStore, StoredFile
from rft_service.store.job import Event, Job, base_of
from rft_service.store.job_spec import JobSpec
from rft_service.store.jobs import JobRecords, JobStoppedError
from rft_wire.client import EndpointLimits

log = logging.getLogger(__name__)

ROOM_PAUSE_S = 5.0
MAX_OUTAGES = 10  # in one step


class JobRunner:
    """Owns every job that is validating, queued or running."""

    def __init__(
        self,
        records: JobRecords,
        files: FileStore,
        engine: Engine,
        judge: Judge,
        limits: EndpointLimits,
        concurrency: int,
        ballast: Ballast,
        jobs: int,
        reports: Path,
    ) -> None:
        self._jobs = jobs  # that train at once
        self._reports = reports  # a folder for what integrations write
        self._ballast = ballast
        self._records = records
        self._files = files
        self._engine = engine
        self._judge = judge
        self._limits = limits
        self._concurrency = concurrency
        self._thread = threading.Thread(target=self._main, name="jobs", daemon=True)
        self._ready = threading.Event()
        self._working: dict[asyncio.Task[None], str] = {}  # what is done, and for which job

    def start(self) -> None:
        """Begin to work; jobs that an earlier service left under way come first."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """End the thread. A job under way stays as its last stored step left it."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._main_task.cancel)
            self._thread.join()

    def wake(self) -> None:
        """Have a look at the jobs: one was created or resumed."""
        self._loop.call_soon_threadsafe(self._set_wakes)

    def interrupt(self, job_id: str) -> None:
        """Drop the work on a job whose status no longer asks for it."""
        self._loop.call_soon_threadsafe(self._cancel_work, job_id)

    def _set_wakes(self) -> None:
        for event in self._wakes:
            event.set()

    def _cancel_work(self, job_id: str) -> None:
        for task, worked_on in self._working.items():
            if worked_on == job_id:
                task.cancel()

    def _main(self) -> None:
        with (
            contextlib.suppress(asyncio.CancelledError),
            asyncio.Runner(loop_factory=loop_factory()) as runner,
        ):
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wakes = [asyncio.Event() for _ in range(1 + self._jobs)]  # one for each that waits
        task = asyncio.current_task()
        assert task is not None
        self._main_task = task
        self._left_behind = self._records.ids("validating_files")
        self._ready.set()
        validating, *training = self._wakes
        await asyncio.gather(
            self._work_off(("validating_files",), self._validate, validating),
            *(
                self._work_off(("running", "queued"), self._train_reported, wake)
                for wake in training
            ),
        )

    async def _work_off(
        self,
        statuses: tuple[str, ...],
        work: Callable[[Job], Awaitable[None]],
        wake: asyncio.Event,
    ) -> None:
        """Take the oldest job of the first status that has one, again and again; jobs that are
        worked on already are left out."""
        while True:
            wake.clear()
            taken = set(self._working.values())
            found = (self._records.next(status, taken) for status in statuses)
            job = next((job for job in found if job is not None), None)
            if job is None:
                await wake.wait()
                continue
            task = asyncio.ensure_future(self._guarded(work, job))
            self._working[task] = job.id
            try:
                await asyncio.wait([task])
            finally:
                task.cancel()
                del self._working[task]
                self._set_wakes()  # the job may be another's to work on now

    async def _guarded(self, work: Callable[[Job], Awaitable[None]], job: Job) -> None:
        """Do the work; whatever goes wrong ends the job with one line, never the thread."""
        try:
            await work(job)
        except JobStoppedError:
            pass
        except JobFailedError as error:
            await self._fail(job, error.code, str(error), error.param)
        except DatasetError as error:
            await self._fail(job, f"invalid_{error.param}", str(error), error.param)
        except ApiError as error:
            code = error.code or "invalid_request_error"
            await self._fail(job, code, error.message, error.param)
        except Exception as error:
            if not is_disk_full(error):
                log.exception("the job %s failed", job.id)
                message = f"the service had an error: {type(error).__name__}: {error}"
                await self._fail(job, "server_error", message)
            elif job.status == "validating_files":
                await self._fail(job, "disk_full", DISK_FULL)
            else:
                await self._pause(job, f"{DISK_IS_FULL}. Free some room")

    async def _fail(self, job: Job, code: str, message: str, param: str | None = None) -> None:
        await self._write(partial(self._records.fail, job.id, code, message, param))

    async def _pause(self, job: Job, reason: str) -> None:
        """Keep a job that cannot go on now; `reason` ends with what its owner has to do."""
        resume = f"POST /v1/fine_tuning/jobs/{job.id}/resume"
        message = f"The job has been paused: {reason}, then resume the job ({resume})."
        sources = ("queued", "running")
        with contextlib.suppress(ApiError):  # cancelled or paused meanwhile
            await self._write(
                partial(self._records.move, job.id, sources, "paused", message, level="warn")
            )

    async def _write(self, write: Callable[[], object]) -> None:
        """Write something down: in the ballast's place, or when there is room again, if need be."""
        while True:
            try:
                write()
                return
            except sqlite3.OperationalError:
                if not self._ballast.release():
                    await asyncio.sleep(ROOM_PAUSE_S)

    async def _validate(self, job: Job) -> None:
        """Check both files and reach every endpoint, then queue the job."""
        spec = job.spec
        for param, file_id in files_of(spec):
            stored = self._files.get(file_id, param)
            await asyncio.to_thread(validate_file, stored, param, spec, self._engine)
        if job.id not in self._left_behind:  # those wait for endpoints that start beside us
            await check_reachable(spec)
        with contextlib.suppress(ApiError):  # cancelled meanwhile
            message = "Files validated, moving job to queued state"
            self._records.move(job.id, ("validating_files",), "queued", message)

    async def _train_reported(self, job: Job) -> None:
        """Train a job to its end, with its metrics also where its integrations want them."""
        with reported(job, self._records, self._reports):
            await self._train(job)

    async def _train(self, job: Job) -> None:
        """Train a job to its end. Where an endpoint or the engine is down, wait, and go on or pause
        the job."""
        self._ballast.fill()
        limit = duration(self._limits.patience_s)
        outages = Counter[int]()  # by the step that was stored last
        while True:
            try:
                await self._attempt(job)
                return
            except EngineError as refusal:
                await self._pause(job, f"{refusal}. Correct that")
                return
            except OutageError as outage:
                what = f"Waiting for {outage.url}: it {outage.reason}"
                text = f"{what}. Trying again for up to {limit}; then the job is paused."
                self._records.note(job.id, Event(text, "warn"))
                step = self._records.get(job.id).step
                outages[step] += 1
                if outages[step] > MAX_OUTAGES:
                    since = f"for the {outages[step]}th time in one step"
                elif await is_over(outage, self._limits):
                    self._records.note(job.id, Event(f"{outage.url} answers again."))
                    if isinstance(outage.__cause__, EngineUnavailableError):
                        # It may answer and still have no adapter to spare, so that pauses grow.
                        await asyncio.sleep(self._limits.first_pause_s * 2 ** outages[step])
                    continue
                else:
                    since = f"for {limit}"
                fix = "Start its server again at that address, or fix it"
                await self._pause(job, f"{outage}, {since}. {fix}")
                return

    async def _attempt(self, job: Job) -> None:
        """Train from the last stored step. Raises OutageError, EngineError."""
        job = self._records.begin(job.id)
        with contextlib.ExitStack() as stack:
            train, validation = (
                stack.enter_context(contextlib.closing(Rows(stored, job.spec)))
                for stored in self._stored_files(job.spec)
            )
            async with JobClient(self._limits, job.spec) as client:
                graders = GraderRunner(client, self._judge)
                environment = JobEnvironment(client, graders, job.spec)
                try:
                    await self._run(job, client, environment, train, validation)
                except EngineUnavailableError as error:
                    raise OutageError(
                        error.url, error.reason, lambda _: self._engine.is_available()
                    ) from error

    async def _run(
        self,
        job: Job,
        client: JobClient,
        environment: JobEnvironment,
        train: Rows,
        validation: Rows,
    ) -> None:
        base, uri = base_of(job.spec.model), self._records.weights_uri(job.id)
        learner = await self._engine.learner(base, uri)
        try:
            training = TrainingJob(
                job,
                self._records,
                self._engine,
                learner,
                environment,
                train,
                validation,
                self._concurrency,
            )
            await client.attempt(training.run())
        finally:
            await learner.close()

    def _stored_files(self, spec: JobSpec) -> list[StoredFile]:
        return [self._files.get(file_id, param) for param, file_id in files_of(spec)]


def files_of(spec: JobSpec) -> tuple[tuple[str, str], tuple[str, str]]:
    """The parameters that name files, with the file IDs: training first."""
    return (("training_file", spec.training_file), ("validation_file", spec.validation_file))


async def check_reachable(spec: JobSpec) -> None:
    """Raises JobFailedError for the first endpoint where nothing listens."""
    where = "method.reinforcement"
    wanted = [
        (f"the tool {tool.name!r}", tool.server_url, f"{where}.tools[{n}].server_url")
        for n, tool in enumerate(spec.tools)
    ]
    wanted += [
        (f"the grader {grader.name!r}", grader.url, f"{where}.grader.url")
        for grader in endpoints(spec.grader)
    ]
    for who, url, param in wanted:
        if reason := await probe(url):
            raise JobFailedError(
                "endpoint_unreachable",
                f"{who} at {url} does not answer ({reason}); start its server or correct {param}",
                param,
            )


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's loop where it is installed (not on Windows), else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
