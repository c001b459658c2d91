"""The job page in a real browser, during live jobs."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from starlette.responses import JSONResponse

from rft_service.pages import stream
from tests.service.conftest import Running, Start
from tests.service.customer import Customer, tool_answer

from .conftest import Finished
from .pages import open_page, serious, status


def test_a_live_job_is_shown_as_it_goes_on(
    service: Running, customer: Customer, customer_url: str, page: Page
) -> None:
    customer.delay_s = 0.05
    job = service.job(customer_url)
    open_page(page, service, f"/finetune/{job.id}")
    assert "key" not in page.url
    expect(page.locator("#cursor")).to_be_enabled()  # the first step has come, over the stream
    first = int(page.locator("#cursor").get_attribute("max") or 0)
    status(page, "succeeded")
    said = service.steps(job.id)
    assert first < len(said)  # it grew while it was looked at
    expect(page.locator("#cursor")).to_have_attribute("max", str(len(said)))
    names = page.locator("#checkpoints code").all_inner_texts()
    kept = service.client.fine_tuning.jobs.checkpoints.list(job.id)
    assert names == [one.fine_tuned_model_checkpoint for one in kept]
    page.get_by_role("button", name=f"Copy the model name of step {len(said)}").click()
    expect(page.locator("#checkpoints").get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == names[0]
    newest = page.locator("#events li").first
    expect(newest).to_contain_text("The job has successfully completed")
    assert page.locator("#events li").count() == len(service.events(job.id))


def test_nothing_is_lost_or_doubled_when_the_stream_breaks_off(
    service: Running,
    customer: Customer,
    customer_url: str,
    page: Page,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The browser comes back to a stream that ends, several times during a job."""
    monkeypatch.setattr(stream, "LASTS_S", 0.1)
    monkeypatch.setattr(stream, "POLL_S", 0.05)
    customer.delay_s = 0.03
    connections = []
    page.on("request", lambda request: connections.append(request.url))
    job = service.job(customer_url, rows=60)
    open_page(page, service, f"/finetune/{job.id}")
    status(page, "succeeded")
    assert sum(url.endswith("/stream") for url in connections) > 2
    expect(page.locator("#events li").first).to_contain_text("successfully completed")
    shown = page.locator("#events li").all_inner_texts()
    told = [event.message for event in service.events(job.id)][::-1]
    assert len(shown) == len(told)
    assert all(message in line for message, line in zip(told, shown, strict=True))
    expect(page.locator("#cursor")).to_have_attribute("max", str(len(service.steps(job.id))))


def test_many_events_at_once_leave_no_gap(
    service: Running, customer: Customer, customer_url: str, page: Page
) -> None:
    """As after a night with the lid shut: more has happened than is sent at once."""
    customer.delay_s = 0.05
    job = service.job(customer_url)
    service.client.fine_tuning.jobs.pause(service.wait(job.id, "running").id)
    open_page(page, service, f"/finetune/{job.id}")
    expect(page.locator("#events li").first).to_contain_text("paused")
    with contextlib.closing(sqlite3.connect(service.home / "service.sqlite")) as database, database:
        database.executemany(
            "INSERT INTO events (id, job_id, created_at, level, message, type)"
            " VALUES (?, ?, 0, 'info', ?, 'message')",
            ((f"many-{n}", job.id, f"Event number {n}") for n in range(120)),
        )
    expect(page.locator("#events li").first).to_contain_text("Event number 119")
    older = page.get_by_role("button", name="Older events")
    told = [event.message for event in service.events(job.id)][::-1]
    for count in (50, 100):
        expect(page.locator("#events li")).to_have_count(count)
        older.click()
    expect(page.locator("#events li")).to_have_count(len(told))
    for message, line in zip(told, page.locator("#events li").all_inner_texts(), strict=True):
        assert message in line


def test_pause_resume_and_cancel_by_button(
    service: Running, customer: Customer, customer_url: str, page: Page
) -> None:
    customer.delay_s = 0.05
    job = service.job(customer_url)
    open_page(page, service, f"/finetune/{job.id}")
    status(page, "running")
    page.get_by_role("button", name="Pause").click()
    status(page, "paused")
    assert service.client.fine_tuning.jobs.retrieve(job.id).status == "paused"
    expect(page.get_by_role("button", name="Pause")).to_be_disabled()
    page.get_by_role("button", name="Resume").click()
    status(page, "running")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel").click()
    status(page, "cancelled")
    assert service.client.fine_tuning.jobs.retrieve(job.id).status == "cancelled"


def test_rollouts_are_filtered_opened_compared_and_copied(finished: Finished, page: Page) -> None:
    open_page(page, finished.service, finished.path)
    rows = page.locator("#rollouts tbody tr")
    page.get_by_label("step", exact=True).fill("1")
    page.get_by_label("outcome").select_option("wrong")
    page.get_by_role("button", name="Show", exact=True).click()
    wrong = [
        one for one in finished.service.rollouts(finished.job.id, step=1) if one["reward"] == 0
    ]
    expect(rows).to_have_count(len(wrong))
    assert set(column(page, "outcome")) == {"wrong"}
    assert set(column(page, "reward")) == {"0.000"}
    numbers = [one["row"] + (100 if one["phase"] == "valid" else 0) for one in wrong]
    assert column(page, "question") == [f"What is the value of key{number}" for number in numbers]
    rows.nth(0).get_by_role("button").click()
    viewer = page.get_by_role("dialog")
    expect(viewer).to_contain_text("I look it up.")
    expect(viewer).to_contain_text("What is the value of key")
    assert serious(page) == []
    viewer.get_by_role("button", name="Copy as JSON").click()
    expect(page.locator("#viewer-said")).to_have_text("Copied")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["id"] == wrong[0]["id"]
    page.keyboard.press("Escape")
    compare = page.get_by_role("button", name="Show the two side by side")
    for place, words in enumerate(("Tick two rollouts", "Tick one more")):
        expect(compare).to_be_disabled()
        expect(page.locator("#ticked")).to_contain_text(words)
        rows.nth(place).get_by_role("checkbox").check()
    compare.click()
    expect(viewer.locator(".pair .head")).to_have_count(2)
    assert serious(page) == []
    viewer.get_by_role("button", name="Copy as JSON: Right").click()
    expect(page.locator("#viewer-said")).to_have_text("Copied")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["id"] == wrong[1]["id"]


def column(page: Page, name: str) -> list[str]:
    return page.locator(f'#rollouts [data-label="{name}"]').all_inner_texts()


def test_rollouts_of_one_phase_are_listed_alone(finished: Finished, page: Page) -> None:
    open_page(page, finished.service, finished.path)
    page.get_by_label("step", exact=True).fill("2")
    for phase, word in (("valid", "validation"), ("train", "training")):
        page.get_by_label("phase").select_option(word)
        page.get_by_role("button", name="Show", exact=True).click()
        listed = finished.service.rollouts(finished.job.id, step=2, phase=phase)[:25]
        expect(page.locator('#rollouts [data-label="phase"]').first).to_have_text(word)
        names = [f"row {one['row']}, sample {one['sample']}" for one in listed]
        assert column(page, "rollout") == names
        assert set(column(page, "phase")) == {word}


def test_a_rollout_without_an_answer_says_so_in_words(
    service: Running, customer: Customer, customer_url: str, page: Page
) -> None:
    job = service.wait(service.job(customer_url, max_episode_steps=1).id)
    open_page(page, service, f"/finetune/{job.id}")
    answers = page.locator('#rollouts [data-label="answer"]')
    expect(answers.first).to_have_text("no answer (step limit)")
    page.locator("[data-open]").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("no answer (step limit)")


def test_pages_of_rollouts_go_forth_and_back(finished: Finished, page: Page) -> None:
    open_page(page, finished.service, finished.path)
    page.get_by_label("step", exact=True).fill("")
    page.get_by_role("button", name="Show", exact=True).click()
    said = page.locator("#page-said")
    expect(said).to_have_text("Rollouts 1 to 25, and more")
    first = page.locator("#rollouts tbody").inner_text()
    page.get_by_role("button", name="Next page").click()
    expect(said).to_have_text("Rollouts 26 to 50, and more")
    page.get_by_role("button", name="Previous page").click()
    expect(said).to_have_text("Rollouts 1 to 25, and more")
    assert page.locator("#rollouts tbody").inner_text() == first


def test_by_keyboard_alone(finished: Finished, page: Page) -> None:
    """From the list to a job, a step, its rollouts, one of them, and back."""
    open_page(page, finished.service)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(2):  # past the region that scrolls, to the job in it
        page.keyboard.press("Tab")
    expect(page.get_by_role("link", name=finished.job.id)).to_be_focused()
    page.keyboard.press("Enter")
    slider = page.get_by_label("Step", exact=True).first
    expect(slider).to_be_enabled()
    tab_to(page, "cursor")
    page.keyboard.press("Home")
    expect(page.locator("#at")).to_have_text("1")
    expect(page.locator("figcaption").first).to_contain_text("train")
    tab_to(page, "to-rollouts")
    page.keyboard.press("Enter")
    expect(page.locator("#rollouts-title")).to_be_focused()
    expect(page.locator('#rollouts [data-label="step"]').first).to_have_text("1")
    opener = page.locator("[data-open]").first
    name = opener.get_attribute("data-open")
    while page.evaluate("document.activeElement.dataset.open") != name:
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()


def tab_to(page: Page, identifier: str) -> None:
    """Press Tab until the element has the focus; a page has fewer stops than the limit."""
    for _ in range(60):
        if page.evaluate("document.activeElement.id") == identifier:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach #{identifier}")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("light", 390), ("dark", 390)])
def test_nobody_is_kept_out(finished: Finished, page: Page, scheme: Any, width: int) -> None:
    """axe-core finds nothing serious, and a phone's width needs no scrolling sideways."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("/", finished.path):
        open_page(page, finished.service, path)
        if path != "/":
            expect(page.locator("#cursor")).to_be_enabled()
            page.locator("#numbers summary").click()
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_moves_for_who_wants_no_motion(finished: Finished, page: Page) -> None:
    """Neither now, nor where a style should one day ask for it."""
    open_page(page, finished.service, finished.path)
    expect(page.locator("#cursor")).to_be_enabled()
    page.locator("[data-open]").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    move = """() => {
        const moving = document.querySelector("#viewer");
        moving.style.transition = "opacity 5s";
        moving.style.opacity = moving.style.opacity === "0.5" ? "0.9" : "0.5";
        return [document.getAnimations().length, getComputedStyle(moving).transitionProperty];
    }"""
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.evaluate(move) == [0, "none"]
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(move) == [1, "opacity"]


def test_the_list_shows_a_new_job_by_itself(
    start: Start, customer: Customer, customer_url: str, page: Page
) -> None:
    service = start()
    open_page(page, service)
    expect(page.get_by_text("No job yet")).to_be_visible()
    customer.delay_s = 0.02
    job = service.job(customer_url)
    expect(page.get_by_role("link", name=job.id)).to_be_visible()
    expect(page.get_by_text("No job yet")).to_be_hidden()
    expect(page.locator("#jobs .status")).to_have_text("succeeded")


def test_hostile_text_stays_text(
    service: Running, customer: Customer, customer_url: str, page: Page
) -> None:
    """What tools and graders write is shown, never run."""
    hostile = "<img src=x onerror=\"document.title='taken'\">"
    customer.tool = lambda body: JSONResponse(tool_answer(body, hostile))
    job = service.wait(service.job(customer_url).id)
    open_page(page, service, f"/finetune/{job.id}")
    page.locator("[data-open]").first.click()
    viewer = page.get_by_role("dialog")
    viewer.locator(".call details summary").click()
    expect(viewer.locator(".call pre").first).to_have_text(hostile)
    assert page.locator("#shown img").count() == 0
    assert page.title() != "taken"
