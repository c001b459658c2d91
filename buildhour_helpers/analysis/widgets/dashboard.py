"""A job in a notebook: it moves while the kernel works on, and ends as a picture and a table."""

from __future__ import annotations

import base64
import contextvars
import html
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

import ipywidgets as widgets
from IPython.display import display
from openai import APIConnectionError, APIError, OpenAI
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

from buildhour_helpers.analysis.figures import training_curves
from buildhour_helpers.analysis.widgets.viewer import with_plain_text
from buildhour_helpers.jobs import ENDED, step_of

LINES = 6  # events that are shown
ROWS = 12  # steps in the table that is left behind
MOST_FAILURES = 30  # polls in a row without an answer, after which it gives up
COLUMNS = (  # as on the job page
    ("training reward", "train_mean_reward", 3),
    ("validation reward", "full_valid_mean_reward", 3),
    ("tool calls per rollout", "tool_calls_per_rollout", 2),
    ("turns per rollout", "turns_per_rollout", 2),
    ("reasoning tokens per rollout", "reasoning_tokens_mean", 0),
)
MAY: Mapping[str, tuple[str, ...]] = {
    "pause": ("queued", "running"),
    "resume": ("paused",),
    "cancel": ("validating_files", "queued", "running", "paused"),
}
"""From which statuses a button works."""


class JobDashboard:
    """Status, progress, curves and last events of a job, with buttons. Put it last in a cell.

    A thread follows the job, so the kernel is free. It ends with the job, and replaces the widget
    by what a saved notebook can show: a picture with its alt text, and a table. `wait()` in a later
    cell waits for that; `stop()` stops following, and the job goes on.
    """

    def __init__(self, client: OpenAI, job_id: str, *, poll_s: float = 1.0) -> None:
        self._client = client
        self._job_id = job_id
        self._poll_s = poll_s
        self._wake = threading.Event()
        self._is_stopped = False
        self._thread: threading.Thread | None = None
        self._handle: Any = None
        self._failures = 0
        self.job: FineTuningJob | None = None
        self.events: list[FineTuningJobEvent] = []  # oldest first
        self.steps: list[Mapping[str, Any]] = []
        self.status = widgets.HTML()
        self.progress = widgets.FloatProgress(max=1.0, layout=widgets.Layout(width="100%"))
        self.curves = widgets.HTML()
        self.log = widgets.HTML()
        self.said = widgets.HTML()
        self.buttons = {name: self._button(name) for name in MAY}
        row = widgets.HBox([*self.buttons.values(), self.said])
        self.box = widgets.VBox([self.status, self.progress, row, self.curves, self.log])

    def _button(self, name: str) -> widgets.Button:
        button = widgets.Button(description=name.capitalize(), disabled=True)
        act: Callable[[str], object] = getattr(self._client.fine_tuning.jobs, name)

        def clicked(_button: widgets.Button) -> None:
            try:
                act(self._job_id)
                self.said.value = ""
            except APIError as error:
                self.said.value = html.escape(error.message)
            self._wake.set()

        button.on_click(clicked)
        return button

    def start(self) -> None:
        """Begin to follow, once; the first display does it."""
        if self._thread is None:
            # In the cell's own context: what the thread displays belongs to the cell.
            run = contextvars.copy_context().run
            self._thread = threading.Thread(target=run, args=(self._follow,), daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop following and leave picture and table behind; the job goes on."""
        self._is_stopped = True
        self._wake.set()
        self.wait()

    def wait(self) -> None:
        """Wait until the job has ended and the picture has replaced the widget."""
        if self._thread is not None:
            self._thread.join()

    def _follow(self) -> None:
        while not self._is_stopped and self._failures < MOST_FAILURES:
            try:
                job = self._client.fine_tuning.jobs.retrieve(self._job_id)
                fresh = self._fresh()
            except APIConnectionError:
                self._failures += 1
                self.said.value = "the service does not answer; trying again"
            except APIError as error:
                self.said.value = html.escape(error.message)
                break
            else:
                self._failures = 0
                self._show(job, fresh)
                if job.status in ENDED:  # asked before the events were, so none is missed
                    break
            self._wake.wait(self._poll_s)
            self._wake.clear()
        if self._handle is not None:
            self._handle.update(self.static(), raw=True)

    def _fresh(self) -> list[FineTuningJobEvent]:
        """The events since the last one seen, oldest first."""
        seen = self.events[-1].id if self.events else None
        newest_first = self._client.fine_tuning.jobs.list_events(self._job_id, limit=100)
        return list(takewhile(lambda event: event.id != seen, newest_first))[::-1]

    def _show(self, job: FineTuningJob, fresh: Sequence[FineTuningJobEvent]) -> None:
        self.job = job
        self.events += fresh
        new_steps = [step for step in map(step_of, fresh) if step is not None]
        self.steps += new_steps
        self.status.value = f"<p>{html.escape(in_words(job, self.steps))}</p>"
        self.progress.value = share_done(job, self.steps)
        for name, button in self.buttons.items():
            button.disabled = job.status not in MAY[name]
        if fresh:
            self.log.value = events_html(self.events)
        if new_steps:
            self.curves.value = picture(job, self.steps)

    def static(self) -> dict[str, str]:
        """Display data that needs no kernel: state, picture, table, last events."""
        if self.job is None:
            text = f"{self._job_id}: {self.said.value or 'nothing was heard of it'}"
            return {"text/plain": text, "text/html": f"<p>{text}</p>"}
        words = in_words(self.job, self.steps)
        parts = [f"<p><b>{html.escape(words)}</b></p>"]
        if self.steps:
            parts += [picture(self.job, self.steps), steps_html(self.steps)]
        parts.append(events_html(self.events))
        return {"text/plain": words, "text/html": "\n".join(parts)}

    def _ipython_display_(self) -> None:
        waiting = f"The job {self._job_id}, followed live: it needs a running kernel."
        bundle = with_plain_text(self.box, waiting)
        self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self.start()


def in_words(job: FineTuningJob, steps: Sequence[Mapping[str, Any]]) -> str:
    """Status, steps done, and the time left as the service estimates it."""
    words = f"{job.id}: {job.status}"
    if steps:
        words += f", step {steps[-1]['step']} of {steps[-1]['total_steps']}"
    if job.status == "running" and job.estimated_finish:
        words += f", about {max(0, job.estimated_finish - time.time()):.0f} s left"
    if job.fine_tuned_model:
        words += f"; the tuned model is {job.fine_tuned_model}"
    if job.status == "failed" and job.error and job.error.message:
        words += f": {job.error.message}"
    return words


def share_done(job: FineTuningJob, steps: Sequence[Mapping[str, Any]]) -> float:
    if job.status == "succeeded":
        return 1.0
    return float(steps[-1]["step"] / steps[-1]["total_steps"]) if steps else 0.0


def picture(job: FineTuningJob, steps: Sequence[Mapping[str, Any]]) -> str:
    """The curves as an image with its alt text."""
    is_simulated = job.model.removeprefix("ft:").startswith("sim-")
    chart = training_curves(steps, note="simulated model" if is_simulated else "")
    data = base64.b64encode(chart.png()).decode()
    alt = html.escape(chart.alt_text(), quote=True)
    return f'<img src="data:image/png;base64,{data}" alt="{alt}" style="max-width: 100%">'


def steps_html(steps: Sequence[Mapping[str, Any]]) -> str:
    """A table of at most ROWS steps, evenly chosen, the last one among them."""
    stride = -(-len(steps) // ROWS)
    chosen = steps[::-1][::stride][::-1]
    heads = "".join(f'<th scope="col">{name}</th>' for name, _, _ in COLUMNS)
    rows = "".join(
        f'<tr><th scope="row">{step["step"]}</th>{"".join(_cells(step))}</tr>' for step in chosen
    )
    return f'<table><thead><tr><th scope="col">step</th>{heads}</tr></thead>{rows}</table>'


def _cells(step: Mapping[str, Any]) -> list[str]:
    values = ((step.get(key), digits) for _, key, digits in COLUMNS)
    return [
        f"<td>{'–' if value is None else f'{value:.{digits}f}'}</td>" for value, digits in values
    ]


def events_html(events: Sequence[FineTuningJobEvent]) -> str:
    """The last events, newest first."""
    last = reversed(events[-LINES:])
    return f"<ul>{''.join(map(_event_html, last))}</ul>"


def _event_html(event: FineTuningJobEvent) -> str:
    """One line, with the time of the reader's clock."""
    at = datetime.fromtimestamp(event.created_at).astimezone()
    level = "" if event.level == "info" else f"{event.level}: "
    said = html.escape(f"{level}{event.message}")
    return f'<li><time datetime="{at.isoformat()}">{at:%H:%M:%S}</time> {said}</li>'
