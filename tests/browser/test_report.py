"""The demo's report in a browser, as it is opened: from disk, with no network."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from buildhour_helpers.demo import DemoOptions, plan, run
from buildhour_helpers.home import home

from .pages import serious

READABLE_PX = 640  # of a figure's width, whatever the screen's


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of a very small demo."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BUILDHOUR_HOME", str(tmp_path_factory.mktemp("report")))
        patch.setattr(plan, "VALIDATION_QUESTIONS", 10)
        with ThreadPoolExecutor(1) as pool:  # this thread's event loop is the browser's
            pool.submit(run, DemoOptions(seed=3, steps=2, questions=5)).result()
        (folder,) = (home() / "demo").iterdir()
        return folder / "report.html"


@pytest.fixture(params=[(1280, "light"), (390, "light"), (390, "dark")], ids=str)
def shown(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Page]:
    """The report on a screen; nothing was fetched and nothing was logged."""
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    fetched, said = list[str](), list[str]()
    page.on("request", lambda one: fetched.append(one.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(report.as_uri())
    yield page
    context.close()
    assert [url for url in fetched if not url.startswith("data:")] == [report.as_uri()]
    assert said == []


def test_it_opens_from_disk_and_can_be_read_by_anybody_on_any_screen(shown: Page) -> None:
    assert serious(shown) == []
    width = (shown.viewport_size or {})["width"]
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    table: dict[str, Any] = shown.locator("table").first.bounding_box() or {}
    assert table["x"] + table["width"] <= width
    images = shown.locator("figure img")
    natural: list[int] = images.evaluate_all("all => all.map((image) => image.naturalWidth)")
    drawn: list[float] = images.evaluate_all("all => all.map((image) => image.width)")
    assert min(natural) > 0
    assert min(drawn) == max(drawn) >= READABLE_PX
