"""A page with 2,000 steps and 50,000 rollouts: usable, its documents small, its rollouts paged.

Times depend on the machine, so only counts are held; `python -m tests.browser.test_large_job`
prints first paint and the memory of the page and of the process that draws it.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, expect

from rft_service.pages.access import link
from tests.service.conftest import Running, running
from tests.service.customer import Customer
from tests.service.servers import served

from .chromium import chromium

STEPS, ROLLOUTS = 2_000, 50_000


def enlarge(database: Path, job_id: str) -> None:
    """Give a finished job as many steps and rollouts as a long one has, by copying its own."""
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        (text,) = connection.execute(
            "SELECT data FROM events WHERE job_id = ? AND type = 'metrics' LIMIT 1", (job_id,)
        ).fetchone()
        step = json.loads(text)
        connection.execute("DELETE FROM events WHERE job_id = ?", (job_id,))
        connection.executemany(
            "INSERT INTO events (id, job_id, created_at, level, message, type, data)"
            " VALUES (?, ?, 0, 'info', ?, 'metrics', ?)",
            (
                (f"e{n}", job_id, f"Step {n}/{STEPS}", json.dumps(at_step(step, n)))
                for n in range(1, STEPS + 1)
            ),
        )
        (blob,) = connection.execute("SELECT record FROM rollouts LIMIT 1").fetchone()
        connection.execute("DELETE FROM rollouts")
        a_step = ROLLOUTS // STEPS
        connection.executemany(
            "INSERT INTO rollouts (job_id, step, phase, row, sample, trace_id, reward,"
            " stop_reason, record) VALUES (?, ?, 'train', ?, 0, ?, ?, 'answered', ?)",
            (
                (job_id, n // a_step + 1, n % a_step, f"trace_{n}", float(n % 2), blob)
                for n in range(ROLLOUTS)
            ),
        )
        connection.execute("UPDATE jobs SET step = ?, total_steps = ?", (STEPS, STEPS))


def at_step(step: dict[str, Any], number: int) -> dict[str, Any]:
    reward = (number + number * 7919 % 400) / (STEPS + 400)
    valid = reward if number % 10 == 0 else None
    return {
        **step, "step": number, "total_steps": STEPS,
        "train_mean_reward": reward, "full_valid_mean_reward": valid,
    }  # fmt: skip


def look(page: Page, service: Running, job_id: str) -> dict[str, float]:
    """Open the page, go through it as a reader would; sizes, and times in seconds."""
    started = time.perf_counter()
    page.goto(link(service.url, service.key, f"/finetune/{job_id}"))
    expect(page.locator("#cursor")).to_have_attribute("max", str(STEPS))
    all_drawn_s = time.perf_counter() - started
    paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    first_paint_s = page.evaluate(paint) / 1000
    started = time.perf_counter()
    page.locator("#cursor").focus()
    page.keyboard.press("Home")
    expect(page.locator("#at")).to_have_text("1")
    slider_s = time.perf_counter() - started
    started = time.perf_counter()
    page.get_by_label("step", exact=True).fill("")
    page.get_by_label("outcome").select_option("right")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#page-said")).to_have_text("Rollouts 1 to 25, and more")
    for number in range(1, 4):
        page.get_by_role("button", name="Next page").click()
        expect(page.locator("#page-said")).to_contain_text(f"Rollouts {25 * number + 1} to")
    four_pages_s = time.perf_counter() - started
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"]
    return {
        "first_paint_s": first_paint_s,
        "all_drawn_s": all_drawn_s,
        "slider_s": slider_s,
        "four_pages_s": four_pages_s,
        "heap_mib": heap / 2**20,
        "elements": page.evaluate("document.querySelectorAll('*').length"),
        "points": page.evaluate(
            "Math.max(...[...document.querySelectorAll('polyline')].map((l) => l.points.length))"
        ),
    }


def renderer_mib() -> float:
    """The resident memory of this process's largest renderer, all that a page needs included."""
    family = psutil.Process().children(recursive=True)
    sizes = [one.memory_info().rss for one in family if "--type=renderer" in one.cmdline()]
    return max(sizes) / 2**20


def test_a_long_job_stays_usable(service: Running, customer_url: str, page: Page) -> None:
    job = service.wait(service.job(customer_url).id)
    enlarge(service.home / "service.sqlite", job.id)
    found = look(page, service, job.id)
    assert found["elements"] < 3_000
    assert found["points"] <= 200
    assert found["heap_mib"] < 50
    assert page.locator("#rollouts tbody tr").count() == 25
    assert page.locator("#events li").count() == 50
    page.get_by_role("button", name="Older events").click()
    expect(page.locator("#events li")).to_have_count(100)


def main() -> int:
    with (
        tempfile.TemporaryDirectory() as folder,
        chromium() as browser,
        running(Path(folder)) as service,
        served(Customer().app()) as customer_url,
    ):
        job = service.wait(service.job(customer_url).id)
        enlarge(service.home / "service.sqlite", job.id)
        page = browser.new_page()
        page.goto("about:blank")
        empty_mib = renderer_mib()
        found = look(page, service, job.id)
        found |= {"renderer_mib": renderer_mib(), "empty_renderer_mib": empty_mib}
        page.close()
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
