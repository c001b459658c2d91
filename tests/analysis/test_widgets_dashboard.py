"""The job dashboard, against a real service: it follows, its buttons act, it ends as a picture."""

from __future__ import annotations

import base64
import html
import io
import re
import threading
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from matplotlib import image

from buildhour_helpers.analysis.widgets import JobDashboard
from buildhour_helpers.analysis.widgets.dashboard import events_html, steps_html
from tests.service.conftest import Running, customer, customer_url, service, shared, start
from tests.service.customer import Customer

__all__ = ["customer", "customer_url", "service", "shared", "start"]  # fixtures


class Handle:
    """Stands where IPython's display handle does, and keeps what is shown last."""

    shown: dict[str, str] | None = None

    def update(self, data: dict[str, str], raw: bool) -> None:
        assert raw
        self.shown = data


def followed(running: Running, job_id: str) -> tuple[JobDashboard, Handle]:
    dashboard = JobDashboard(running.client, job_id, poll_s=0.05)
    handle = dashboard._handle = Handle()
    dashboard.start()
    return dashboard, handle


def test_it_follows_to_the_end_and_leaves_picture_and_table(
    service: Running, customer_url: str
) -> None:
    job = service.job(customer_url)
    dashboard, handle = followed(service, job.id)
    dashboard.wait()
    ended = service.client.fine_tuning.jobs.retrieve(job.id)
    metrics = [event.data for event in service.events(job.id) if event.type == "metrics"]
    assert dashboard.steps == metrics
    assert [event.id for event in dashboard.events] == [e.id for e in service.events(job.id)]
    assert dashboard.progress.value == 1.0
    assert all(button.disabled for button in dashboard.buttons.values())
    assert handle.shown is not None
    left = handle.shown["text/html"]
    assert f"{job.id}: succeeded" in left
    assert str(ended.fine_tuned_model) in left
    (encoded,), (alt,) = re.findall(r"base64,([^\"]+)", left), re.findall(r'alt="([^"]+)"', left)
    assert image.imread(io.BytesIO(base64.b64decode(encoded))).shape[1] > 500
    assert "reward went from" in html.unescape(alt)
    assert len(re.findall(r'<th scope="row">', left)) == len(metrics)
    assert "<script" not in left


def test_its_buttons_pause_resume_and_cancel_and_stopping_it_leaves_the_job_alone(
    service: Running, customer: Customer, customer_url: str
) -> None:
    customer.delay_s = 0.05
    job = service.job(customer_url)
    stopped, left = followed(service, job.id)
    service.wait(job.id, "running")
    stopped.stop()
    assert left.shown is not None
    dashboard, handle = followed(service, job.id)
    for name, status in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        dashboard.buttons[name].click()
        service.wait(job.id, status)
    dashboard.wait()
    dashboard.buttons["resume"].click()
    assert "cancelled" in dashboard.said.value  # the service says why it cannot be resumed
    assert handle.shown is not None
    assert "cancelled" in handle.shown["text/plain"]


def test_a_job_that_does_not_exist_ends_it_in_the_services_words(service: Running) -> None:
    dashboard, handle = followed(service, "ftjob-none")
    dashboard.wait()
    assert handle.shown is not None
    assert "No such fine-tuning job" in handle.shown["text/html"]


def test_showing_it_starts_one_thread(service: Running, customer_url: str) -> None:
    InteractiveShell.instance()
    job = service.wait(service.job(customer_url).id)
    dashboard = JobDashboard(service.client, job.id, poll_s=0.05)
    before = threading.active_count()
    dashboard._ipython_display_()
    dashboard.start()
    assert threading.active_count() <= before + 1
    dashboard.wait()
    assert dashboard.job is not None


def test_events_are_escaped_and_a_long_job_is_a_short_table_with_its_last_step() -> None:
    at = datetime(2026, 2, 3, 4, 5, 6).astimezone()
    made = {"level": "warn", "message": "<script>", "created_at": int(at.timestamp())}
    event: Any = SimpleNamespace(**made)
    said = f'<time datetime="{at.isoformat()}">04:05:06</time> warn: &lt;script&gt;'
    assert events_html([event]) == f"<ul><li>{said}</li></ul>"
    steps = [{"step": number, "train_mean_reward": 0.5} for number in range(1, 101)]
    rows = re.findall(r'<th scope="row">(\d+)', steps_html(steps))
    assert len(rows) <= 12
    assert rows[-1] == "100"
