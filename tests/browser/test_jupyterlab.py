"""JupyterLab itself: a notebook opened and run, the dashboard moving and ending as a picture."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.left_behind import processes_left
from tests.service.conftest import Running
from tests.service.customer import Customer
from tests.service.servers import closed_port

from .conftest import PATIENCE_MS
from .jupyter import SETTLE, TOKEN, await_answer, lab, write_notebook
from .pages import last_step, pause_after

ROOT = Path(__file__).parents[2]

DASHBOARD = """\
from openai import OpenAI
from buildhour_helpers.analysis.widgets import JobDashboard
dashboard = JobDashboard(OpenAI(), "{job_id}", poll_s=0.2)
dashboard"""

VIEWER = """\
from buildhour_helpers.analysis.widgets import TraceViewer
call = {"type": "function_call", "name": "search", "call_id": "1", "arguments": '{"query": "x"}'}
out = {"type": "function_call_output", "call_id": "1", "output": "found nothing"}
ask = [{"role": "user", "content": "How much?"}]
TraceViewer([
    {"question_id": "q1", "trace": [*ask, call, out], "reward": 1.0},
    {"question_id": "q2", "trace": ask, "reward": 0.0},
])"""


@pytest.fixture
def tab(browser: Browser) -> Any:
    """A page without the counting of mistakes: what JupyterLab logs is not ours to mend."""
    context = browser.new_context(
        viewport={"width": 1400, "height": 1000},
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def open_and_run(page: Page, url: str) -> None:
    page.goto(f"{url}/lesson.ipynb?token={TOKEN}")
    expect(page.locator(".jp-Notebook")).to_be_visible()
    # Cells that are run before the kernel is there ask for one in a dialog.
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def save(page: Page) -> None:
    page.keyboard.press("Control+s")
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    page.wait_for_function("() => !document.title.startsWith('*')")


def shut_kernels_down(page: Page, url: str) -> None:
    root, headers = url.removesuffix("/lab/tree"), {"Authorization": f"token {TOKEN}"}
    for kernel in page.request.get(f"{root}/api/kernels", headers=headers).json():
        page.request.delete(f"{root}/api/kernels/{kernel['id']}", headers=headers)


def outputs(notebook: Path) -> list[dict[str, Any]]:
    saved = json.loads(notebook.read_text(encoding="utf-8"))
    return [output for cell in saved["cells"] for output in cell["outputs"]]


@pytest.fixture
def first_lesson(tmp_path: Path) -> Iterator[str]:
    """The address that `lab --no-browser` prints, for somebody who never started Jupyter before."""
    verb = [sys.executable, "-m", "buildhour_helpers", "lab", "--no-browser", "--allow-root"]
    log = tmp_path / "lab.log"
    with log.open("wb") as file:
        running = subprocess.Popen(
            [*verb, "--port", str(closed_port())],
            env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
            stdout=file,
            stderr=file,
        )
    try:
        for _ in range(SETTLE):
            if found := re.search(r"http://127\S+/lab\S*token=\w+", log.read_text("utf-8")):
                break
            assert running.poll() is None, log.read_text("utf-8")
            time.sleep(0.05)
        assert found
        await_answer(found[0], running)
        yield found[0]
    finally:
        running.terminate()
        running.wait()
        assert processes_left() == []


def test_lab_opens_the_first_lesson_and_reaches_the_solutions(first_lesson: str, tab: Page) -> None:
    hosts = set[str]()
    tab.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
    tab.goto(first_lesson)
    expect(tab.get_by_role("heading", name="00 Start here")).to_be_visible()
    expect(tab.locator("#jp-main-statusbar")).to_contain_text("| Idle")
    expect(tab.locator(".Toastify__toast, .jp-Dialog")).to_have_count(0)  # no news, no question
    contents = tab.locator("#table-of-contents")
    expect(contents).to_be_visible()
    expect(contents.get_by_text("The loop of Agent RFT")).to_be_visible()
    folded = tab.locator("details:has(summary:text('Hint 1'))").first
    expect(folded).not_to_have_attribute("open", "")
    tab.get_by_role("tab", name="File Browser").click()
    tab.locator(".jp-BreadCrumbs-home").click()
    tab.get_by_role("listitem", name=re.compile("^Name: solutions")).dblclick()
    for lesson in sorted((ROOT / "solutions").glob("*.ipynb")):
        item = tab.get_by_role("listitem", name=re.compile(f"^Name: {lesson.name}"))
        expect(item).to_be_visible()
    assert hosts <= {"", "127.0.0.1"}


def test_the_dashboard_moves_and_ends_as_a_picture(
    service: Running, customer: Customer, customer_url: str, tab: Page, tmp_path: Path
) -> None:
    customer.delay_s = 0.02
    method: dict[str, Any] = {"hyperparameters": {"batch_size": 5, "eval_interval": 2}}
    job = service.job(customer_url, rows=50, **method)
    service.client.fine_tuning.jobs.pause(service.wait(job.id, "running").id)
    notebook = tmp_path / "lesson.ipynb"
    write_notebook(notebook, [DASHBOARD.format(job_id=job.id), "6 * 7"])
    environment = {
        "OPENAI_BASE_URL": f"{service.url}/v1",
        "OPENAI_API_KEY": service.key,
        "PYTHONPATH": str(ROOT),
    }
    with lab(tmp_path, environment) as url:
        open_and_run(tab, url)
        first = tab.locator(".jp-CodeCell").first
        expect(first).to_contain_text(f"{job.id}: paused")
        expect(tab.locator(".jp-CodeCell").nth(1)).to_contain_text("42")  # the kernel is free
        assert service.client.fine_tuning.jobs.retrieve(job.id).status == "paused"
        resume = first.get_by_role("button", name="Resume")
        picture = first.locator("img[alt*='reward']")
        step = last_step(service, job.id)
        for _ in range(2):  # it is seen at one step, and then at another
            resume.click()
            step = pause_after(service, job.id, step)
            expect(first).to_contain_text(f"{job.id}: paused, step {step} of 10")
            expect(picture).to_have_attribute("alt", re.compile(f"over {step} steps"))
        resume.click()
        expect(first).to_contain_text("succeeded")
        expect(first.get_by_role("button", name="Pause")).to_have_count(0)  # the widget is gone
        expect(picture).to_be_visible()
        save(tab)
        tab.reload()
        expect(tab.locator(".jp-CodeCell img[alt*='reward']")).to_be_visible()
    (left, *_) = outputs(notebook)
    assert set(left["data"]) == {"text/plain", "text/html"}
    text = "".join(left["data"]["text/html"])
    assert re.search(r"<table>.*validation reward", text)
    assert "data:image/png;base64," in text
    assert service.key not in notebook.read_text(encoding="utf-8")


def test_the_viewer_filters_and_copies_and_leaves_a_table(tab: Page, tmp_path: Path) -> None:
    write_notebook(tmp_path / "lesson.ipynb", [VIEWER])
    with lab(tmp_path, {"PYTHONPATH": str(ROOT)}) as url:
        open_and_run(tab, url)
        cell = tab.locator(".jp-CodeCell").first
        expect(cell).to_contain_text("2 of 2 rollouts")
        expect(cell.locator("article.rollout")).to_contain_text("found nothing")
        cell.get_by_label("Tool", exact=True).select_option("search")
        expect(cell).to_contain_text("1 of 2 rollouts")
        cell.get_by_label("Tool", exact=True).select_option("any")
        expect(cell).to_contain_text("2 of 2 rollouts")
        cell.get_by_label("Question").fill("Q2")
        expect(cell).to_contain_text("1 of 2 rollouts")
        expect(cell.locator("article.rollout")).to_contain_text("no answer")
        cell.get_by_label("Question").fill("")
        expect(cell).to_contain_text("2 of 2 rollouts")
        cell.get_by_label("Outcome").select_option("wrong")
        expect(cell).to_contain_text("1 of 2 rollouts")
        expect(cell.locator("article.rollout")).to_contain_text("no answer")
        cell.get_by_label("Outcome").select_option("any")
        cell.get_by_label("Beside").select_option(index=1)
        expect(cell.locator(".pair .head")).to_have_count(2)
        cell.get_by_label("Beside").select_option(label="nothing")
        cell.get_by_role("button", name="Copy as JSON").click()
        expect(cell.get_by_text("Copied", exact=True)).to_be_visible()
        copied = json.loads(tab.evaluate("navigator.clipboard.readText()"))
        ask = {"role": "user", "content": "How much?"}
        assert copied == {"question_id": "q2", "trace": [ask], "reward": 0.0}
        save(tab)
        shut_kernels_down(tab, url)
        tab.reload()
        cell.get_by_text("The same 2 rollouts as a table").click()
        expect(cell.get_by_role("row")).to_have_count(3)
        for said in ("q1", "q2", "How much?", "search"):
            expect(cell.get_by_role("table")).to_contain_text(said)
        expect(cell.locator("article.rollout")).to_have_count(0)  # nothing draws the widget now
