"""The job page while something is on its way: steps to come, a reader at work, a service gone."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, expect
from starlette.responses import Response

from tests.service.conftest import Running, running
from tests.service.customer import Customer
from tests.service.servers import closed_port

from .conftest import Watched
from .pages import last_step, open_page, pause_after, serious, status


def test_a_service_that_is_gone_is_said_to_be_and_found_again(
    tmp_path: Path,
    customer: Customer,
    customer_url: str,
    context: BrowserContext,
    page: Page,
    watched: Watched,
) -> None:
    customer.delay_s = 0.05
    jobs = context.new_page()
    with running(tmp_path) as service:
        job = service.job(customer_url, rows=60)
        open_page(page, service, f"/finetune/{job.id}")
        open_page(jobs, service)
        expect(page.locator("#left")).to_contain_text("left")
        expect(page.locator("[data-open]").first).to_be_visible()
        expect(jobs.get_by_role("link", name=job.id)).to_be_visible()
        expect(page.locator("#connection")).to_be_empty()
    for left in (page, jobs):
        expect(left.locator("#connection")).to_contain_text("Connection lost, trying again")
        assert serious(left) == []
    expect(page.locator("#left")).to_be_hidden()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#said")).to_contain_text("The service does not answer")
    expect(page.get_by_role("button", name="Pause")).to_be_enabled()
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#page-said")).to_contain_text("The service does not answer")
    page.locator("[data-open]").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("The service does not answer")
    page.keyboard.press("Escape")
    with running(tmp_path, port=urlsplit(service.url).port):
        for back in (page, jobs):
            expect(back.locator("#connection")).to_be_empty()
        status(page, "succeeded")
        expect(jobs.locator("#jobs .status")).to_have_text("succeeded")
        page.close()
        jobs.close()
    assert watched.problems
    assert [problem for problem in watched.problems if "net::ERR_" not in problem] == []
    watched.problems.clear()


def test_the_mouse_previews_a_step_and_a_click_keeps_it(
    service: Running, customer: Customer, customer_url: str, page: Page
) -> None:
    customer.delay_s = 0.05
    job = service.job(customer_url)
    open_page(page, service, f"/finetune/{job.id}")
    at = page.locator("#at")
    picture = page.locator("#charts svg").first
    expect(picture).to_be_visible()
    picture.hover(position={"x": 50, "y": 50})
    expect(at).to_have_text("1")
    page.locator("h1").hover()
    status(page, "succeeded")
    last = str(len(service.steps(job.id)))
    expect(at).to_have_text(last)  # it went on with the job after the mouse had passed
    for _ in range(2):
        picture.hover(position={"x": 50, "y": 50})
        expect(at).to_have_text("1")
        page.locator("h1").hover()
        expect(at).to_have_text(last)
    picture.dispatch_event("pointermove", {"pointerType": "touch", "clientX": 0, "clientY": 0})
    expect(at).to_have_text(last)
    picture.click(position={"x": 50, "y": 50})
    page.locator("h1").hover()
    expect(at).to_have_text("1")


def test_the_list_of_rollouts_follows_until_the_reader_is_busy_with_it(
    service: Running, customer: Customer, customer_url: str, page: Page
) -> None:
    customer.delay_s = 0.05
    job = service.job(customer_url, rows=80)
    api = service.client.fine_tuning.jobs
    pause_after(service, job.id, 0)  # or the job may outrun the page
    open_page(page, service, f"/finetune/{job.id}")
    status(page, "paused")
    step, cursor = page.locator('#rollouts [data-label="step"]').first, page.locator("#cursor")
    before = str(last_step(service, job.id))
    expect(step).to_have_text(before)
    expect(cursor).to_have_attribute("max", before)
    api.resume(job.id)
    expect(cursor).not_to_have_attribute("max", before)
    expect(step).not_to_have_text(before)
    api.pause(job.id)
    status(page, "paused")
    done = str(last_step(service, job.id))
    expect(step).to_have_text(done)
    box = page.locator("#rollouts input").first
    box.check()
    api.resume(job.id)
    status(page, "succeeded")
    last = last_step(service, job.id)
    offer = page.get_by_role("button", name=f"Step {last} is ready: show its rollouts")
    expect(offer).to_be_visible()
    expect(step).to_have_text(done)
    expect(box).to_be_checked()
    offer.click()
    expect(step).to_have_text(str(last))
    expect(offer).to_be_hidden()
    expect(page.locator("#rollouts-title")).to_be_focused()
    assert page.locator("#rollouts tbody tr").count() == len(
        service.rollouts(job.id, step=last)[:25]
    )


def test_before_the_first_step_it_is_waited_for(
    service: Running, customer: Customer, customer_url: str, page: Page
) -> None:
    may_answer = threading.Event()

    def tool(_body: dict[str, Any]) -> Response | None:
        may_answer.wait(60)
        return None

    customer.tool = tool
    job = service.job(customer_url)
    open_page(page, service, f"/finetune/{job.id}")
    try:
        status(page, "running")
        expect(page.locator("#no-steps")).to_have_text("Waiting for the first step.")
        expect(page.locator("#charts")).to_be_hidden()
        expect(page.locator("#no-checkpoints")).to_contain_text("None yet")
        expect(page.locator("#rollouts")).to_be_hidden()
        assert serious(page) == []
    finally:
        may_answer.set()
    status(page, "succeeded")
    expect(page.locator("#no-steps")).to_be_empty()
    expect(page.locator("#charts")).to_be_visible()
    expect(page.locator("#no-checkpoints")).to_be_hidden()
    expect(page.locator("#some-checkpoints")).to_contain_text("the best validation")


def test_a_job_that_failed_early_promises_nothing(service: Running, page: Page) -> None:
    job = service.wait(service.job(f"http://127.0.0.1:{closed_port()}").id)
    open_page(page, service, f"/finetune/{job.id}")
    expect(page.locator("#no-steps")).to_have_text("The job failed before its first step.")
    expect(page.locator("#no-checkpoints")).to_contain_text("before its first validation")
    expect(page.locator("#charts")).to_be_hidden()
    expect(page.locator("#problem")).to_be_visible()
