"""What the tests of the pages share: opening one as somebody who was let in, and asking the API."""

from __future__ import annotations

import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from rft_service.pages.access import link
from tests.service.conftest import Running


def open_page(page: Page, running: Running, path: str = "/") -> None:
    page.goto(link(running.url, running.key, path))


def status(page: Page, wanted: str) -> None:
    expect(page.locator("#status")).to_have_attribute("data-status", wanted)


def last_step(running: Running, job_id: str) -> int:
    done = running.steps(job_id)
    return int(done[-1]["step"]) if done else 0


def pause_after(running: Running, job_id: str, step: int) -> int:
    """Pause a running job once it is beyond `step`; the step that it then stands at."""
    for _ in range(6_000):
        if last_step(running, job_id) > step:
            running.client.fine_tuning.jobs.pause(job_id)
            return last_step(running, job_id)
        time.sleep(0.01)
    raise AssertionError(f"the job is still at step {step}")


def serious(page: Page) -> list[str]:
    """What axe-core finds wrong, of the kinds that keep somebody out."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
